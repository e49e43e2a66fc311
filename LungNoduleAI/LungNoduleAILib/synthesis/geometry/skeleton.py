"""Bones of the schematic chest as tubes: ribs with cartilage, spine, sternum, clavicles, scapulae, humeri."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.synthesis.geometry.shape import Build, chest_wall, spine_center_a
from LungNoduleAILib.synthesis.geometry.tubes import Tubes

VERTEBRA_MM = 23.0


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Hard bone (cortex with marrow), costal cartilage and the spinal canal."""

    bone: Tubes
    cartilage: Tubes
    canal: Tubes


def make_skeleton(build: Build) -> Skeleton:
    """Return the bones that fit one person's chest wall."""
    bones, cartilage = [], []
    for side in (-1, 1):
        for number in range(12):
            path = _rib_path(build, side, number)
            osseous = max(2, int(len(path) * (0.78 if number < 10 else 0.55)))
            bones += [Tubes.along(path[:osseous] + np.array([0, 0, up]), 3.4) for up in (-2.2, 2.2)]
            if number < 10:
                cartilage.append(Tubes.along(path[osseous - 1 :], 4.8))
        bones += _girdle(build, side)
    bones += _posterior_elements()
    bones.append(_sternum(build))
    levels = np.arange(-192.0, 158, 6)
    canal = np.stack([0 * levels, spine_center_a(levels) - 24, levels], axis=1)
    return Skeleton(Tubes.joined(bones), Tubes.joined(cartilage), Tubes.along(canal, 8.5))


def _rib_path(build: Build, side: int, number: int) -> np.ndarray:
    """Centre line of a rib from the spine round the wall to the sternum; lower ribs drop more and end early."""
    start_s = build.height * (128 - VERTEBRA_MM * number)
    drop = (34, 48, 62, 72, 82, 88, 92, 88, 78, 66, 50, 36)[number]
    reach = (1, 1, 1, 1, 1, 1, 1, 0.97, 0.93, 0.88, 0.66, 0.50)[number]
    turn = np.linspace(0.09, reach, 44) * np.pi
    s = start_s + 8 * np.sin(turn) - drop * (1 - np.cos(turn)) / 2
    width, back, front = chest_wall(build, s)
    power = 2 / 2.35
    r = (width + 5) * np.abs(np.sin(turn)) ** power
    a = (front + back) / 2 - np.sign(np.cos(turn)) * ((front - back) / 2 + 5) * np.abs(np.cos(turn)) ** power
    path = np.stack([side * r, a, s], axis=1)
    near = r > 16
    if number in (7, 8, 9):  # false ribs: the cartilage climbs to its neighbour
        path[:, 2] += np.clip(turn / np.pi - 0.72, 0, None) * 110
    head = np.array([[side * 12.0, float(spine_center_a(start_s)) - 8, start_s + 3]])
    return np.concatenate([head, path[near]])


def _girdle(build: Build, side: int) -> list[Tubes]:
    """Clavicle, scapula (fan of its blade, spine, glenoid) and humerus with the arm raised."""
    clavicle = np.array([[20, 44, 108], [60, 50, 116], [100, 26, 128], [138, -20, 138]], dtype=float)
    humerus = np.array([[158, -38, 122], [170, -30, 162]], dtype=float)
    glenoid, tip, corner = (np.array(p, dtype=float) for p in ((146, -52, 112), (128, -104, -8), (88, -116, 92)))
    blade = []
    for part in np.linspace(0, 1, 26):
        edge = tip + (corner - tip) * part + np.array([0, -7, 0]) * np.sin(part * np.pi)
        blade.append(Tubes.along(np.array([edge, (edge + glenoid) / 2 + [5, -4, 0], glenoid + (part - 0.5) * 12]), 2.0))
    spine = Tubes.along(np.array([corner, [118, -118, 112], glenoid + np.array([6, -14, 14])]), 4.0)
    lateral = Tubes.along(np.array([tip, glenoid]), 4.2)
    parts = [Tubes.along(clavicle, 6.0), Tubes.along(humerus, 13.0), spine, lateral, *blade]
    mirror = np.array([side * build.width, build.depth, build.height])
    return [Tubes(part.start_ras_mm * mirror, part.end_ras_mm * mirror, part.radius_mm) for part in parts]


def _posterior_elements() -> list[Tubes]:
    """Pedicles, laminae, transverse and spinous processes of each vertebra."""
    parts = []
    for level in np.arange(-190.0, 158, VERTEBRA_MM):
        front = float(spine_center_a(level))
        for side in (-1, 1):
            parts.append(
                Tubes.along(
                    np.array(
                        [[side * 12, front - 12, level + 5], [side * 13, front - 28, level], [0, front - 37, level - 4]]
                    ),
                    3.8,
                )
            )
            parts.append(Tubes.along(np.array([[side * 13, front - 28, level], [side * 30, front - 36, level + 2]]), 4))
        parts.append(Tubes.along(np.array([[0, front - 37, level - 4], [0, front - 56, level - 20]]), 3.4))
    return parts


def _sternum(build: Build) -> Tubes:
    """Manubrium and body as a plate of parallel bars behind the skin of the midline."""
    levels = np.arange(-50.0, 106, 8)
    front = chest_wall(build, levels)[2] + 5
    bars = []
    for across in np.arange(-18, 19, 4.0):
        wide = np.where(levels > 70, 26, 15)
        inside = np.abs(across) <= wide
        if inside.sum() > 1:
            bars.append(Tubes.along(np.stack([0 * levels + across, front, levels], axis=1)[inside], 6.0))
    return Tubes.joined(bars)
