"""Findings that are no nodules after all are set aside with their reason: by size, consistency and place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from LungNoduleAILib.measurement.vetting import Vetting
from LungNoduleAILib.model.anatomy import AIRWAY, HEART, RLL, Anatomy
from LungNoduleAILib.model.findings import Finding
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.volume import Volume

SHAPE = (60, 60, 60)
MATRIX = np.diag([-1.0, -1.0, 1.0, 1.0])


def chest(blood_hu: float = 40.0) -> tuple[Volume, Anatomy]:
    """Lung from slice 20 up over tissue, an airway at one edge, a heart at the other."""
    hu, labels = np.full(SHAPE, -850, np.int16), np.full(SHAPE, RLL, np.uint8)
    hu[:20], labels[:20] = 50, 0
    hu[30:, 25:35, :6], labels[30:, 25:35, :6] = -1000, AIRWAY
    structures = labels.copy()
    hu[:, :, 55:], structures[:, :, 55:] = blood_hu, HEART
    return Volume(hu, MATRIX, modality="CT"), Anatomy(labels, (), True, structures)


def finding(diameter_mm: float, volume_mm3: float | None = None, at: tuple[int, int, int] = (40, 30, 46)) -> Finding:
    """A ball at a voxel (k, j, i) with its mask."""
    radius = max(1, int(diameter_mm / 2))
    k, j, i = np.ogrid[-radius : radius + 1, -radius : radius + 1, -radius : radius + 1]
    ball = k**2 + j**2 + i**2 <= radius**2
    center = (-float(at[2]), -float(at[1]), float(at[0]))
    volume = np.pi / 6 * diameter_mm**3 if volume_mm3 is None else volume_mm3
    size = (diameter_mm,) * 3
    mask = Mask(tuple(c - radius for c in at), ball)
    return Finding("N", center, *size, volume, "solid", 20.0, 1.0, "RLL", "right", 0.5, mask=mask)


def against(found: Finding, blood_hu: float = 40.0, threshold: float = 0.42) -> str | None:
    return Vetting(*chest(blood_hu), threshold).reason_against(found)


def test_a_consistent_nodule_in_the_lung_is_kept():
    assert against(finding(8.0)) is None
    assert against(finding(24.0)) is None


def test_nothing_below_three_millimetres_is_reported():
    assert "below 3 mm" in against(finding(2.9))
    assert against(finding(3.0)) is None


@pytest.mark.parametrize("volume_mm3", [51.5, 4.0])
def test_a_diameter_and_a_volume_that_contradict_each_other_are_no_measurement(volume_mm3: float):
    assert "contradict" in against(finding(3.0, volume_mm3))


def test_a_large_flat_finding_may_have_a_small_volume():
    assert against(finding(24.0, 800.0)) is None


def test_beside_the_main_bronchi_a_low_confidence_is_a_vessel():
    hilar = finding(14.0, at=(40, 30, 20))
    assert "hilum" in against(hilar)
    assert against(replace(hilar, confidence=0.7)) is None
    assert against(hilar, threshold=0.1) is None


def test_all_vessels_of_a_hilum_outlined_as_one_are_no_mass():
    assert "hilum" in against(finding(29.0, at=(40, 30, 20)))
    assert "hilum" in against(finding(42.0, at=(40, 30, 25)))
    assert against(replace(finding(42.0, at=(40, 30, 25)), confidence=0.7)) is None


def test_what_is_thicker_than_the_vessels_of_a_hilum_is_a_mass():
    assert against(finding(52.0, at=(40, 30, 25))) is None


def test_what_is_as_bright_as_blood_with_contrast_at_the_hilum_is_a_vessel():
    bright = replace(finding(14.0, at=(40, 30, 20)), mean_hu=170.0, confidence=0.9)
    assert "vessel" in against(bright, blood_hu=200.0)
    assert against(replace(bright, mean_hu=60.0), blood_hu=200.0) is None


def test_a_flat_finding_on_tissue_below_is_the_dome_of_the_diaphragm():
    flat = np.ones((2, 12, 12), bool)
    dome = replace(finding(12.0), mask=Mask((20, 24, 40), flat))
    assert "diaphragm" in against(dome)
    assert against(replace(dome, mask=Mask((40, 24, 40), flat))) is None
