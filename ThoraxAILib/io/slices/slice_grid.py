"""Where the slices of a stack really lie, and the right-angled even grid they are brought onto.

Positions come from ImagePositionPatient projected on the slice normal (PS3.3 C.7.6.2.1.1), never from thickness or
instance numbers. Missing slices, uneven spacing and gantry tilt become a stated repair or a stated reason.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ThoraxAILib.image.tuples import three

MIN_SLICES = {"CT": 8}
MIN_SLICES_OTHERWISE = 2
MAX_MISSING_IN_A_ROW = 2
MAX_GAP_MM = 16.0  # more slices may be missing in a row when the gap is no longer than this
MAX_MISSING_FRACTION = 0.34  # every third slice, as when every third image has another header
EVEN_FRACTION = 0.1  # of the spacing
ROUNDING_MM = 0.06  # positions are often written with one decimal
SAME_POSITION_MM = 0.01
WHOLE_PIXEL = 1e-4  # a shift this close to whole pixels needs no interpolation
MIN_SHIFT_MM = 0.2  # across a stack; less is rounding of the orientation
MAX_SHIFT_FRACTION = 1.0  # of the width of a slice


class UnusableStack(ValueError):
    """Why slices do not form a volume, as the end of a sentence that starts with the series."""


@dataclass(frozen=True, eq=False)
class SliceGrid:
    """The even grid for a stack whose slices are sorted along the normal (LPS mm).

    ``depths_mm`` (n,) are the slice positions along the normal from the first, ``start_mm`` is that of the grid;
    ``shifts_px`` (n, 2) how far each slice lies off the grid within its plane, in pixels along (j, i).
    """

    ijk_to_lps: np.ndarray
    size_ijk: tuple[int, int, int]
    start_mm: float
    depths_mm: np.ndarray
    shifts_px: np.ndarray
    notes: tuple[str, ...]
    needs_resampling: bool

    @property
    def spacing_ijk_mm(self) -> tuple[float, float, float]:
        """Voxel size of the grid along i, j, k in mm."""
        return three(float(size) for size in np.linalg.norm(self.ijk_to_lps[:3, :3], axis=0))


def depths_along_normal(origins_lps_mm: np.ndarray, row_lps: np.ndarray, column_lps: np.ndarray) -> np.ndarray:
    """Position (n,) in mm of each slice origin (n, 3) along the normal of its plane (row direction x column one)."""
    normal = np.cross(row_lps, column_lps)
    return np.asarray(origins_lps_mm, dtype=float) @ (normal / np.linalg.norm(normal))


def fitted_ladder(depths_mm: np.ndarray) -> tuple[float, float]:
    """Start and step in mm of the even ladder that fits at least two sorted positions best (least squares)."""
    step, start = np.polyfit(np.arange(len(depths_mm)), depths_mm, 1)
    return float(start), float(step)


def is_even(depths_mm: np.ndarray) -> bool:
    """Whether sorted positions lie on an even ladder, within a tenth of its step or their own rounding."""
    if len(depths_mm) < 2:
        return True
    start, step = fitted_ladder(depths_mm)
    if step <= SAME_POSITION_MM or np.diff(depths_mm).min() <= SAME_POSITION_MM:
        return False
    offsets = depths_mm - start - step * np.arange(len(depths_mm))
    return bool(np.abs(offsets).max() <= max(EVEN_FRACTION * step, ROUNDING_MM))


def plan_grid(
    origins_lps_mm: np.ndarray,
    orientation_lps: np.ndarray,
    pixel_spacing_mm: tuple[float, float],
    size_ij: tuple[int, int],
) -> SliceGrid:
    """Return the grid for slices sorted along their normal.

    ``orientation_lps`` holds the directions of a row (i) and of a column (j); ``pixel_spacing_mm`` is (between rows,
    between columns). Raises UnusableStack when slices are doubled, missing or spaced too unevenly.
    """
    row, column = _right_angled(np.asarray(orientation_lps, dtype=float).reshape(2, 3))
    origins = np.asarray(origins_lps_mm, dtype=float)
    depths = depths_along_normal(origins, row, column)
    depths = depths - depths[0]
    start, count, spacing, spacing_notes = spacing_of(depths)
    in_plane = (origins - origins[0]) @ np.stack([column, row], axis=1)
    shifted = np.abs(in_plane).max() > MIN_SHIFT_MM
    between_rows, between_columns = pixel_spacing_mm
    shifts = in_plane / (between_rows, between_columns) if shifted else np.zeros((len(depths), 2))
    low, high = np.floor(shifts.min(axis=0) + 1e-6), np.ceil(shifts.max(axis=0) - 1e-6)
    if ((high - low) > MAX_SHIFT_FRACTION * np.array(size_ij[::-1])).any():
        raise UnusableStack(f"has slices that lie up to {np.abs(in_plane).max():.0f} mm beside each other")
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1] = row * between_columns, column * between_rows
    matrix[:3, 2] = np.cross(row, column) * spacing
    matrix[:3, 3] = origins[0] + low[1] * matrix[:3, 0] + low[0] * matrix[:3, 1] + start * np.cross(row, column)
    size = (size_ij[0] + int(high[1] - low[1]), size_ij[1] + int(high[0] - low[0]), count)
    notes = spacing_notes + (_shift_note(in_plane, depths) if shifted else ())
    if not spacing_notes:
        depths = start + spacing * np.arange(count)  # no blur between slices for the rounding of their positions
    return SliceGrid(matrix, size, start, depths, shifts - low, notes, bool(spacing_notes or shifted))


def _right_angled(directions: np.ndarray) -> np.ndarray:
    """Row and column direction as unit vectors at exactly 90 degrees; raises UnusableStack when far from it."""
    lengths = np.linalg.norm(directions, axis=1)
    if np.abs(lengths - 1).max() > 0.01 or abs(directions[0] @ directions[1]) > 0.01:
        raise UnusableStack("has image axes that are not at right angles in its ImageOrientationPatient")
    row, column = directions / lengths[:, None]
    column = column - (column @ row) * row
    return np.stack([row, column / np.linalg.norm(column)])


def spacing_of(depths: np.ndarray) -> tuple[float, int, float, tuple[str, ...]]:
    """Start, number and spacing (mm) of the grid slices, and the repair that makes it so (none when already even).

    ``depths`` are sorted positions in mm from the first slice. Raises UnusableStack when no even grid fits them.
    """
    gaps = np.diff(depths)
    if len(gaps) and gaps.min() <= SAME_POSITION_MM:
        raise UnusableStack("has different images at the same position, as when two series or phases are mixed")
    if is_even(depths):
        start, spacing = fitted_ladder(depths) if len(gaps) else (0.0, 1.0)
        return start, len(depths), spacing, ()
    step = float(np.median(gaps))
    missing = np.maximum(np.rint(gaps / step).astype(int) - 1, 0)
    uneven = (
        f"has unevenly spaced slices ({gaps.min():.2f} to {gaps.max():.2f} mm apart), as when slices are missing "
        "or two series are mixed"
    )
    if missing.max() > MAX_MISSING_IN_A_ROW and gaps.max() > MAX_GAP_MM:
        if np.count_nonzero(missing) > 3:
            raise UnusableStack(uneven)
        raise UnusableStack(f"lacks {missing.sum()} slices (a gap of {gaps.max():.1f} mm, slices every {step:.1f} mm)")
    if missing.sum() > max(MAX_MISSING_IN_A_ROW, MAX_MISSING_FRACTION * len(depths)):
        raise UnusableStack(uneven)
    count = round(depths[-1] / step) + 1
    spacing = depths[-1] / (count - 1)
    if missing.sum():
        which = "slice was" if missing.sum() == 1 else "slices were"
        widest = f", the widest gap is {gaps.max():.1f} mm" if missing.max() > 1 else ""
        note = (
            f"{missing.sum()} missing {which} filled by linear interpolation between neighbors "
            f"({spacing:.2f} mm spacing{widest})."
        )
    else:
        note = (
            f"The slices are unevenly spaced ({gaps.min():.2f} to {gaps.max():.2f} mm) and were resampled every "
            f"{spacing:.2f} mm."
        )
    return 0.0, count, float(spacing), (note,)


def _shift_note(in_plane_mm: np.ndarray, depths: np.ndarray) -> tuple[str, ...]:
    """Return what moves the slices against each other: a gantry tilt when the shift grows evenly with depth."""
    slope = in_plane_mm[-1] / max(depths[-1], 1e-6)
    if np.abs(in_plane_mm - depths[:, None] * slope).max() <= max(MIN_SHIFT_MM, 0.02 * np.abs(in_plane_mm).max()):
        angle = np.degrees(np.arctan(np.linalg.norm(slope)))
        return (f"The gantry was tilted by {angle:.1f} degrees: slices were shifted onto a right-angled grid.",)
    return (
        f"The slices lie up to {np.abs(in_plane_mm).max():.1f} mm beside each other in their plane and were "
        "shifted onto a right-angled grid.",
    )


def resample_to_grid(array: np.ndarray, grid: SliceGrid, fill: float) -> np.ndarray:
    """Return the stack (n, rows, columns) on ``grid`` as (k, j, i), linear in plane and between slices, same dtype.

    Where the shifted slices have no pixels the result is ``fill``.
    """
    columns, rows, count = grid.size_ijk
    placed = _shifted(array, grid, fill) if grid.shifts_px.any() else array
    targets = grid.start_mm + grid.spacing_ijk_mm[2] * np.arange(count)
    if len(placed) == count and np.allclose(targets, grid.depths_mm, atol=SAME_POSITION_MM):
        return placed
    result = np.empty((count, rows, columns), dtype=array.dtype)
    for k, target in enumerate(targets):
        above = int(np.clip(np.searchsorted(grid.depths_mm, target), 1, len(placed) - 1))
        below_mm, above_mm = grid.depths_mm[above - 1], grid.depths_mm[above]
        weight = float(np.clip((target - below_mm) / (above_mm - below_mm), 0.0, 1.0))
        _store(result[k], placed[above - 1] * np.float32(1 - weight) + placed[above] * np.float32(weight))
    return result


def _shifted(array: np.ndarray, grid: SliceGrid, fill: float) -> np.ndarray:
    """Each slice moved within its plane, linear between pixels, to where it belongs on the larger grid."""
    columns, rows, _ = grid.size_ijk
    placed = np.full((len(array), rows, columns), fill, dtype=array.dtype)
    for image, shift, target in zip(array, grid.shifts_px, placed, strict=True):
        moved = image.astype(np.float32)
        start = np.floor(shift + WHOLE_PIXEL).astype(int)
        for axis, fraction in enumerate(np.maximum(shift - start, 0.0)):
            if fraction > WHOLE_PIXEL:
                lines = np.moveaxis(moved, axis, 0)
                between = lines[1:] * np.float32(1 - fraction) + lines[:-1] * np.float32(fraction)
                moved = np.moveaxis(between, 0, axis)
                start[axis] += 1
        _store(target[start[0] : start[0] + moved.shape[0], start[1] : start[1] + moved.shape[1]], moved)
    return placed


def _store(target: np.ndarray, values: np.ndarray) -> None:
    target[...] = np.rint(values) if np.issubdtype(target.dtype, np.integer) else values


def too_few_slices(modality: str, count: int) -> str:
    """Why a stack is too short, or nothing when it is long enough."""
    least = MIN_SLICES.get(modality, MIN_SLICES_OTHERWISE)
    if count >= least:
        return ""
    kind = "a chest CT" if modality == "CT" else "a volume"
    return f"has {count} slice{'s' * (count != 1)} where {kind} needs at least {least}"
