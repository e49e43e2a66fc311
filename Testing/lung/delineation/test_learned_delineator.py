"""The network outlines what is reported, region growing stands in where it sees nothing, and doubts are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from LungNoduleAILib.analysis.other_date import looks_like
from LungNoduleAILib.delineation import combined
from LungNoduleAILib.delineation.classical import CUT_NOTE, ClassicalDelineator
from LungNoduleAILib.delineation.combined import LearnedDelineator
from LungNoduleAILib.delineation.learned import NoduleNetwork, segment_nodule
from LungNoduleAILib.delineation.looks import EDGE_NOTE, unseen_border
from LungNoduleAILib.delineation.protocol import Delineator
from LungNoduleAILib.measurement.lung_depth import LungDepth
from LungNoduleAILib.measurement.measure import measure
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.synthesis import make_ellipsoid
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume


def scanned(diameter_mm: float, vessel_mm: float = 0.0) -> tuple[Volume, Candidate, float]:
    """A sphere in the lung, on request on a vessel that runs along S through the whole block."""
    phantom = make_ellipsoid(diameter_mm, spacing_mm=(0.7, 0.7, 1.0), noise_hu=15.0, seed=4, block_mm=40.0)
    volume = phantom.volume.in_lps_order()
    array = np.array(volume.array)
    places = volume.ras_from_kji(np.moveaxis(np.indices(array.shape), 0, -1))
    center = np.array(phantom.nodule.center_ras_mm)
    across = np.linalg.norm((places - center - (0.55 * diameter_mm, 0.0, 0.0))[..., :2], axis=-1)
    array[across < vessel_mm / 2] = 40
    return (volume.with_array(array), Candidate(tuple(center.tolist()), diameter_mm, 0.9), phantom.nodule.volume_mm3)


def found(volume: Volume, candidate: Candidate, delineator: Delineator | None = None) -> Finding:
    anatomy = Anatomy(np.full(volume.array.shape, 3, np.uint8))
    return measure(volume, anatomy, LungDepth(volume, anatomy), candidate, "test", delineator or LearnedDelineator())


def test_the_outline_is_that_of_the_network_on_the_voxels_of_the_ct():
    volume, candidate, truth_mm3 = scanned(9.0)
    finding = found(volume, candidate)
    seen = NoduleNetwork().segment(volume, candidate.center_ras_mm, candidate.diameter_mm)
    assert finding.mask is not None
    assert finding.mask.offset_kji == seen.mask.offset_kji
    assert (finding.mask.array == seen.mask.array).all()
    assert finding.mask_volume_mm3 == pytest.approx(seen.mask.array.sum() * volume.voxel_mm3, abs=0.1)
    assert finding.volume_mm3 == pytest.approx(seen.volume_mm3, abs=0.1)
    assert finding.volume_mm3 == pytest.approx(finding.mask_volume_mm3, rel=0.03)
    assert finding.volume_mm3 == pytest.approx(truth_mm3, rel=0.12)


@pytest.mark.parametrize("slice_mm", [1.0, 2.5])
def test_the_volume_repeats_whatever_size_the_detector_tells(slice_mm):
    phantom = make_ellipsoid(10.0, spacing_mm=(0.7, 0.7, slice_mm), noise_hu=15.0, seed=4, block_mm=46.0)
    volume, network = phantom.volume.in_lps_order(), NoduleNetwork()
    center = phantom.nodule.center_ras_mm
    volumes = [network.segment(volume, center, 10.0 * scale).volume_mm3 for scale in (0.75, 0.9, 1.0, 1.15, 1.4)]
    assert max(volumes) / min(volumes) < 1.04


def test_the_volume_of_a_nodule_at_the_edge_of_the_image_counts_the_image_alone():
    phantom = make_ellipsoid(12.0, spacing_mm=(0.7, 0.7, 1.0), noise_hu=15.0, seed=4, block_mm=46.0)
    volume = phantom.volume.in_lps_order()
    middle = round(float(volume.kji_from_ras(np.array(phantom.nodule.center_ras_mm))[0]))
    origin = volume.ijk_to_ras.copy()
    origin[:3, 3] += middle * origin[:3, 2]
    cut = Volume(volume.array[middle:], origin)
    seen = NoduleNetwork().segment(cut, phantom.nodule.center_ras_mm, 12.0)
    assert seen.volume_mm3 == pytest.approx(seen.mask.array.sum() * cut.voxel_mm3, rel=0.06)


def test_a_nodule_on_a_vessel_is_outlined_nearer_to_the_truth_than_by_region_growing():
    volume, candidate, truth_mm3 = scanned(6.0, vessel_mm=5.0)
    ours, grown = found(volume, candidate), found(volume, candidate, ClassicalDelineator())
    assert grown.volume_mm3 > 1.4 * truth_mm3
    assert abs(ours.volume_mm3 / truth_mm3 - 1) < abs(grown.volume_mm3 / truth_mm3 - 1)


def test_an_outline_that_takes_in_a_large_vessel_is_cut_at_the_size_of_the_detector_and_says_so():
    volume, candidate, truth_mm3 = scanned(5.0, vessel_mm=8.0)
    alone = NoduleNetwork().segment(volume, candidate.center_ras_mm, candidate.diameter_mm)
    ours = found(volume, candidate)
    assert alone.volume_mm3 > 5 * truth_mm3
    assert ours.volume_mm3 < 2 * truth_mm3
    assert CUT_NOTE in ours.notes


def test_a_nodule_somewhat_larger_than_the_detector_says_is_not_cut():
    volume, candidate, truth_mm3 = scanned(9.0)
    finding = found(volume, replace(candidate, diameter_mm=6.5))
    assert CUT_NOTE not in finding.notes
    assert finding.volume_mm3 == pytest.approx(truth_mm3, rel=0.12)


def test_where_the_network_sees_nothing_region_growing_stands_in_and_is_told(monkeypatch):
    volume, candidate, _ = scanned(9.0)

    def blind(*_arguments: object) -> None:
        raise InputError("No nodule is seen at this point.")

    monkeypatch.setattr(NoduleNetwork, "segment", blind)
    finding = found(volume, candidate)
    assert combined.NOTE in finding.notes
    assert finding.suspicion is None


def test_a_large_ball_is_not_taken_for_a_small_one_wherever_one_clicks():
    volume, candidate, truth_mm3 = scanned(20.0)
    center = np.array(candidate.center_ras_mm)
    for away in ((0.0, 0.0, 0.0), (5.0, 3.0, 0.0)):
        seen = segment_nodule(volume, tuple(center + away))
        assert not seen.size_is_sure or seen.mask.array.sum() * volume.voxel_mm3 == pytest.approx(truth_mm3, rel=0.2)


def test_an_outline_at_the_edge_of_the_image_says_so():
    volume, candidate, _ = scanned(9.0)
    middle = round(float(volume.kji_from_ras(np.array(candidate.center_ras_mm))[0]))
    moved = np.eye(4)
    moved[2, 3] = middle
    half = Volume(volume.array[middle:], volume.ijk_to_ras @ moved)
    assert EDGE_NOTE in segment_nodule(half, candidate.center_ras_mm, 9.0).notes


def test_a_border_against_tissue_as_dense_as_the_nodule_is_told():
    mask = np.zeros((5, 20, 20), bool)
    mask[1:4, 6:14, 6:14] = True
    lung = np.where(mask, 30.0, -850.0)
    assert unseen_border(lung, mask) == 0.0
    lung[:, :, 14:] = 30.0
    assert 0.2 < unseen_border(lung, mask) < 0.3


def test_without_weights_the_outline_network_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(InputError, match="thoraxai lung train segmentation"):
        LearnedDelineator(weights=tmp_path / "none.pt")


def test_through_openvino_the_outline_is_that_of_the_cpu_and_the_device_is_told():
    pytest.importorskip("openvino")
    volume, candidate, _ = scanned(6.0, vessel_mm=5.0)
    one, other = LearnedDelineator("cpu"), LearnedDelineator("openvino")
    expected, same = found(volume, candidate, one), found(volume, candidate, other)
    assert (one.device, other.device) == ("cpu", "openvino")
    assert same.volume_mm3 == pytest.approx(expected.volume_mm3, rel=0.02)


def test_what_is_fainter_or_of_another_type_is_no_partner():
    nodule = found(*scanned(9.0)[:2])
    assert looks_like(nodule, nodule)
    assert not looks_like(replace(nodule, mean_hu=nodule.mean_hu - 300), nodule)
    assert not looks_like(replace(nodule, type="ground-glass"), nodule)
