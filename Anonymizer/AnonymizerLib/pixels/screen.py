"""Is something drawn on a slice that claims to be a plain one? A quick look at its values, then two passes.

Writing that a workstation burns into a slice has the brightest value the picture can show, in strokes: thin runs of
many pixels of exactly that value. Anatomy and noise reach their maximum in single pixels, metal and padding in areas.
Only slices with such strokes are given to the network, and a slice counts as drawn on where the network sees letters
and these are strokes of one value. A profile that cleans pixels has every slice looked at by the network.
"""

from __future__ import annotations

import numpy as np

from AnonymizerLib.letters.drawn_text import pieces_of, probability_of_text
from AnonymizerLib.letters.strokes import THICKEST, are_drawn
from AnonymizerLib.pixels.editor import PixelEditor
from ThoraxAILib.errors import InputError

FEWEST_AT_PLATEAU = 24  # pixels: two letters
LARGEST_PLATEAU = 0.2  # of the frame: more is a background
FEWEST_IN_A_STROKE = 3  # pixels: smoothed letters have their full value in parts only
LIKELY = 0.7  # probability from which a cell of a slice counts as writing
SMALLEST_SIDE = 32  # pixels: a frame smaller than that has no room for a name
INVERTED = "MONOCHROME1"  # the lowest value is shown brightest


def seems_drawn_on(editor: PixelEditor, is_thorough: bool) -> bool:
    """Whether the network sees writing in a frame. Pixels that cannot be decoded are not looked at."""
    try:
        layout = editor.layout
        if min(layout.rows, layout.columns) < SMALLEST_SIDE:
            return False
        for index in range(layout.frames):
            frame = editor.frame(index)
            if (is_thorough or has_strokes(frame, layout.photometric == INVERTED)) and _shows_letters(frame):
                return True
    except InputError:  # nothing that this program shows can be read from it; what it is was judged before
        return False
    return False


def _shows_letters(frame: np.ndarray) -> bool:
    pieces = pieces_of(probability_of_text(frame), LIKELY)
    return any(are_drawn(frame, part) for piece in pieces for part in (piece.box, *piece.boxes))


def has_strokes(frame: np.ndarray, is_inverted: bool = False) -> bool:
    """Whether the brightest value of a frame, but not of a whole background, stands in thin connected parts.

    ``is_inverted`` says that the lowest value is shown brightest.
    """
    brightest = frame.min() if is_inverted else frame.max()
    at_top = frame == brightest
    if at_top.ndim != 2:
        at_top = at_top.all(axis=2)
    places = np.flatnonzero(at_top)
    if not FEWEST_AT_PLATEAU <= places.size <= LARGEST_PLATEAU * at_top.size:
        return False
    if _beside_another(places, at_top.shape[1]) < FEWEST_AT_PLATEAU:
        return False
    rows, columns = places // at_top.shape[1], places % at_top.shape[1]
    part = at_top[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    from scipy import ndimage  # here: most slices need none of it

    strokes = part & ~_areas(part)
    labels, _ = ndimage.label(strokes, np.ones((3, 3), bool))
    sizes = np.bincount(labels.ravel())[1:]
    return int(sizes[sizes >= FEWEST_IN_A_STROKE].sum()) >= FEWEST_AT_PLATEAU


def _beside_another(places: np.ndarray, width: int) -> int:
    """How many pixels have a neighbor to the right or below that is set too: a measure that noise does not reach.

    ``places`` are ascending numbers of pixels, row by row. The ends of rows count as neighbors, which does no harm.
    """
    below = np.minimum(np.searchsorted(places, places + width), places.size - 1)
    return int(np.count_nonzero(np.diff(places) == 1) + np.count_nonzero(places[below] == places + width))


def _areas(part: np.ndarray) -> np.ndarray:
    """Pixels of areas that are wider than a stroke; letters cut out of an area leave narrow parts of it."""
    from scipy import ndimage

    side = 2 * int(THICKEST) + 1
    return ndimage.maximum_filter(ndimage.minimum_filter(part, side), side)
