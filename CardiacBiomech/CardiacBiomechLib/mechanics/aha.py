"""The 16/17 segments of the left ventricle (Cerqueira et al., Circulation 105:539, 2002), in the heart's own axes.

The long axis goes through the middles of the cavity, base and apex are told by the size of the slices. The middle of
the septum is where the right ventricle touches the wall. Looking from the apex with the septum at the left, anterior
is up: the anterior direction is (apex to base) x (left to right ventricle). Slices are cut into basal, middle and
apical thirds; segment 17 is what lies beyond the last slice of the cavity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import binary_dilation

from CardiacBiomechLib.model.heart_labels import HeartLabels
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume

NAMES = (
    "basal anterior", "basal anteroseptal", "basal inferoseptal", "basal inferior", "basal inferolateral",
    "basal anterolateral", "mid anterior", "mid anteroseptal", "mid inferoseptal", "mid inferior", "mid inferolateral",
    "mid anterolateral", "apical anterior", "apical septal", "apical inferior", "apical lateral", "apex",
)  # fmt: skip
RINGS = ("basal", "mid", "apical")
# Segments by angle in degrees from the middle of the septum towards anterior: 60-degree sectors from 0, and at the
# apex 90-degree sectors from -45.
SIXTHS = (2, 1, 6, 5, 4, 3)
QUARTERS = (14, 13, 16, 15)
SEPTUM_WITHOUT_RV_RAS = np.array([0.6, 0.6, 0.0])
BASE_TO_APEX_RAS = np.array([-0.62, 0.60, -0.50])
MIN_VOXELS = 8
MIN_SLICES_WITHOUT_ENDS = 6
BINS = 180
TOUCH_MM = 4.0
MIN_OFFSET_MM = 2.0
MIN_SEPTUM_DEGREES = 10.0


@dataclass(frozen=True, eq=False)
class HeartAxes:
    """Where the left ventricle lies: middles (n, 3) of its slices from base to apex, and unit directions in RAS.

    ``up`` goes from apex to base, ``septum`` from the axis to the middle of the septum, ``anterior`` = up x septum.
    ``insertions_ras_mm`` are the anterior and the inferior insertion of the right ventricle, None without one.
    """

    middles_ras_mm: np.ndarray
    slices: tuple[int, ...]
    up: np.ndarray
    septum: np.ndarray
    anterior: np.ndarray
    insertions_ras_mm: tuple[np.ndarray, np.ndarray] | None
    slice_mm: float

    @property
    def rings(self) -> np.ndarray:
        """Ring (0 basal, 1 mid, 2 apical) of every slice: thirds, the upper ones rounded up."""
        count = len(self.slices)
        basal = -(-count // 3)
        middle = -(-(count - basal) // 2)
        return np.array([0] * basal + [1] * middle + [2] * (count - basal - middle))

    def center_at(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Middle of the cavity (..., 3) at the height of points, linear between slices and beyond them."""
        height = self.height_mm(points_ras_mm)
        heights = self.height_mm(self.middles_ras_mm)
        order = np.argsort(heights)
        return np.stack([np.interp(height, heights[order], self.middles_ras_mm[order, axis]) for axis in range(3)], -1)

    def height_mm(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Height (...) along the long axis in mm, larger towards the base."""
        return np.asarray(points_ras_mm) @ self.up

    def angle_degrees(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Angle (...) around the axis from the middle of the septum towards anterior, 0 to 360."""
        offset = np.asarray(points_ras_mm) - self.center_at(points_ras_mm)
        return np.degrees(np.arctan2(offset @ self.anterior, offset @ self.septum)) % 360.0

    def segment_of(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Segment (...) 1 to 17 of points of the wall."""
        height, heights = self.height_mm(points_ras_mm), self.height_mm(self.middles_ras_mm)
        nearest = np.abs(height[..., None] - heights).argmin(-1)
        ring = self.rings[nearest]
        segment = segment_at(self.angle_degrees(points_ras_mm), ring)
        return np.where(height < heights.min() - self.slice_mm / 2, 17, segment)

    def local_axes(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Return unit vectors (3, ..., 3): radial outward, circumferential, longitudinal (apex to base) at points."""
        offset = np.asarray(points_ras_mm) - self.center_at(points_ras_mm)
        radial = offset - (offset @ self.up)[..., None] * self.up
        radial = radial / (np.linalg.norm(radial, axis=-1, keepdims=True) + 1e-12)
        along = np.broadcast_to(self.up, radial.shape)
        return np.stack([radial, np.cross(along, radial), along])

    def with_insertions(self, anterior_ras_mm: Sequence[float], inferior_ras_mm: Sequence[float]) -> HeartAxes:
        """Return the same axes with given insertion points; the middle of the septum lies half way between them.

        Raises InputError when the points lie on the long axis or in the same direction from it.
        """
        points = np.array([anterior_ras_mm, inferior_ras_mm], dtype=float)
        offset = points - self.center_at(points)
        if np.linalg.norm(offset, axis=1).min() < MIN_OFFSET_MM:
            raise InputError("An insertion point lies on the long axis of the ventricle: put it on the wall.")
        front, below = self.angle_degrees(points)
        width = (front - below) % 360.0  # from the inferior over the septum to the anterior insertion
        if not MIN_SEPTUM_DEGREES <= width <= 360.0 - MIN_SEPTUM_DEGREES:
            raise InputError("Both insertion points lie in the same direction from the long axis: move one of them.")
        turned = self.turned(float(below + width / 2.0))
        return replace(turned, insertions_ras_mm=(points[0], points[1]))

    def turned(self, degrees: float) -> HeartAxes:
        """Return the same axes with the middle of the septum turned towards anterior by an angle."""
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        septum = cosine * self.septum + sine * self.anterior
        return replace(self, septum=septum, anterior=np.cross(self.up, septum))


def segment_at(angle_degrees: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """Segment 1 to 16 at angles from the middle of the septum towards anterior, in ring 0 basal, 1 mid or 2 apical."""
    sixth = np.array(SIXTHS)[(np.asarray(angle_degrees) % 360.0 // 60.0).astype(int)]
    quarter = np.array(QUARTERS)[((np.asarray(angle_degrees) + 45.0) % 360.0 // 90.0).astype(int)]
    return np.where(np.asarray(ring) == 2, quarter, sixth + 6 * np.minimum(ring, 1))


def heart_axes(labels: Volume, parts: HeartLabels) -> HeartAxes:
    """Return the heart's axes from the labels of one frame whose first array axis goes through the slices.

    Raises InputError when fewer than two slices show cavity and wall.
    """
    cavity, wall = labels.array == parts.lv, labels.array == parts.myocardium
    shown = [int(k) for k in np.nonzero((cavity.sum((1, 2)) >= MIN_VOXELS) & (wall.sum((1, 2)) >= MIN_VOXELS))[0]]
    if len(shown) < 2:
        raise InputError(
            f"The left ventricle is labeled in {len(shown)} slices, two are needed for its long axis: complete the "
            "segmentation."
        )
    middles = np.array([labels.ras_from_kji([k, *np.argwhere(cavity[k]).mean(0)]) for k in shown])
    through = labels.ijk_to_ras[:3, 2] / np.linalg.norm(labels.ijk_to_ras[:3, 2])
    sizes = np.array([(cavity[k] | wall[k]).sum() for k in shown], dtype=float)
    up = through if _base_is_last(np.array(shown), sizes, through) else -through
    if (middles[-1] - middles[0]) @ up > 0:  # from base to apex
        shown, middles = shown[::-1], middles[::-1]
    step = float(labels.spacing_kji_mm[0])
    plain = HeartAxes(middles, tuple(shown), up, np.zeros(3), np.zeros(3), None, step)
    septum, insertions = _septum(labels, parts, plain)
    septum = septum - (septum @ up) * up
    septum = septum / np.linalg.norm(septum)
    return HeartAxes(middles, tuple(shown), up, septum, np.cross(up, septum), insertions, step)


def _base_is_last(slices: np.ndarray, sizes: np.ndarray, through: np.ndarray) -> bool:
    """Whether slices grow towards the last one; where they hardly do, the usual lie of the heart decides.

    Where there are enough, the outermost ones do not count: a valve plane that cuts the basal one makes it small.
    """
    if len(sizes) >= MIN_SLICES_WITHOUT_ENDS:
        slices, sizes = slices[1:-1], sizes[1:-1]
    if np.ptp(sizes) > 0.25 * sizes.max():
        return bool(np.polyfit(slices, sizes, 1)[0] > 0)
    return bool(through @ BASE_TO_APEX_RAS < 0)


def _septum(
    labels: Volume, parts: HeartLabels, axes: HeartAxes
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray] | None]:
    """Return the direction of the middle of the septum and the insertion points: where the right cavity touches."""
    first = np.cross(axes.up, [1.0, 0.0, 0.0] if abs(axes.up[0]) < 0.8 else [0.0, 1.0, 0.0])
    first /= np.linalg.norm(first)
    second = np.cross(axes.up, first)
    upper = [k for k, ring in zip(axes.slices, axes.rings, strict=True) if ring < 2]
    directions, ends = [], []
    for k in upper if parts.rv is not None else ():
        touching = _touching(labels, parts, k)
        if len(touching) < MIN_VOXELS:
            continue
        points = labels.ras_from_kji(np.column_stack([np.full(len(touching), k), touching]))
        offset = points - axes.center_at(points)
        angles = np.arctan2(offset @ second, offset @ first)
        arc = _arc(angles)
        if arc is None:
            continue
        middle, half = arc
        directions.append(np.cos(middle) * first + np.sin(middle) * second)
        ends.append((points, angles, middle, half))
    if not directions:
        return SEPTUM_WITHOUT_RV_RAS, None
    septum = np.mean(directions, axis=0)
    points, angles, middle, half = ends[len(ends) // 2]
    sides = [points[np.abs(np.angle(np.exp(1j * (angles - middle - side * half)))).argmin()] for side in (1.0, -1.0)]
    anterior = np.cross(axes.up, septum)
    sides.sort(key=lambda point: -float((point - axes.center_at(point)) @ anterior))
    return septum, (sides[0], sides[1])


def _touching(labels: Volume, parts: HeartLabels, k: int) -> np.ndarray:
    """Wall voxels (n, 2) of a slice that lie next to the right ventricle's cavity."""
    steps = max(1, round(TOUCH_MM / float(labels.spacing_kji_mm[1])))
    near = binary_dilation(labels.array[k] == parts.rv, iterations=steps)
    return np.argwhere(near & (labels.array[k] == parts.myocardium))


def _arc(angles: np.ndarray) -> tuple[float, float] | None:
    """Middle and half width in radians of the longest arc that angles cover; None for next to nothing."""
    taken = np.zeros(BINS, dtype=bool)
    taken[((angles / (2 * np.pi) * BINS).astype(int)) % BINS] = True
    taken = binary_dilation(np.tile(taken, 3), iterations=2)[BINS : 2 * BINS]  # voxels leave gaps between bins
    if taken.all() or not taken.any():
        return None
    start = int(np.nonzero(~taken)[0][0])
    turned = np.roll(taken, -start)
    edges = np.diff(np.concatenate([[0], turned.astype(int), [0]]))
    begins, ends = np.nonzero(edges == 1)[0], np.nonzero(edges == -1)[0]
    longest = int((ends - begins).argmax())
    low, high = begins[longest], ends[longest]
    own = np.angle(np.exp(1j * (angles - (start + (low + high) / 2) * 2 * np.pi / BINS)))
    inside = own[np.abs(own) <= (high - low) / 2 * 2 * np.pi / BINS]
    if not len(inside):
        return None
    center = (start + (low + high) / 2) * 2 * np.pi / BINS + (inside.max() + inside.min()) / 2
    return float(center), float((inside.max() - inside.min()) / 2)
