"""Label maps (NRRD with .seg.nrrd, NIfTI, MetaImage) as volumes of whole numbers, on the grid of their image."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.lps import ijk_to_ras_from_lps
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.image_file import FORMATS, image_ending, image_io, read_stored
from ThoraxAILib.io.right_angles import straighten
from ThoraxAILib.untrusted.detached_data import require_data_beside

SAME_PLACE_MM = 0.01


def read_label_map(path: Path) -> Volume:
    """Labels as int32 (k, j, i) with their place in RAS mm; raises InputError for anything but whole numbers in 3-D."""
    if not path.exists():
        raise InputError(f"'{path}' does not exist: check the path.")
    if path.is_dir() or not image_ending(path):
        raise InputError(f"'{path.name}' is no label map: give a {', '.join(sorted(set(FORMATS.values())))} file.")
    require_data_beside(path)
    _require_one_layer(path)
    stored = read_stored(path)
    labels = _whole_numbers(stored.array, path.name)
    straight = straighten(labels, stored.ijk_to_lps, 0, path.name, is_labels=True)
    return Volume(straight.array, ijk_to_ras_from_lps(straight.ijk_to_lps), "LABEL")


def _require_one_layer(path: Path) -> None:
    """Raise InputError for several layers or frames; what else is wrong with a file is told when it is read."""
    reader = sitk.ImageFileReader()
    reader.SetImageIO(image_io(path))
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return
    frames = prod(reader.GetSize()[3:])
    if reader.GetNumberOfComponents() != 1 or frames != 1:
        raise InputError(
            f"'{path.name}' is not one 3-D label map (several layers or frames): export its labels into one layer."
        )


def on_same_grid(first: Volume, second: Volume) -> bool:
    """Whether two volumes have the same shape and every corner within 0.01 mm."""
    return Grid.of(first).matches(Grid.of(second), SAME_PLACE_MM)


def _whole_numbers(array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype.kind == "f":
        rounded = np.rint(array)
        if not np.isfinite(array).all() or np.abs(array - rounded).max(initial=0) > 1e-3:
            raise InputError(f"'{name}' holds values that are no whole numbers: give a label map, not an image.")
        array = rounded
    limits = np.iinfo(np.int32)
    if array.size and (array.min() < 0 or array.max() > limits.max):
        raise InputError(
            f"'{name}' holds values from {array.min():g} to {array.max():g}: labels are 0 and above, so "
            "give a label map, not an image."
        )
    return array.astype(np.int32)
