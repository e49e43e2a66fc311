"""Pictures with captions as one text, so that they stay with a saved scene: PNG files in base64."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Sequence

import numpy as np

from ThoraxAILib.report import Picture
from ThoraxAILib.report.drawing import encoded

MAX_PICTURES, MAX_EDGE_PIXELS = 20, 4000

Captioned = tuple[str, Picture]


def pictures_to_text(pictures: Sequence[Captioned]) -> str:
    """Return pictures as JSON: a list of caption and PNG; without a picture the empty text."""
    entries = [
        {"caption": caption, "png": base64.b64encode(encoded(picture)).decode("ascii")} for caption, picture in pictures
    ]
    return json.dumps(entries) if entries else ""


def pictures_from_text(text: str) -> tuple[Captioned, ...]:
    """Inverse of pictures_to_text, without the places of the pixels; raises ValueError for another text.

    The text may come from a scene of unknown origin: number and size of the pictures are bounded.
    """
    try:
        entries = json.loads(text)
        if not isinstance(entries, list) or len(entries) > MAX_PICTURES:
            raise ValueError("no list of pictures")
        return tuple((str(entry["caption"]), _picture(entry["png"])) for entry in entries)
    except (KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise ValueError(f"they are damaged, {type(error).__name__}") from error


def _picture(png: str) -> Picture:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(base64.b64decode(png, validate=True)), formats=("PNG",)) as image:
            if max(image.size) > MAX_EDGE_PIXELS:
                raise ValueError("one is too large")
            return Picture(np.asarray(image.convert("RGB")), np.zeros((3, 4)), 1.0)
    except (OSError, SyntaxError) as error:
        raise ValueError(f"one is damaged, {type(error).__name__}") from error
