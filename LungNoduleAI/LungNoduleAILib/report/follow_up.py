"""The report of a follow-up: scans, warnings, pairs with growth, both dates side by side, what changed, methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from string import Formatter

from LungNoduleAILib.analysis.importance import by_suspicion
from LungNoduleAILib.guidelines.from_findings import before_of_follow_up
from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.pairs import MATCHED, FollowUp, Interval, Pair, ScanEntry
from LungNoduleAILib.report.growth_chart import GrowthChart, growth_chart
from LungNoduleAILib.report.guidelines import GuidelinesContent, guidelines_content
from LungNoduleAILib.report.head import iso_date
from LungNoduleAILib.report.impression import impression
from LungNoduleAILib.report.methods import case_name, methods_text, stages_table
from LungNoduleAILib.report.prior_exam import decided_words, fates_words
from LungNoduleAILib.report.views import (
    CALIPER_COLOR,
    WINDOWS,
    View,
    calipers_of,
    nodule_field_mm,
    outline_of,
    slice_words,
)
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.report import Picture, draw_boxes, render, with_title
from ThoraxAILib.report.drawing import Box, draw_lines, draw_scale_bar
from ThoraxAILib.report.page import Figure, Table, number, position, render_page
from ThoraxAILib.report.slices import Window

# what is known of a registration without the truth, see followup.registration.quality
QUALITY_WORDS = (
    "The lungs cover each other by {lung_dice:.3f} (Dice), by {lung_dice_affine:.3f} before bending.",
    "Local correlation in the lungs: {similarity:.3f}, {similarity_affine:.3f} before bending.",
    "Places moved by {mean_displacement_mm:.1f} mm on average, at most {max_displacement_mm:.1f} mm.",
    "They are unsure by {uncertainty_mean_mm:.1f} mm on average; {poor_percent:.1f} % of the lungs match poorly.",
    "There and back a place is off by {inverse_consistency_mean_mm:.2f} mm on average, 95 % are below "
    "{inverse_consistency_p95_mm:.2f} mm.",
    "{lung_folded_percent:.1f} % of the lungs are folded.",
)
TEMPLATE = Path(__file__).parent / "templates" / "follow_up.html"
SHOWN_PAIRS = 60
PIXELS = 260
PLACE_FIELD_MM = 40.0  # around a place where no nodule is
SOFT_FROM_MM = 8.0  # solid nodules from here on are also shown in the soft-tissue window


@dataclass(frozen=True, eq=False)
class FollowUpPictures:
    """What is drawn: the last two CTs, the prior in the current scan, further pictures, and the outlined findings.

    ``prior_findings`` and ``current_findings`` are by id, with their masks.
    """

    prior: Volume
    current: Volume
    warped_prior: Volume | None = None
    sheets: tuple[tuple[str, Picture], ...] = ()
    prior_findings: Mapping[str, Finding] = field(default_factory=dict)
    current_findings: Mapping[str, Finding] = field(default_factory=dict)


@dataclass(frozen=True)
class ScansContent:
    """One row per scan, what to be careful about when they are compared, and what was decided in reading them."""

    table: Table
    warnings: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PairCard:
    """One pair in words, and the nodule at the prior date, its place in the aligned prior, and the current date."""

    title: str
    words: str
    views: tuple[View, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The views for an HTML page."""
        return tuple(view.figure() for view in self.views)


@dataclass(frozen=True)
class PairCards:
    """The cards that are shown, and how many pairs have none to keep the file small."""

    cards: tuple[PairCard, ...]
    more: int


@dataclass(frozen=True)
class ChangesContent:
    """What the difference map shows, its pictures, and how good the registration is as a whole and by region."""

    differences: Table
    views: tuple[View, ...]
    quality: tuple[str, ...]
    regions: Table

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The views for an HTML page."""
        return tuple(view.figure() for view in self.views)


@dataclass(frozen=True)
class FollowUpMethods:
    """Software, models and options in lines; stages with time and memory."""

    lines: tuple[str, ...]
    stages: Table


@dataclass(frozen=True)
class FollowUpContent:
    """All that the report of a follow-up holds, in the order of its pages."""

    title: str
    impression: tuple[str, ...]
    scans: ScansContent
    pairs: Table
    guidelines: GuidelinesContent | None
    chart: GrowthChart | None
    each_pair: PairCards
    changes: ChangesContent | None
    methods: FollowUpMethods


def follow_up_content(
    follow_up: FollowUp, pictures: FollowUpPictures, run: dict, person: PersonAndExam | None = None
) -> FollowUpContent:
    """Return the content of the report; ``run`` is the content of run.json.

    Growth becomes a category or advice where ``person`` states the kind of exam.
    """
    stated, current = person or PersonAndExam(), follow_up.scans[-1].findings
    before = before_of_follow_up(follow_up, current)
    return FollowUpContent(
        f"Chest CT follow-up: {case_name(run)}",
        (fates_words(follow_up), *impression(current, (), stated, before)),
        _scans(follow_up, run),
        _pairs(follow_up),
        guidelines_content(by_suspicion(current, before), stated, before),
        growth_chart(follow_up),
        _cards(follow_up, pictures),
        _changes(follow_up, pictures),
        _methods(run),
    )


def write_follow_up_report(
    path: Path, follow_up: FollowUp, pictures: FollowUpPictures, run: dict, person: PersonAndExam | None = None
) -> FollowUpContent:
    """Write one HTML file and return its content, from which ``write_follow_up_pdf`` makes the PDF."""
    content = follow_up_content(follow_up, pictures, run, person)
    parts = {part.name: getattr(content, part.name) for part in fields(content) if part.name != "title"}
    path.write_text(render_page(TEMPLATE, content.title, **parts), encoding="utf-8")
    return content


def _scans(follow_up: FollowUp, run: dict) -> ScansContent:
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
    return ScansContent(Table.of(head, rows), tuple(warnings), tuple(run.get("warnings", ())))


def _scan_row(order: int, scan: ScanEntry, days: int | None) -> list[str]:
    return [
        str(order),
        iso_date(scan.date) or "–",
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
        ("Lobe, type", False),
        ("Diameter prior \u2192 current (mm)", False),
        ("Volume prior \u2192 current (mm3)", False),
        ("Volume change (%)", True),
        ("Band (±%)", True),
        ("Change of diameter (mm)", True),
        ("Growth", False),
        ("Doubling time", False),
        ("Methods agree", False),
    ]
    prior, current = ({one.id: one for one in scan.findings} for scan in follow_up.scans[-2:])
    pairs = enumerate(follow_up.intervals[-1].pairs, start=1)
    return Table.of(
        head,
        [
            _pair_row(order, pair, prior.get(pair.prior_id or ""), current.get(pair.current_id or ""))
            for order, pair in pairs
        ],
    )


def _both(prior: Finding | None, current: Finding | None, name: str, decimals: int) -> str:
    """Return '8.1 -> 10.4', with a dash for the date at which it is missing."""
    texts = ("\u2013" if one is None else number(getattr(one, name), decimals) for one in (prior, current))
    return "\u00a0\u2192 ".join(texts)


def _pair_row(order: int, pair: Pair, prior: Finding | None, current: Finding | None) -> list[str]:
    growth = pair.growth
    agree = "–" if pair.method_agreement is None else "yes" if pair.method_agreement else "no"
    numbers = (
        ["\u2013"] * 5
        if growth is None
        else [
            number(growth.volume_change_percent, 0),
            number(growth.band_percent, 0),
            number(growth.diameter_change_mm),
            growth.growth,
            growth.doubling_words or "\u2013",
        ]
    )
    status = pair.status + (" (reader)" if pair.decided_by == "reader" else "") + decided_words(prior, current)
    return [
        f"P{order}",
        pair.prior_id or "–",
        pair.current_id or "–",
        status,
        _kind(current or prior),
        _both(prior, current, "mean_diameter_mm", 1),
        _both(prior, current, "volume_mm3", 0),
        *numbers,
        agree,
    ]


def _kind(finding: Finding | None) -> str:
    return "\u2013" if finding is None else ", ".join(text for text in (finding.lobe, finding.type) if text)


def _cards(follow_up: FollowUp, pictures: FollowUpPictures) -> PairCards:
    """Return a card per pair of the last two dates, as far as the page shows them."""
    pairs = follow_up.intervals[-1].pairs
    cards = tuple(_card(order, pair, pictures) for order, pair in enumerate(pairs[:SHOWN_PAIRS], start=1))
    return PairCards(cards, len(pairs) - len(cards))


def _card(order: int, pair: Pair, pictures: FollowUpPictures) -> PairCard:
    prior = pictures.prior_findings.get(pair.prior_id or "")
    current = pictures.current_findings.get(pair.current_id or "")
    found = [one for one in (prior, current) if one is not None]
    field_mm = max((nodule_field_mm(one) for one in found), default=PLACE_FIELD_MM)
    views = [
        ("Prior", pictures.prior, pair.prior_center_ras_mm, prior),
        ("Prior, aligned", pictures.warped_prior, pair.current_center_ras_mm, None),
        ("Current", pictures.current, pair.current_center_ras_mm, current),
    ]
    is_dense = any(one.type != "ground-glass" and one.mean_diameter_mm >= SOFT_FROM_MM for one in found)
    shown = [
        _view(name, volume, place, finding, field_mm, window)
        for window in WINDOWS[: 1 + is_dense]
        for name, volume, place, finding in views
        if volume is not None and place is not None
    ]
    reasons = () if pair.growth is None else pair.growth.reasons
    words = [
        *reasons,
        *pair.notes,
        *(f"Reader: {one.reason}." for one in found if one.reason and one.status != "rejected"),
    ]
    if pair.growth is not None and pair.growth.vdt_reason:
        words.append(pair.growth.vdt_reason)
    sizes = f", {_both(prior, current, 'mean_diameter_mm', 1)} mm" if found else ""
    verdict = f", {pair.growth.growth}" if pair.growth and pair.status == MATCHED else ""
    title = f"P{order}: {pair.status}{verdict}{sizes}{decided_words(prior, current)}"
    return PairCard(title, " ".join(words), tuple(view for view in shown if view is not None))


def _view(
    name: str,
    volume: Volume,
    place: tuple[float, float, float],
    finding: Finding | None,
    field_mm: float,
    window: tuple[str, Window],
) -> View | None:
    overlay = None if finding is None else outline_of(volume, finding)
    try:
        picture = render(
            volume, "axial", place, field_mm=field_mm, pixel_mm=field_mm / PIXELS, window=window[1], overlay=overlay
        )
    except InputError:  # the place lies outside this scan
        return None
    if finding is not None:
        picture = draw_lines(picture, calipers_of(finding), CALIPER_COLOR)
    if overlay is None:
        picture = draw_boxes(picture, [Box(place, (2.0, 2.0, 2.0), "")], 6)
    picture = draw_scale_bar(with_title(picture, name, "R"), 10.0)
    return View(picture, f"{name}, {window[0]}, {slice_words(volume, 'axial', place)}")


def _changes(follow_up: FollowUp, pictures: FollowUpPictures) -> ChangesContent | None:
    """Return what the difference map shows; None where the scans were not registered."""
    interval = follow_up.intervals[-1]
    if interval.registration is None:
        return None
    quality = interval.registration
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
    views = tuple(View(picture, caption) for caption, picture in pictures.sheets)
    return ChangesContent(_differences(interval), views, registration_words(quality), regions)


def registration_words(quality: Mapping[str, object]) -> tuple[str, ...]:
    """Return how good a registration is (the JSON of LungQuality) in sentences, those of which all values are known."""
    known = {name for name, value in quality.items() if isinstance(value, float)}
    names = {text: {name for _, name, _, _ in Formatter().parse(text) if name} for text in QUALITY_WORDS}
    return tuple(text.format(**quality) for text in QUALITY_WORDS if names[text] <= known)


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
    return FollowUpMethods((methods_text(lobes_approximate=False, record=run),), stages_table(run))
