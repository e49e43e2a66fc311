"""Marks, boxes and words on pictures, sheets of pictures, and their bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.tuples import three
from ThoraxAILib.report.slices import Picture

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

_FAR_SHARE, _FAR_WORD_SHARE = 0.55, 0.85


@dataclass(frozen=True)
class Box:
    """A box at a RAS position: its centre, edge lengths along R, A, S in mm, a word beside it, and its color."""

    center_ras_mm: tuple[float, float, float]
    size_mm: tuple[float, float, float]
    text: str = ""
    color: tuple[int, int, int] = (255, 204, 0)


def draw_boxes(picture: Picture, boxes: Sequence[Box], least_pixels: int = 12) -> Picture:
    """Boxes as the picture's plane shows them; those that the plane does not cross are dimmer, words stay inside."""
    image, draw = _canvas(picture)
    taken: list[_Area] = []
    words: list[tuple[str, list[tuple[float, float]], tuple[int, int, int]]] = []
    for box in boxes:
        corners = (
            np.array(box.center_ras_mm) + np.array(list(np.ndindex(2, 2, 2))) * box.size_mm - np.array(box.size_mm) / 2
        )
        places = np.array([picture.position(corner) for corner in corners])
        crosses = places[:, 2].min() <= 0 <= places[:, 2].max()
        middle = (places[:, :2].min(axis=0) + places[:, :2].max(axis=0)) / 2
        half = np.maximum((places[:, :2].max(axis=0) - places[:, :2].min(axis=0)) / 2, least_pixels / 2)
        color = box.color if crosses else tuple(int(c * _FAR_SHARE) for c in box.color)
        draw.rectangle([*(middle - half), *(middle + half)], outline=color, width=2 if crosses else 1)
        word = box.color if crosses else three(int(c * _FAR_WORD_SHARE) for c in box.color)
        taken.append((*(middle - half), *(middle + half)))
        words.append((box.text, _beside(middle, half), word))
    for text, places_beside, color in words:
        _write_apart(draw, image.size, places_beside, text, color, taken)
    return picture.with_pixels(np.array(image))


def draw_lines(
    picture: Picture,
    lines: Sequence[tuple[np.ndarray, np.ndarray]],
    color: tuple[int, int, int],
    end_pixels: float = 4.0,
) -> Picture:
    """Draw lines between two RAS points each, with a short bar at both ends like a caliper's."""
    image, draw = _canvas(picture)
    for start, end in lines:
        a, b = (np.array(picture.position(point)[:2]) for point in (start, end))
        length = float(np.linalg.norm(b - a))
        if length == 0:
            continue
        across = np.array([-(b - a)[1], (b - a)[0]]) / length * end_pixels
        draw.line([*a, *b], fill=color)
        for tip in (a, b):
            draw.line([*(tip - across), *(tip + across)], fill=color)
    return picture.with_pixels(np.array(image))


def draw_scale_bar(picture: Picture, length_mm: float) -> Picture:
    """Draw a bar of a length in mm at the lower left, with the length written over it."""
    image, draw = _canvas(picture)
    long = length_mm / picture.pixel_mm
    left, low = 8.0, image.height - 8.0
    draw.rectangle([left - 1, low - 3, left + long + 1, low + 1], fill=(0, 0, 0))
    draw.rectangle([left, low - 2, left + long, low], fill=(240, 240, 240))
    size = _font_size(image.size)
    _write(draw, image.size, (left, low - 8 - size), f"{length_mm:g} mm", (240, 240, 240))
    return picture.with_pixels(np.array(image))


_Area = tuple[float, float, float, float]  # left, top, right, bottom in pixels


def _beside(middle: np.ndarray, half: np.ndarray) -> list[tuple[float, float]]:
    """Return where a word may stand: upper corners of the box first, then further and further away."""
    places = []
    for step in range(12):
        up, right = middle[1] - half[1] - 3, middle[0] + half[0] + 3
        places += [(right, up - 18 * step), (right, up + 18 * (step + 1)), (-(middle[0] - half[0] - 3), up - 18 * step),
                   (-(middle[0] - half[0] - 3), up + 18 * (step + 1))]  # fmt: skip
    return places


def _write_apart(
    draw: ImageDraw.ImageDraw,
    size: tuple[int, int],
    places: Sequence[tuple[float, float]],
    text: str,
    color: tuple[int, int, int],
    taken: list[_Area],
) -> None:
    """Write a word at the first of ``places`` where it covers no box and no other word; nowhere when there is none.

    A place with a negative x is one whose word ends there.
    """
    from PIL import ImageFont

    if not text:
        return
    font = ImageFont.load_default(_font_size(size))
    left, _, right, bottom = draw.textbbox((0, 0), text, font=font)
    wide, tall = right - left + 2, bottom + 2
    for x, y in places:
        x = -x - wide if x < 0 else x
        area = (x, y, x + wide, y + tall)
        if x < 2 or y < 2 or area[2] > size[0] - 2 or area[3] > size[1] - 2 or any(_cover(area, one) for one in taken):
            continue
        taken.append(area)
        draw.text((x, y), text, fill=color, font=font, stroke_width=1, stroke_fill=(0, 0, 0))
        return


def _cover(one: _Area, other: _Area) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _font_size(size: tuple[int, int]) -> int:
    return max(13, size[0] // 26)


def draw_markers(
    picture: Picture,
    markers: Sequence[tuple[tuple[float, float, float], str]],
    color: tuple[int, int, int] = (255, 204, 0),
    radius_pixels: int = 4,
) -> Picture:
    """Crosses with words at RAS positions, projected onto the plane of the picture."""
    image, draw = _canvas(picture)
    for point, text in markers:
        x, y, _ = picture.position(point)
        draw.line([x - radius_pixels, y, x + radius_pixels, y], fill=color)
        draw.line([x, y - radius_pixels, x, y + radius_pixels], fill=color)
        _write(draw, image.size, (x + radius_pixels + 2, y - radius_pixels - 8), text, color)
    return picture.with_pixels(np.array(image))


def with_title(picture: Picture, title: str, left_side: str = "") -> Picture:
    """Return the picture with a title at its top and the letter of its left side (R or A) half-way down."""
    image, draw = _canvas(picture)
    _write(draw, image.size, (6, 4), title, (240, 240, 240))
    _write(draw, image.size, (6, image.height / 2 - 8), left_side, (240, 240, 240))
    return picture.with_pixels(np.array(image))


def contact_sheet(pictures: Sequence[Picture], columns: int, gap_pixels: int = 4, paper: int = 0) -> np.ndarray:
    """RGB pixels of all pictures in rows of ``columns``, each centred in its cell on ``paper`` (0 black, 255 white).

    Raises InputError for none.
    """
    if not pictures or columns < 1:
        raise InputError(f"A sheet needs a picture and a column, found {len(pictures)} and {columns}.")
    height = max(picture.pixels.shape[0] for picture in pictures) + gap_pixels
    width = max(picture.pixels.shape[1] for picture in pictures) + gap_pixels
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * height, min(columns, len(pictures)) * width, 3), paper, dtype=np.uint8)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        tall, wide = picture.pixels.shape[:2]
        top, left = row * height + (height - tall) // 2, column * width + (width - wide) // 2
        sheet[top : top + tall, left : left + wide] = picture.pixels
    return sheet


def encoded(picture: Picture | np.ndarray, format: str = "png", quality: int = 88) -> bytes:
    """Return the bytes of a PNG or JPEG file of a picture or of RGB pixels."""
    from PIL import Image

    pixels = picture.pixels if isinstance(picture, Picture) else picture
    options: dict[str, dict[str, Any]] = {
        "png": {"optimize": False},
        "jpeg": {"quality": quality, "optimize": True, "subsampling": 0},
    }
    if format not in options:
        raise InputError(f"Pictures of format '{format}' cannot be written: use png or jpeg.")
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=format, **options[format])
    return buffer.getvalue()


def _canvas(picture: Picture) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    from PIL import Image, ImageDraw

    image = Image.fromarray(picture.pixels)
    return image, ImageDraw.Draw(image)


def _write(
    draw: ImageDraw.ImageDraw, size: tuple[int, int], at: tuple[float, float], text: str, color: tuple[int, int, int]
) -> None:
    """Draw a word with a dark rim, moved so that it stays inside the picture."""
    from PIL import ImageFont

    if not text:
        return
    font = ImageFont.load_default(_font_size(size))
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    x = min(max(at[0], 2), max(2, size[0] - (right - left) - 4))
    y = min(max(at[1], 2), max(2, size[1] - (bottom - top) - 6))
    draw.text((x, y), text, fill=color, font=font, stroke_width=1, stroke_fill=(0, 0, 0))
