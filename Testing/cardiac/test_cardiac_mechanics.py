"""Strain along the heart's axes, ejection from labels and from motion, and the finite-element ventricle."""

from __future__ import annotations

import numpy as np
import pytest

from CardiacBiomechLib.mechanics.strain import DEFINITION, strain_along_axes, wall_strain
from CardiacBiomechLib.motion.volumes import dice, ejection_from_labels, ejection_from_motion
from CardiacBiomechLib.synthesis.cine import Scanner, acquire, true_field
from CardiacBiomechLib.synthesis.scoring import score
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from ThoraxAILib.registration.deformation.elasticity import neo_hookean
from ThoraxAILib.registration.field import Field

CYLINDER = {"inner": 24.0, "inner_after": 18.0, "stretch": 0.9, "twist": 0.01}


def cylinder_gradient(R: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F (3, 3, n) in (radial, circumferential, longitudinal) of an incompressible twisted tube, and r.

    r^2 = (R^2 - Ri^2)/lz + ri^2, theta = Theta + tau Z, z = lz Z (Guccione et al., J. Biomech. Eng. 113:42, 1991).
    """
    lz, tau = CYLINDER["stretch"], CYLINDER["twist"]
    r = np.sqrt((R**2 - CYLINDER["inner"] ** 2) / lz + CYLINDER["inner_after"] ** 2)
    F = np.zeros((3, 3, len(R)))
    F[0, 0], F[1, 1], F[1, 2], F[2, 2] = R / (r * lz), r / R, r * tau, lz
    return F, r


def test_strain_of_an_incompressible_twisted_tube_is_the_closed_form():
    R = np.linspace(24.0, 34.0, 11)
    F, r = cylinder_gradient(R)
    axes = np.broadcast_to(np.eye(3)[:, None, :], (3, len(R), 3))
    err, ecc, ell = strain_along_axes(F, axes)
    np.testing.assert_allclose(np.linalg.det(np.moveaxis(F, -1, 0)), 1.0, atol=1e-12)
    np.testing.assert_allclose(err, ((R / (r * 0.9)) ** 2 - 1) / 2)
    np.testing.assert_allclose(ecc, ((r / R) ** 2 - 1) / 2)
    np.testing.assert_allclose(ell, (0.9**2 + (r * 0.01) ** 2 - 1) / 2)
    assert wall_strain(np.stack([err, ecc, ell])).circumferential == pytest.approx(ecc.mean())
    assert "Green-Lagrange" in DEFINITION


def test_strain_does_not_depend_on_the_frame_of_description():
    F, _ = cylinder_gradient(np.linspace(24.0, 34.0, 5))
    axes = np.broadcast_to(np.eye(3)[:, None, :], (3, 5, 3))
    q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))
    turned = np.einsum("ab,bcn,dc->adn", q, F, q)
    np.testing.assert_allclose(strain_along_axes(turned, axes @ q.T), strain_along_axes(F, axes), atol=1e-12)


@pytest.fixture(scope="module")
def frames():
    """End-diastole and end-systole at 8 mm slices."""
    scanner = Scanner((14, 90, 90), (8.0, 1.6, 1.6), samples_per_slice=1)
    return scanner, acquire(Ventricle(), scanner, np.array([0.0, 1.0]))


def test_ejection_from_labels_and_from_the_true_motion_nearly_agree(frames):
    scanner, (still, moved) = frames
    counted = ejection_from_labels(still.labels, moved.labels, 3)
    integrated = ejection_from_motion(still.labels, true_field(Ventricle(), scanner.grid()), 3)
    assert counted.edv_ml == integrated.edv_ml
    assert counted.ef_percent == pytest.approx(60.0, abs=5.0)
    assert integrated.ef_percent == pytest.approx(60.0, abs=5.0)


def test_the_exact_field_scores_no_error_and_no_field_scores_all_of_it(frames):
    scanner, pair = frames
    exact = score(true_field(Ventricle(), scanner.grid()), Ventricle(), tuple(pair))
    assert exact.epe_mean_mm < 1e-4
    assert exact.ecc_error == exact.err_error == 0.0
    assert exact.wall_dice > 0.9
    still = score(Field.zero(scanner.grid()), Ventricle(), tuple(pair))
    assert still.epe_mean_mm > 4.0
    assert still.wall_j_mean == pytest.approx(1.0)
    assert still.ecc_error == pytest.approx(abs(still.true_global_ecc), rel=0.05)


def test_dice_of_equal_disjoint_and_missing_labels():
    one = np.array([[0, 1, 1, 2]])
    assert dice(one, one, 1) == 1.0
    assert dice(one, np.array([[1, 0, 0, 2]]), 1) == 0.0
    assert np.isnan(dice(one, one, 3))


def test_the_finite_element_ventricle_obeys_our_energy():
    pytest.importorskip("felupe", reason="felupe is a test-only peer")
    from CardiacBiomechLib.synthesis.finite_element import InflationOptions, inflate

    options = InflationOptions(pressure_kpa=0.2, steps=2)
    inflated = inflate(options)
    assert np.linalg.norm(inflated.displacement_mm, axis=1).max() > 1.0
    assert inflated.jacobian.min() > 0.8
    ours = neo_hookean(inflated.deformation_gradient, options.mu_kpa, options.kappa_kpa)
    np.testing.assert_allclose(ours, np.squeeze(inflated.energy_density_kpa), rtol=1e-6, atol=1e-12)
