"""A picture of one frame with the regions that will be blanked, for a person to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from AnonymizerLib.objects.dicom_file import read_dicom
from AnonymizerLib.objects.input_file import read_regular
from AnonymizerLib.pixels.editor import PixelEditor
from AnonymizerLib.profile.regions import Box
from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.parse_errors import parse_errors

OUTLINE, FILL = (255, 140, 40, 255), (0, 0, 0, 190)
DARKEST_PERCENT, BRIGHTEST_PERCENT = 1, 99


def read_frame(path: Path) -> np.ndarray:
    """Read the middle frame of a file, (rows, columns) or (rows, columns, 3); InputError when it has no picture."""
    try:
        editor = PixelEditor(read_dicom(read_regular(path)))
        return editor.frame(editor.frame_count // 2)
    except InputError:
        raise
    except parse_errors() as error:
        raise InputError(f"'{path.name}' has no picture that can be shown.") from error


def write_picture(frame: np.ndarray, boxes: Sequence[Box], path: Path, width: int) -> None:
    """Write the frame as PNG of this width, with dark, outlined boxes."""
    from PIL import Image, ImageDraw

    picture = Image.fromarray(_as_bytes(frame)).convert("RGBA")
    scale = width / picture.width
    picture = picture.resize((width, max(round(picture.height * scale), 1)))
    cover = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(cover)
    for box in boxes:
        corners = [box.left * scale, box.top * scale, (box.left + box.width) * scale, (box.top + box.height) * scale]
        pen.rectangle(corners, fill=FILL, outline=OUTLINE, width=2)
    Image.alpha_composite(picture, cover).convert("RGB").save(path)


def _as_bytes(frame: np.ndarray) -> np.ndarray:
    """Gray values spread over 0..255; color as it is."""
    if frame.dtype == np.uint8:
        return frame
    low, high = np.percentile(frame, (DARKEST_PERCENT, BRIGHTEST_PERCENT))
    scaled = (frame.astype(np.float32) - low) * (255.0 / max(float(high - low), 1.0))
    return np.clip(scaled, 0, 255).astype(np.uint8)
