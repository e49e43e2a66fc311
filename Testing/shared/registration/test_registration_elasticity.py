"""The Neo-Hookean energy is the textbook one: against felupe, finite differences and cases known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ThoraxAILib.registration.deformation.elasticity import (
    deformation_gradient,
    determinant,
    first_piola_kirchhoff,
    fold_barrier,
    green_lagrange,
    isochoric_term,
    neo_hookean,
)

MU, KAPPA = 1.3, 6.5


def random_gradients(count: int, seed: int = 0) -> np.ndarray:
    """F (3, 3, count) with J between 0.3 and 2.5."""
    random = np.random.default_rng(seed)
    F = np.eye(3)[..., None] + 0.35 * random.standard_normal((3, 3, 8 * count))
    J = determinant(F)
    kept = F[..., (J > 0.3) & (J < 2.5)][..., :count]
    assert kept.shape[-1] == count
    return kept


def rotation(seed: int) -> np.ndarray:
    """A random rotation matrix."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))
    return q * np.sign(np.linalg.det(q))


def test_energy_and_stress_agree_with_felupe_on_a_thousand_deformations():
    felupe = pytest.importorskip("felupe", reason="felupe is a test-only peer")
    F = random_gradients(1000)
    material = felupe.NeoHooke(mu=MU, bulk=KAPPA)
    peer = material.function([F[:, :, None, :], None])[0][0]
    stress = material.gradient([F[:, :, None, :], None])[0][:, :, 0]
    ours = neo_hookean(F, MU, KAPPA)
    assert np.max(np.abs(ours - peer) / np.abs(peer)) <= 1e-6
    assert np.max(np.abs(first_piola_kirchhoff(F, MU, KAPPA) - stress)) / np.abs(stress).max() <= 1e-6


def test_stress_is_the_derivative_of_the_energy():
    F, step = random_gradients(50, seed=1), 1e-6
    stress = first_piola_kirchhoff(F, MU, KAPPA)
    for a in range(3):
        for b in range(3):
            change = np.zeros((3, 3, 1))
            change[a, b] = step
            slope = (neo_hookean(F + change, MU, KAPPA) - neo_hookean(F - change, MU, KAPPA)) / (2 * step)
            np.testing.assert_allclose(stress[a, b], slope, rtol=1e-5, atol=1e-6)


def test_identity_and_rotations_cost_nothing_and_bear_no_stress():
    for F in (np.eye(3), rotation(3), rotation(4)):
        assert neo_hookean(F, MU, KAPPA) == pytest.approx(0.0, abs=1e-12)
        assert np.abs(first_piola_kirchhoff(F[..., None], MU, KAPPA)).max() < 1e-12


def test_a_rotation_after_a_deformation_changes_no_energy():
    F = random_gradients(20, seed=2)
    turned = np.einsum("ab,bcn->acn", rotation(5), F)
    np.testing.assert_allclose(neo_hookean(turned, MU, KAPPA), neo_hookean(F, MU, KAPPA), rtol=1e-12)


def test_shear_costs_half_mu_gamma_squared():
    F = np.eye(3)
    F[0, 1] = 0.4
    assert neo_hookean(F, MU, KAPPA) == pytest.approx(MU / 2 * 0.4**2)


@pytest.mark.parametrize("scale", [0.9, 1.1, 0.7])
def test_dilation_costs_bulk_energy_only(scale):
    F = scale * np.eye(3)
    assert isochoric_term(F) == pytest.approx(0.0, abs=1e-12)
    assert neo_hookean(F, MU, KAPPA) == pytest.approx(KAPPA / 2 * (scale**3 - 1) ** 2)


def test_small_strain_is_linear_elasticity():
    strain = 1e-4 * np.array([[1.0, 0.4, 0.1], [0.4, -0.7, 0.2], [0.1, 0.2, 0.5]])
    trace = np.trace(strain)
    deviator = strain - trace / 3 * np.eye(3)
    expected = MU * (deviator**2).sum() + KAPPA / 2 * trace**2
    assert neo_hookean(np.eye(3) + strain, MU, KAPPA) == pytest.approx(expected, rel=1e-3)


def test_contraction_by_a_tenth_is_seen_as_contraction_on_anisotropic_voxels():
    spacing = np.array([8.0, 1.4, 0.9])
    positions = np.stack(
        np.meshgrid(*(np.arange(n) * s for n, s in zip((5, 9, 11), spacing, strict=True)), indexing="ij")
    )
    F = deformation_gradient(-0.1 * positions, spacing)
    np.testing.assert_allclose(determinant(F), 0.729, atol=1e-5)
    assert neo_hookean(F, MU, KAPPA).mean() == pytest.approx(KAPPA / 2 * (0.729 - 1) ** 2, rel=1e-5)


def test_a_single_slice_is_plane_strain():
    positions = np.stack(np.meshgrid([0.0], np.arange(6) * 1.4, np.arange(7) * 1.4, indexing="ij"))
    F = deformation_gradient(-0.1 * positions, np.array([8.0, 1.4, 1.4]))
    np.testing.assert_allclose(determinant(F), 0.81, atol=1e-9)
    assert neo_hookean(np.broadcast_to(np.eye(3)[..., None], (3, 3, 2)), MU, KAPPA) == pytest.approx(0.0)


def test_folded_tissue_has_a_finite_energy_and_a_growing_barrier():
    F = np.diag([-0.4, 1.0, 1.0])
    assert np.isfinite(neo_hookean(F, MU, KAPPA))
    assert fold_barrier(np.array(0.3)) == 0.0
    barrier = fold_barrier(np.array([0.1, 0.0, -0.2, -1.0]))
    assert (np.diff(barrier) > 0).all()


def test_green_lagrange_strain_of_a_stretch_and_of_a_rotation():
    E = green_lagrange(np.diag([1.2, 1.0, 0.9]))
    np.testing.assert_allclose(np.diag(E), [(1.44 - 1) / 2, 0.0, (0.81 - 1) / 2])
    np.testing.assert_allclose(green_lagrange(rotation(6)), 0.0, atol=1e-12)
