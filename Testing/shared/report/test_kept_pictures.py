"""Pictures with captions are the same after they were kept as text; a damaged text is told."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ThoraxAILib.report import Picture
from ThoraxAILib.report.kept_pictures import MAX_EDGE_PIXELS, pictures_from_text, pictures_to_text


def picture(height: int = 5, width: int = 7) -> Picture:
    pixels = np.arange(height * width * 3, dtype=np.int64).reshape(height, width, 3) % 256
    return Picture(pixels.astype(np.uint8), np.zeros((3, 4)), 1.0)


def test_pictures_come_back_pixel_by_pixel_with_their_captions():
    ((caption, back),) = pictures_from_text(pictures_to_text([("Blended, prior red", picture())]))
    assert caption == "Blended, prior red"
    np.testing.assert_array_equal(back.pixels, picture().pixels)


def test_without_pictures_the_text_is_empty():
    assert pictures_to_text([]) == ""


@pytest.mark.parametrize(
    "text",
    ["{", "{}", '[{"caption": "x"}]', '[{"caption": "x", "png": "####"}]', '[{"caption": "x", "png": "QUJD"}]', "[1]"],
)
def test_a_damaged_text_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011
        pictures_from_text(text)


def test_too_many_or_too_large_pictures_are_refused():
    with pytest.raises(ValueError, match="no list of pictures"):
        pictures_from_text(json.dumps([{}] * 21))
    with pytest.raises(ValueError, match="too large"):
        pictures_from_text(pictures_to_text([("x", picture(1, MAX_EDGE_PIXELS + 1))]))
