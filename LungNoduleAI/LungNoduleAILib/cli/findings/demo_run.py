"""What ``thoraxai lung demo`` runs: the analysis of a CT of one's own, or of a synthetic chest with known nodules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LungNoduleAILib.cases.analyze_case import analyze_case
from LungNoduleAILib.cases.requests import CaseRequest
from LungNoduleAILib.cases.sample import SAMPLE_FOLDER, SAMPLE_SEED, write_sample
from LungNoduleAILib.cli.findings.summary import describe_findings, position, table, where_to_look
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.truth import CT_FILE
from ThoraxAILib.io import Case
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.scene import host


@dataclass(frozen=True)
class Comparison:
    """Planted nodules with the finding that lies in them (or None), and findings that lie in none."""

    planted: tuple[tuple[PlantedNodule, Finding | None], ...]
    extra: tuple[Finding, ...]


def run_demo(ct: Path | None, output: Path, progress: Progress) -> list[str]:
    """Analyze ``ct`` or the sample into ``output`` and return what to print."""
    phantom = None
    if ct is None:
        phantom = write_sample(output / SAMPLE_FOLDER, SAMPLE_SEED, progress.part(0.0, 0.3))
        ct = output / SAMPLE_FOLDER / CT_FILE
    with_scene = host.is_available()
    request = CaseRequest(Case("demo", ct), output, AnalysisOptions(), with_scene)
    outcome = analyze_case(request, progress.part(0.3, 1.0))
    lines = [f"note: {note}" for note in outcome.notes] + describe_findings("demo", outcome.findings)
    if phantom is not None:
        lines += ["", *describe_comparison(compare(phantom.nodules, outcome.findings.findings))]
    return [*lines, "", *where_to_look(output, with_scene)]


def compare(planted: Sequence[PlantedNodule], findings: Sequence[Finding]) -> Comparison:
    """Return a finding belongs to the nearest planted nodule within whose radius its center lies (rule of LUNA16).

    Of several findings in one nodule the most confident counts, the others are extra.
    """
    matches: dict[int, Finding] = {}
    extra: list[Finding] = []
    centers = np.array([nodule.center_ras_mm for nodule in planted]).reshape(-1, 3)
    radii = np.array([nodule.diameter_mm / 2 for nodule in planted])
    for finding in sorted(findings, key=lambda finding: -finding.confidence):
        distances = np.linalg.norm(centers - np.array(finding.center_ras_mm), axis=1)
        nearest = int(np.argmin(distances / radii)) if len(planted) else -1
        if nearest < 0 or distances[nearest] > radii[nearest] or nearest in matches:
            extra.append(finding)
        else:
            matches[nearest] = finding
    return Comparison(tuple((nodule, matches.get(index)) for index, nodule in enumerate(planted)), tuple(extra))


def describe_comparison(comparison: Comparison) -> list[str]:
    """Planted nodules beside what was found, then what was found without being planted."""
    found = sum(finding is not None for _nodule, finding in comparison.planted)
    lines = [f"{found} of {len(comparison.planted)} planted nodules found, {len(comparison.extra)} extra"]
    rows = [_planted_row(nodule, finding) for nodule, finding in comparison.planted]
    rows += [
        (
            "extra",
            "-",
            "-",
            "-",
            position(finding.center_ras_mm),
            finding.id,
            finding.type,
            f"{finding.mean_diameter_mm:.1f} mm",
            f"{finding.volume_mm3:.0f} mm3",
        )
        for finding in comparison.extra
    ]
    return lines + table(
        rows, ("result", "planted", "diameter", "volume", "position", "found", "type", "diameter", "volume")
    )


def _planted_row(nodule: PlantedNodule, finding: Finding | None) -> tuple[str, ...]:
    planted = (
        f"{nodule.type}, {nodule.placement}",
        f"{sum(nodule.axial_axes_mm()) / 2:.1f} mm",
        f"{nodule.volume_mm3:.0f} mm3",
        position(nodule.center_ras_mm),
    )
    if finding is None:
        return ("missed", *planted, "-", "-", "-", "-")
    return (
        "matched",
        *planted,
        finding.id,
        finding.type,
        f"{finding.mean_diameter_mm:.1f} mm",
        f"{finding.volume_mm3:.0f} mm3",
    )
