"""Borders between lobes are moved to where the CT shows a fissure, and stay where it shows none."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage as ndi

from LungNoduleAILib.anatomy.fissures.lobe_borders import follow_fissures, in_words
from LungNoduleAILib.anatomy.fissures.seen import Seen, seen_around
from LungNoduleAILib.anatomy.work_image import make_work_image
from LungNoduleAILib.model.anatomy import LLL, LUL, LobeBorder
from ThoraxAILib.image.volume import Volume

SPACING = np.array([2.0, 2.0, 2.0])
SHAPE = (60, 60, 40)  # a lung of 120 x 120 x 80 mm
LUNG_HU, VESSEL_HU, SHEET_HU = -860.0, -100.0, 120.0


def height_mm(tilt_deg: float, shift_mm: float) -> np.ndarray:
    """Height of each voxel above an oblique plane that falls towards anterior, with more tilt and shift."""
    k, j, i = np.indices(SHAPE)
    places = np.stack([k, j, i], -1) * SPACING - np.array(SHAPE) * SPACING / 2
    angle = np.radians(45.0 + tilt_deg)
    return places @ np.array([np.cos(angle), -np.sin(angle), 0.0]) - shift_mm


def lobes_of(height: np.ndarray) -> np.ndarray:
    return np.where(height < 0, LLL, LUL).astype(np.uint8)


def lung(height: np.ndarray | None, seed: int, sheet_hu: float = 0.0) -> np.ndarray:
    """Noise, vessels as dots of 3 mm that keep 6 mm away from the fissure, and the fissure's sheet."""
    random = np.random.default_rng(seed)
    dots = random.random(SHAPE) < 0.012
    if height is not None:
        dots &= np.abs(height) > 6.0
    hu = LUNG_HU + random.normal(0, 30, SHAPE)
    hu[ndi.binary_dilation(dots)] = VESSEL_HU
    if height is not None:
        hu += sheet_hu * np.exp(-((height / 1.2) ** 2))
    return hu.astype(np.float32)


def followed(hu: np.ndarray, lobes: np.ndarray) -> tuple[np.ndarray, tuple[LobeBorder, ...]]:
    return follow_fissures(Seen(hu, SPACING, np.zeros(3)), lobes, SPACING)


@pytest.mark.parametrize(("tilt_deg", "shift_mm"), [(12.0, 0.0), (0.0, 10.0), (-10.0, -8.0)])
def test_a_border_is_shifted_and_tilted_to_the_band_without_vessels(tilt_deg, shift_mm):
    truth, guess = lobes_of(height_mm(tilt_deg, shift_mm)), lobes_of(height_mm(0.0, 0.0))
    new, (border,) = followed(lung(height_mm(tilt_deg, shift_mm), 1), guess)
    assert border.moved
    assert (new != truth).mean() < 0.35 * (guess != truth).mean()


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_a_border_stays_where_vessels_are_everywhere(seed):
    guess = lobes_of(height_mm(0.0, 0.0))
    new, (border,) = followed(lung(None, seed), guess)
    assert not border.moved
    assert (new == guess).all()


def test_the_share_that_lies_on_a_bright_sheet_is_told():
    truth = height_mm(5.0, 4.0)
    _, (faint,) = followed(lung(truth, 3), lobes_of(height_mm(0.0, 0.0)))
    _, (bright,) = followed(lung(truth, 3, SHEET_HU), lobes_of(height_mm(0.0, 0.0)))
    assert faint.seen_share < 0.2
    assert bright.seen_share > 0.6


def test_lobes_fill_the_same_voxels_as_before():
    lobes = lobes_of(height_mm(0.0, 0.0))
    lobes[:, :10] = 0
    new, _ = followed(lung(height_mm(10.0, 6.0), 4), lobes)
    assert ((new > 0) == (lobes > 0)).all()


def test_thick_slices_leave_the_lobes_as_they_were_and_say_so():
    lobes = lobes_of(height_mm(0.0, 0.0))
    thick = np.array([8.0, 2.0, 2.0])
    new, borders = follow_fissures(Seen(lung(None, 5), thick, np.zeros(3)), lobes, thick)
    assert new is lobes
    assert borders == ()
    assert "too thick" in in_words(borders)


def test_what_became_of_each_border_is_said_with_the_share_that_is_seen():
    said = in_words((LobeBorder("right oblique", True, 0.4, 0.42), LobeBorder("horizontal", False, 0.9, 0.0)))
    assert "right oblique fissure was put where the CT shows it" in said
    assert "horizontal fissure was left" in said
    assert "right oblique 42 %" in said


def test_several_borders_that_were_moved_are_told_as_one_list():
    said = in_words(tuple(LobeBorder(name, True, 0.4, 0.5) for name in ("right oblique", "left oblique", "horizontal")))
    assert said.startswith(
        "the borders at the right oblique, left oblique and horizontal fissures were put where the CT shows them;"
    )


def test_the_ct_around_the_lungs_is_placed_by_the_lobes_first_voxel():
    array = np.zeros((20, 90, 80), np.int16)
    array[8, 40:42, 50:52] = 3000  # pixels of 0.6 mm: a point 8 x 3, 40.5 x 0.6 and 50.5 x 0.6 mm from the first one
    volume = Volume(array, np.array([[-0.6, 0, 0, 0], [0, -0.6, 0, 0], [0, 0, 3.0, 0], [0, 0, 0, 1]]))
    work = make_work_image(volume)
    box = (slice(0, 20), slice(4, 25), slice(5, 24))
    seen = seen_around(volume, work, box)
    first = np.array([0, 4, 5]) * work.spacing_kji_mm + (work.spacing_kji_mm - np.array(volume.spacing_kji_mm)) / 2
    point = np.array([24.0, 24.3, 30.3]) - first
    peak = np.array(ndi.center_of_mass(seen.hu)) * seen.spacing_mm + seen.first_mm
    assert peak == pytest.approx(point, abs=0.01)
    assert seen.at(point[:, None])[0] > 1000
