"""Great vessels with contrast, bowel gas and metal of one person, drawn into the tissue lattice."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.synthesis.body.torso import Torso
from LungNoduleAILib.synthesis.geometry.tubes import Tubes, draw_coverage, draw_distance, paint
from LungNoduleAILib.synthesis.model.structures import AORTA, OTHER_BODY
from ThoraxAILib.image.grid import Grid

# Paths in schematic RAS mm and radii in mm, by what they carry.
_AORTA = (
    (
        (
            (-4, 14, -6),
            (3, 20, 4),
            (8, 24, 14),
            (12, 24, 28),
            (13, 22, 40),
            (12, 19, 53),
            (8, 15, 62),
            (2, 8, 70),
            (-5, -1, 75),
            (-12, -13, 76),
            (-18, -27, 73),
            (-22, -40, 65),
            (-24, -50, 52),
        ),
        14.5,
    ),
    (((-24, -50, 52), (-25, -55, 40), (-24, -58, 0), (-20, -58, -60), (-10, -54, -120), (-4, -50, -230)), 12.0),
)
_BRANCHES = (
    (((4, 12, 70), (14, 8, 104), (26, 0, 170)), 5.5),
    (((-8, 2, 76), (-18, -4, 110), (-26, -2, 170)), 4.0),
    (((-18, -14, 76), (-28, -18, 110), (-44, -10, 170)), 4.5),
)
_PULMONARY = (
    (((-12, 40, -14), (-19, 36, 8), (-20, 30, 24), (-17, 24, 38)), 13.5),
    (((-17, 24, 38), (-2, 16, 36), (14, 6, 33), (38, -4, 26)), 10.0),
    (((-17, 24, 38), (-28, 10, 43), (-45, -14, 38)), 10.0),
)
_ATRIAL = (
    (((-2, -14, -14), (18, -8, -8), (38, 2, -2)), 7.5),
    (((-6, -14, -14), (-24, -10, -6), (-42, -2, 4)), 7.5),
    (((-2, -14, -4), (22, -4, 8), (40, 4, 14)), 6.0),
    (((-6, -14, -4), (-28, -2, 10), (-44, 6, 22)), 6.0),
)
_CAVA = (
    (((24, 6, -20), (26, 8, 20), (27, 8, 62), (25, 8, 92)), 9.5),
    (((25, 8, 92), (38, 2, 118), (46, -2, 170)), 7.0),
    (((25, 8, 90), (0, 22, 84), (-30, 14, 104), (-46, -2, 170)), 6.5),
)
_VEINS = (
    (((10, -44, 60), (12, -52, 0), (8, -50, -150)), 3.8),
    (((10, -44, 60), (18, -24, 66), (24, 4, 60)), 3.6),
    (((22, -4, -50), (24, -8, -110), (20, -20, -230)), 12.0),
)
_ESOPHAGUS = ((-2, -24, 170), (-6, -31, 50), (-9, -38, 10), (-8, -40, -40), (-18, -30, -90))


def draw_great_vessels(
    hu: np.ndarray, structures: np.ndarray, grid: Grid, torso: Torso, rng: np.random.Generator
) -> None:
    """Aorta with its branches, pulmonary trunk, caval veins, esophagus and thyroid."""
    build = torso.build
    bent = rng.normal(0, 2.5, 3)
    wide = float(np.clip(rng.normal(1.05, 0.13), 0.8, 1.5))
    groups = (
        (_VEINS, build.cava_hu * 0.3 + build.blood_hu * 0.5 + 8, 1.0),
        (_CAVA, build.cava_hu, rng.uniform(0.85, 1.2)),
        (_ATRIAL, build.heart_hu, 1.0),
        (_PULMONARY, build.blood_hu, rng.uniform(0.85, 1.2)),
        (_BRANCHES, build.aorta_hu, 1.0),
        (_AORTA, build.aorta_hu, wide),
    )
    for paths, value, scale in groups:
        tubes = torso.warp.tubes(
            Tubes.joined([Tubes.along(np.array(path) + bent, radius * scale) for path, radius in paths])
        )
        coverage = np.zeros(grid.shape_kji, dtype=np.float32)
        draw_coverage(coverage, grid, tubes)
        found = np.flatnonzero(coverage.reshape(-1))
        flat = hu.reshape(-1)
        flat[found] += coverage.reshape(-1)[found] * (np.float32(value) - flat[found])
        if paths is _AORTA:
            structures[(coverage > 0.5) & (structures > 0)] = AORTA
    _draw_wall_calcium(hu, grid, torso, wide, bent, rng)
    paint(hu, grid, torso.warp.tubes(Tubes.along(np.array(_ESOPHAGUS) + bent, float(rng.uniform(5.5, 9)))), 38)
    if rng.random() < 0.5:  # swallowed air
        paint(hu, grid, torso.warp.tubes(Tubes.along(np.array(_ESOPHAGUS[:2]) + bent, float(rng.uniform(1, 4)))), -700)
    for side in (-1, 1):
        thyroid = Tubes.along(np.array([[side * 17, 4, 140], [side * 15, 4, 160]]), float(rng.uniform(6, 11)))
        paint(hu, grid, torso.warp.tubes(thyroid), 105)


def _draw_wall_calcium(
    hu: np.ndarray, grid: Grid, torso: Torso, wide: float, bent: np.ndarray, rng: np.random.Generator
) -> None:
    """Specks of calcium in the aortic wall of older people."""
    if rng.random() > 0.35:
        return
    path = np.concatenate([np.array(points) for points, _ in _AORTA]) + bent
    count = int(rng.integers(3, 16))
    at = path[rng.integers(4, len(path) - 1, count)] + rng.uniform(-4, 4, (count, 3))
    out = rng.standard_normal((count, 3))
    at = at + out / np.linalg.norm(out, axis=1, keepdims=True) * 12.5 * wide
    ends = at + rng.uniform(-4, 4, (count, 3))
    paint(hu, grid, torso.warp.tubes(Tubes(at, ends, rng.uniform(0.7, 2.0, count))), float(rng.uniform(350, 900)))


def draw_gas(hu: np.ndarray, structures: np.ndarray, grid: Grid, torso: Torso, rng: np.random.Generator) -> None:
    """Loops of bowel with gas under the domes: wall first, then gas or content."""
    build, tubes = torso.build, []
    for _ in range(int(rng.integers(0, 5))):
        start = np.array([rng.uniform(-115, 60), rng.uniform(5, 70), rng.uniform(-235, build.left_dome_mm - 45)])
        steps = rng.normal(0, (22, 9, 16), (int(rng.integers(3, 8)), 3))
        path = start + np.cumsum(np.concatenate([np.zeros((1, 3)), steps]), axis=0)
        path[:, 2] = np.minimum(path[:, 2], build.left_dome_mm - 40)
        path[:, 0] = np.clip(path[:, 0], -112, 95)
        path[:, 1] = np.clip(path[:, 1], -40, 72)
        tubes.append(torso.warp.tubes(Tubes.along(path, rng.uniform(8, 19, len(path) - 1))))
    if not tubes:
        return
    loops = Tubes.joined(tubes)
    inside = structures == OTHER_BODY
    paint(hu, grid, loops.grown(2.5), 35, inside)
    paint(hu, grid, loops, -900, inside)


def draw_metal(hu: np.ndarray, grid: Grid, torso: Torso, rng: np.random.Generator) -> None:
    """Sternal wires or a pacemaker with its lead, with the streaks they cast in their slices."""
    build = torso.build
    if build.wires:
        front, rings = 84.0, []
        for level in np.arange(-30.0, 90.0, 24.0):
            turn = np.linspace(0, 2 * np.pi, 9)
            ring = np.stack(
                [
                    13 * np.cos(turn),
                    front - 30 * np.clip((level + 40) / 140, 0, 1) + 8 * np.sin(turn),
                    level + 3 * np.sin(2 * turn),
                ],
                axis=1,
            )
            rings.append(Tubes.along(ring, 0.7))
        _draw_wire(hu, grid, torso.warp.tubes(Tubes.joined(rings)), rng)
    if build.pacemaker:
        side = -1 if rng.random() < 0.8 else 1
        lead = np.array(
            [
                [side * 90, 84, 92],
                [side * 60, 46, 112],
                [side * 20, 12, 100],
                [25, 8, 92],
                [26, 8, 20],
                [22, 10, -30],
                [-4, 30, -66],
                [-30, 40, -80],
            ]
        )
        _draw_wire(hu, grid, torso.warp.tubes(Tubes.along(lead, 1.1)), rng)
        can = np.array([[side * 84, 92, 60], [side * 106, 86, 60]])
        _draw_wire(hu, grid, torso.warp.tubes(Tubes.along(can, 7.0)), rng)


def _draw_wire(hu: np.ndarray, grid: Grid, tubes: Tubes, rng: np.random.Generator) -> None:
    """Metal, and dark and bright rays around it in each slice it crosses."""
    distance = np.full(grid.shape_kji, 9, dtype=np.float32)
    draw_distance(distance, grid, tubes, 1.5)
    j, i = np.indices(grid.shape_kji[1:], sparse=True)
    for k in np.flatnonzero((distance < 0.5).any(axis=(1, 2))):
        rows, columns = np.nonzero(distance[k] < 0.5)
        dj, di = j - rows.mean(), i - columns.mean()
        away = np.hypot(dj, di) * grid.spacing_kji_mm[1]
        angle = np.arctan2(dj, di)
        rays = np.cos(angle * rng.integers(3, 8) + rng.uniform(0, 6.28)) + np.cos(angle * rng.integers(9, 19))
        hu[k] += (min(len(rows), 12) * 9 * rays * np.exp(-away / 28)).astype(np.float32)
    near = distance < 1.3
    hu[near] += np.clip(0.8 - distance[near] / 1.6, 0, 1) * (3000 - hu[near])
