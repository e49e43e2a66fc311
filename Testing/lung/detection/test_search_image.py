"""The image the learned detector searches: cubes of a millimetre, values and places as in the CT."""

import numpy as np

from LungNoduleAILib.anatomy.lung_box import lung_box
from LungNoduleAILib.detection.search_image import MARGIN_MM, SearchImage, averaged
from LungNoduleAILib.detection.two_levels import SPACING_MM
from LungNoduleAILib.model.anatomy import LLL, RUL, Anatomy
from ThoraxAILib.image.volume import Volume

SPACING_KJI_MM = np.array([2.5, 0.7, 0.6])


def chest(array: np.ndarray) -> tuple[Volume, Anatomy]:
    """A CT with two boxes of lung."""
    labels = np.zeros(array.shape, np.uint8)
    labels[10:30, 60:120, 40:90], labels[10:30, 60:120, 120:170] = RUL, LLL
    return Volume(array, np.diag([-SPACING_KJI_MM[2], -SPACING_KJI_MM[1], SPACING_KJI_MM[0], 1.0])), Anatomy(labels)


def searched(array: np.ndarray) -> SearchImage:
    volume, anatomy = chest(array)
    return SearchImage.around(volume, anatomy, lung_box(anatomy.labels, volume.spacing_kji_mm, MARGIN_MM))


def test_a_linear_image_stays_linear_to_a_tenth_of_a_voxel_and_every_place_is_found_again():
    k, j, i = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in (40, 180, 210)), indexing="ij")
    image = searched((3 * k - 2 * j + i).astype(np.float32))
    at = np.argwhere(np.ones(image.hu.shape, bool))[::997]
    at = at[((at > 1) & (at < np.array(image.hu.shape) - 2)).all(axis=1)]
    full = chest(image.hu)[0].kji_from_ras(image.grid.ras_from_kji(at))
    np.testing.assert_allclose(image.hu[tuple(at.T)], full @ [3.0, -2.0, 1.0], atol=0.2)


def test_voxels_are_cubes_and_the_search_reaches_over_the_border_of_the_lungs():
    image = searched(np.full((40, 180, 210), -800, np.int16))
    np.testing.assert_allclose(image.hu, -800, atol=0.01)
    lungs_mm = np.array([20, 60, 130]) * SPACING_KJI_MM
    assert np.all(
        np.abs(np.array(image.hu.shape) * SPACING_MM - np.minimum(lungs_mm + 2 * MARGIN_MM, [100, 126, 126])) < 3
    )
    inner = chest(image.hu)[0].kji_from_ras(image.grid.ras_from_kji(np.argwhere(image.wanted)))
    assert inner[:, 1].min() * SPACING_KJI_MM[1] < 60 * SPACING_KJI_MM[1] - 2
    assert not image.wanted[:, :3].any()


def test_fine_voxels_are_averaged_so_that_noise_sinks():
    noise = np.random.default_rng(2).normal(0, 100, (30, 100, 100)).astype(np.float32)
    step = np.array([1.0, 2.0, 2.0])
    places = [np.arange(int(n / s)) * s for n, s in zip(noise.shape, step, strict=True)]
    small = averaged(noise, places, step)
    assert small.shape == (30, 50, 50)
    expected = 100 * (0.5**2 + 2 * 0.25**2)  # of the triangle's weights 1/4, 1/2, 1/4 along two axes
    assert abs(small[:, 1:-1, 1:-1].std() - expected) < 1.5
