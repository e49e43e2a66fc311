"""Penalties on deformations: exact in physical units, differentiable, zero where nothing is deformed."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is an optional dependency")

from ThoraxAILib.registration.deformation.dense import DenseDeformation, voxel_positions  # noqa: E402
from ThoraxAILib.registration.deformation.elasticity import neo_hookean  # noqa: E402
from ThoraxAILib.registration.deformation.spline import SplineDeformation, SplineLattice, SplineSampler  # noqa: E402
from ThoraxAILib.registration.regularizers.protocol import Material  # noqa: E402
from ThoraxAILib.registration.regularizers.registry import REGULARIZERS, regularizer  # noqa: E402

SPACING = (8.0, 1.4, 0.9)
MATRIX = np.array([[-0.1, 0.02, 0.0], [0.05, 0.08, -0.03], [0.01, 0.0, -0.06]])


def affine_displacement(matrix: np.ndarray) -> torch.Tensor:
    """u = matrix x on a small anisotropic grid."""
    positions = voxel_positions((5, 9, 11), SPACING)
    return torch.einsum("ab,bkji->akji", torch.from_numpy(matrix).float(), positions)


def spline_deformation(seed: int = 0, dtype: torch.dtype = torch.float64) -> SplineDeformation:
    """A random smooth deformation in double precision."""
    lattice = SplineLattice((32.0, 30.0, 30.0), (16.0, 10.0, 10.0))
    sampler = SplineSampler(lattice, [np.linspace(0, size, 7) for size in lattice.extent_mm])
    sampler._bases = [[basis.to(dtype) for basis in orders] for orders in sampler._bases]
    generator = torch.Generator().manual_seed(seed)
    return SplineDeformation(sampler, 1.5 * torch.randn(3, *lattice.shape, generator=generator, dtype=dtype))


@pytest.mark.parametrize("name", sorted(REGULARIZERS))
def test_no_motion_costs_nothing(name):
    still = DenseDeformation(torch.zeros(3, 4, 5, 6), SPACING)
    assert float(regularizer(name).energy(still, Material())) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("name", sorted(REGULARIZERS))
def test_gradients_agree_with_finite_differences(name):
    deformation = spline_deformation()
    penalty, material = regularizer(name), Material(1.0, 5.0)
    coefficients = deformation.coefficients.clone().requires_grad_(True)
    penalty.energy(SplineDeformation(deformation.sampler, coefficients), material).backward()
    random, step = np.random.default_rng(1), 1e-5
    for _ in range(12):
        index = tuple(int(random.integers(size)) for size in coefficients.shape)
        energies = []
        for sign in (1, -1):
            moved = coefficients.detach().clone()
            moved[index] += sign * step
            energies.append(float(penalty.energy(SplineDeformation(deformation.sampler, moved), material)))
        slope = (energies[0] - energies[1]) / (2 * step)
        assert float(coefficients.grad[index]) == pytest.approx(slope, rel=1e-4, abs=1e-9)


def test_an_affine_motion_has_the_exact_energy_on_anisotropic_voxels():
    deformation = DenseDeformation(affine_displacement(MATRIX), SPACING)
    elastic = float(regularizer("neo-hookean").energy(deformation, Material(2.0, 7.0)))
    assert elastic == pytest.approx(neo_hookean(np.eye(3) + MATRIX, 2.0, 7.0), rel=1e-4)
    assert float(regularizer("diffusion").energy(deformation, Material())) == pytest.approx((MATRIX**2).sum(), rel=1e-4)
    assert float(regularizer("bending").energy(deformation, Material())) == pytest.approx(0.0, abs=1e-6)


def test_moduli_act_only_where_their_tissue_is():
    deformation = DenseDeformation(affine_displacement(MATRIX), SPACING)
    shape = deformation.gradient().shape[2:]
    half = torch.zeros(shape)
    half[..., : shape[-1] // 2] = 1.0
    everywhere = float(regularizer("neo-hookean").energy(deformation, Material(torch.ones(shape), torch.ones(shape))))
    there = float(regularizer("neo-hookean").energy(deformation, Material(half, half)))
    assert there == pytest.approx(everywhere * (shape[-1] // 2) / shape[-1], rel=1e-4)


def test_folding_is_never_cheap_even_where_no_tissue_is():
    fold = DenseDeformation(affine_displacement(np.diag([0.0, 0.0, -1.4])), SPACING)
    assert float(regularizer("neo-hookean").energy(fold, Material(0.0, 0.0))) > 10.0


def test_spline_derivatives_are_the_derivatives_of_its_values():
    deformation = spline_deformation()
    step = 1e-5
    axes = deformation.sampler.axes_mm
    gradient = deformation.gradient()
    lattice = SplineLattice((32.0, 30.0, 30.0), (16.0, 10.0, 10.0))
    for axis in range(3):
        values = []
        for sign in (1, -1):
            points = [p + sign * step * (a == axis) for a, p in enumerate(axes)]
            moved = SplineSampler(lattice, points)
            moved._bases = [[moved_basis(lattice, p, a, order) for order in range(3)] for a, p in enumerate(points)]
            values.append(moved.values(deformation.coefficients))
        slope = (values[0] - values[1]) / (2 * step)
        inner = (slice(None), slice(1, -1), slice(1, -1), slice(1, -1))
        np.testing.assert_allclose(gradient[:, axis][inner], slope[inner], rtol=1e-4, atol=1e-6)


def moved_basis(lattice: SplineLattice, points: np.ndarray, axis: int, order: int) -> torch.Tensor:
    """A basis matrix in double precision (the library's are single)."""
    from ThoraxAILib.registration.deformation.spline import _cubic

    step = lattice.spacing_mm[axis]
    values = _cubic(points[:, None] / step - (np.arange(lattice.shape[axis]) - 1)[None], order) / step**order
    return torch.from_numpy(values)


def test_refining_a_lattice_keeps_the_displacement():
    coarse = SplineLattice((40.0, 60.0, 60.0), (20.0, 20.0, 20.0))
    fine = SplineLattice((40.0, 60.0, 60.0), (10.0, 10.0, 10.0))
    coefficients = torch.randn(3, *coarse.shape, generator=torch.Generator().manual_seed(0))
    points = [np.linspace(0, size, 13) for size in coarse.extent_mm]
    before = SplineSampler(coarse, points).values(coefficients)
    after = SplineSampler(fine, points).values(coarse.refit(coefficients, fine))
    np.testing.assert_allclose(after, before, atol=1e-3)


def test_an_unknown_regularizer_is_named_in_the_error(refused):
    with refused("no regularizer named elastic"):
        regularizer("elastic")
