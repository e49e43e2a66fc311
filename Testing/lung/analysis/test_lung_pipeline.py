"""The whole analysis of a phantom chest: planted nodules come back with position, size, type, lobe and mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from LungNoduleAILib.analysis.analyze import analyze
from LungNoduleAILib.analysis.engines import DETECTOR, REGISTRY, choose_engines
from LungNoduleAILib.detection.lung_filter import filter_candidates
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.model.findings import NODULE_TYPES, Finding
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.synthesis import PlantedNodule, SyntheticCT, make_small_chest
from ThoraxAILib.errors import Cancelled, InputError
from ThoraxAILib.image.volume import AxisOrder, Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages

SEED = 11


def run(volume: Volume, **options) -> AnalysisResult:
    return analyze(volume, AnalysisOptions(**{"detector": "classical", **options}), Progress(), Stages())


def found(result: AnalysisResult, nodule: PlantedNodule) -> Finding | None:
    reach = max(0.5 * nodule.diameter_mm, 2.0)
    for finding in result.findings.findings:
        if np.linalg.norm(np.array(finding.center_ras_mm) - nodule.center_ras_mm) < reach:
            return finding
    return None


@pytest.fixture(scope="module")
def chest() -> SyntheticCT:
    return make_small_chest(SEED, (1.2, 1.2, 1.5), noise_hu=20.0)


@pytest.fixture(scope="module")
def result(chest: SyntheticCT) -> AnalysisResult:
    return run(chest.volume)


def test_solid_nodules_from_6_mm_are_found(chest: SyntheticCT, result: AnalysisResult):
    large = [n for n in chest.nodules if n.type == "solid" and n.diameter_mm >= 6.0]
    assert len(large) >= 4
    assert sum(found(result, nodule) is not None for nodule in large) >= len(large) - 1


def test_few_things_are_reported_that_are_not_nodules(chest: SyntheticCT, result: AnalysisResult):
    hits = {finding.id for finding in (found(result, nodule) for nodule in chest.nodules) if finding is not None}
    assert len(result.findings.findings) - len(hits) <= 4


def test_found_nodules_have_the_planted_position_and_volume(chest: SyntheticCT, result: AnalysisResult):
    checked = 0
    for nodule in chest.nodules:
        finding = found(result, nodule)
        if finding is None or nodule.placement != "isolated" or nodule.type not in ("solid", "calcified"):
            continue
        assert np.linalg.norm(np.array(finding.center_ras_mm) - nodule.center_ras_mm) < 0.5
        if nodule.diameter_mm >= 6.0:
            assert finding.volume_mm3 == pytest.approx(nodule.volume_mm3, rel=0.12)
        checked += 1
    assert checked >= 2


def test_sides_are_those_of_the_truth_and_types_are_known(chest: SyntheticCT, result: AnalysisResult):
    for nodule in chest.nodules:
        finding = found(result, nodule)
        if finding is not None:
            assert finding.side == nodule.side
            assert finding.type in NODULE_TYPES


def test_masks_lie_where_the_findings_are(result: AnalysisResult):
    for finding in result.findings.findings:
        index = np.argwhere(finding.mask.array) + np.array(finding.mask.offset_kji)
        middle = result.volume.ras_from_kji(index.mean(axis=0))
        assert np.linalg.norm(middle - np.array(finding.center_ras_mm)) < 1.5


def test_every_removed_candidate_has_a_reason(result: AnalysisResult):
    assert result.findings.removed
    assert all(removed.reason for removed in result.findings.removed)


def test_the_result_says_how_it_was_made(result: AnalysisResult):
    assert result.methods["detector"] == "classical"
    assert len(result.methods["detector_fingerprint"]) >= 8
    assert result.lobes_approximate


@pytest.mark.slow
def test_a_lower_threshold_reports_more(chest: SyntheticCT, result: AnalysisResult):
    more = run(chest.volume, threshold=0.05)
    assert len(more.findings.findings) >= len(result.findings.findings)
    assert all(finding.confidence >= 0.05 for finding in more.findings.findings)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("permutation", "flips"),
    [((2, 1, 0), (False, False, False)), ((1, 0, 2), (True, False, True)), ((0, 1, 2), (True, True, True))],
)
def test_turned_and_flipped_arrays_give_the_same_positions_and_masks(
    chest: SyntheticCT, result: AnalysisResult, permutation: tuple, flips: tuple
):
    turned = AxisOrder(permutation, flips).apply(chest.volume)
    again = run(turned.with_array(np.ascontiguousarray(turned.array)))
    assert len(again.findings.findings) == len(result.findings.findings)
    for one, other in zip(again.findings.findings, result.findings.findings, strict=True):
        assert np.abs(np.array(one.center_ras_mm) - other.center_ras_mm).max() < 0.1
        assert one.mask.array.sum() == other.mask.array.sum()
        index = np.argwhere(one.mask.array) + np.array(one.mask.offset_kji)
        middle = turned.ras_from_kji(index.mean(axis=0))
        assert np.linalg.norm(middle - np.array(one.center_ras_mm)) < 1.5


@pytest.mark.slow
def test_a_tilted_patient_gives_the_same_positions_in_the_patient(chest: SyntheticCT, result: AnalysisResult):
    angle = np.radians(9.0)
    tilt = np.eye(4)
    tilt[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    again = run(replace(chest.volume, ijk_to_ras=tilt @ chest.volume.ijk_to_ras))
    back = np.linalg.inv(tilt)[:3, :3]
    assert len(again.findings.findings) == len(result.findings.findings)
    for one, other in zip(again.findings.findings, result.findings.findings, strict=True):
        assert np.abs(back @ np.array(one.center_ras_mm) - other.center_ras_mm).max() < 0.1


@pytest.mark.slow
def test_the_input_is_not_changed(chest: SyntheticCT):
    before = chest.volume.array.copy()
    run(chest.volume)
    assert np.array_equal(before, chest.volume.array)


def test_cancel_stops_the_analysis(chest: SyntheticCT):
    calls = []

    def stop_after_three() -> bool:
        calls.append(1)
        return len(calls) > 3

    with pytest.raises(Cancelled):
        analyze(chest.volume, AnalysisOptions(), Progress(is_cancelled=stop_after_three), Stages())


def test_an_image_without_lungs_gives_a_verdict_and_no_findings():
    tissue = Volume(np.full((40, 64, 64), 30, np.int16), np.diag([-3.0, -3.0, 3.0, 1.0]))
    result = run(tissue)
    assert not result.findings.findings
    assert result.findings.lungs.quality[0].code == "not_a_chest"


def test_an_unknown_detector_is_refused_with_the_known_names():
    with pytest.raises(InputError, match="choose one of auto, learned, classical"):
        choose_engines(AnalysisOptions(detector="psychic"))
    assert "classical" in REGISTRY.names(DETECTOR)


def test_the_lung_filter_works_in_millimeters_and_says_why():
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[10:30, 10:30, 10:30] = 3
    volume = Volume(np.zeros((40, 40, 40), np.int16), np.diag([-2.0, -2.0, 2.0, 1.0]))
    anatomy = Anatomy(labels)

    def candidate(kji: tuple[float, float, float], confidence: float, diameter_mm: float = 6.0) -> Candidate:
        return Candidate(tuple(volume.ras_from_kji(np.array(kji))), diameter_mm, confidence)

    inside, near, far = candidate((20, 20, 20), 0.9), candidate((20, 20, 32), 0.9), candidate((20, 20, 38), 0.9)
    weak, mass = candidate((15, 20, 20), 0.2), candidate((20, 20, 38), 0.9, 40.0)
    kept, removed = filter_candidates([inside, near, far, weak, mass], volume, anatomy, 0.5, 5.0)
    assert kept == [inside, near, mass]
    assert "mm outside the lungs" in removed[0].reason
    assert "below the threshold" in removed[1].reason
