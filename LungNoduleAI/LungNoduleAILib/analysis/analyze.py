"""The analysis of one chest CT, in the order a reader would tell it.

The CT is turned to LPS order without resampling; lungs, lobes and airways are found; a detector proposes nodules, each
is delineated and measured on the voxels of the CT; what is below the threshold, away from the lungs or turns out to be
no nodule is set aside with its reason; whatever else takes the place of lung becomes a verdict with a place. Everything
is returned on the grid of the input.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from LungNoduleAILib.analysis.engines import LungEngines, choose_engines
from LungNoduleAILib.analysis.importance import by_suspicion, with_doubt
from LungNoduleAILib.analysis.threshold import OperatingThreshold, choose_threshold
from LungNoduleAILib.analysis.verdicts import chest_verdicts
from LungNoduleAILib.anatomy.body_size import segment_any_size
from LungNoduleAILib.anatomy.orientation import judge_orientation
from LungNoduleAILib.detection.lung_filter import as_removed, filter_by_voxel_rule, filter_candidates
from LungNoduleAILib.measurement.lung_depth import LungDepth
from LungNoduleAILib.measurement.measure import measure
from LungNoduleAILib.measurement.vetting import Vetting
from LungNoduleAILib.model.anatomy import LEFT_LUNG_LABELS, LLL, LOBE_OF_LABEL, RIGHT_LUNG_LABELS, RUL, Anatomy
from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.model.findings import Finding, Findings, Lungs, QualityNote, Removed
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.opacity.protocol import OpacityFinder
from ThoraxAILib.errors import known
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import AxisOrder, Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages

JRC = "jrc"  # the voxel rule of the report's study, see AnalysisOptions.lung_filter
SAYS_SIDES = ("ok", "one_lung_missing", "sides_uncertain")  # verdicts that name a side


def analyze(
    volume: Volume, options: AnalysisOptions, progress: Progress, stages: Stages, engines: LungEngines | None = None
) -> AnalysisResult:
    """Anatomy, nodules and measurements of a chest CT (HU, any axis order), on the grid of ``volume``.

    ``engines`` are those of the run; None chooses them by ``options``. Raises InputError for an unknown engine or an
    unavailable device, Cancelled when ``progress`` says so.
    """
    engines = engines or choose_engines(options)
    detector = known(engines.detector, "the detector").made
    order = volume.axis_order_to_lps()
    turned = order.apply(volume)
    turned = turned.with_array(np.ascontiguousarray(turned.array))
    with stages.stage("lungs"):
        anatomy = segment_any_size(engines.anatomy.made, turned, progress.part(0.0, 0.35))
    with stages.stage("detection"):
        candidates = detector.detect(turned, anatomy, progress.part(0.35, 0.8))
    with stages.stage("measurement"):
        chosen = choose_threshold(options, detector, turned)
        threshold = chosen.threshold
        kept, removed, filtered = _near_lungs(candidates, turned, anatomy, threshold, options)
        findings, unmeasured = _measure_all(turned, anatomy, kept, engines, threshold, progress.part(0.8, 0.95))
    with stages.stage("verdicts"):
        finder = known(engines.opacities, "the finder of opacities").made
        lungs = _lungs(turned, anatomy, findings, [*removed, *unmeasured], finder)
    if lungs.sides_withheld:
        findings = tuple(replace(finding, lobe=None, side=None, lobe_confidence=None) for finding in findings)
    if chosen.warning:
        lungs = replace(lungs, quality=(*lungs.quality, QualityNote("outside_calibration", chosen.warning)))
    progress(0.97, "Putting the results on the grid of the CT")
    findings = tuple(
        replace(f, mask=turned_back(known(f.mask, "the mask"), order, turned.array.shape)) for f in findings
    )
    labels = np.ascontiguousarray(order.undo_array(_shown(anatomy.labels, lungs)))
    reported = Findings(volume.identity.series_uid, lungs, findings, (*removed, *unmeasured), volume.notes)
    progress(1.0, f"{len(findings)} findings")
    methods = {**_methods(engines, chosen), **filtered}
    structures = anatomy.structures
    if structures is not None:
        structures = np.ascontiguousarray(order.undo_array(_shown(structures, lungs)))
    named = None if anatomy.named is None or lungs.sides_withheld else anatomy.named
    if named is not None:
        named = named.with_labels(order.undo_array(named.labels))
    return AnalysisResult(volume, labels, reported, anatomy.lobes_approximate, methods, structures, named)


def _near_lungs(
    candidates: list[Candidate], volume: Volume, anatomy: Anatomy, threshold: float, options: AnalysisOptions
) -> tuple[list[Candidate], list[Removed], dict[str, str]]:
    """Split candidates by the filter asked for; the third value is what the run record says of it."""
    if options.lung_filter != JRC:
        kept, removed = filter_candidates(candidates, volume, anatomy, threshold, options.lung_margin_mm)
        return kept, removed, {"lung_filter": "mm"}
    kept, removed, only = filter_by_voxel_rule(candidates, volume, anatomy, threshold, options.lung_margin_mm)
    return kept, removed, {"lung_filter": JRC, "removed_by_the_rule_in_mm_only": only}


def _methods(engines: LungEngines, chosen: OperatingThreshold) -> dict[str, str]:
    """How each step was done, for report and run record."""
    detector, delineator = known(engines.detector, "the detector"), known(engines.delineator, "the delineator")
    opacities = known(engines.opacities, "the finder of opacities")
    return {
        "anatomy": engines.anatomy.name,
        "anatomy_reason": engines.anatomy.reason,
        "anatomy_fingerprint": engines.anatomy.fingerprint,
        "detector": detector.name,
        "detector_fingerprint": detector.fingerprint,
        "delineator": delineator.name,
        "delineator_reason": delineator.reason,
        "delineator_fingerprint": delineator.fingerprint,
        "opacities": opacities.name,
        "opacities_reason": opacities.reason,
        "opacities_fingerprint": opacities.fingerprint,
        "threshold": f"{chosen.threshold:g}",
        "threshold_reason": chosen.reason,
        "device": engines.device,
        "device_reason": engines.device_reason,
    }


def _measure_all(
    volume: Volume,
    anatomy: Anatomy,
    candidates: list[Candidate],
    engines: LungEngines,
    threshold: float,
    progress: Progress,
) -> tuple[tuple[Finding, ...], list[Removed]]:
    """Measured findings, the most suspicious first and numbered in that order, and what is no nodule after all."""
    findings: list[Finding] = []
    removed: list[Removed] = []
    lung_depth, vetting = LungDepth(volume, anatomy), Vetting(volume, anatomy, threshold)
    delineator = known(engines.delineator, "the delineator").made
    detector = known(engines.detector, "the detector").name
    for number, candidate in enumerate(candidates):
        progress(number / len(candidates), f"Measuring nodule {number + 1} of {len(candidates)}")
        finding = measure(volume, anatomy, lung_depth, candidate, detector, delineator)
        if finding is None:
            removed.append(as_removed(candidate, "no border could be drawn around it"))
        elif any(_same(finding, other) for other in findings):
            removed.append(as_removed(candidate, "lies within another finding"))
        else:
            against = vetting.reason_against(finding)
            if against is None:
                findings.append(finding)
            else:
                removed.append(as_removed(candidate, against))
    ordered = by_suspicion([with_doubt(finding, volume) for finding in findings])
    named = [replace(finding, id=f"{finding.kind.capitalize()}_{n:02d}") for n, finding in enumerate(ordered, start=1)]
    return tuple(named), removed


def _same(one: Finding, other: Finding) -> bool:
    """Whether two findings cover each other: centres closer than half of the larger diameter."""
    gap_mm = np.linalg.norm(np.array(one.center_ras_mm) - np.array(other.center_ras_mm))
    return bool(gap_mm < 0.5 * max(one.mean_diameter_mm, other.mean_diameter_mm))


def _lungs(
    volume: Volume, anatomy: Anatomy, findings: tuple[Finding, ...], removed: list[Removed], finder: OpacityFinder
) -> Lungs:
    """Lung volumes in mL and the verdicts, what takes the place of lung among them."""
    ml = volume.voxel_mm3 / 1000.0
    left, right = (round(anatomy.voxels_of(side) * ml, 1) for side in (LEFT_LUNG_LABELS, RIGHT_LUNG_LABELS))
    contradiction = judge_orientation(volume)
    if contradiction is not None:  # where fluid and air gather, and which side is small, cannot be told
        verdicts = chest_verdicts((), findings, removed, None, volume, anatomy)
        said = tuple(note for note in anatomy.quality if note.code not in SAYS_SIDES)
        return Lungs(None, None, (contradiction, *said, *verdicts), round(anatomy.voxels_of(LOBE_OF_LABEL) * ml, 1))
    opacities = finder.find(volume, anatomy)
    verdicts = chest_verdicts(opacities, findings, removed, (right, left), volume, anatomy)
    quality = anatomy.quality
    if any(note.severity != "info" for note in verdicts):
        quality = tuple(note for note in quality if note.code != "ok")
    approximate: tuple[QualityNote, ...] = ()
    if anatomy.lobes_approximate and anatomy.has_lungs():
        approximate = (QualityNote("lobes_approximate", f"Lobes are approximate: {anatomy.lobes_how}.", "info"),)
    found = f"Both lungs found, {right:.0f} mL right and {left:.0f} mL left."  # the volumes that are shown elsewhere
    said = tuple(replace(note, text=found) if note.code == "ok" else note for note in quality)
    return Lungs(left, right, said + verdicts + approximate)


def _shown(labels: np.ndarray, lungs: Lungs) -> np.ndarray:
    """Labels of an anatomy, with 1 for all of the lungs where sides and lobes are withheld."""
    return np.where((labels >= RUL) & (labels <= LLL), RUL, labels).astype(np.uint8) if lungs.sides_withheld else labels


def turned_back(mask: Mask, order: AxisOrder, shape: tuple[int, int, int]) -> Mask:
    """Return a mask given in LPS order on the axes of the input."""
    along = zip(mask.offset_kji, mask.array.shape, shape, order.flips, strict=True)
    low = [whole - (offset + size) if flip else offset for offset, size, whole, flip in along]
    inverse = np.argsort(order.permutation)
    return Mask(three(int(low[axis]) for axis in inverse), np.ascontiguousarray(order.undo_array(mask.array)))
