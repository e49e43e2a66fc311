"""What a random nodule is made of: types, sizes, densities and outlines, for training and for judging apart.

HU ranges: solid -50..100, ground glass -750..-400, calcified 200..900, as randomised for synthetic CT training.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.nodules.shapes import SHAPE_KINDS, NoduleShape, draw_shape
from ThoraxAILib.image.tuples import four, three


@dataclass(frozen=True)
class NoduleModel:
    """The distributions nodules are drawn from; chances sum to one or are relative."""

    type_chance: dict[str, float]
    placement_chance: dict[str, float]
    pleural_chance: dict[str, float]
    diameter_mm: tuple[float, float]
    hu: dict[str, tuple[float, float]]
    core_hu: tuple[float, float]
    stretch: float
    outline: Callable[[np.random.Generator, str, float], NoduleShape | None]

    def choices(self, rng: np.random.Generator) -> tuple[str, str, float]:
        """Type, placement and diameter (log-uniform, mm) of one nodule."""
        kind = str(rng.choice(list(self.type_chance), p=list(self.type_chance.values())))
        place = str(rng.choice(list(self.placement_chance), p=list(self.placement_chance.values())))
        return kind, place, float(np.exp(rng.uniform(*np.log(self.diameter_mm))))

    def nodule(self, rng: np.random.Generator, diameter_mm: float, kind: str) -> PlantedNodule:
        """Return a nodule at the origin whose volume is that of a sphere of ``diameter_mm``."""
        stretch = np.exp(rng.normal(0, self.stretch, 3))
        shape = self.outline(rng, kind, diameter_mm)
        factor = 1.0 if shape is None else shape.volume_factor(4096)
        semi = diameter_mm / 2 * stretch / (np.prod(stretch) * factor) ** (1 / 3)
        turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        core = None
        if kind == "part-solid":
            share = rng.uniform(0.25, 0.75)
            core = three(float(x) for x in semi * share * np.exp(rng.normal(0, 0.1, 3)).clip(0.8, 1.1))
        return PlantedNodule(
            (0.0, 0.0, 0.0),
            three(float(x) for x in semi),
            kind,
            float(rng.uniform(*self.hu[kind])),
            core,
            float(rng.uniform(*self.core_hu)),
            tuple(three(float(x) for x in row) for row in turn),
            shape=shape,
        )

    def flattened(self, nodule: PlantedNodule, outward_ras: np.ndarray, cut_mm: float) -> PlantedNodule:
        """Return the nodule ending at a plane ``cut_mm`` outward of its centre, enlarged to keep its volume."""
        semi, axes = np.array(nodule.semi_axes_mm), np.array(nodule.axes_ras)
        base = nodule.shape or NoduleShape("ellipsoid")
        grown = 1.0
        for _ in range(2):
            scaled = axes @ outward_ras * semi * grown
            length = float(np.linalg.norm(scaled))
            r, a, s = (float(x) for x in scaled / length)
            flat = (r, a, s, float(max(cut_mm / length, 0.15)))
            shape = replace(base, flat=flat)
            before = base.volume_factor(4096)
            grown *= (before / (shape.volume_factor(4096) * grown**3)) ** (1 / 3)
        core = nodule.core_semi_axes_mm
        if core is not None:
            fit = min(1.0, 0.9 * cut_mm / float(np.linalg.norm(axes @ outward_ras * np.array(core))))
            core = three(float(x) * max(fit, 0.2) for x in core)
        return replace(nodule, semi_axes_mm=three(float(x) for x in semi * grown), shape=shape, core_semi_axes_mm=core)


def _training_outline(rng: np.random.Generator, kind: str, diameter_mm: float) -> NoduleShape | None:
    """Small nodules are rounder, large solid ones more often spiculated."""
    large = min(max((diameter_mm - 5) / 20, 0.0), 1.0)
    chances = np.array([0.45 - 0.25 * large, 0.25, 0.10 + 0.25 * large * (kind != "calcified"), 0.20])
    return draw_shape(rng, str(rng.choice(SHAPE_KINDS, p=chances / chances.sum())))


TRAINING = NoduleModel(
    type_chance={"solid": 0.55, "part-solid": 0.15, "ground-glass": 0.20, "calcified": 0.10},
    placement_chance={"isolated": 0.42, "juxtavascular": 0.25, "juxtapleural": 0.33},
    pleural_chance={"costal": 0.5, "mediastinal": 0.2, "diaphragmatic": 0.15, "fissural": 0.15},
    diameter_mm=(3.0, 30.0),
    hu={
        "solid": (-50.0, 100.0),
        "part-solid": (-750.0, -430.0),
        "ground-glass": (-750.0, -400.0),
        "calcified": (200.0, 900.0),
    },
    core_hu=(-60.0, 80.0),
    stretch=0.28,
    outline=_training_outline,
)


def _held_out_outline(rng: np.random.Generator, kind: str, diameter_mm: float) -> NoduleShape | None:
    """Unions of spheres; the larger the nodule, the more of them. Calcified ones are often plain ellipsoids."""
    if rng.random() < (0.5 if kind == "calcified" else 0.25):
        return None
    count = int(rng.integers(3, 8 + int(min(diameter_mm, 40) / 4)))
    directions = rng.standard_normal((count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radius = rng.uniform(0.35, 0.85, count)
    away = radius * rng.uniform(0.2, 0.92, count)  # each sphere holds the centre, so the outline stays star-shaped
    table = np.column_stack([directions * away[:, None], radius])
    core = (0.0, 0.0, 0.0, float(rng.uniform(0.5, 0.8)))
    return NoduleShape("union of spheres", spheres=(core, *(four(round(float(x), 5) for x in row) for row in table)))


HELD_OUT = NoduleModel(
    type_chance={"solid": 0.6, "part-solid": 0.13, "ground-glass": 0.17, "calcified": 0.10},
    placement_chance={"isolated": 0.4, "juxtavascular": 0.22, "juxtapleural": 0.38},
    pleural_chance={"costal": 0.55, "mediastinal": 0.15, "diaphragmatic": 0.12, "fissural": 0.18},
    diameter_mm=(4.0, 26.0),
    hu={
        "solid": (-20.0, 80.0),
        "part-solid": (-700.0, -480.0),
        "ground-glass": (-710.0, -450.0),
        "calcified": (180.0, 700.0),
    },
    core_hu=(-30.0, 60.0),
    stretch=0.22,
    outline=_held_out_outline,
)


def model_of(setting: str) -> NoduleModel:
    """Return the model of a setting."""
    return HELD_OUT if setting == "held-out" else TRAINING
