"""The outline of a flat mask as closed lines along the edges of its pixels."""

from __future__ import annotations

import numpy as np

STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))  # right, down, left, up, in (row, column)


def outline_of_mask(mask: np.ndarray) -> list[np.ndarray]:
    """Return closed lines (n, 2) of (column, row) around every part and hole of a mask (rows, columns).

    0, 0 is the outer corner of the first pixel, so that pixel (r, c) covers c to c + 1 and r to r + 1; the first point
    of a line is repeated at its end, and points between two in the same direction are left out.
    """
    inside = np.pad(np.asarray(mask, bool), 1)
    following: dict[tuple[int, int], list[tuple[int, int]]] = {}
    # an edge runs with the inside on its right
    for shift, start, end in (
        ((-1, 0), (0, 0), (0, 1)),  # nothing above: along the top, to the right
        ((0, 1), (0, 1), (1, 1)),
        ((1, 0), (1, 1), (1, 0)),
        ((0, -1), (1, 0), (0, 0)),
    ):
        outside = ~np.roll(inside, (-shift[0], -shift[1]), (0, 1))
        for row, column in np.argwhere(inside & outside) - 1:
            corner = int(row + start[0]), int(column + start[1])
            following.setdefault(corner, []).append((int(row + end[0]), int(column + end[1])))
    lines = []
    while following:
        corner = next(iter(following))
        points = [corner]
        while corner in following:
            ends = following[corner]
            corner = ends.pop()
            if not ends:
                del following[points[-1]]
            points.append(corner)
        lines.append(_without_straight_points(np.array(points)[:, ::-1].astype(float)))
    return lines


def _without_straight_points(points: np.ndarray) -> np.ndarray:
    steps = np.diff(points, axis=0)
    turns = np.flatnonzero((steps != np.roll(steps, 1, axis=0)).any(axis=1))
    kept = points[:-1][turns]
    return np.vstack([kept, kept[:1]])
