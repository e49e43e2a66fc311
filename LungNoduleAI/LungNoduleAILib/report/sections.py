"""The content of the sections of words and tables: what was read, the lungs, the findings, and what was removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from LungNoduleAILib.model.findings import Finding, QualityNote, Removed
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.report.page import Table, number, position

THIN_SLICE_MM = 1.5  # Fleischner 2017: thin sections (<= 1.5 mm) for measuring nodules
SHOWN_REMOVED = 60


@dataclass(frozen=True)
class Reading:
    """What was read: facts on the image, notes of the reader, and what limits the measurements."""

    facts: Table
    notes: tuple[str, ...]
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """One verdict on the lungs in words, with its place where it has one; severity info, warning or error."""

    severity: str
    text: str


@dataclass(frozen=True)
class LungsContent:
    """Volumes of the lungs and the verdicts on them; whether it must be added that lobes are approximate."""

    volumes: Table
    verdicts: tuple[Verdict, ...]
    lobes_are_approximate: bool


@dataclass(frozen=True)
class RemovedContent:
    """How many candidates were removed, the most confident of them, and how many more there are."""

    count: int
    shown: Table
    more: int


def reading_content(result: AnalysisResult) -> Reading:
    """Return what the images are, what had to be repaired, and what limits the measurements."""
    volume = result.volume
    across, down, along = volume.array.shape[::-1]
    spacing = " x ".join(f"{mm:.2f}" for mm in volume.spacing_ijk_mm)
    identity = volume.identity
    thickness = "" if identity.slice_thickness_mm is None else f"{identity.slice_thickness_mm:g} mm"
    facts = [
        ("Modality", volume.modality),
        ("Voxels (i x j x k)", f"{across} x {down} x {along}"),
        ("Spacing", f"{spacing} mm"),
        ("Slice thickness", thickness),
        ("Kernel", identity.kernel),
        ("Contrast", identity.contrast),
        ("Manufacturer", identity.manufacturer),
    ]
    table = Table.of([("Image", False), ("", False)], [fact for fact in facts if fact[1]])
    return Reading(table, tuple(dict.fromkeys((*volume.notes, *result.findings.notes))), _cautions(result))


def _cautions(result: AnalysisResult) -> tuple[str, ...]:
    """Sentences on slices and kernel that a reader of the numbers should know, unless a verdict says so already."""
    volume = result.volume
    thick = max(float(volume.spacing_ijk_mm.max()), volume.identity.slice_thickness_mm or 0.0)
    cautions = []
    if thick > THIN_SLICE_MM and all(note.code != "thick_slices" for note in result.findings.lungs.quality):
        cautions.append(
            f"Slices of {thick:g} mm: small nodules may be missed and sizes are less exact than on slices "
            f"of {THIN_SLICE_MM:g} mm or less."
        )
    if volume.identity.kernel:
        cautions.append(
            f"Reconstruction kernel {volume.identity.kernel}: compare volumes only with scans of the same "
            "kernel, slice thickness and software."
        )
    return tuple(cautions)


def lungs_content(result: AnalysisResult) -> LungsContent:
    """Volumes and verdicts on the lungs."""
    lungs = result.findings.lungs
    rows = [("Both", number(lungs.both_ml, 0))]
    if lungs.right_ml is not None and lungs.left_ml is not None:
        both = round(lungs.right_ml) + round(lungs.left_ml)  # the sum of what is shown
        rows = [
            ("Right lung", number(lungs.right_ml, 0)),
            ("Left lung", number(lungs.left_ml, 0)),
            ("Both", number(both, 0)),
        ]
    said = any(note.code == "lobes_approximate" for note in lungs.quality)
    return LungsContent(
        Table.of([("", False), ("Volume (mL)", True)], rows),
        tuple(_verdict(note) for note in lungs.quality),
        result.lobes_approximate and not said,
    )


def _verdict(note: QualityNote) -> Verdict:
    place = "" if note.center_ras_mm is None else f" At RAS ({position(note.center_ras_mm)}) mm."
    extent = "" if note.size_mm is None else f" Size {position(note.size_mm)} mm."
    return Verdict(note.severity, note.text + place + extent)


def findings_table(result: AnalysisResult, findings: Sequence[Finding]) -> Table:
    """One row per finding, in the order given."""
    return Table.of(_head(result), [_finding_row(finding) for finding in findings])


def doubtful_table(result: AnalysisResult, findings: Sequence[Finding]) -> Table:
    """Return the same for marks that are probably no nodule or were rejected, with the reason."""
    rows = [[*_finding_row(one), one.reason or one.doubt or "\u2013"] for one in findings]
    return Table.of([*_head(result), ("Why", False)], rows)


def _head(result: AnalysisResult) -> list[tuple[str, bool]]:
    return [
        ("Id", False),
        ("Lobe (approx.)" if result.lobes_approximate else "Lobe", False),
        ("Mean / long / short (mm)", False),
        ("Volume (mm3)", True),
        ("Of its mask (mm3)", True),
        ("Type", False),
        ("Confidence", True),
        ("Status", False),
    ]


def _finding_row(finding: Finding) -> list[str]:
    sizes = " / ".join(number(mm) for mm in (finding.mean_diameter_mm, finding.long_axis_mm, finding.short_axis_mm))
    kind = finding.type if finding.kind == "nodule" else f"{finding.type} {finding.kind}"
    where = finding.where("\u2013")
    return [
        finding.id,
        where,
        sizes,
        number(finding.volume_mm3, 0),
        number(finding.mask_volume_mm3, 0),
        kind,
        number(finding.confidence, 2),
        finding.status,
    ]


def removed_content(result: AnalysisResult) -> RemovedContent:
    """Candidates that were not reported, the most confident first."""
    removed = sorted(result.findings.removed, key=lambda candidate: -candidate.confidence)
    head = [("Center RAS (mm)", False), ("Diameter (mm)", True), ("Confidence", True), ("Reason", False)]
    shown = Table.of(head, [_removed_row(candidate) for candidate in removed[:SHOWN_REMOVED]])
    return RemovedContent(len(removed), shown, max(0, len(removed) - SHOWN_REMOVED))


def _removed_row(removed: Removed) -> list[str]:
    return [position(removed.center_ras_mm), number(removed.diameter_mm), number(removed.confidence, 2), removed.reason]
