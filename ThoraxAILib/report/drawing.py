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
        _write(draw, image.size, (middle[0] + half[0] + 3, middle[1] - half[1] - 3), box.text, word)
    return picture.with_pixels(np.array(image))


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


def contact_sheet(pictures: Sequence[Picture], columns: int, gap_pixels: int = 4) -> np.ndarray:
    """RGB pixels of all pictures in rows of ``columns``, each centred in its cell; raises InputError for none."""
    if not pictures or columns < 1:
        raise InputError(f"A sheet needs a picture and a column, found {len(pictures)} and {columns}.")
    height = max(picture.pixels.shape[0] for picture in pictures) + gap_pixels
    width = max(picture.pixels.shape[1] for picture in pictures) + gap_pixels
    rows = -(-len(pictures) // columns)
    sheet = np.zeros((rows * height, min(columns, len(pictures)) * width, 3), dtype=np.uint8)
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
    font = ImageFont.load_default(max(13, size[0] // 26))
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    x = min(max(at[0], 2), max(2, size[0] - (right - left) - 4))
    y = min(max(at[1], 2), max(2, size[1] - (bottom - top) - 6))
    draw.text((x, y), text, fill=color, font=font, stroke_width=1, stroke_fill=(0, 0, 0))
