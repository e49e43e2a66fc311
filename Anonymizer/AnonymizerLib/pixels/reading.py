"""Independent passes over the frames of an image: a network that sees letters, OCR that reads them, drawn strokes.

Only what the network sees and one of the others confirms is blanked, so that anatomy is not taken for writing; what
only one of them finds is left for a person. Every distinct frame is looked at by the network; those that differ in
writing are also read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from AnonymizerLib.bounds.maxima import MAX_FRAMES_READ
from AnonymizerLib.letters.drawn_text import CELL, LIKELY, Piece, pieces_of, probability_of_text
from AnonymizerLib.letters.ocr import TextReader, Word, evened_contrast, gray_of, sheet_of
from AnonymizerLib.letters.strokes import are_drawn
from AnonymizerLib.letters.text_network import STRIDE
from AnonymizerLib.pixels.editor import PixelEditor
from AnonymizerLib.profile.regions import Box
from ThoraxAILib.errors import InputError, known

FRAMES_TO_READ = 3
LARGEST_PIECE = 0.25  # of the frame: more than a block of text covers
SUSPECTED = 0.4  # probability from which a cell counts where other writing was already found
MOST_OF_A_REST = 30  # cells: about two letters
HIDDEN_SHARE = 0.75
PIXELS_PER_WORD = 12000  # a block of text has at least one word on so many pixels
LETTER_HEIGHT = 36  # pixels that tesseract reads best
MOST_ENLARGED = 4
SURE = ((2, 55.0), (4, 40.0))  # letters and confidence from which a word counts inside a piece
SURE_ALONE = ((4, 55.0), (3, 65.0), (2, 85.0))  # and outside of all pieces, in texture of anatomy
CERTAIN = 0.8  # probability of a piece that is blanked unread when it is drawn in strokes of one value
BORDER = 6  # pixels around a piece that are read with it
ASKEW = 8.0  # degrees


@dataclass(frozen=True, eq=False)
class Findings:
    """Pieces of writing that were read or are drawn strokes, those that only the network sees, and their frames."""

    read: tuple[Piece, ...] = ()
    unread: tuple[Piece, ...] = ()
    frames: tuple[int, ...] = ()

    @property
    def boxes(self) -> tuple[Box, ...]:
        """What to blank."""
        return tuple(box for piece in self.read for box in piece.boxes)


def distinct_frames(editor: PixelEditor) -> Iterator[tuple[int, np.ndarray]]:
    """Frames that are not the same as an earlier one; InputError when there are more than can be judged."""
    if editor.frame_count > MAX_FRAMES_READ:
        raise InputError(f"It has {editor.frame_count} frames, more than {MAX_FRAMES_READ}: look at it.")
    seen: set[bytes] = set()
    for index in range(editor.frame_count):
        frame = editor.frame(index)
        digest = hashlib.sha256(np.ascontiguousarray(frame).data).digest()
        if digest not in seen:
            seen.add(digest)
            yield index, frame


def find_writing(editor: PixelEditor, reader: TextReader | None, blanked: Sequence[Box] = ()) -> Findings:
    """Look at every distinct frame and read what looks like writing; without a reader nothing counts as read.

    ``blanked`` boxes are looked at filled from their surroundings: a black box is no writing.
    """
    highest: np.ndarray | None = None
    where: np.ndarray | None = None
    for index, frame in distinct_frames(editor):
        hidden = hidden_by(blanked, frame.shape[:2])
        probability = probability_of_text(filled(frame, hidden))
        probability[cells_of(hidden)] = 0  # nothing is shown there any more
        if highest is None or where is None:
            highest, where = probability, np.full(probability.shape, index)
        else:
            where[probability > highest] = index
            np.maximum(highest, probability, out=highest)
    read: list[Piece] = []
    unread: list[Piece] = []
    likely = SUSPECTED if blanked else LIKELY
    pieces = pieces_of(highest, likely) if highest is not None else []
    at = [] if where is None else [int(np.bincount(where[piece.cells]).argmax()) for piece in pieces]
    for index in sorted(set(at)):
        here = [piece for piece, frame in zip(pieces, at, strict=True) if frame == index]
        for piece, is_sure in zip(here, _are_sure(editor.frame(index), here, reader), strict=True):
            (read if is_sure else unread).append(piece)
    if reader is not None:
        rest = [piece for piece in unread if _belongs_to(piece, [*blanked, *(other.box for other in read)])]
        read, unread = [*read, *rest], [piece for piece in unread if piece not in rest]
    return Findings(tuple(read), tuple(unread), tuple(sorted(set(at))))


def _are_sure(frame: np.ndarray, pieces: Sequence[Piece], reader: TextReader | None) -> list[bool]:
    """Whether each piece is confirmed: by OCR, or by strokes of one value where the network is certain."""
    if reader is None:
        return [False] * len(pieces)
    fits = [piece for piece in pieces if _covered(piece) <= LARGEST_PIECE * frame.shape[0] * frame.shape[1]]
    words = dict(zip(map(id, fits), read_pieces(gray_of(frame), fits, reader) if fits else [], strict=True))
    sure = []
    for piece in pieces:
        enough = max(1, piece.cells.sum() * CELL / PIXELS_PER_WORD)
        is_read = words.get(id(piece), 0) >= enough
        is_drawn = piece.probability >= CERTAIN and are_drawn(frame, piece.box.grown(BORDER))
        sure.append(bool(id(piece) in words and (is_read or is_drawn)))
    return sure


def _belongs_to(piece: Piece, boxes: Sequence[Box]) -> bool:
    """Whether a small piece touches writing that was confirmed: a letter or two at the end of its line."""
    if piece.cells.sum() > MOST_OF_A_REST:
        return False
    box = piece.box.grown(BORDER)
    return any(
        box.left < other.left + other.width
        and other.left < box.left + box.width
        and box.top < other.top + other.height
        and other.top < box.top + box.height
        for other in boxes
    )


def _covered(piece: Piece) -> int:
    return piece.box.width * piece.box.height


def hidden_by(boxes: Sequence[Box], shape: tuple[int, int]) -> np.ndarray:
    """Mark the pixels of a frame that lie in blanked boxes."""
    hidden = np.zeros(shape, bool)
    for box in boxes:
        clipped = box.clipped(*shape)
        if clipped is not None:
            hidden[clipped.top : clipped.top + clipped.height, clipped.left : clipped.left + clipped.width] = True
    return hidden


def cells_of(hidden: np.ndarray) -> np.ndarray:
    """Mark the cells of the network's answer of which at least three quarters are hidden."""
    rows, columns = (-size % STRIDE for size in hidden.shape)
    padded = np.pad(hidden, ((0, rows), (0, columns)), mode="edge")
    return padded.reshape(padded.shape[0] // STRIDE, STRIDE, -1, STRIDE).mean(axis=(1, 3)) >= HIDDEN_SHARE


def filled(frame: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Fill hidden pixels with the mirror image of what is around them, so that a black box looks like nothing."""
    from scipy import ndimage

    if not hidden.any() or hidden.all():
        return frame
    nearest = ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
    mirrored = [
        np.clip(2 * there - here, 0, size - 1)
        for there, here, size in zip(nearest, np.indices(hidden.shape), hidden.shape, strict=True)
    ]
    is_shown = ~hidden[tuple(mirrored)]
    source = tuple(np.where(is_shown, there, near) for there, near in zip(mirrored, nearest, strict=True))
    return frame[source]


def read_pieces(picture: np.ndarray, pieces: Sequence[Piece], reader: TextReader) -> list[int]:
    """How many words of each piece are read: cut out, put straight, enlarged, in two contrasts and four directions."""
    cut = [cut_out(picture, piece) for piece in pieces]
    most = [0] * len(pieces)
    for turns in range(4):
        views = [np.rot90(view, turns) for pair in cut for view in pair]
        sheet, starts = sheet_of(views)
        ends = [start + view.shape[0] for start, view in zip(starts, views, strict=True)]
        counts = [0] * len(views)
        for word in reader.read_sheet(sheet):
            middle = word.box.top + word.box.height // 2
            for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
                counts[number] += start - 8 <= middle <= end + 8 and _is_sure(word, SURE)
        most = [max(most[at], counts[2 * at], counts[2 * at + 1]) for at in range(len(pieces))]
        if all(most):
            break
    return most


def cut_out(picture: np.ndarray, piece: Piece) -> tuple[np.ndarray, np.ndarray]:
    """Cut out a piece as dark letters on light ground, straight and enlarged: in plain and in evened contrast."""
    from scipy import ndimage

    box = known(piece.box.grown(BORDER).clipped(*picture.shape), "the piece of the picture")
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


def reads_anything(
    editor: PixelEditor, reader: TextReader, more_frames: Sequence[int] = (), blanked: Sequence[Box] = ()
) -> bool:
    """Whether OCR reads a word anywhere: in first, middle and last frame, in ``more_frames``, and in what is
    brightest and darkest over all frames."""
    count = editor.frame_count
    hidden = hidden_by(blanked, (editor.layout.rows, editor.layout.columns))
    spread = np.linspace(0, count - 1, min(FRAMES_TO_READ, count)).round().astype(int)
    pictures = [gray_of(filled(editor.frame(int(index)), hidden)) for index in sorted({*spread.tolist(), *more_frames})]
    if count > 1:
        brightest = darkest = None
        for _, frame in distinct_frames(editor):
            values = filled(frame, hidden).astype(np.float32)
            brightest = values if brightest is None else np.maximum(brightest, values)
            darkest = values if darkest is None else np.minimum(darkest, values)
        if brightest is not None and darkest is not None:
            pictures += [gray_of(brightest), gray_of(darkest)]
    return any(_is_sure(word, SURE_ALONE) for picture in pictures for word in reader.read(picture))
