"""A small convolutional network that says where letters are drawn, read with NumPy alone: no other program is needed.

It does not read: it knows the look of strokes of letters at any turn, light or dark, of many scripts. It is the pass
that is independent of OCR. The weights (trained on invented captures, see the model card) lie beside this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

WEIGHTS = Path(__file__).parent / "data" / "burned_in_text.npz"
STRIDE = 4  # one cell of the answer is 4 x 4 pixels
WIDTHS = (15, 51)  # pixels over which brightness and contrast are evened out
FAINTEST = 1.5  # gray levels of 255: what varies less is not made louder
CLIP = 4.0
DILATIONS = (1, 2, 4, 8, 1)
TILE, OVERLAP = 1024, 208  # pixels; the network and the evening before it see 100 pixels to each side


@dataclass(frozen=True, eq=False)
class TextNetwork:
    """The layers: weights (out, in, 3, 3) or (out, in, 1, 1) and biases, in order."""

    layers: tuple[tuple[np.ndarray, np.ndarray], ...]

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Probability of letters per cell of 4 x 4 pixels, float32, for gray values 0..255 of shape (rows, columns)."""
        rows, columns = picture.shape
        cells = -(-rows // STRIDE), -(-columns // STRIDE)
        answer = np.zeros(cells, np.float32)
        step, margin = TILE - OVERLAP, OVERLAP // 2
        for top in range(0, rows, step):
            for left in range(0, columns, step):
                above, before = max(top - margin, 0), max(left - margin, 0)
                tile = picture[above : top + step + margin, before : left + step + margin]
                part = self._tile(tile)
                skip = (top - above) // STRIDE, (left - before) // STRIDE
                part = part[skip[0] :, skip[1] :][: step // STRIDE, : step // STRIDE]
                row, column = top // STRIDE, left // STRIDE
                answer[row : row + part.shape[0], column : column + part.shape[1]] = part
        return answer

    def _tile(self, picture: np.ndarray) -> np.ndarray:
        values = evened(picture)
        down, across = (-size % STRIDE for size in picture.shape)
        values = np.pad(values, ((0, 0), (0, down), (0, across)), mode="edge")
        values = np.maximum(_convolve(values, *self.layers[0], stride=2), 0)
        values = np.maximum(_convolve(values, *self.layers[1], stride=2), 0)
        for (weight, bias), dilation in zip(self.layers[2:-1], DILATIONS, strict=True):
            values = values + np.maximum(_convolve(values, weight, bias, dilation=dilation), 0)
        weight, bias = self.layers[-1]
        score = np.tensordot(weight[:, :, 0, 0], values, 1)[0] + bias[0]
        return (1 / (1 + np.exp(-np.clip(score, -30, 30)))).astype(np.float32)


@lru_cache(maxsize=1)
def text_network() -> TextNetwork:
    """Load the shipped network, once."""
    with np.load(WEIGHTS) as stored:
        count = len(stored.files) // 2
        return TextNetwork(
            tuple(
                (stored[f"weight{number}"].astype(np.float32), stored[f"bias{number}"].astype(np.float32))
                for number in range(count)
            )
        )


def evened(picture: np.ndarray) -> np.ndarray:
    """Brightness and contrast evened out over two widths, (2, rows, columns): what the network is given."""
    from scipy import ndimage

    values = picture.astype(np.float32)
    channels = []
    for width in WIDTHS:
        mean = ndimage.uniform_filter(values, width, mode="nearest")
        square = ndimage.uniform_filter(values * values, width, mode="nearest")
        spread = np.sqrt(np.maximum(square - mean * mean, 0)) + FAINTEST
        channels.append(np.clip((values - mean) / spread, -CLIP, CLIP))
    return np.stack(channels)


def _convolve(
    values: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int = 1, dilation: int = 1
) -> np.ndarray:
    """Convolve with 3 x 3 weights, with as many zeros around as that needs."""
    channels, rows, columns = values.shape
    padded = np.pad(values, ((0, 0), (dilation, dilation), (dilation, dilation)))
    high, wide = -(-rows // stride), -(-columns // stride)
    result = np.repeat(bias[:, None], high * wide, axis=1)
    for down in range(3):
        for across in range(3):
            top, left = down * dilation, across * dilation
            shifted = padded[:, top : top + rows : stride, left : left + columns : stride]
            result += weight[:, :, down, across] @ np.ascontiguousarray(shifted).reshape(channels, -1)
    return result.reshape(-1, high, wide)
