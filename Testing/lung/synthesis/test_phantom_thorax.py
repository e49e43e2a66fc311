"""The synthetic chest: planted truth, anatomy that fits its labels, the same patient on any grid."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from LungNoduleAILib.model.anatomy import AIRWAY, LOBE_OF_LABEL
from LungNoduleAILib.synthesis import (
    DEFAULT_RECIPES,
    NoduleRecipe,
    PlantedNodule,
    SyntheticCT,
    make_small_chest,
    mass_recipe,
)
from ThoraxAILib.errors import InputError

COARSE_MM = (3.0, 3.0, 3.0)


@pytest.fixture(scope="module")
def chest() -> SyntheticCT:
    """A noise-free chest with the default nodules."""
    return make_small_chest(seed=5, spacing_mm=(2.0, 2.0, 2.0), noise_hu=0)


def hu_at(phantom: SyntheticCT, point_ras_mm: tuple[float, float, float]) -> float:
    """HU of the voxel nearest to a RAS point."""
    place = np.rint(phantom.volume.kji_from_ras(np.array(point_ras_mm))).astype(int)
    return float(phantom.volume.array[tuple(place)])


def test_the_same_seed_gives_the_same_bytes():
    first, second = (make_small_chest(seed=2, spacing_mm=COARSE_MM) for _ in range(2))
    assert first.volume.array.tobytes() == second.volume.array.tobytes()
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.nodules == second.nodules


def test_another_seed_gives_another_patient():
    first, second = (make_small_chest(seed=seed, spacing_mm=COARSE_MM, noise_hu=0) for seed in (2, 3))
    assert (first.labels != second.labels).mean() > 0.001
    assert first.nodules != second.nodules


def test_the_lungs_have_the_volume_of_an_adult(chest: SyntheticCT):
    assert 3500 < chest.right_lung_ml + chest.left_lung_ml < 6500
    assert 1.0 < chest.right_lung_ml / chest.left_lung_ml < 1.4


def test_every_lobe_and_the_airways_are_there(chest: SyntheticCT):
    milliliters = np.bincount(chest.labels.reshape(-1), minlength=7) * chest.volume.voxel_mm3 / 1000
    assert (milliliters[1:6] > 200).all()
    assert 25 < milliliters[AIRWAY] < 120


def test_labels_agree_with_density(chest: SyntheticCT):
    hu, labels = chest.volume.array, chest.labels
    lung = (labels >= 1) & (labels <= 5)
    assert -870 < np.median(hu[lung]) < -820
    assert (hu[lung] < -600).mean() > 0.85
    assert np.median(hu[labels == AIRWAY]) < -950
    dense = hu[labels == 0]
    assert ((dense > -1024) & (dense < -970)).mean() > 0.3  # air around the body


def test_right_lobes_lie_at_positive_r(chest: SyntheticCT):
    for label, name in LOBE_OF_LABEL.items():
        center = chest.volume.ras_from_kji(np.argwhere(chest.labels == label).mean(axis=0))
        assert (center[0] > 0) == name.startswith("R")


def test_lungs_are_denser_behind(chest: SyntheticCT):
    places = np.argwhere((chest.labels >= 1) & (chest.labels <= 5) & (chest.volume.array < -700))
    front = chest.volume.ras_from_kji(places)[:, 1]
    hu = chest.volume.array[tuple(places.T)].astype(float)
    assert hu[front < -60].mean() > hu[front > 40].mean() + 15


def test_each_default_nodule_shows_its_density_at_its_place(chest: SyntheticCT):
    assert len(chest.nodules) == len(DEFAULT_RECIPES)
    for nodule in chest.nodules:
        if nodule.diameter_mm < 6:
            continue  # blurred by 2 mm voxels
        center_hu = nodule.core_hu if nodule.core_semi_axes_mm else nodule.hu
        assert hu_at(chest, nodule.center_ras_mm) == pytest.approx(center_hu, abs=0.12 * (center_hu + 900) + 40)


def test_nodules_lie_in_the_lobe_they_name(chest: SyntheticCT):
    for nodule, recipe in zip(chest.nodules, DEFAULT_RECIPES, strict=True):
        place = tuple(np.rint(chest.volume.kji_from_ras(np.array(nodule.center_ras_mm))).astype(int))
        assert LOBE_OF_LABEL[int(chest.labels[place])] == nodule.lobe == recipe.lobe
        assert nodule.side == ("right" if nodule.lobe.startswith("R") else "left")


def test_a_juxtapleural_nodule_touches_the_wall_and_an_isolated_one_does_not(chest: SyntheticCT):
    outside = cKDTree(chest.volume.ras_from_kji(np.argwhere((chest.labels == 0) & (chest.volume.array > -300))))
    for nodule in chest.nodules:
        gap = outside.query(nodule.center_ras_mm)[0] - min(nodule.semi_axes_mm)
        if nodule.placement == "juxtapleural":
            assert gap < 2.0
        else:
            assert gap > 2.0


def turned(degrees: float) -> np.ndarray:
    """Axial LPS directions tilted about the R axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ np.diag([-1.0, -1.0, 1.0])


@pytest.mark.parametrize(
    "direction",
    [np.diag([1.0, 1.0, -1.0]), np.array([[0, 0, -1.0], [-1.0, 0, 0], [0, 1.0, 0]]), turned(17)],
    ids=["flipped", "sagittal", "oblique"],
)
def test_any_grid_shows_the_same_patient(direction: np.ndarray):
    nodule = PlantedNodule((70.0, -30.0, 10.0), (9.0, 8.0, 7.0))
    settings = {
        "seed": 4,
        "noise_hu": 0,
        "nodules": [nodule],
        "spacing_mm": (2.0, 2.0, 2.0),
        "shape_ijk": (40, 40, 40),
        "center_ras_mm": (70.0, -30.0, 10.0),
        "psf_fwhm_mm": 0.0,
    }
    upright, other = make_small_chest(**settings), make_small_chest(**settings, direction=direction)
    assert other.nodules == upright.nodules
    for phantom in (upright, other):
        dense = np.argwhere(phantom.volume.array > -400)
        points = phantom.volume.ras_from_kji(dense)
        near = np.linalg.norm(points - nodule.center_ras_mm, axis=1) < 9.5
        np.testing.assert_allclose(points[near].mean(axis=0), nodule.center_ras_mm, atol=0.4)
    middle = np.array(settings["center_ras_mm"])
    probes = middle + np.random.default_rng(0).uniform(-20, 20, (400, 3))
    places = [tuple(np.rint(p.volume.kji_from_ras(probes)).astype(int).T) for p in (upright, other)]
    same = upright.labels[places[0]] == other.labels[places[1]]
    assert same.mean() > 0.9


def test_planting_adds_the_mass_of_the_nodule():
    nodule = PlantedNodule((75.0, -35.0, 40.0), (6.0, 5.0, 4.5))
    settings = {
        "seed": 4,
        "noise_hu": 0,
        "spacing_mm": (0.8, 0.8, 1.0),
        "shape_ijk": (50, 50, 40),
        "center_ras_mm": nodule.center_ras_mm,
    }
    planted, empty = (make_small_chest(**settings, nodules=nodules) for nodules in ([nodule], []))
    added = (planted.volume.array.astype(float) - empty.volume.array).sum() * planted.volume.voxel_mm3
    distance = np.linalg.norm(empty.volume.ras_from_kji(np.argwhere(empty.labels > -1)) - nodule.center_ras_mm, axis=1)
    inside = empty.volume.array.reshape(-1)[distance < 4.5]
    assert added == pytest.approx(nodule.volume_mm3 * (nodule.hu - inside.mean()), rel=0.02)


def test_every_branching_obeys_murrays_law(chest: SyntheticCT):
    for tree in chest.trees.values():
        children = np.bincount(
            tree.parent[tree.parent >= 0], weights=tree.radius_mm[tree.parent >= 0] ** 3, minlength=len(tree.radius_mm)
        )
        branching = children > 0
        assert branching.sum() > 50
        np.testing.assert_allclose(children[branching], tree.radius_mm[branching] ** 3, rtol=1e-6)


def test_branches_start_where_their_parent_ends(chest: SyntheticCT):
    tree = chest.trees["right arteries"]
    child = np.flatnonzero(tree.parent >= 0)
    np.testing.assert_allclose(tree.start_ras_mm[child], tree.end_ras_mm[tree.parent[child]], atol=1e-6)


def test_noise_has_the_asked_deviation():
    settings = {"seed": 1, "spacing_mm": (1.0, 1.0, 1.5), "shape_ijk": (40, 40, 20), "center_ras_mm": (0, 170, 0)}
    air = make_small_chest(**settings, noise_hu=15, nodules=[]).volume.array  # in front of the chest, nothing but air
    assert air[air > -1024].size
    quiet = make_small_chest(**settings, noise_hu=0, nodules=[]).volume.array
    assert quiet.max() == -1000
    assert np.median(np.abs(air + 1000.0)) / 0.6745 == pytest.approx(15, rel=0.05)


def test_a_mass_of_60_mm_can_be_planted():
    phantom = make_small_chest(seed=1, spacing_mm=COARSE_MM, nodules=[mass_recipe(60)])
    mass = phantom.nodules[0]
    assert mass.to_dict()["kind"] == "mass"
    assert hu_at(phantom, mass.center_ras_mm) > -60


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"direction": np.ones((3, 3))}, "orthonormal"),
        ({"spacing_mm": (0, 1, 1), "shape_ijk": (9, 9, 9)}, "positive"),
        ({"noise_hu": -1}, "negative"),
        ({"nodules": [NoduleRecipe(90.0, lobe="RML")]}, "RML"),
    ],
)
def test_impossible_wishes_are_told_in_a_sentence(wrong: dict, word: str):
    with pytest.raises(InputError, match=word):
        make_small_chest(**{"spacing_mm": COARSE_MM, **wrong})
