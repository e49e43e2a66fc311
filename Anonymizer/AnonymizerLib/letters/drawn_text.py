"""Where writing seems to be drawn into a frame: the network's answer at several sizes and brightness windows.

This is the pass that is independent of OCR. It says where, as cells of 4 x 4 pixels, and groups cells to pieces of
writing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from AnonymizerLib.letters.ocr import gray_of
from AnonymizerLib.letters.text_network import STRIDE, TextNetwork, text_network
from AnonymizerLib.profile.regions import Box

CELL = STRIDE**2  # pixels
LIKELY = 0.6  # probability from which a cell counts as writing
POSSIBLE = 0.3  # and from which it continues writing that is likely beside it
FEWEST_CELLS = 6
ENLARGED_BELOW = 400  # pixels: smaller frames are also looked at in double size
REDUCED_ABOVE = 96
COLORFUL = 24  # levels of 255 between the channels of a pixel that is not gray
JOINED = 1  # cells of distance over which letters belong to one piece of writing
FULL = 0.35  # share of its box from which a piece is blanked as a box
TALLEST_LINE = 56  # pixels: what is taller is blanked cell by cell, so that nothing between goes
MARGIN = 5  # pixels around writing that go with it
WINDOWS = ((1.0, 99.0), (5.0, 99.9))  # percentiles of the windows of pictures of more than 8 bits


@dataclass(frozen=True, eq=False)
class Piece:
    """Writing that belongs together: its cells (a picture of the whole frame's cells), and its probability."""

    cells: np.ndarray
    probability: float

    @property
    def box(self) -> Box:
        """The rectangle around it in pixels."""
        rows, columns = np.flatnonzero(self.cells.any(1)), np.flatnonzero(self.cells.any(0))
        return Box(
            int(columns[0]) * STRIDE,
            int(rows[0]) * STRIDE,
            int(columns[-1] - columns[0] + 1) * STRIDE,
            int(rows[-1] - rows[0] + 1) * STRIDE,
        )

    @property
    def boxes(self) -> list[Box]:
        """The rectangles to blank: one, or one per row of cells when it lies askew."""
        box = self.box
        is_line = min(box.width, box.height) <= TALLEST_LINE
        if is_line and self.cells.sum() * CELL >= FULL * box.width * box.height:
            return [box.grown(MARGIN)]
        boxes = []
        for row in np.flatnonzero(self.cells.any(1)):
            columns = np.flatnonzero(self.cells[row])
            for part in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1):
                width = int(part[-1] - part[0] + 1) * STRIDE
                boxes.append(Box(int(part[0]) * STRIDE, int(row) * STRIDE, width, STRIDE).grown(MARGIN))
        return boxes


def probability_of_text(frame: np.ndarray, network: TextNetwork | None = None) -> np.ndarray:
    """Highest probability of writing per cell of 4 x 4 pixels over all views of a frame, float32."""
    from scipy import ndimage

    network = network or text_network()
    cells = tuple(-(-size // STRIDE) for size in frame.shape[:2])
    highest = np.zeros(cells, np.float32)
    for view in _views(frame):
        answer = network(view)
        rows = np.minimum(np.arange(cells[0]) * answer.shape[0] // cells[0], answer.shape[0] - 1)
        columns = np.minimum(np.arange(cells[1]) * answer.shape[1] // cells[1], answer.shape[1] - 1)
        if answer.shape[0] > cells[0]:  # an enlarged view: the highest of its cells
            answer = ndimage.maximum_filter(answer, 2)
        np.maximum(highest, answer[np.ix_(rows, columns)], out=highest)
    return highest


def _views(frame: np.ndarray) -> Iterator[np.ndarray]:
    """Show a frame in several windows and sizes, gray values 0..255."""
    from scipy import ndimage

    planes = [gray_of(frame)]
    if frame.ndim == 3:
        if int(np.ptp(frame.astype(np.int32), axis=2).max()) > COLORFUL:
            planes.append(np.ptp(frame.astype(np.float32), axis=2))  # colored letters, whatever their brightness
    elif frame.dtype.itemsize > 1:
        values = frame.astype(np.float32)
        for low, high in (np.percentile(values, window) for window in WINDOWS):
            if high > low:
                planes.append(np.clip((values - low) * (255.0 / (high - low)), 0, 255))
    for plane in planes:
        yield plane
        if min(plane.shape) > REDUCED_ABOVE:
            yield reduced(plane)
    if max(frame.shape[:2]) < ENLARGED_BELOW:
        yield ndimage.zoom(planes[0], 2, order=1)


def reduced(plane: np.ndarray) -> np.ndarray:
    """Half the size, by means of 2 x 2 pixels."""
    rows, columns = (size // 2 * 2 for size in plane.shape)
    return plane[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))


def pieces_of(probability: np.ndarray, likely: float = LIKELY, fewest: int = FEWEST_CELLS) -> list[Piece]:
    """Likely cells grouped to pieces of writing, each with the possible cells that continue it."""
    from scipy import ndimage

    is_likely = probability >= likely
    if not is_likely.any():
        return []
    is_possible = probability >= min(POSSIBLE, likely)
    near = ndimage.binary_dilation(is_possible, np.ones((3, 3), bool), iterations=JOINED)
    labels, count = ndimage.label(near, np.ones((3, 3), bool))
    pieces = []
    for number in range(1, count + 1):
        cells = is_possible & (labels == number)
        sure = cells & is_likely
        if np.count_nonzero(sure) >= fewest:
            pieces.append(Piece(cells, float(probability[sure].mean())))
    return pieces
