"""Hearts of the groups as large as in people: lengths, wall and right ventricle brought to published ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from CardiacBiomechLib.synthesis.groups import draw
from CardiacBiomechLib.synthesis.ventricle import Ventricle

# What brings the phantom to the normal values that are published for people (LV EDV 132 to 160 mL, mass 98 to 134 g,
# Kawel-Boehm et al. 2015; RV EDV 148 to 190 mL, Hudsmith et al. 2005; RV EF near 50 %): lengths, wall, right ventricle
SIZE, WALL, RIGHT_SIZE, RIGHT_EMPTYING = 1.13, 0.7, 0.94, 1.35
FULL_EMPTYING = 1.05
SIZE_SD = 0.07  # of the lengths of hearts of people of different size
SURFACE_M2, SURFACE_SD = 1.9, 0.12  # beside what follows from the size of the heart


def draw_person(group: str, random: np.random.Generator) -> tuple[Ventricle, float]:
    """Return a heart of a group (``groups.GROUPS``) and the body surface in m2 of a person it fits."""
    size = float(np.exp(random.normal(0.0, SIZE_SD)))
    heart = of_size(as_in_people(draw(group, random)), SIZE * size)
    return heart, float(SURFACE_M2 * size**2 * np.exp(random.normal(0.0, SURFACE_SD)))


def as_in_people(heart: Ventricle) -> Ventricle:
    """Return the heart with wall and right ventricle as large as in people; see ``SIZE``."""
    epi_mm = heart.endo_mm + WALL * (heart.epi_mm - heart.endo_mm)
    right = heart.right
    if right is not None:
        emptying = min(FULL_EMPTYING, RIGHT_EMPTYING * right.emptying)
        radii = tuple(RIGHT_SIZE * length for length in right.radii_mm)
        right = replace(right, emptying=emptying, radii_mm=(radii[0], radii[1], radii[2]))
    return replace(heart, epi_mm=epi_mm, right=right)


def of_size(heart: Ventricle, size: float) -> Ventricle:
    """Return the heart with all lengths times ``size``."""
    right = heart.right
    if right is not None:
        right = replace(
            right,
            center_mm=(size * right.center_mm[0], size * right.center_mm[1], size * right.center_mm[2]),
            radii_mm=(size * right.radii_mm[0], size * right.radii_mm[1], size * right.radii_mm[2]),
        )
    base = None if heart.base_mm is None else size * heart.base_mm
    return replace(
        heart,
        endo_mm=size * heart.endo_mm,
        epi_mm=size * heart.epi_mm,
        base_mm=base,
        torsion_rad_per_mm=heart.torsion_rad_per_mm / size,
        right=right,
    )
