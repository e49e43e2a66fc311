"""A short-axis frame as the network wants it: turned as radiologists look at it, square pixels of one size.

Only whole quarter turns and mirrors in the plane are used to turn it, so that nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from ThoraxAILib.image.volume import Volume

LEFT, BACK_AND_DOWN = np.array([-1.0, 0.0, 0.0]), np.array([0.0, -1.0, -1.0]) / np.sqrt(2.0)  # RAS


@dataclass(frozen=True)
class InPlaneTurn:
    """How the last two axes are swapped and then mirrored."""

    swap: bool
    flip_j: bool
    flip_i: bool

    @staticmethod
    def of(ijk_to_ras: np.ndarray) -> InPlaneTurn:
        """Return the turn after which i runs to the patient's left and j backwards or down, as nearly as can be."""
        i, j = (ijk_to_ras[:3, axis] / np.linalg.norm(ijk_to_ras[:3, axis]) for axis in (0, 1))

        def fit(turn: InPlaneTurn) -> float:
            new_i, new_j = (j, i) if turn.swap else (i, j)
            return float((-1 if turn.flip_i else 1) * new_i @ LEFT + (-1 if turn.flip_j else 1) * new_j @ BACK_AND_DOWN)

        return max((InPlaneTurn(*flags) for flags in product((False, True), repeat=3)), key=fit)

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Return an array (..., j, i) turned; a view."""
        turned = np.swapaxes(array, -1, -2) if self.swap else array
        return turned[..., :: -1 if self.flip_j else 1, :: -1 if self.flip_i else 1]

    def undo(self, array: np.ndarray) -> np.ndarray:
        """Return a turned array as it was; a view."""
        flipped = array[..., :: -1 if self.flip_j else 1, :: -1 if self.flip_i else 1]
        return np.swapaxes(flipped, -1, -2) if self.swap else flipped


@dataclass(frozen=True, eq=False)
class View:
    """Between the grid of a frame and square pixels of ``pixel_mm``, turned."""

    turn: InPlaneTurn
    shape_ji: tuple[int, int]
    step_ji_mm: tuple[float, float]
    pixel_mm: float

    @staticmethod
    def of(frame: Volume, pixel_mm: float) -> View:
        """Return the view of a frame whose slices lie along its first axis."""
        turn = InPlaneTurn.of(frame.ijk_to_ras)
        shape, step = frame.array.shape[1:], tuple(float(value) for value in frame.spacing_kji_mm[1:])
        if turn.swap:
            shape, step = shape[::-1], step[::-1]
        return View(turn, (shape[0], shape[1]), (step[0], step[1]), pixel_mm)

    @property
    def size_ji(self) -> tuple[int, int]:
        """Pixels of the view."""
        j, i = (max(1, round(n * step / self.pixel_mm)) for n, step in zip(self.shape_ji, self.step_ji_mm, strict=True))
        return j, i

    def pixels(self, array: np.ndarray) -> np.ndarray:
        """Return an array (..., j, i) of the frame as pixels, float32."""
        rows, columns = self._weights()
        return (rows @ self.turn.apply(array).astype(np.float32) @ columns.T).astype(np.float32)

    def back(self, pixels: np.ndarray) -> np.ndarray:
        """Return values (..., j, i) of pixels on the grid of the frame, float32."""
        rows, columns = (
            linear_weights(size, self.pixel_mm, n, step)
            for n, step, size in zip(self.shape_ji, self.step_ji_mm, self.size_ji, strict=True)
        )
        return np.ascontiguousarray(self.turn.undo(rows @ pixels @ columns.T))

    def _weights(self) -> list[np.ndarray]:
        return [
            linear_weights(n, step, size, self.pixel_mm)
            for n, step, size in zip(self.shape_ji, self.step_ji_mm, self.size_ji, strict=True)
        ]


def linear_weights(count: int, step: float, new_count: int, new_step: float) -> np.ndarray:
    """Return the weights (new, old) that interpolate linearly between cell centers, corner on corner."""
    at = np.clip((np.arange(new_count) + 0.5) * new_step / step - 0.5, 0.0, count - 1.0)
    return np.clip(1.0 - np.abs(at[:, None] - np.arange(count)[None]), 0.0, None).astype(np.float32)
