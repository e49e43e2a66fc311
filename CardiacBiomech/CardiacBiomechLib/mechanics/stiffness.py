"""Which part of a wall is stiffer than another, from its deformation alone: two estimators, both relative.

Loads are not seen in images, so no modulus in kPa can follow (Perotti et al., IJNMBE 2017; Miller et al., 2017).

A, the apparent stiffness index: the energy that a unit modulus would store per volume is small where the wall deforms
little. Its inverse, brought to a mean of 1, ranks regions; its size is no ratio of moduli.

B, virtual fields (Pierron and Grediac, The Virtual Fields Method, 2012): P is linear in the moduli, and in equilibrium
the virtual work of every field that vanishes where unseen loads act (inner surface, base) is zero. The moduli that come
nearest to it are the last right singular vector; the confidence is the smallest singular value over the next one (0 is
sure, 1 is none).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ThoraxAILib.errors import InputError

FLOOR_SHARE = 0.05  # of the mean energy density, kept off zero
DRAWS, LEVEL = 200, 0.95
MIN_J = 0.05
MAX_CONFIDENCE = 0.5  # of virtual fields: above it the moduli hardly fit better than the next best ones


@dataclass(frozen=True, eq=False)
class RegionalStiffness:
    """Relative stiffness by region (mean 1) with an interval from resampling.

    ``same_first`` is the share of the drawn samples whose stiffest region is that of all data. ``confidence`` is of
    virtual fields only: the smallest singular value over the next one.
    """

    index: np.ndarray
    low: np.ndarray
    high: np.ndarray
    same_first: float
    confidence: float | None = None

    @property
    def is_usable(self) -> bool:
        """Whether the stress is balanced well enough by positive values in every region."""
        return bool((self.low > 0).all()) and (self.confidence is None or self.confidence <= MAX_CONFIDENCE)


def unit_energy_density(F: np.ndarray, bulk: float) -> np.ndarray:
    """Return (I1 J^(-2/3) - 3)/2 + bulk (J - 1)^2 / 2 of F (3, 3, n): Neo-Hookean energy for a shear modulus of 1."""
    J = np.maximum(_determinant(F), MIN_J)
    return 0.5 * ((F**2).sum(axis=(0, 1)) * J ** (-2.0 / 3.0) - 3.0) + 0.5 * bulk * (J - 1.0) ** 2


def unit_stress(F: np.ndarray, bulk: float) -> np.ndarray:
    """Return the first Piola-Kirchhoff stress (3, 3, n) for a shear modulus of 1.

    P = J^(-2/3) (F - I1/3 F^-T) + bulk J (J - 1) F^-T.
    """
    J = np.maximum(_determinant(F), MIN_J)
    inverse_transposed = np.linalg.inv(np.moveaxis(F, -1, 0)).transpose(2, 1, 0)
    I1 = (F**2).sum(axis=(0, 1))
    return J ** (-2.0 / 3.0) * (F - I1 / 3.0 * inverse_transposed) + bulk * J * (J - 1.0) * inverse_transposed


def inverse_of(F: np.ndarray) -> np.ndarray:
    """Return the deformation gradients (3, 3, n) of the way back; where the tissue folds, the identity stands in."""
    safe = np.where(_determinant(F) < MIN_J, np.eye(3)[:, :, None], F)
    return np.moveaxis(np.linalg.inv(np.moveaxis(safe, -1, 0)), 0, -1)


def apparent_stiffness(
    F: np.ndarray,
    weights: np.ndarray,
    regions: np.ndarray,
    bulk: float,
    seed: int = 0,
    blocks: np.ndarray | None = None,
) -> RegionalStiffness:
    """Return estimator A of points with F (3, 3, n), volumes ``weights`` (n,) and ``regions`` 0, 1, ... (n,).

    The interval comes from drawing the points of each region again (bootstrap); ``blocks`` (n,) names those that are
    drawn together, because motion found in images is smooth and neighbors say the same. Raises InputError for an empty
    region.
    """
    count = _region_count(regions)
    units = [_members_by_block(np.flatnonzero(regions == region), blocks) for region in range(count)]
    density = unit_energy_density(F, bulk)
    floor = FLOOR_SHARE * float(np.average(density, weights=weights))
    random = np.random.default_rng(seed)

    def index(draw: bool) -> np.ndarray:
        energies = []
        for region in range(count):
            parts = units[region]
            drawn = random.integers(len(parts), size=len(parts)) if draw else range(len(parts))
            chosen = np.concatenate([parts[place] for place in drawn])
            energies.append(max(float(np.average(density[chosen], weights=weights[chosen])), floor))
        inverse = 1.0 / np.array(energies)
        return inverse / inverse.mean()

    return _with_interval(index(False), [index(True) for _ in range(DRAWS)])


def virtual_fields_stiffness(
    F: np.ndarray,
    weights: np.ndarray,
    regions: np.ndarray,
    virtual_gradients: np.ndarray,
    bulk: float,
    seed: int = 0,
) -> RegionalStiffness:
    """Return estimator B; ``virtual_gradients`` (m, 3, 3, n) are gradients of m admissible fields at the points.

    The ratio ``bulk`` of bulk to shear modulus is assumed. The interval comes from drawing the virtual fields again.
    Raises InputError for an empty region and for fewer fields than regions.
    """
    count = _region_count(regions)
    if len(virtual_gradients) < count:
        raise InputError(f"{len(virtual_gradients)} virtual fields cannot tell {count} regions apart: give more.")
    work = np.einsum("abn,mabn->mn", unit_stress(F, bulk) * weights, virtual_gradients)
    equations = np.stack([work[:, regions == region].sum(axis=1) for region in range(count)], axis=1)
    equations /= np.abs(work).sum(axis=1, keepdims=True) + 1e-30
    random = np.random.default_rng(seed)
    found, confidence = _null_vector(equations)
    draws = [_null_vector(equations[random.integers(len(equations), size=len(equations))])[0] for _ in range(DRAWS)]
    return _with_interval(found, draws, confidence)


def _null_vector(equations: np.ndarray) -> tuple[np.ndarray, float]:
    _left, sizes, right = np.linalg.svd(equations, full_matrices=False)
    vector = right[-1] * np.sign(right[-1].sum() or 1.0)
    return vector / vector.mean(), float(sizes[-1] / sizes[-2]) if len(sizes) > 1 and sizes[-2] > 0 else 1.0


def _with_interval(index: np.ndarray, draws: list[np.ndarray], confidence: float | None = None) -> RegionalStiffness:
    drawn = np.stack(draws)
    low, high = np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=0)
    same_first = float((drawn.argmax(axis=1) == index.argmax()).mean())
    return RegionalStiffness(index, low, high, same_first, confidence)


def _members_by_block(members: np.ndarray, blocks: np.ndarray | None) -> list[np.ndarray]:
    """Return the points of a region as arrays that are drawn as one."""
    if blocks is None:
        return list(members[:, None])
    names = blocks[members]
    return [members[names == name] for name in np.unique(names)]


def _region_count(regions: np.ndarray) -> int:
    count = int(regions.max()) + 1
    empty = [region + 1 for region in range(count) if not (regions == region).any()]
    if empty or count < 2:
        raise InputError(f"Stiffness compares regions, and region {empty[0] if empty else 2} has no points.")
    return count


def _determinant(F: np.ndarray) -> np.ndarray:
    return np.linalg.det(np.moveaxis(F, -1, 0))
