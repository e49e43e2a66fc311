"""Reading burned-in text with tesseract, when it is installed: turned four ways, in two sizes and two contrasts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import Protocol

import numpy as np

from AnonymizerLib.bounds.maxima import MAX_OCR_PIXELS, MAX_OCR_SECONDS
from AnonymizerLib.profile.regions import Box
from ThoraxAILib.errors import InputError, MissingDependencyError

ENLARGED = 2  # tesseract reads letters of about 30 pixels best; burned-in letters have about 10
SMALL_FRAME = 200_000  # pixels: a larger frame is enlarged in one of the two contrasts only, which halves the time
LEAST_CONFIDENCE = 30
SPARSE_TEXT = "11"
EVEN_WIDTH = 41  # pixels over which contrast is evened out
AT_ONCE = 2


@dataclass(frozen=True)
class Word:
    """A word that was read: where, how sure (0 to 100), and of how many letters and digits; not what it says."""

    box: Box
    confidence: float
    letters: int


class TextReader(Protocol):
    """What reads words in gray pictures of values 0..255."""

    def read(self, picture: np.ndarray) -> list[Word]:
        """Words of a whole picture at any quarter turn, in pixels of the picture."""
        ...

    def read_sheet(self, sheet: np.ndarray) -> list[Word]:
        """Words of a sheet whose lines were cut out and put upright before."""
        ...


def is_available() -> bool:
    """Whether the tesseract program can be found."""
    return shutil.which("tesseract") is not None


class Tesseract:
    """The tesseract program behind ``TextReader``."""

    def __init__(self) -> None:
        program = shutil.which("tesseract")
        if program is None:
            raise MissingDependencyError("Reading burned-in text needs tesseract: install tesseract-ocr.")
        self._program = program

    def read(self, picture: np.ndarray) -> list[Word]:
        """Plain, and with evened contrast and turned brightness, in four directions each."""
        plain = picture.astype(np.uint8)
        other = ENLARGED if plain.size <= SMALL_FRAME else 1
        views = [(plain, ENLARGED), (255 - evened_contrast(plain), other)]
        jobs = [(view, scale, turns) for view, scale in views for turns in range(4)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(lambda job: self._turned(*job), jobs)
            return [word for words in found for word in words]

    def read_sheet(self, sheet: np.ndarray) -> list[Word]:
        """Read the sheet as it is, in one direction."""
        return self._words(sheet.astype(np.uint8), 1)

    def _turned(self, picture: np.ndarray, scale: int, turns: int) -> list[Word]:
        words = self._words(np.rot90(picture, turns), scale)
        rows, columns = picture.shape
        return [Word(turned_back(word.box, turns, rows, columns), word.confidence, word.letters) for word in words]

    def _words(self, gray: np.ndarray, scale: int) -> list[Word]:
        from PIL import Image

        picture = Image.fromarray(np.ascontiguousarray(gray))
        while scale > 1 and picture.width * picture.height * scale**2 > MAX_OCR_PIXELS:
            scale -= 1
        picture = picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.BICUBIC)
        stream = BytesIO()
        picture.save(stream, "PNG", compress_level=1)
        try:
            done = subprocess.run(
                [self._program, "stdin", "stdout", "--psm", SPARSE_TEXT, "tsv"],
                input=stream.getvalue(),
                capture_output=True,
                timeout=MAX_OCR_SECONDS,
                check=True,
                env={**os.environ, "OMP_THREAD_LIMIT": "1"},
            )
        except (subprocess.SubprocessError, OSError) as error:
            raise InputError("tesseract failed on this image: look at it and give the regions to blank.") from error
        return _listed(done.stdout.decode("utf-8", "replace"), scale)


def _listed(listing: str, scale: int) -> list[Word]:
    """Words from tesseract's table, in pixels of the picture before it was enlarged."""
    found = []
    for line in listing.splitlines()[1:]:
        cells = line.split("\t")
        if len(cells) < 12 or float(cells[10]) < LEAST_CONFIDENCE:
            continue
        letters = sum(letter.isalnum() for letter in cells[11])
        if not letters:
            continue
        left, top, width, height = (int(cell) for cell in cells[6:10])
        box = Box(left // scale, top // scale, -(-width // scale) + 1, -(-height // scale) + 1)
        found.append(Word(box, float(cells[10]), letters))
    return found


def turned_back(box: Box, turns: int, rows: int, columns: int) -> Box:
    """Where a box of a picture that was turned by quarters (``np.rot90``) lies in the picture itself."""
    left, top, width, height = box.left, box.top, box.width, box.height
    for turn in range(turns % 4, 0, -1):
        before_columns = columns if turn % 2 else rows  # columns of the picture before this quarter turn
        left, top, width, height = before_columns - top - height, left, height, width
    return Box(left, top, width, height)


def evened_contrast(picture: np.ndarray) -> np.ndarray:
    """Local contrast brought to one level, uint8: faint letters stand out as strong ones do."""
    from scipy import ndimage

    values = picture.astype(np.float32)
    mean = ndimage.uniform_filter(values, EVEN_WIDTH, mode="nearest")
    square = ndimage.uniform_filter(values * values, EVEN_WIDTH, mode="nearest")
    spread = np.sqrt(np.maximum(square - mean * mean, 0)) + 2.0
    return np.clip(127 + 50 * (values - mean) / spread, 0, 255).astype(np.uint8)


def gray_of(frame: np.ndarray) -> np.ndarray:
    """Spread a frame over gray values 0..255 (float32), from its darkest to its brightest value."""
    values = frame.astype(np.float32)
    if values.ndim == 3:
        values = values.mean(axis=2)
    low, high = float(values.min()), float(values.max())
    return (values - low) * (255.0 / (high - low) if high > low else 0.0)


def find_text(frame: np.ndarray, margin: int = 2) -> list[Box]:
    """Boxes around the words in one frame, shape (rows, columns) or (rows, columns, 3), any number type."""
    words = Tesseract().read(gray_of(frame))
    return merged(word.box.grown(margin) for word in words if word.letters > 1)


def merged(boxes: Iterable[Box]) -> list[Box]:
    """Boxes without those that lie inside another, from top to bottom."""
    kept: list[Box] = []
    for box in sorted(set(boxes), key=lambda box: -box.width * box.height):
        if not any(_is_inside(box, other) for other in kept):
            kept.append(box)
    return sorted(kept, key=lambda box: (box.top, box.left))


def _is_inside(box: Box, other: Box) -> bool:
    return (
        other.left <= box.left
        and other.top <= box.top
        and box.left + box.width <= other.left + other.width
        and box.top + box.height <= other.top + other.height
    )


def sheet_of(pieces: Sequence[np.ndarray], gap: int = 24) -> tuple[np.ndarray, list[int]]:
    """Pieces (0..255, dark letters on light ground) below each other on a white sheet, and the row each begins at."""
    width = max(piece.shape[1] for piece in pieces) + 2 * gap
    starts, position = [], gap
    for piece in pieces:
        starts.append(position)
        position += piece.shape[0] + gap
    sheet = np.full((position, width), 255, np.uint8)
    for piece, start in zip(pieces, starts, strict=True):
        sheet[start : start + piece.shape[0], gap : gap + piece.shape[1]] = piece
    return sheet, starts
