"""What imitates nodules and is none: plaques, caps, scars, bands, lymph nodes, bony spurs; painted into clean HU.

Each shows what it belongs to: a ball of soft tissue free in the lung, or of lime on the pleura away from a rib, would
be a nodule to every reader.
"""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.synthesis.body.torso import Torso
from LungNoduleAILib.synthesis.model.body import Negative
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.nodules.share import paint_into
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.tuples import three

_BONE_HU = 200.0
_BEHIND_MM = np.arange(1.0, 8.0)  # how far behind the pleura a rib is looked for
_TRIES = 60
_DEEPEST = 0.35  # of its smallest semi-axis: how far into the lung the centre of a hilar node lies
_HILA = ((40.0, -4.0, 24.0), (44.0, 2.0, 0.0), (-46.0, -12.0, 36.0), (-44.0, -2.0, 6.0))


def paint_negatives(hu: np.ndarray, grid: Grid, torso: Torso, rng: np.random.Generator) -> tuple[Negative, ...]:
    """Paint a random choice of them into float32 HU; returns where they are."""
    surface = _Surface(torso, rng, hu, grid)
    drawn: list[tuple[PlantedNodule, str]] = []
    for kind, chance, most, make in (
        ("plaque", 0.25, 5, _plaque),
        ("apical cap", 0.25, 2, _cap),
        ("scar", 0.5, 4, _scar),
        ("band", 0.25, 3, _band),
        ("bone spur", 0.4, 4, _spur),
    ):
        if rng.random() < chance:
            made = [make(surface, rng) for _ in range(int(rng.integers(1, most + 1)))]
            drawn += [(one, kind) for one in made if one is not None]
    if rng.random() < 0.6:
        drawn += [(_hilar_node(torso, rng), "hilar node") for _ in range(int(rng.integers(1, 5)))]
    if rng.random() < 0.5:
        drawn += [(node, "mediastinal node") for node in _mediastinal_nodes(torso, rng)]
    for shape, _ in drawn:
        paint_into(hu, grid, shape)
    return tuple(Negative(shape.center_ras_mm, round(shape.diameter_mm, 2), kind) for shape, kind in drawn)


class _Surface:
    """Points near the lung's surface and within, on the torso's lattice."""

    def __init__(self, torso: Torso, rng: np.random.Generator, hu: np.ndarray, grid: Grid) -> None:
        self._torso, self._rng, self._hu, self._grid = torso, rng, hu, grid
        inside = np.argwhere((torso.lung < 0) & (torso.lung > -28))
        self._points = torso.lattice.low_ras_mm + torso.lattice.step_mm * inside
        self._depth = -torso.lung[tuple(inside.T)]
        self._costal = torso.cavity[tuple(inside.T)] > -9
        self._level = torso.position[2][tuple(inside.T)]

    def at(
        self,
        costal: bool = False,
        depth_mm: tuple[float, float] = (0, 5),
        share: tuple[float, float] = (0, 1),
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a random point on the surface (or at its own depth beyond 5 mm) and the outward direction there.

        ``share`` limits how far up the lung it lies, 0 base, 1 apex.
        """
        low, high = np.quantile(self._level, share)
        allowed = (self._level >= low) & (self._level <= high)
        allowed &= (self._depth >= depth_mm[0]) & (self._depth < depth_mm[1])
        if costal:
            allowed &= self._costal
        found = np.flatnonzero(allowed)
        index = int(self._rng.choice(found if len(found) else len(self._points)))
        point = self._points[index]
        outward = self._torso.gradient_at(self._torso.lung, point)
        return (point + outward * self._depth[index] if depth_mm[1] <= 5 else point), outward

    def on_rib(self, point: np.ndarray, outward: np.ndarray) -> bool:
        """Whether bone lies right behind a point of the surface."""
        places = self._grid.frame_mm(point + outward * _BEHIND_MM[:, None]) / self._grid.spacing_kji_mm
        index = np.rint(places).astype(int)
        index = index[((index >= 0) & (index < self._hu.shape)).all(axis=1)]
        return bool((self._hu[tuple(index.T)] > _BONE_HU).any())


def _ellipsoid(center: np.ndarray, semi: tuple[float, float, float], axes: np.ndarray, hu: float) -> PlantedNodule:
    kind = "calcified" if hu > 150 else "solid"
    return PlantedNodule(
        three(float(x) for x in center),
        three(float(x) for x in semi),
        kind,
        float(hu),
        axes_ras=tuple(three(float(x) for x in row) for row in axes),
    )


def _frame(first: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Orthonormal rows that start with a direction."""
    second = np.cross(first, rng.standard_normal(3))
    second /= np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)])


def _plaque(surface: _Surface, rng: np.random.Generator) -> PlantedNodule:
    center, outward = surface.at(costal=True)
    hu = rng.uniform(40, 90) if rng.random() < 0.5 else rng.uniform(250, 800)
    semi = (rng.uniform(1.3, 3.6), rng.uniform(4, 13), rng.uniform(6, 18))
    return _ellipsoid(center - outward * 0.4 * semi[0], semi, _frame(outward, rng), hu)


def _cap(surface: _Surface, rng: np.random.Generator) -> PlantedNodule:
    center, outward = surface.at(share=(0.985, 1.0))
    semi = (rng.uniform(2, 5), rng.uniform(6, 12), rng.uniform(8, 18))
    return _ellipsoid(center, semi, _frame(outward, rng), rng.uniform(15, 60))


def _scar(surface: _Surface, rng: np.random.Generator) -> PlantedNodule:
    center, outward = surface.at(depth_mm=(3, 27))
    axes = _frame(outward, rng)[[1, 2, 0]] if rng.random() < 0.6 else np.linalg.qr(rng.standard_normal((3, 3)))[0]
    semi = (rng.uniform(0.6, 1.4), rng.uniform(2, 9), rng.uniform(7, 22))
    return _ellipsoid(center, semi, axes, rng.uniform(-350, 30))


def _band(surface: _Surface, rng: np.random.Generator) -> PlantedNodule:
    center, _ = surface.at(depth_mm=(3, 20), share=(0, 0.35))
    upright = np.array([0.0, 0.0, 1.0]) + rng.normal(0, 0.25, 3)
    axes = _frame(upright / np.linalg.norm(upright), rng)
    semi = (rng.uniform(0.8, 2.0), rng.uniform(6, 18), rng.uniform(15, 36))
    return _ellipsoid(center, semi, axes, rng.uniform(-200, 40))


def _spur(surface: _Surface, rng: np.random.Generator) -> PlantedNodule | None:
    """On a rib; None when none is met with."""
    for _ in range(_TRIES):
        center, outward = surface.at(costal=True, share=(0.3, 1.0))
        if surface.on_rib(center, outward):
            break
    else:
        return None
    semi = (rng.uniform(1.5, 4), rng.uniform(2, 4.5), rng.uniform(2.5, 6))
    return _ellipsoid(center + outward * rng.uniform(0, 1) * semi[0], semi, _frame(outward, rng), rng.uniform(350, 900))


def _hilar_node(torso: Torso, rng: np.random.Generator) -> PlantedNodule:
    """In the tissue of the hilum, bulging into the lung by less than half."""
    start = np.array(_HILA[int(rng.integers(len(_HILA)))]) + rng.normal(0, 7, 3)
    center = torso.warp.patient(start[None])[0]
    hu = rng.uniform(25, 65) + (40 if torso.build.blood_hu > 90 else 0)
    semi = tuple(rng.uniform(2.5, 8, 3))
    for _ in range(8):  # the way out is bent where the hilum is
        too_deep = -float(torso.lattice.sample(torso.lung, center[None])[0]) - _DEEPEST * min(semi)
        if too_deep <= 0:
            break
        center = center + torso.gradient_at(torso.lung, center) * too_deep
    return _ellipsoid(
        center, semi, np.linalg.qr(rng.standard_normal((3, 3)))[0], hu if rng.random() < 0.8 else rng.uniform(300, 800)
    )


def _mediastinal_nodes(torso: Torso, rng: np.random.Generator) -> list[PlantedNodule]:
    within = np.argwhere(
        (torso.mediastinum < -5)
        & (torso.lung > 4)
        & (torso.cavity < 0)
        & (torso.heart > 2)
        & (torso.position[2] > -20)
        & (torso.position[2] < 100)
    )
    nodes = []
    for index in within[rng.integers(len(within), size=int(rng.integers(1, 6)))] if len(within) else ():
        center = torso.lattice.low_ras_mm + torso.lattice.step_mm * index
        nodes.append(
            _ellipsoid(
                center, tuple(rng.uniform(2.5, 7, 3)), np.linalg.qr(rng.standard_normal((3, 3)))[0], rng.uniform(25, 65)
            )
        )
    return nodes
