"""The report of a follow-up: scans, warnings, pairs with growth, both dates side by side, what changed, methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from LungNoduleAILib.model.pairs import MATCHED, FollowUp, Interval, Pair, ScanEntry
from LungNoduleAILib.report.growth_chart import growth_chart
from LungNoduleAILib.report.methods import case_name, stages_table
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.report import Picture, draw_boxes, render, with_title
from ThoraxAILib.report.drawing import Box
from ThoraxAILib.report.page import Figure, Table, number, position, render_page

TEMPLATE = Path(__file__).parent / "templates" / "follow_up.html"
SHOWN_PAIRS = 60
FIELD_MM, PIXELS = 60.0, 260


@dataclass(frozen=True, eq=False)
class FollowUpPictures:
    """What is drawn: the last two CTs, the prior in the current scan, and further pictures with their captions."""

    prior: Volume
    current: Volume
    warped_prior: Volume | None = None
    sheets: tuple[tuple[str, Picture], ...] = ()


@dataclass(frozen=True)
class ScansContent:
    """One row per scan, and what to be careful about when they are compared."""

    table: Table
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class PairCard:
    """One pair in words, and the nodule at the prior date, its place in the aligned prior, and the current date."""

    title: str
    words: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class PairCards:
    """The cards that are shown, and how many pairs have none to keep the file small."""

    cards: tuple[PairCard, ...]
    more: int


@dataclass(frozen=True)
class ChangesContent:
    """What the difference map shows, its pictures, and how good the registration is as a whole and by region."""

    differences: Table
    figures: tuple[Figure, ...]
    quality: tuple[str, ...]
    regions: Table


@dataclass(frozen=True)
class FollowUpMethods:
    """Software, models and options in lines; stages with time and memory."""

    lines: tuple[str, ...]
    stages: Table


def write_follow_up_report(path: Path, follow_up: FollowUp, pictures: FollowUpPictures, run: dict) -> None:
    """Write one HTML file; ``run`` is the content of run.json."""
    text = render_page(
        TEMPLATE,
        f"Chest CT follow-up: {case_name(run)}",
        scans=_scans(follow_up),
        pairs=_pairs(follow_up),
        chart=growth_chart(follow_up),
        each_pair=_cards(follow_up, pictures),
        changes=_changes(follow_up, pictures),
        methods=_methods(run),
    )
    path.write_text(text, encoding="utf-8")


def _scans(follow_up: FollowUp) -> ScansContent:
    head = [
        ("Scan", True),
        ("Date", False),
        ("Days from prior", True),
        ("Kernel", False),
        ("Slices (mm)", True),
        ("Contrast", False),
        ("Findings", True),
    ]
    gaps = [None, *(interval.days for interval in follow_up.intervals)]
    rows = [
        _scan_row(order, scan, gap)
        for order, (scan, gap) in enumerate(zip(follow_up.scans, gaps, strict=True), start=1)
    ]
    warnings = dict.fromkeys(text for interval in follow_up.intervals for text in interval.warnings)
    return ScansContent(Table.of(head, rows), tuple(warnings))


def _scan_row(order: int, scan: ScanEntry, days: int | None) -> list[str]:
    return [
        str(order),
        scan.date or "–",
        "–" if days is None else str(days),
        scan.kernel or "–",
        number(scan.slice_mm, 2),
        scan.contrast or "–",
        str(len(scan.findings)),
    ]


def _pairs(follow_up: FollowUp) -> Table:
    """Return the table of the last two dates."""
    head = [
        ("Pair", False),
        ("Prior", False),
        ("Current", False),
        ("Status", False),
        ("Probability", True),
        ("Volume change (%)", True),
        ("Band (±%)", True),
        ("Diameter (mm)", True),
        ("Growth", False),
        ("Doubling time (d)", True),
        ("Methods agree", False),
    ]
    return Table.of(head, [_pair_row(*numbered) for numbered in enumerate(follow_up.intervals[-1].pairs, start=1)])


def _pair_row(order: int, pair: Pair) -> list[str]:
    growth = pair.growth
    agree = "–" if pair.method_agreement is None else "yes" if pair.method_agreement else "no"
    numbers = (
        ["–"] * 5
        if growth is None
        else [
            number(growth.volume_change_percent, 0),
            number(growth.band_percent, 0),
            number(growth.diameter_change_mm),
            growth.growth,
            number(growth.vdt_days, 0),
        ]
    )
    status = pair.status + (" (reader)" if pair.decided_by == "reader" else "")
    return [
        f"P{order}",
        pair.prior_id or "–",
        pair.current_id or "–",
        status,
        number(pair.match_probability, 2),
        *numbers,
        agree,
    ]


def _cards(follow_up: FollowUp, pictures: FollowUpPictures) -> PairCards:
    """Return a card per pair of the last two dates, as far as the page shows them."""
    pairs = follow_up.intervals[-1].pairs
    cards = tuple(_card(order, pair, pictures) for order, pair in enumerate(pairs[:SHOWN_PAIRS], start=1))
    return PairCards(cards, len(pairs) - len(cards))


def _card(order: int, pair: Pair, pictures: FollowUpPictures) -> PairCard:
    views = [
        ("Prior", pictures.prior, pair.prior_center_ras_mm),
        ("Prior, aligned", pictures.warped_prior, pair.current_center_ras_mm),
        ("Current", pictures.current, pair.current_center_ras_mm),
    ]
    figures = (_view(name, volume, place) for name, volume, place in views if volume is not None and place is not None)
    reasons = () if pair.growth is None else pair.growth.reasons
    words = [*reasons, *pair.notes]
    if pair.growth is not None and pair.growth.vdt_reason:
        words.append(pair.growth.vdt_reason)
    title = f"P{order}: {pair.status}" + (f", {pair.growth.growth}" if pair.growth and pair.status == MATCHED else "")
    return PairCard(title, " ".join(words), tuple(figure for figure in figures if figure is not None))


def _view(name: str, volume: Volume, place: tuple[float, float, float]) -> Figure | None:
    try:
        picture = render(volume, "axial", place, field_mm=FIELD_MM, pixel_mm=FIELD_MM / PIXELS)
    except InputError:  # the place lies outside this scan
        return None
    picture = draw_boxes(picture, [Box(place, (2.0, 2.0, 2.0), "")], 6)
    return Figure.of(with_title(picture, name, "R"), f"{name}, RAS ({position(place)}) mm")


def _changes(follow_up: FollowUp, pictures: FollowUpPictures) -> ChangesContent | None:
    """Return what the difference map shows; None where the scans were not registered."""
    interval = follow_up.intervals[-1]
    if interval.registration is None:
        return None
    quality = interval.registration
    facts = (f"{name.replace('_', ' ')}: {value}" for name, value in quality.items() if name != "regions")
    regions = Table.of(
        [("Registration", False), ("Uncertainty (mm)", True), ("95 % below (mm)", True), ("Poorly matched (%)", True)],
        [
            (
                str(region["name"]),
                number(region["uncertainty_mean_mm"]),
                number(region["uncertainty_p95_mm"]),
                number(region["poor_percent"]),
            )
            for region in quality.get("regions", [])
        ],
    )
    figures = tuple(Figure.of(picture, caption) for caption, picture in pictures.sheets)
    return ChangesContent(_differences(interval), figures, tuple(facts), regions)


def _differences(interval: Interval) -> Table:
    """One row per significant difference."""
    rows = [
        [
            str(entry.get("kind", "")),
            position(entry["center_ras_mm"]),
            number(entry.get("diameter_mm")),
            number(entry.get("volume_mm3"), 0),
            number(entry.get("mean_difference_hu"), 0),
            _named(entry),
        ]
        for entry in interval.differences
    ]
    head = [
        ("What", False),
        ("Center RAS (mm)", False),
        ("Diameter (mm)", True),
        ("Volume (mm3)", True),
        ("Difference (HU)", True),
        ("Finding", False),
    ]
    return Table.of(head, rows)


def _named(entry: dict) -> str:
    """Return the finding at a change, with its date."""
    when = "prior" if entry.get("kind") in ("shrank", "vanished") else "current"
    return f"{when} {entry['finding_id']}" if entry.get("finding_id") else "–"


def _methods(run: dict) -> FollowUpMethods:
    software = run.get("software", {}).get("thoraxai", "")
    models: Sequence[dict] = run.get("models", [])
    lines = [f"ThoraxAI {software}."]
    lines += [
        f"{str(model['role']).capitalize()}: {model['name']} (fingerprint {str(model['fingerprint'])[:16]})."
        for model in models
    ]
    lines += [f"{name}: {value}" for name, value in run.get("options", {}).items()]
    return FollowUpMethods(tuple(lines), stages_table(run))
