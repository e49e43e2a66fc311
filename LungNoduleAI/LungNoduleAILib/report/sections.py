"""The sections of words and tables: what was read, the lungs, the findings, and what was removed."""

from __future__ import annotations

from html import escape

from LungNoduleAILib.model.findings import Finding, Removed
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.report.page import bullets, number, position, section, table

THIN_SLICE_MM = 1.5  # Fleischner 2017: thin sections (<= 1.5 mm) for measuring nodules
SHOWN_REMOVED = 60


def reading_section(result: AnalysisResult) -> str:
    """What the images are, what had to be repaired, and what limits the measurements."""
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
    rows = table([("Image", False), ("", False)], [fact for fact in facts if fact[1]])
    notes = bullets((*volume.notes, *result.findings.notes))
    return section("What was read", rows + notes + bullets(_cautions(result), "warning"))


def _cautions(result: AnalysisResult) -> list[str]:
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
    return cautions


def lungs_section(result: AnalysisResult) -> str:
    """Volumes and verdicts on the lungs."""
    lungs = result.findings.lungs
    rows = [
        ("Right lung", number(lungs.right_ml, 0)),
        ("Left lung", number(lungs.left_ml, 0)),
        ("Both", number(lungs.right_ml + lungs.left_ml, 0)),
    ]
    verdicts = "".join(_verdict(note.severity, note.text, note.center_ras_mm, note.size_mm) for note in lungs.quality)
    said = any(note.code == "lobes_approximate" for note in lungs.quality)
    lobes = '<p class="quiet">Lobes are approximate .</p>'
    lobes = lobes if result.lobes_approximate and not said else ""
    return section(
        "Lungs",
        table([("", False), ("Volume (mL)", True)], rows)
        + (f"<ul>{verdicts}</ul>" if verdicts else "<p>No concern about the lung mask.</p>")
        + lobes,
    )


def _verdict(severity: str, text: str, center: tuple | None, size: tuple | None) -> str:
    place = "" if center is None else f" At RAS ({position(center)}) mm."
    extent = "" if size is None else f" Size {position(size)} mm."
    return f'<li class="{escape(severity)}">{escape(text + place + extent)}</li>'


def findings_section(result: AnalysisResult) -> str:
    """The table of findings."""
    findings = result.findings.findings
    if not findings:
        return section("Findings", "<p>No finding at this threshold. This does not exclude a nodule.</p>")
    lobe = "Lobe (approximate)" if result.lobes_approximate else "Lobe"
    head = [
        ("Id", False),
        ("Center RAS (mm)", False),
        ("Mean / long / short (mm)", False),
        ("Volume (mm3)", True),
        ("Type", False),
        ("Mean HU", True),
        ("Mass (mg)", True),
        (lobe, False),
        ("To pleura (mm)", True),
        ("Confidence", True),
        ("Status", False),
    ]
    return section(f"Findings ({len(findings)})", table(head, [_finding_row(finding) for finding in findings]))


def _finding_row(finding: Finding) -> list[str]:
    sizes = " / ".join(number(mm) for mm in (finding.mean_diameter_mm, finding.long_axis_mm, finding.short_axis_mm))
    kind = finding.type if finding.kind == "nodule" else f"{finding.type} {finding.kind}"
    status = finding.status if not finding.reason else f"{finding.status}: {finding.reason}"
    where = finding.lobe or (f"{finding.side} lung" if finding.side else "–")
    return [
        finding.id,
        position(finding.center_ras_mm),
        sizes,
        number(finding.volume_mm3, 0),
        kind,
        number(finding.mean_hu, 0),
        number(finding.mass_mg, 0),
        where,
        number(finding.distance_to_pleura_mm),
        number(finding.confidence, 2),
        status,
    ]


def removed_section(result: AnalysisResult) -> str:
    """Candidates that were not reported, the most confident first."""
    removed = sorted(result.findings.removed, key=lambda candidate: -candidate.confidence)
    if not removed:
        return ""
    head = [("Center RAS (mm)", False), ("Diameter (mm)", True), ("Confidence", True), ("Reason", False)]
    more = len(removed) - SHOWN_REMOVED
    rest = f'<p class="quiet">{more} more of less confidence are in findings.json.</p>' if more > 0 else ""
    return section(
        f"Candidates removed ({len(removed)})",
        table(head, [_removed_row(candidate) for candidate in removed[:SHOWN_REMOVED]]) + rest,
    )


def _removed_row(removed: Removed) -> list[str]:
    return [position(removed.center_ras_mm), number(removed.diameter_mm), number(removed.confidence, 2), removed.reason]
