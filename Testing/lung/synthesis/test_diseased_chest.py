"""Disease that takes lung away is drawn into synthetic bodies as asked, with its truth, the same for the same seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from LungNoduleAILib.synthesis import make_body
from LungNoduleAILib.synthesis.body.make import has_whole_lungs
from LungNoduleAILib.synthesis.disease.chest import KINDS, MASS, with_disease
from LungNoduleAILib.synthesis.model.body import SETTINGS, Body
from ThoraxAILib.errors import InputError


@pytest.fixture(scope="module")
def body() -> Body:
    return make_body(900001, "training", (3.0, 3.0, 3.0))


@pytest.mark.parametrize(
    ("kind", "hu"),
    [
        ("mass", (10, 90)),
        ("effusion", (-10, 35)),
        ("consolidation", (-150, 80)),
        ("collapse", (20, 150)),
        ("pneumothorax", (-1024, -940)),
    ],
)
def test_a_disease_has_its_density_where_its_truth_lies_and_lies_in_a_lung(body: Body, kind: str, hu: tuple[int, int]):
    chest = with_disease(body, (kind,))
    (disease,) = chest.diseases
    inside = chest.volume.array[disease.mask]
    assert hu[0] < np.median(inside) < hu[1]
    assert ((body.labels[disease.mask] > 0) & (body.labels[disease.mask] < 6)).all()
    assert disease.volume_ml == pytest.approx(disease.mask.sum() * 27 / 1000, rel=0.01)
    place = np.round(body.grid.kji_from_ras(np.array(disease.center_ras_mm))).astype(int)
    assert disease.mask[tuple(place)]


def test_the_same_body_and_kinds_give_the_same_chest(body: Body):
    first, second = (with_disease(body, (MASS, "effusion")) for _ in range(2))
    assert (first.volume.array == second.volume.array).all()
    assert [d.side for d in first.diseases] == [first.diseases[0].side] * 2


def test_masses_reach_from_40_to_150_mm(body: Body):
    (small,) = with_disease(body, (MASS,), (40.0, 40.0)).diseases
    (large,) = with_disease(body, (MASS,), (150.0, 150.0)).diseases
    assert small.diameter_mm == pytest.approx(40.0, rel=0.15)
    assert large.volume_ml > 4 * small.volume_ml


def test_lung_pressed_airless_by_fluid_is_told_beside_the_diseases(body: Body):
    chests = [with_disease(replace(body, seed=seed), ("effusion",)) for seed in range(4)]
    pressed = [chest for chest in chests if chest.pressed.any()]
    assert 0 < len(pressed) <= 4
    for chest in pressed:
        assert np.median(chest.volume.array[chest.pressed]) > -250  # thin: it averages with the lung beside it
        assert not (chest.pressed & chest.diseases[0].mask).any()
    assert not with_disease(body, (MASS,)).pressed.any()


def test_most_persons_have_whole_lungs_and_some_have_not():
    for setting in SETTINGS:
        assert 0.6 < np.mean([has_whole_lungs(seed, setting) for seed in range(60)]) < 0.95


def test_an_unknown_disease_is_refused_with_those_that_are_known(body: Body):
    with pytest.raises(InputError, match=", ".join(KINDS)):
        with_disease(body, ("fracture",))
