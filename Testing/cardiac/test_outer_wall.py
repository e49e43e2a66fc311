"""The wall of the left ventricle ends where the image shows its outer border."""

from __future__ import annotations

import numpy as np
import pytest

from CardiacBiomechLib.model.heart_classes import BACKGROUND, LV, MYOCARDIUM, RV
from CardiacBiomechLib.segmentation.outer_wall import outer_wall_as_seen

SPACING_MM = (8.0, 1.5, 1.5)
CAVITY_MM, TRUE_MM, DRAWN_MM = 20.0, 28.0, 34.0
BLOOD, MUSCLE = 200.0, 70.0


def slices(outside: float, muscle: float = MUSCLE) -> tuple[np.ndarray, np.ndarray]:
    """A ring of wall around blood, the wall drawn 6 mm too thick: labels and image (2, 90, 90)."""
    rows, columns = np.mgrid[:90, :90]
    radius_mm = np.hypot(rows - 44.5, columns - 44.5) * SPACING_MM[1]
    labels = np.full((90, 90), BACKGROUND, np.uint8)
    labels[radius_mm < DRAWN_MM] = MYOCARDIUM
    labels[radius_mm < CAVITY_MM] = LV
    image = np.full((90, 90), outside)
    image[radius_mm < TRUE_MM] = muscle
    image[radius_mm < CAVITY_MM] = BLOOD
    image[:6] = 0.0  # air somewhere in the field of view
    image += np.random.default_rng(5).normal(0.0, 4.0, image.shape)
    return np.stack([labels] * 2), np.stack([image] * 2)


def outer_radius_mm(labels: np.ndarray) -> float:
    """Radius of the disc of cavity and wall of one slice."""
    return float(np.sqrt(np.isin(labels, (LV, MYOCARDIUM)).sum() / np.pi)) * SPACING_MM[1]


@pytest.mark.parametrize("outside", [180.0, 5.0], ids=["fat", "lung"])
def test_a_wall_drawn_into_fat_or_lung_ends_at_its_border(outside):
    labels, image = slices(outside)
    found = outer_wall_as_seen(labels, image, SPACING_MM)
    assert outer_radius_mm(labels[0]) == pytest.approx(DRAWN_MM, abs=0.5)
    assert outer_radius_mm(found[0]) == pytest.approx(TRUE_MM, abs=0.8)
    assert ((found == LV) == (labels == LV)).all()


def test_a_wall_beside_tissue_as_bright_as_itself_stays():
    labels, image = slices(MUSCLE)
    assert (outer_wall_as_seen(labels, image, SPACING_MM) == labels).all()


def test_without_bright_blood_nothing_is_moved():
    labels, image = slices(5.0, muscle=BLOOD / 1.2)
    assert (outer_wall_as_seen(labels, image, SPACING_MM) == labels).all()


def test_wall_drawn_into_the_right_cavity_becomes_right_cavity():
    labels, image = slices(MUSCLE)
    columns = np.mgrid[:90, :90][1]
    beside = (columns * SPACING_MM[1] < (44.5 * SPACING_MM[1] - TRUE_MM)) & (columns > 10)
    image[:, beside] = BLOOD
    labels[(labels == BACKGROUND) & beside] = RV
    found = outer_wall_as_seen(labels, image, SPACING_MM)
    moved = (labels == MYOCARDIUM) & (found != MYOCARDIUM)
    assert moved.sum() > 40
    assert (found[moved] == RV).mean() > 0.95


def test_an_empty_frame_stays_empty():
    nothing = np.zeros((2, 20, 20), np.uint8)
    assert not outer_wall_as_seen(nothing, np.ones((2, 20, 20)), SPACING_MM).any()
