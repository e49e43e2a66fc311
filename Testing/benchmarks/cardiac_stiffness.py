"""Finds the sector that is four times stiffer in a finite-element ventricle, from its deformation with noise.

Usage: python Testing/benchmarks/cardiac_stiffness.py [--repeats N]
A Neo-Hookean spheroid (felupe, bulk over shear modulus 10) of six sectors, one four times stiffer, is inflated; noise
of 0, 0.05 and 0.2 mm standard deviation is added to every coordinate of its nodes, independently (the worst case: a
registration errs smoothly). Prints for both estimators the ratio of the stiff sector to the mean of the others (truth:
4) as median and 95 % interval over the draws of noise, how often the sector comes first, and the largest ratio among
the equal sectors.
"""

from __future__ import annotations

import argparse

import numpy as np

from CardiacBiomechLib.mechanics.stiffness import apparent_stiffness, virtual_fields_stiffness
from CardiacBiomechLib.mechanics.virtual_fields import WallFields
from CardiacBiomechLib.synthesis.finite_element import Inflation, InflationOptions, inflate

NOISE_MM, STIFF, BULK = (0.0, 0.05, 0.2), 2, 10.0
LOW = 0.75  # of the depth of the cavity: its tip is left out, as no slice of a patient shows it


def virtual_gradients(heart: Inflation, options: InflationOptions) -> np.ndarray:
    """Gradients (m, 3, 3, n) of the fields that patients' walls get, as the mesh interpolates them."""
    x, y, z = heart.points_mm.T
    inner = np.abs(np.sqrt(x**2 + y**2 + (z / options.elongation) ** 2) - options.endo_mm) < 1e-3
    low_mm = -LOW * options.elongation * options.endo_mm
    found = []
    for values in WallFields(heart.points_mm[inner], low_mm, options.base_mm).at(heart.points_mm):
        for direction in np.eye(3):
            moved = heart.gradient_of(values[:, None] * direction)
            found.append((moved - np.eye(3)[:, :, None, None]).reshape(3, 3, -1))
    return np.stack(found)


def main() -> None:
    """Inflate once, estimate for every draw, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    options = InflationOptions(stiff_sector=STIFF)
    heart = inflate(options)
    weights = heart.volumes_mm3.reshape(-1)
    regions = np.broadcast_to(heart.sectors, heart.volumes_mm3.shape).reshape(-1)
    gradients = virtual_gradients(heart, options)
    others = [sector for sector in range(options.sectors) if sector != STIFF]
    for noise_mm in NOISE_MM:
        found: dict[str, list[np.ndarray]] = {"A, apparent index": [], "B, virtual fields": []}
        confidence, usable = [], []
        for draw in range(repeats if noise_mm > 0 else 1):
            random = np.random.default_rng(draw)
            moved = heart.displacement_mm + noise_mm * random.standard_normal(heart.displacement_mm.shape)
            F = heart.gradient_of(moved).reshape(3, 3, -1)
            found["A, apparent index"].append(apparent_stiffness(F, weights, regions, BULK).index)
            by_work = virtual_fields_stiffness(F, weights, regions, gradients, BULK)
            found["B, virtual fields"].append(by_work.index)
            confidence.append(by_work.confidence or 0.0)
            usable.append(by_work.is_usable)
        for name, indices in found.items():
            ratios = np.array([index[STIFF] / index[others].mean() for index in indices])
            first = np.mean([index.argmax() == STIFF for index in indices])
            uniform = np.mean([index[others].max() / index[others].mean() for index in indices])
            low, high = np.quantile(ratios, (0.025, 0.975))
            print(
                f"noise {noise_mm:.2f} mm, {name}: ratio {np.median(ratios):.2f} ({low:.2f} to {high:.2f}), "
                f"n={len(ratios)}, first in {100 * first:.0f} %, largest of the equal ones {uniform:.2f}"
            )
        print(
            f"noise {noise_mm:.2f} mm, B: singular value ratio {np.mean(confidence):.3f}, told in "
            f"{np.sum(usable)} of {len(usable)} draws"
        )


if __name__ == "__main__":
    main()
