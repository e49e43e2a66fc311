"""Which image files of a folder are masks and not scans: by the layout of known data sets, by name, and by voxels.

Layouts: TotalSegmentator (ct.nii.gz beside segmentations/), Medical Segmentation Decathlon and nnU-Net (imagesTr beside
labelsTr), LUNA16 (seg-lungs-LUNA16), and folders or names that say mask, label or segmentation.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.io.image_file import FORMATS, image_ending, image_io
from ThoraxAILib.io.nifti.geometry import read_geometry
from ThoraxAILib.io.nifti.header import open_unpacked
from ThoraxAILib.untrusted.detached_data import require_data_beside

MASK_FOLDERS = re.compile(
    r"segmentations?|segs?|labels?|labels(tr|ts|va)|masks?|ground_?truths?|gts?|seg-lungs-luna16|annotations?|rois?",
    re.IGNORECASE,
)
MASK_NAMES = re.compile(
    r"(^|[ ._-])(lung|lobe|nodule|tumou?r|lesion|airway|heart)?_?"
    r"(masks?|segs?|segmentations?|labels?|gt|groundtruth|rois?)([ ._-]|\d|$)",
    re.IGNORECASE,
)
DETACHED_HEADERS, DATA_ENDINGS = (".mhd", ".nhdr"), (".raw", ".zraw")
SAMPLE_BYTES = 1 << 22
NO_AIR_ABOVE = -200.0  # a CT in HU holds air in its first slices; a mask holds nothing below 0
LARGEST_LABEL = 255.0


def without_data_files(files: Sequence[Path]) -> list[Path]:
    """Return files without the voxels of detached headers: a .raw beside its .mhd may begin like anything."""
    headers = {(file.parent, file.stem) for file in files if file.suffix.lower() in DETACHED_HEADERS}
    return [
        file for file in files if file.suffix.lower() not in DATA_ENDINGS or (file.parent, file.stem) not in headers
    ]


def split_masks(folder: Path, images: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return the scans and the masks among the image files below a folder; all are scans where nothing else is left."""
    masks = [image for image in images if is_mask(image, folder)]
    scans = [image for image in images if image not in set(masks)]
    return (scans, masks) if scans else (list(images), [])


def masks_note(masks: Sequence[Path]) -> str:
    """Return the sentence that says which masks were left out; empty when there are none."""
    if not masks:
        return ""
    which = "1 mask was" if len(masks) == 1 else f"{len(masks)} masks were"
    return f"{which} left out (label maps beside the scans)."


def is_mask(image: Path, folder: Path) -> bool:
    """Whether an image file below ``folder`` is a mask, by where it lies and what it is called, or by its voxels."""
    holds_air = _holds_air(image)
    return not holds_air if holds_air is not None else is_named_mask(image, folder)


def is_named_mask(image: Path, folder: Path) -> bool:
    """Whether an image file below ``folder`` is a mask by where it lies and what it is called."""
    below = image.relative_to(folder).parts[:-1]
    stem = image.name[: len(image.name) - len(image_ending(image))]
    return any(MASK_FOLDERS.fullmatch(part) for part in below) or MASK_NAMES.search(stem) is not None


def _holds_air(image: Path) -> bool | None:
    """Whether the first voxels of a file lie below those of any mask; None where only reading all would tell."""
    try:
        if FORMATS[image_ending(image)] == "NIfTI":
            return _nifti_holds_air(image)
        return _is_wide_type(image)
    except (OSError, EOFError, zlib.error, RuntimeError, ValueError, InputError):
        return None


def _nifti_holds_air(image: Path) -> bool | None:
    geometry = read_geometry(image)
    if geometry is None or geometry.dtype is None or not geometry.holds_voxels:
        return None
    with open_unpacked(image) as file:
        file.seek(max(0, geometry.offset))
        stored = file.read(SAMPLE_BYTES)
    values = np.frombuffer(stored[: len(stored) // geometry.dtype.itemsize * geometry.dtype.itemsize], geometry.dtype)
    values = values.astype(np.float64) * geometry.slope + geometry.intercept
    if not len(values):
        return None
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if low < NO_AIR_ABOVE:
        return True
    return False if low >= 0 and high <= LARGEST_LABEL else None


def _is_wide_type(image: Path) -> bool | None:
    """Return False for voxels of 8 bits, which hold no HU; None for wider ones, which may be anything."""
    import SimpleITK as sitk

    require_data_beside(image)
    reader = sitk.ImageFileReader()
    reader.SetImageIO(image_io(image))
    reader.SetFileName(str(image))
    reader.ReadImageInformation()
    return False if reader.GetPixelID() in (sitk.sitkUInt8, sitk.sitkInt8) else None
