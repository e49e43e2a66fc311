"""How one synthetic person differs from the schematic one: build, lungs, heart, contrast, disease and implants.

Ranges follow what adult chest CT shows from slim to obese, from small stiff lungs to barrel chests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.synthesis.geometry.shape import Build


@dataclass(frozen=True)
class Habitus(Build):
    """One person; lengths in mm, shares 0..1, HU where named so. ``build`` fields scale the schematic chest."""

    barrel: float = 0.0
    section_power: float = 2.35
    kyphosis_mm: float = 0.0
    scoliosis_mm: float = 0.0
    asymmetry: float = 0.0
    breast_mm: float = 0.0
    arms_raised: bool = True
    muscle: float = 1.0
    mediastinum: float = 1.0
    mediastinum_depth: float = 1.0
    heart_shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    fissure_tilt: tuple[float, float] = (0.0, 0.0)
    fissure_hu: float = 110.0
    lung_hu: float = -856.0
    gravity_hu_per_mm: float = 0.28
    mottle_hu: float = 12.0
    emphysema: float = 0.0
    dependent_hu: float = 0.0
    blood_hu: float = 42.0
    heart_hu: float = 42.0
    aorta_hu: float = 42.0
    cava_hu: float = 42.0
    marrow_hu: float = 170.0
    leaf_radius_mm: float = 0.48
    leaves: float = 1.0
    ground_glass: float = 0.0
    reticular: float = 0.0
    effusion_mm: tuple[float, float] = (0.0, 0.0)
    lost: tuple[int, ...] = ()
    wires: bool = False
    pacemaker: bool = False
    top_mm: float = 25.0
    bottom_mm: float = 60.0


def draw_habitus(rng: np.random.Generator) -> Habitus:
    """One person of the training setting."""
    obesity = float(np.clip(rng.gamma(2.2, 0.42), 0.05, 3.0))
    female = rng.random() < 0.45
    size = rng.normal(0.95 if female else 1.02, 0.06)
    barrel = float(np.clip(rng.normal(0, 0.06), -0.1, 0.2))
    raised = float(rng.normal(0, 11)) + (float(rng.uniform(10, 28)) if rng.random() < 0.15 else 0.0)
    right_dome = float(np.clip(-74 + raised - 60 * barrel, -105, -38))
    difference = float(rng.normal(12, 7)) + (float(rng.choice([-30, 25])) if rng.random() < 0.06 else 0.0)
    return Habitus(
        width=float(np.clip(size * rng.normal(1.0, 0.04), 0.82, 1.16)),
        depth=float(np.clip(size * rng.normal(1.0, 0.05) + barrel, 0.8, 1.25)),
        height=float(np.clip(size * rng.normal(0.99, 0.05), 0.80, 1.12)),
        fat_mm=4 + 15 * obesity,
        right_dome_mm=right_dome,
        left_dome_mm=float(np.clip(right_dome - difference, -118, -38)),
        heart=float(np.clip(rng.normal(1.0, 0.09), 0.8, 1.28)),
        fissure_mm=tuple(rng.normal(0, 8, 3).tolist()),
        barrel=barrel,
        section_power=float(rng.uniform(2.0, 2.75)),
        kyphosis_mm=float(np.clip(rng.gamma(1.3, 5), 0, 26)),
        scoliosis_mm=float(rng.normal(0, 4.5)),
        asymmetry=float(rng.normal(0, 0.025)),
        breast_mm=float(rng.uniform(12, 48) * (0.8 + 0.15 * obesity)) if female else float(rng.uniform(0, 8)) * obesity,
        arms_raised=bool(rng.random() < 0.8),
        muscle=float(rng.uniform(0.55, 1.15)),
        mediastinum=float(np.clip(rng.normal(1.0, 0.13) + 0.05 * obesity, 0.75, 1.5)),
        mediastinum_depth=float(rng.uniform(0.95, 1.35)),
        heart_shift_mm=tuple(rng.normal((0, 3, 0), (5, 4, 5)).tolist()),
        fissure_tilt=tuple(rng.normal(0, 0.1, 2).tolist()),
        fissure_hu=float(rng.uniform(15, 140)),
        **_lungs(rng),
        **draw_contrast(rng),
        **_odd(rng),
    )


def _lungs(rng: np.random.Generator) -> dict:
    """Density and texture of the parenchyma, and disease in it."""
    return {
        "lung_hu": float(np.clip(rng.normal(-876, 34), -935, -740)),
        "gravity_hu_per_mm": float(rng.uniform(0.1, 0.65)),
        "mottle_hu": float(rng.uniform(5, 24)),
        "emphysema": float(rng.uniform(0.15, 1)) if rng.random() < 0.25 else 0.0,
        "dependent_hu": float(rng.uniform(60, 260)) if rng.random() < 0.3 else 0.0,
        "leaf_radius_mm": float(rng.uniform(0.34, 0.50)),
        "leaves": float(rng.uniform(0.9, 1.7)),
        "ground_glass": float(rng.uniform(0.2, 1)) if rng.random() < 0.32 else 0.0,
        "reticular": float(rng.uniform(0.2, 1)) if rng.random() < 0.27 else 0.0,
    }


def draw_contrast(rng: np.random.Generator) -> dict:
    """HU of blood: none in most, otherwise in one of two phases."""
    plain = float(rng.uniform(32, 52))
    phase = rng.random()
    if phase < 0.55:
        blood = {"blood_hu": plain, "heart_hu": plain, "aorta_hu": plain + 2, "cava_hu": plain}
    elif phase < 0.8:
        level = float(rng.uniform(110, 200))
        blood = {"blood_hu": level, "heart_hu": level * 0.97, "aorta_hu": level * 1.05, "cava_hu": level * 0.95}
    else:
        level = float(rng.uniform(200, 420))
        blood = {
            "blood_hu": level,
            "heart_hu": level * float(rng.uniform(0.5, 1)),
            "aorta_hu": level * float(rng.uniform(0.35, 1)),
            "cava_hu": float(rng.uniform(200, 900)),
        }
    return {**blood, "marrow_hu": float(rng.uniform(90, 260))}


def _odd(rng: np.random.Generator) -> dict:
    """Effusions, missing lung, metal, and how far the scan reaches beyond the lungs."""
    effusion = tuple(float(rng.uniform(6, 26)) if rng.random() < 0.09 else 0.0 for _ in range(2))
    lost: tuple[int, ...] = ()
    fate = rng.random()
    if fate < 0.025:
        lost = (1, 2, 3) if rng.random() < 0.5 else (4, 5)
    elif fate < 0.07:
        lost = (int(rng.integers(1, 6)),)
    return {
        "effusion_mm": effusion,
        "lost": lost,
        "wires": bool(rng.random() < 0.08),
        "pacemaker": bool(rng.random() < 0.05),
        "top_mm": float(rng.uniform(4, 40)),
        "bottom_mm": float(rng.uniform(8, 120)),
    }
