"""The report of a follow-up: scans, warnings, pairs with growth, both dates side by side, what changed, methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from LungNoduleAILib.model.pairs import MATCHED, FollowUp, Pair, ScanEntry
from LungNoduleAILib.report.growth_svg import growth_svg
from LungNoduleAILib.report.views import figure
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.report import Picture, draw_boxes, render, with_title
from ThoraxAILib.report.drawing import Box
from ThoraxAILib.report.page import bullets, number, page, position, section, table

SHOWN_PAIRS = 60
FIELD_MM, PIXELS = 60.0, 260


@dataclass(frozen=True, eq=False)
class FollowUpPictures:
    """What is drawn: the last two CTs, the prior in the current scan, and further pictures with their captions."""

    prior: Volume
    current: Volume
    warped_prior: Volume | None = None
    sheets: tuple[tuple[str, Picture], ...] = ()


def write_follow_up_report(path: Path, follow_up: FollowUp, pictures: FollowUpPictures, run: dict) -> None:
    """Write one HTML file; ``run`` is the content of run.json."""
    body = [
        _scans(follow_up),
        _pairs(follow_up),
        _chart(follow_up),
        _each_pair(follow_up, pictures),
        _changes(follow_up, pictures),
        _methods(run),
    ]
    name = str((run.get("inputs") or [{}])[-1].get("name", "")) or "unnamed case"
    path.write_text(page(name, "\n".join(body), "Chest CT follow-up"), encoding="utf-8")


def _scans(follow_up: FollowUp) -> str:
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
        _scan_row(number_, scan, gap)
        for number_, (scan, gap) in enumerate(zip(follow_up.scans, gaps, strict=True), start=1)
    ]
    warnings = dict.fromkeys(text for interval in follow_up.intervals for text in interval.warnings)
    return section("Scans", table(head, rows) + bullets(warnings, "warning"))


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


def _pairs(follow_up: FollowUp) -> str:
    """The table of the last two dates."""
    pairs = follow_up.intervals[-1].pairs
    if not pairs:
        return section("Pairs", "<p>No nodule was found at either date. This does not exclude one.</p>")
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
    rows = [_pair_row(order, pair) for order, pair in enumerate(pairs, start=1)]
    words = (
        "A change inside the band is what repeated measurement alone explains. Growth: at least 25 % of volume "
        "and beyond the band; the rule of more than 1.5 mm is told beside it."
    )
    return section(f"Pairs ({len(pairs)})", table(head, rows) + f'<p class="quiet">{escape(words)}</p>')


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


def _chart(follow_up: FollowUp) -> str:
    drawing = growth_svg(follow_up)
    return section("Volume over time", drawing) if drawing else ""


def _each_pair(follow_up: FollowUp, pictures: FollowUpPictures) -> str:
    """A card per pair: the nodule at the prior date, its place in the aligned prior, and the current date."""
    pairs = follow_up.intervals[-1].pairs
    cards = [_card(order, pair, pictures) for order, pair in enumerate(pairs[:SHOWN_PAIRS], start=1)]
    more = len(pairs) - len(cards)
    rest = f'<p class="quiet">Pictures of {more} more pairs are left out.</p>' if more > 0 else ""
    return section("Each pair", "\n".join(cards) + rest) if cards else ""


def _card(order: int, pair: Pair, pictures: FollowUpPictures) -> str:
    views = [
        ("Prior", pictures.prior, pair.prior_center_ras_mm),
        ("Prior, aligned", pictures.warped_prior, pair.current_center_ras_mm),
        ("Current", pictures.current, pair.current_center_ras_mm),
    ]
    figures = [_view(name, volume, place) for name, volume, place in views if volume is not None and place is not None]
    reasons = () if pair.growth is None else pair.growth.reasons
    words = [*reasons, *pair.notes]
    if pair.growth is not None and pair.growth.vdt_reason:
        words.append(pair.growth.vdt_reason)
    title = f"P{order}: {pair.status}" + (f", {pair.growth.growth}" if pair.growth and pair.status == MATCHED else "")
    return (
        f'<article class="finding"><h3>{escape(title)}</h3><p class="facts">{escape(" ".join(words))}</p>'
        f'<div class="row">{"".join(figures)}</div></article>'
    )


def _view(name: str, volume: Volume, place: tuple[float, float, float]) -> str:
    try:
        picture = render(volume, "axial", place, field_mm=FIELD_MM, pixel_mm=FIELD_MM / PIXELS)
    except InputError:  # the place lies outside this scan
        return ""
    picture = draw_boxes(picture, [Box(place, (2.0, 2.0, 2.0), "")], 6)
    return figure(with_title(picture, name, "R"), f"{name}, RAS ({position(place)}) mm")


def _changes(follow_up: FollowUp, pictures: FollowUpPictures) -> str:
    """What the difference map shows."""
    interval = follow_up.intervals[-1]
    if interval.registration is None:
        return section("What changed", "<p>The scans were not registered, so there is no difference map.</p>")
    quality = interval.registration
    facts = bullets(f"{name.replace('_', ' ')}: {value}" for name, value in quality.items() if name != "regions")
    facts += table(
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
    found = table(head, rows) if rows else "<p>No significant difference inside the lungs.</p>"
    sheets = "".join(figure(picture, caption) for caption, picture in pictures.sheets)
    return section("What changed", found + f'<div class="row">{sheets}</div>' + facts)


def _named(entry: dict) -> str:
    """The finding at a change, with its date."""
    when = "prior" if entry.get("kind") in ("shrank", "vanished") else "current"
    return f"{when} {entry['finding_id']}" if entry.get("finding_id") else "–"


def _methods(run: dict) -> str:
    software = run.get("software", {}).get("thoraxai", "")
    models: Sequence[dict] = run.get("models", [])
    lines = [f"ThoraxAI {software}."]
    lines += [
        f"{str(model['role']).capitalize()}: {model['name']} (fingerprint {str(model['fingerprint'])[:16]})."
        for model in models
    ]
    lines += [f"{name}: {value}" for name, value in run.get("options", {}).items()]
    head = [("Stage", False), ("Seconds", True), ("Peak memory (MB)", True)]
    stages = [
        (str(entry.get("name", "")), f"{entry.get('seconds', 0):.1f}", f"{entry.get('peak_mb', 0):.0f}")
        for entry in run.get("stages", [])
    ]
    return section("Methods", bullets(lines) + (table(head, stages) if stages else ""))
