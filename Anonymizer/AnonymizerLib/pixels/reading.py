"""Two independent passes over the frames of an image: the network that sees letters, and OCR that reads them.

Only what both agree on is blanked, so that anatomy is not taken for writing; what only one of them finds is left for
a person. Every distinct frame is looked at by the network, the ones that differ in writing are also read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from AnonymizerLib.pixels.drawn_text import Piece, pieces_of, probability_of_text
from AnonymizerLib.pixels.editor import PixelEditor
from AnonymizerLib.pixels.ocr import TextReader, Word, evened_contrast, gray_of, sheet_of
from AnonymizerLib.profile.regions import Box
from ThoraxAILib.errors import InputError

MOST_FRAMES = 400
FRAMES_TO_READ = 3
LARGEST_PIECE = 0.06  # of the frame: more than a line of text covers
TALLEST_PIECE = 140  # pixels
LETTER_HEIGHT = 36  # pixels that tesseract reads best
MOST_ENLARGED = 4
SURE = ((2, 55.0), (4, 40.0))  # letters and confidence from which a word counts inside a piece
SURE_ALONE = ((4, 55.0), (3, 65.0), (2, 85.0))  # and outside of all pieces, in texture of anatomy
BORDER = 6  # pixels around a piece that are read with it
ASKEW = 8.0  # degrees


@dataclass(frozen=True)
class Findings:
    """Pieces of writing that were read, and those that only the network sees; and the frames that have any."""

    read: tuple[Piece, ...] = ()
    unread: tuple[Piece, ...] = ()
    frames: tuple[int, ...] = ()

    @property
    def boxes(self) -> tuple[Box, ...]:
        """What to blank."""
        return tuple(box for piece in self.read for box in piece.boxes)


def distinct_frames(editor: PixelEditor) -> Iterator[tuple[int, np.ndarray]]:
    """Frames that are not the same as an earlier one; InputError when there are more than can be judged."""
    if editor.frame_count > MOST_FRAMES:
        raise InputError(f"It has {editor.frame_count} frames, more than {MOST_FRAMES}: look at it.")
    known = set()
    for index in range(editor.frame_count):
        frame = editor.frame(index)
        digest = hashlib.sha256(np.ascontiguousarray(frame)).digest()
        if digest not in known:
            known.add(digest)
            yield index, frame


def find_writing(editor: PixelEditor, reader: TextReader | None) -> Findings:
    """Look at every distinct frame and read what looks like writing; without a reader nothing counts as read."""
    highest: np.ndarray | None = None
    where: np.ndarray | None = None
    for index, frame in distinct_frames(editor):
        probability = probability_of_text(frame)
        if highest is None:
            highest, where = probability, np.full(probability.shape, index)
        else:
            where[probability > highest] = index
            np.maximum(highest, probability, out=highest)
    read: list[Piece] = []
    unread: list[Piece] = []
    pieces = pieces_of(highest) if highest is not None else []
    at = [int(np.bincount(where[piece.cells]).argmax()) for piece in pieces]
    for index in sorted(set(at)):
        here = [piece for piece, frame in zip(pieces, at, strict=True) if frame == index]
        picture = gray_of(editor.frame(index))
        fits = [piece for piece in here if _has_size_of_text(piece, picture.shape)]
        unread += [piece for piece in here if piece not in fits]
        answers = read_pieces(picture, fits, reader) if reader is not None and fits else [False] * len(fits)
        for piece, is_read in zip(fits, answers, strict=True):
            (read if is_read else unread).append(piece)
    return Findings(tuple(read), tuple(unread), tuple(sorted(set(at))))


def _has_size_of_text(piece: Piece, shape: tuple[int, ...]) -> bool:
    box = piece.box
    return min(box.width, box.height) <= TALLEST_PIECE and box.width * box.height <= LARGEST_PIECE * shape[0] * shape[1]


def read_pieces(picture: np.ndarray, pieces: Sequence[Piece], reader: TextReader) -> list[bool]:
    """Whether each piece can be read: cut out, put straight, enlarged, in two contrasts and four directions."""
    cut = [cut_out(picture, piece) for piece in pieces]
    found = [False] * len(pieces)
    for turns in range(4):
        views = [np.rot90(view, turns) for pair in cut for view in pair]
        sheet, starts = sheet_of(views)
        ends = [start + view.shape[0] for start, view in zip(starts, views, strict=True)]
        for word in reader.read_sheet(sheet):
            middle = word.box.top + word.box.height // 2
            for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
                if start - 8 <= middle <= end + 8 and _is_sure(word, SURE):
                    found[number // 2] = True
        if all(found):
            break
    return found


def cut_out(picture: np.ndarray, piece: Piece) -> tuple[np.ndarray, np.ndarray]:
    """The piece as dark letters on light ground, straight and enlarged: in plain and in evened contrast."""
    box = piece.box.grown(BORDER).clipped(*picture.shape)
    area = picture[box.top : box.top + box.height, box.left : box.left + box.width]
    angle = _angle_of(piece.cells)
    if abs(angle) > ASKEW:
        area = ndimage.rotate(area, angle, order=1, mode="nearest")
    low, high = np.percentile(area, (1, 99.5))
    area = np.clip((area - low) * (255.0 / max(high - low, 1.0)), 0, 255)
    if np.median(area) < 128:
        area = 255 - area
    short = min(piece.box.width, piece.box.height)
    scale = min(max(LETTER_HEIGHT / max(short, 1), 1.0), MOST_ENLARGED)
    plain = np.clip(ndimage.zoom(area, scale, order=3), 0, 255).astype(np.uint8)
    return plain, evened_contrast(plain)


def _angle_of(cells: np.ndarray) -> float:
    """By how many degrees a long piece has to be turned to lie along a row or a column, -45..45."""
    rows, columns = np.nonzero(cells)
    if rows.size < 8:
        return 0.0
    values, vectors = np.linalg.eigh(np.cov(np.stack([columns, rows])))
    if values[1] < 6 * max(values[0], 1e-6):
        return 0.0
    degrees = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))
    return (degrees + 45) % 90 - 45


def _is_sure(word: Word, limits: tuple[tuple[int, float], ...]) -> bool:
    return any(word.letters >= letters and word.confidence >= confidence for letters, confidence in limits)


def reads_anything(editor: PixelEditor, reader: TextReader, more_frames: Sequence[int] = ()) -> bool:
    """Whether OCR reads a word anywhere: in first, middle and last frame, in ``more_frames``, and in what is
    brightest and darkest over all frames."""
    count = editor.frame_count
    spread = np.linspace(0, count - 1, min(FRAMES_TO_READ, count)).round().astype(int)
    pictures = [gray_of(editor.frame(int(index))) for index in sorted({*spread.tolist(), *more_frames})]
    if count > 1:
        brightest = darkest = None
        for _, frame in distinct_frames(editor):
            values = frame.astype(np.float32)
            brightest = values if brightest is None else np.maximum(brightest, values)
            darkest = values if darkest is None else np.minimum(darkest, values)
        pictures += [gray_of(brightest), gray_of(darkest)]
    return any(_is_sure(word, SURE_ALONE) for picture in pictures for word in reader.read(picture))
