"""A network parts what takes the place of lung, rules add what it leaves; its samples carry their truth."""

from __future__ import annotations

import numpy as np
import pytest

from LungNoduleAILib.model.anatomy import LUL, RUL, Anatomy
from LungNoduleAILib.opacity import classes
from LungNoduleAILib.opacity.coarse_chest import CoarseChest
from LungNoduleAILib.opacity.learned import LearnedOpacities
from LungNoduleAILib.opacity.network_pieces import pieces_of_network, rest_of_rules
from LungNoduleAILib.opacity.opacity import FLUID, TISSUE, measured
from LungNoduleAILib.training.labels.opacity_samples import CLASS_OF_KIND, SHARES, OpacitySamples
from ThoraxAILib.image.volume import Volume

STEP_MM, SHAPE = 3.0, (60, 60, 90)
# the right lung fills columns 5 to 40, the left one columns 49 to 84
RIGHT, LEFT = (slice(5, 55), slice(5, 55), slice(5, 41)), (slice(5, 55), slice(5, 55), slice(49, 85))


@pytest.fixture(scope="module")
def scan() -> tuple[Volume, Anatomy]:
    labels, hu = np.zeros(SHAPE, np.uint8), np.full(SHAPE, 40, np.int16)
    labels[RIGHT], labels[LEFT] = RUL, LUL
    hu[labels > 0] = -850
    matrix = np.array([[-STEP_MM, 0, 0, 135.0], [0, -STEP_MM, 0, 90.0], [0, 0, STEP_MM, 0.0], [0, 0, 0, 1.0]])
    return Volume(hu, matrix, modality="CT"), Anatomy(labels, (), True)


def ball(center_kji: tuple[int, int, int], radius: float) -> np.ndarray:
    k, j, i = np.indices(SHAPE)
    return (k - center_kji[0]) ** 2 + (j - center_kji[1]) ** 2 + (i - center_kji[2]) ** 2 < radius**2


def chances(masks: dict[int, np.ndarray], sure: float = 0.9) -> np.ndarray:
    """Chances of every class: ``sure`` inside its mask, elsewhere the tissue is healthy."""
    result = np.zeros((len(classes.CLASSES), *SHAPE), np.float32)
    for name, mask in masks.items():
        result[name][mask] = sure
    result[classes.LUNG] = 1 - result.sum(axis=0)
    return result


def test_each_class_that_is_large_and_thick_enough_is_an_opacity_of_its_own(scan):
    chest = CoarseChest.of(*scan)
    mass, dot = ball((25, 30, 22), 8), ball((45, 30, 22), 3)
    fluid = np.zeros(SHAPE, bool)
    fluid[10:40, 40:54, 50:84] = True
    told = pieces_of_network(chest, chances({classes.MASS: mass | dot, classes.FLUID: fluid}))
    assert [(o.kind, o.side) for o in told] == [(TISSUE, "right"), (FLUID, "left")]
    assert told[0].volume_ml == pytest.approx(mass.sum() * STEP_MM**3 / 1000, abs=0.1)
    assert told[0].holds(tuple(chest.work.grid.ras_from_kji(np.array([25.0, 30.0, 22.0]))))


def test_mass_and_airless_lung_that_touch_are_told_apart(scan):
    chest = CoarseChest.of(*scan)
    airless = np.zeros(SHAPE, bool)
    airless[10:40, 10:50, 30:40] = True
    mass = ball((25, 30, 22), 8) & ~airless
    told = pieces_of_network(chest, chances({classes.MASS: mass, classes.AIRLESS: airless}))
    assert sorted(o.volume_ml for o in told) == pytest.approx(
        sorted(float(m.sum()) * STEP_MM**3 / 1000 for m in (mass, airless)), abs=0.1
    )


def test_what_the_network_is_hardly_sure_of_is_no_piece(scan):
    chest = CoarseChest.of(*scan)
    assert not pieces_of_network(chest, chances({classes.MASS: ball((25, 30, 22), 8)}, sure=0.5))


def test_of_what_rules_find_only_the_uncovered_rest_is_added_and_nothing_that_looks_healthy(scan):
    chest = CoarseChest.of(*scan)
    mass = ball((25, 30, 22), 8)
    seen = chances({classes.MASS: mass})
    (piece,) = pieces_of_network(chest, seen)
    same, healthy = measured(chest, TISSUE, "right", ball((25, 30, 22), 7)), ball((25, 30, 66), 8)
    assert list(rest_of_rules(chest, [same, measured(chest, TISSUE, "left", healthy)], [piece], seen)) == []
    doubtful = seen.copy()
    doubtful[classes.AIRLESS][healthy] = 0.1
    rules = [same, measured(chest, TISSUE, "left", healthy)]
    (rest,) = rest_of_rules(chest, rules, [piece], doubtful)
    assert (rest.mask == healthy).all()


def test_lungs_that_are_not_there_need_no_network(scan, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr("LungNoduleAILib.opacity.learned.class_chances", lambda *_: pytest.fail("the network ran"))
    nothing = Anatomy(np.zeros(SHAPE, np.uint8), ())
    assert LearnedOpacities().find(scan[0], nothing) == ()


def test_the_shipped_network_measures_a_mass_and_finds_nothing_in_the_healthy_chest():
    pytest.importorskip("torch")
    from LungNoduleAILib.synthesis import make_body
    from LungNoduleAILib.synthesis.disease.chest import MASS, with_disease

    body = make_body(900001, "training", (3.0, 3.0, 3.0))
    made = {kinds: with_disease(body, kinds, (80.0, 80.0)) for kinds in ((), (MASS,))}
    found = {kinds: LearnedOpacities().find(one.volume, Anatomy(one.labels, (), True)) for kinds, one in made.items()}
    assert found[()] == ()
    (mass,) = made[(MASS,)].diseases
    (told,) = found[(MASS,)]
    assert (told.kind, told.side) == (TISSUE, mass.side)
    assert told.volume_ml == pytest.approx(mass.volume_ml, rel=0.25)


@pytest.mark.slow
def test_samples_are_the_same_for_the_same_step_and_name_every_disease():
    samples = OpacitySamples(3, spacing_mm=8.0, pool=1, reuse=1, sizes=((32,), (32,), (48,)))
    seen = {kind for number in range(4) for kind in np.unique(samples.patient(number).target)}
    assert {classes.ELSEWHERE, classes.LUNG} < seen
    assert seen & set(CLASS_OF_KIND.values())
    assert sum(SHARES.values()) == pytest.approx(1)
    first, second = samples(2), samples(2)
    assert (first.hu == second.hu).all()
    assert (first.labels == second.labels).all()
    assert set(np.unique(first.labels)) <= set(range(len(classes.CLASSES)))
