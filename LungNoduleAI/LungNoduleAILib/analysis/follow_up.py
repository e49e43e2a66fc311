"""The follow-up of two or more chest CTs, in the order a reader would tell it.

Each scan is analyzed; every two successive scans are registered, their nodules matched, measured and compared. Nodules
that were measured again at one date belong to that date's findings from then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from LungNoduleAILib.analysis.analyze import analyze
from LungNoduleAILib.analysis.carry_over import with_review_of
from LungNoduleAILib.analysis.compare import Comparison, compare_scans
from LungNoduleAILib.analysis.engines import LungEngines, choose_engines
from LungNoduleAILib.analysis.review.review_record import By
from LungNoduleAILib.followup.growth.assessment import ScanContext
from LungNoduleAILib.followup.growth.scans import check_scans
from LungNoduleAILib.model.findings import Finding, Findings
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.pairs import FollowUp, ScanEntry
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages


@dataclass(frozen=True, eq=False)
class FollowUpResult:
    """What was found: the follow-up for files and scene, the analysis of each scan, the comparison of each interval."""

    follow_up: FollowUp
    analyses: tuple[AnalysisResult, ...]
    comparisons: tuple[Comparison, ...]


def follow_up(
    volumes: Sequence[Volume],
    options: FollowUpOptions,
    progress: Progress,
    stages: Stages,
    engines: LungEngines | None = None,
    reviewed: Mapping[int, Findings] | None = None,
) -> FollowUpResult:
    """Analyze and compare chest CTs (HU, any axis order), the oldest first.

    ``engines`` are those of the run, the same for every scan; None chooses them by ``options``. ``reviewed`` holds, by
    the number of the scan from 0, what a reader left of an earlier analysis (masks on the scan in LPS order): it goes
    before what is found now, as when a CT is analyzed again. Raises InputError for scans that cannot be followed or
    analyzed, Cancelled when ``progress`` says so.
    """
    check_scans(volumes, options.days)
    engines = engines or choose_engines(options)
    count = len(volumes)
    analyses = []
    for number, volume in enumerate(volumes):
        part = progress.part(0.45 * number / count, 0.45 * (number + 1) / count)
        with stages.stage(f"scan {number + 1}"):
            found_now = analyze(volume, options.analysis, part, Stages(), engines)
        earlier = (reviewed or {}).get(number)
        if earlier is not None:
            found_now = with_review_of(earlier, found_now, By.now(earlier.review.reader))
        analyses.append(found_now)
    comparisons: list[Comparison] = []
    for number in range(1, count):
        part = progress.part(0.45 + 0.55 * (number - 1) / (count - 1), 0.45 + 0.55 * number / (count - 1))
        decisions = options.decisions if number == count - 1 else ()
        found = compare_scans(analyses, (number - 1, number), options, engines, decisions, part, stages)
        analyses[number - 1] = _with_findings(analyses[number - 1], found.prior_findings)
        analyses[number] = _with_findings(analyses[number], found.current_findings)
        comparisons.append(found)
    scans = tuple(_entry(result) for result in analyses)
    told = FollowUp(scans, tuple(comparison.interval for comparison in comparisons))
    return FollowUpResult(told, tuple(analyses), tuple(comparisons))


def _with_findings(result: AnalysisResult, findings: tuple[Finding, ...]) -> AnalysisResult:
    return replace(result, findings=replace(result.findings, findings=findings))


def _entry(result: AnalysisResult) -> ScanEntry:
    context = ScanContext.of(result.volume)
    return ScanEntry(
        context.date,
        result.volume.identity.series_uid,
        context.kernel,
        None if context.slice_mm is None else round(context.slice_mm, 3),
        context.contrast,
        result.findings.findings,
    )
