"""Reading burned-in text with tesseract, when it is installed; nothing else of Anonymizer needs it."""

from __future__ import annotations

import shutil
import subprocess
from io import BytesIO

import numpy as np

from AnonymizerLib.profile.regions import Box
from ThoraxAILib.errors import InputError, MissingDependencyError

SCALE = 3  # tesseract reads letters of about 30 pixels best; burned-in letters have about 10
LEAST_CONFIDENCE = 30
SECONDS = 60


def is_available() -> bool:
    """Whether the tesseract program can be found."""
    return shutil.which("tesseract") is not None


def find_text(frame: np.ndarray, margin: int = 2) -> list[Box]:
    """Boxes around the words in one frame, shape (rows, columns) or (rows, columns, 3), any number type.

    Light text on dark ground and dark on light are both tried, since tesseract expects paper.
    """
    program = shutil.which("tesseract")
    if program is None:
        raise MissingDependencyError("Reading burned-in text needs tesseract: install tesseract-ocr.")
    gray = _as_gray(frame)
    boxes: set[Box] = set()
    for picture in (gray, 255 - gray):
        boxes |= set(_words(program, picture))
    return [box.grown(margin) for box in sorted(boxes, key=lambda box: (box.top, box.left))]


def _as_gray(frame: np.ndarray) -> np.ndarray:
    values = frame.astype(np.float32)
    if values.ndim == 3:
        values = values.mean(axis=2)
    low, high = float(values.min()), float(values.max())
    return ((values - low) * (255.0 / (high - low) if high > low else 0.0)).astype(np.uint8)


def _words(program: str, gray: np.ndarray) -> list[Box]:
    from PIL import Image

    picture = Image.fromarray(gray)
    picture = picture.resize((picture.width * SCALE, picture.height * SCALE), Image.Resampling.BICUBIC)
    stream = BytesIO()
    picture.save(stream, "PNG")
    try:
        done = subprocess.run(
            [program, "stdin", "stdout", "--psm", "11", "tsv"],
            input=stream.getvalue(),
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
    except subprocess.SubprocessError as error:
        raise InputError("tesseract failed on this image: look at it and give the regions to blank.") from error
    return _boxes(done.stdout.decode("utf-8", "replace"))


def _boxes(listing: str) -> list[Box]:
    """Boxes of confident words from tesseract's table, in pixels of the original frame."""
    found = []
    for line in listing.splitlines()[1:]:
        cells = line.split("\t")
        if len(cells) < 12 or sum(letter.isalnum() for letter in cells[11]) < 2 or float(cells[10]) < LEAST_CONFIDENCE:
            continue
        left, top, width, height = (int(cell) for cell in cells[6:10])
        found.append(Box(left // SCALE, top // SCALE, -(-width // SCALE) + 1, -(-height // SCALE) + 1))
    return found
