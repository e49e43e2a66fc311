"""Relative stiffness from deformation: both estimators against a bar whose answer is a formula."""

from __future__ import annotations

import numpy as np
import pytest

from CardiacBiomechLib.mechanics.stiffness import (
    apparent_stiffness,
    spheroid_virtual_fields,
    unit_energy_density,
    unit_stress,
    virtual_fields_stiffness,
)
from ThoraxAILib.errors import InputError


def random_gradients(count: int, size: float = 0.2) -> np.ndarray:
    """F (3, 3, n) near the identity."""
    return np.eye(3)[:, :, None] + size * np.random.default_rng(0).standard_normal((3, 3, count))


def test_stress_is_the_derivative_of_the_energy():
    F, step = random_gradients(20), 1e-6
    stress = unit_stress(F, 5.0)
    for a in range(3):
        for b in range(3):
            moved = [F.copy(), F.copy()]
            moved[0][a, b] += step
            moved[1][a, b] -= step
            slope = (unit_energy_density(moved[0], 5.0) - unit_energy_density(moved[1], 5.0)) / (2 * step)
            np.testing.assert_allclose(stress[a, b], slope, rtol=1e-4, atol=1e-6)


def test_rotation_and_rest_store_nothing():
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])[:, :, None]
    assert unit_energy_density(turn, 5.0) == pytest.approx(0.0, abs=1e-12)
    assert unit_stress(np.eye(3)[:, :, None], 5.0) == pytest.approx(np.zeros((3, 3, 1)), abs=1e-12)


def sheared_layers() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two layers under the same shear stress, the second four times stiffer: F, volumes, regions, virtual gradients.

    With shear angles g and g/4 the stress mu*g is the same; fields v = (f(y), 0, 0) with f zero at both ends see it.
    """
    y = (np.arange(400) + 0.5) / 400
    regions = (y > 0.5).astype(int)
    F = np.repeat(np.eye(3)[:, :, None], 400, axis=2)
    F[0, 1] = np.where(regions == 0, 0.2, 0.05)
    virtual = np.zeros((5, 3, 3, 400))
    for order in range(5):
        virtual[order, 0, 1] = (order + 1) * np.pi * np.cos((order + 1) * np.pi * y)
    return F, np.ones(400), regions, virtual


def test_virtual_fields_give_the_ratio_of_two_layers_under_one_stress():
    F, volumes, regions, virtual = sheared_layers()
    found = virtual_fields_stiffness(F, volumes, regions, virtual, 10.0)
    assert found.index[1] / found.index[0] == pytest.approx(4.0, rel=0.02)
    assert found.confidence < 0.05


def test_the_apparent_index_ranks_and_overstates_as_its_formula_says():
    F, volumes, regions, _virtual = sheared_layers()
    found = apparent_stiffness(F, volumes, regions, 10.0)
    assert found.index[1] / found.index[0] == pytest.approx(16.0, rel=0.25)  # energy goes with the square of the angle
    assert (found.low <= found.index).all()
    assert (found.index <= found.high).all()


def test_virtual_fields_vanish_where_unseen_loads_act():
    angle, height = np.meshgrid(np.linspace(0, 6.0, 9), np.linspace(-0.9, 0.5, 7))
    across = 24.0 * np.sqrt(1 - height**2)
    inner = np.stack([across * np.cos(angle), across * np.sin(angle), 1.9 * 24.0 * height], -1).reshape(-1, 3)
    assert np.abs(spheroid_virtual_fields(inner, 24.0, 25.0, 1.9)).max() < 1e-9
    base = np.array([[30.0, 0.0, 25.0], [0.0, 33.0, 25.0]])
    assert np.abs(spheroid_virtual_fields(base, 24.0, 25.0, 1.9)).max() == 0.0


def test_an_empty_region_is_refused():
    F = random_gradients(4)
    with pytest.raises(InputError, match="region 2 has no points"):
        apparent_stiffness(F, np.ones(4), np.array([0, 2, 2, 0]), 10.0)
