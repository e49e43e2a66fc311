"""Is something drawn on a slice that claims to be a plain one? A quick look at its values, then two passes.

Writing that a workstation burns into a slice has the brightest value the picture can show, in many pixels; anatomy
reaches its maximum in few. Slices with such a plateau are given to the network, and a slice counts as drawn on where
the network sees letters and these are strokes of one value.
"""

from __future__ import annotations

import numpy as np

from AnonymizerLib.letters.drawn_text import pieces_of, probability_of_text
from AnonymizerLib.letters.strokes import are_drawn
from AnonymizerLib.pixels.editor import PixelEditor
from ThoraxAILib.errors import InputError

FEWEST_AT_PLATEAU = 24  # pixels: two letters
LARGEST_PLATEAU = 0.2  # of the frame: more is a background
LIKELY = 0.7  # probability from which a cell of a slice counts as writing
SMALLEST_SIDE = 32  # pixels: a frame smaller than that has no room for a name


def seems_drawn_on(editor: PixelEditor, is_thorough: bool) -> bool:
    """Whether the network sees writing in a frame. Pixels that cannot be decoded are not looked at."""
    try:
        count = editor.frame_count
        if min(editor.layout.rows, editor.layout.columns) < SMALLEST_SIDE:
            return False
        for index in range(count):
            frame = editor.frame(index)
            if (is_thorough or has_plateau(frame)) and _shows_letters(frame):
                return True
    except InputError:  # nothing that this program shows can be read from it; what it is was judged before
        return False
    return False


def _shows_letters(frame: np.ndarray) -> bool:
    pieces = pieces_of(probability_of_text(frame), LIKELY)
    return any(are_drawn(frame, part) for piece in pieces for part in (piece.box, *piece.boxes))


def has_plateau(frame: np.ndarray) -> bool:
    """Whether many pixels, but not a whole background, have exactly the highest value."""
    at_top = int(np.count_nonzero(frame == frame.max()))
    return FEWEST_AT_PLATEAU <= at_top <= LARGEST_PLATEAU * frame.size
