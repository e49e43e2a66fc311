"""Relative stiffness from deformation: both estimators against a bar whose answer is a formula."""

from __future__ import annotations

import numpy as np
import pytest

from CardiacBiomechLib.mechanics.stiffness import (
    apparent_stiffness,
    unit_energy_density,
    unit_stress,
    virtual_fields_stiffness,
)
from CardiacBiomechLib.mechanics.virtual_fields import WallFields
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


def oval(heights: np.ndarray) -> np.ndarray:
    """Points (n, 3) of an inner surface whose radius changes around and along the axis, by its formula."""
    angle, height = (grid.ravel() for grid in np.meshgrid(np.linspace(0.0, 6.2, 40), heights))
    radius = 25.0 + 2.0 * np.cos(2 * angle) - 0.004 * (height - 10.0) ** 2
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)


def test_virtual_fields_vanish_where_unseen_loads_act():
    fields = WallFields(oval(np.linspace(-30.0, 30.0, 13)), -30.0, 30.0)
    within = oval(np.linspace(-27.0, 27.0, 7)) * (1.2, 1.2, 1.0)
    assert np.abs(fields.at(oval(np.linspace(-27.0, 27.0, 7)))).max() < 1e-9 * np.abs(fields.at(within)).max()
    for height in (-30.0, -35.0, 30.0, 35.0):
        assert not fields.at(within * (1.0, 1.0, 0.0) + (0.0, 0.0, height)).any()


def test_gradients_of_virtual_fields_are_their_slopes_and_have_one_component_each():
    fields = WallFields(oval(np.linspace(-30.0, 30.0, 13)), -30.0, 30.0)
    points = oval(np.array([0.0, 8.0])) * (1.15, 1.15, 1.0)
    virtual = fields.gradients(points)
    step = np.array([0.0, 1e-4, 0.0])
    slope = (fields.at(points + step) - fields.at(points - step)) / 2e-4
    np.testing.assert_allclose(virtual[1::3, 1, 1], slope, rtol=1e-3, atol=1e-6)
    assert not virtual[1::3, [0, 2]].any()


@pytest.mark.slow
def test_the_stiff_sector_of_the_finite_element_ventricle_is_found_by_both_estimators():
    pytest.importorskip("felupe", reason="felupe is a test-only peer")
    from cardiac_stiffness import virtual_gradients

    from CardiacBiomechLib.synthesis.finite_element import InflationOptions, inflate

    options = InflationOptions(stiff_sector=2, pressure_kpa=0.3, steps=3)
    heart = inflate(options)
    F, volumes = heart.deformation_gradient.reshape(3, 3, -1), heart.volumes_mm3.reshape(-1)
    sectors = np.broadcast_to(heart.sectors, heart.volumes_mm3.shape).reshape(-1)
    exact = virtual_fields_stiffness(F, volumes, sectors, virtual_gradients(heart, options), 10.0)
    others = np.arange(6) != 2
    assert exact.index[2] / exact.index[others].mean() == pytest.approx(4.0, rel=0.05)
    assert exact.is_usable
    assert exact.same_first == 1.0
    assert apparent_stiffness(F, volumes, sectors, 10.0).index.argmax() == 2


def test_virtual_fields_that_nothing_balances_are_withheld():
    random = np.random.default_rng(0)
    F, regions = random_gradients(300), np.arange(300) % 4
    found = virtual_fields_stiffness(F, np.ones(300), regions, random.standard_normal((40, 3, 3, 300)), 10.0)
    assert not found.is_usable
    assert found.confidence > 0.5


def test_an_empty_region_is_refused():
    F = random_gradients(4)
    with pytest.raises(InputError, match="region 2 has no points"):
        apparent_stiffness(F, np.ones(4), np.array([0, 2, 2, 0]), 10.0)
