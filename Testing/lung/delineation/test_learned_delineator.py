"""The network's outline replaces region growing where that ran into a vessel, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from LungNoduleAILib.analysis.other_date import looks_like
from LungNoduleAILib.delineation import combined
from LungNoduleAILib.delineation.classical import ClassicalDelineator
from LungNoduleAILib.delineation.combined import LearnedDelineator
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


def test_a_free_nodule_is_left_to_region_growing():
    volume, candidate, _ = scanned(9.0)
    assert found(volume, candidate).notes == ()


def test_a_nodule_on_a_vessel_is_outlined_by_the_network_and_nearer_to_the_truth():
    volume, candidate, truth_mm3 = scanned(6.0, vessel_mm=5.0)
    mended = found(volume, candidate)
    grown = found(volume, candidate, ClassicalDelineator())
    assert any("segmentation network" in note for note in mended.notes)
    assert grown.volume_mm3 > 1.4 * truth_mm3
    assert abs(mended.volume_mm3 / truth_mm3 - 1) < abs(grown.volume_mm3 / truth_mm3 - 1)
    assert mended.volume_mm3 == pytest.approx(mended.mask.array.sum() * volume.voxel_mm3, rel=0.25)


def test_a_mass_is_left_to_region_growing(monkeypatch):
    volume, candidate, _ = scanned(6.0, vessel_mm=5.0)
    monkeypatch.setattr(combined, "MAX_MM", 0.0)
    assert not any("segmentation network" in note for note in found(volume, candidate).notes)


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
