"""Before and after of a head, seen from the front, for the person who has to approve a removed face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from AnonymizerLib.pixels.faces import AIR, FaceMask, body_of, upright

SCALE, GAP = 3, 12
LIGHT = np.array([0.4, 0.5, 0.77])


def write_face_picture(array: np.ndarray, kji_to_ras: np.ndarray, mask: FaceMask, path: Path, is_ct: bool) -> None:
    """Write a PNG with the surface before (left) and after (right)."""
    from PIL import Image

    work, _ = upright(array, kji_to_ras)
    before = body_of(work, is_ct)
    after = before & (mask.action != AIR)
    pictures = [_shaded(body) for body in (before, after)]
    space = np.zeros((pictures[0].shape[0], GAP), np.uint8)
    image = Image.fromarray(np.hstack([pictures[0], space, pictures[1]]))
    image.resize((image.width * SCALE, image.height * SCALE)).save(path)


def surface_depth(body: np.ndarray) -> np.ndarray:
    """How many planes lie in front of the body, (S, R) from above; the depth of the grid where there is none."""
    from_front = body[:, ::-1, :]
    depth = np.where(from_front.any(axis=1), from_front.argmax(axis=1), body.shape[1])
    return depth[::-1]


def _shaded(body: np.ndarray) -> np.ndarray:
    depth = ndimage.gaussian_filter(surface_depth(body).astype(float), 1.0)
    down, across = np.gradient(depth)
    normal = np.stack([-across, -down, np.ones_like(depth)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    shade = np.clip(normal @ LIGHT, 0.0, 1.0)
    return (shade * 235 * (depth < body.shape[1] - 1) + 20).astype(np.uint8)
