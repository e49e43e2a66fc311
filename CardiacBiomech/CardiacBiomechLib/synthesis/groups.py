"""Hearts of the five ACDC groups by drawing the phantom's parameters; their biomechanics are known exactly.

Ranges follow the group rules of Bernard et al., TMI 37:2514 (2018): DCM large, thin, EF < 40 %; HCM thick, EF > 55 %;
MINF an infarcted sector, EF < 40 % of the whole; RV a large right ventricle that empties little; NOR none of these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardiacBiomechLib.synthesis.ventricle import Infarct, RightVentricle, Ventricle
from ThoraxAILib.errors import InputError


@dataclass(frozen=True)
class _Ranges:
    """Uniform ranges of one group; lengths in mm."""

    endo_mm: tuple[float, float]
    wall_mm: tuple[float, float]
    ejection: tuple[float, float]
    stretch: tuple[float, float]
    torsion_deg: tuple[float, float]
    right_size: tuple[float, float]
    right_emptying: tuple[float, float]
    infarcted: bool = False


GROUPS: dict[str, _Ranges] = {
    "NOR": _Ranges((22, 25), (8, 10), (0.55, 0.68), (0.97, 1.03), (8, 14), (0.9, 1.05), (0.65, 0.85)),
    "DCM": _Ranges((30, 36), (7, 9), (0.10, 0.30), (0.98, 1.01), (1, 5), (0.9, 1.15), (0.3, 0.7)),
    "HCM": _Ranges((19, 22), (13, 17), (0.60, 0.75), (0.98, 1.03), (9, 16), (0.8, 0.95), (0.65, 0.85)),
    "MINF": _Ranges((26, 32), (7, 9.5), (0.30, 0.48), (0.98, 1.02), (3, 8), (0.9, 1.05), (0.5, 0.8), True),
    "RV": _Ranges((21, 24), (8, 10), (0.50, 0.62), (0.97, 1.02), (6, 12), (1.25, 1.5), (0.15, 0.35)),
}


def draw(group: str, random: np.random.Generator) -> Ventricle:
    """One heart of a group (``GROUPS``)."""
    if group not in GROUPS:
        raise InputError(f"There is no phantom group named {group}: choose one of {', '.join(GROUPS)}.")
    ranges = GROUPS[group]
    endo, wall = random.uniform(*ranges.endo_mm), random.uniform(*ranges.wall_mm)
    size = random.uniform(*ranges.right_size)
    epi = endo + wall
    right = RightVentricle(
        center_mm=(0.88 * epi, 0.24 * epi, 6.0),
        radii_mm=(26.0 * size, (epi + 2.0) * size, 46.0 * size),
        emptying=random.uniform(*ranges.right_emptying),
    )
    infarct = None
    if ranges.infarcted:
        angle = random.uniform(0.0, 2.0 * np.pi)
        infarct = Infarct(
            (float(np.cos(angle)), float(np.sin(angle)), float(random.uniform(-0.6, 0.2))),
            random.uniform(40.0, 70.0),
            random.uniform(0.05, 0.3),
        )
    return Ventricle(
        endo_mm=endo,
        epi_mm=epi,
        elongation=random.uniform(1.75, 2.0),
        base_mm=random.uniform(26.0, 34.0),
        ejection_fraction=random.uniform(*ranges.ejection),
        longitudinal_stretch=random.uniform(*ranges.stretch),
        torsion_rad_per_mm=float(np.deg2rad(random.uniform(*ranges.torsion_deg))) / 60.0,
        infarct=infarct,
        right=right,
    )
