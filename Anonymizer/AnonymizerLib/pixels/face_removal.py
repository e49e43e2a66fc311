"""Taking the face out of the slices of a frame of reference: one mask for all its series, made before the cleaning.

Each slice finds its own voxels in the mask by its position, so series of any orientation and spacing fit. Objects that
draw the same head in other ways (segmentations, contours, doses, multi-frame images) are left to a person.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.objects.element import raw_text
from AnonymizerLib.pixels.editor import PixelEditor
from AnonymizerLib.pixels.faces import AIR, COARSE, FaceMask
from AnonymizerLib.pixels.regions import number_of
from ThoraxAILib.errors import InputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

FRAME_OF_REFERENCE, SERIES, MODALITY, BODY_PART = 0x00200052, 0x0020000E, 0x00080060, 0x00180015
POSITION, ORIENTATION, SPACING, FRAMES = 0x00200032, 0x00200037, 0x00280030, 0x00280008
ROWS, COLUMNS = 0x00280010, 0x00280011
REFERENCED_FRAMES = 0x30060010
ASCII = ["ascii"]
HEAD_PARTS = ("HEAD", "BRAIN", "FACE", "SKULL", "NECK", "SINUS", "ORBIT", "JAW", "EAR", "NOSE")
BLOCK_MM = 8.0
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
NO_HEAD, NOT_JUDGED = "no head", "not judged"


@dataclass(frozen=True, eq=False)
class SliceGeometry:
    """Where a slice lies: its first pixel, the steps along a row and down a column, all in RAS mm."""

    origin_ras_mm: np.ndarray
    along_row_mm: np.ndarray
    down_column_mm: np.ndarray

    @classmethod
    def of(cls, ds: Dataset) -> SliceGeometry | None:
        """From the attributes (PS3.3 C.7.6.2); None when they are missing."""
        numbers = [_numbers(ds, tag) for tag in (POSITION, ORIENTATION, SPACING)]
        if [len(part) for part in numbers] != [3, 6, 2]:
            return None
        position, orientation, spacing = numbers
        return cls(
            LPS_TO_RAS @ position, LPS_TO_RAS @ orientation[:3] * spacing[1], LPS_TO_RAS @ orientation[3:] * spacing[0]
        )

    def points(self, rows: int, columns: int) -> np.ndarray:
        """Return the middle of every pixel, (rows, columns, 3) in RAS mm."""
        row, column = np.mgrid[0:rows, 0:columns]
        return self.origin_ras_mm + column[..., None] * self.along_row_mm + row[..., None] * self.down_column_mm


def _numbers(ds: Dataset, tag: int) -> np.ndarray:
    try:
        return np.array([float(part) for part in raw_text(ds, tag, ASCII).split("\\")])
    except ValueError:
        return np.empty(0)


@dataclass
class Faces:
    """The masks of a run, by frame of reference, in a private folder; loaded when first needed.

    ``not_judged`` are names of masks that could not be made: nobody knows whether there is a head.
    """

    folder: Path
    key: ProjectKey
    is_approved: bool = False
    not_judged: frozenset[str] = frozenset()
    _loaded: dict[str, FaceMask | str | None] = field(default_factory=dict, repr=False)

    def path_of(self, frame_of_reference: str) -> Path:
        """Name the file of a mask."""
        return self.folder / f"{self.name_of(frame_of_reference)}.npz"

    def name_of(self, frame_of_reference: str) -> str:
        """Derive a short name for a frame of reference."""
        return self.key.short_name("face", frame_of_reference, 16)

    def mask_of(self, frame_of_reference: str) -> FaceMask | str | None:
        """Load the mask; NO_HEAD when there is no head in this frame of reference.

        NOT_JUDGED when its images could not be looked at; None when they are too few or of another kind.
        """
        if self.name_of(frame_of_reference) in self.not_judged:
            return NOT_JUDGED
        if frame_of_reference not in self._loaded:
            path = self.path_of(frame_of_reference)
            self._loaded[frame_of_reference] = _load(path) if path.is_file() else None
        return self._loaded[frame_of_reference]


def _load(path: Path) -> FaceMask | str:
    with np.load(path) as stored:
        return FaceMask(stored["action"], stored["kji_to_ras"]) if stored["action"].size else NO_HEAD


def frame_of_reference(ds: Dataset) -> str:
    """Read the frame of reference of an image, or the first one that a structure set refers to."""
    own = raw_text(ds, FRAME_OF_REFERENCE, ASCII)
    items = ds[REFERENCED_FRAMES].value if not own and REFERENCED_FRAMES in ds else ()
    return own or next((raw_text(item, FRAME_OF_REFERENCE, ASCII) for item in items or ()), "")


def is_single_slice(ds: Dataset) -> bool:
    """Whether an image is one slice that says where it lies."""
    return raw_text(ds, FRAMES, ASCII) in ("", "1") and SliceGeometry.of(ds) is not None


def remove_face(editor: PixelEditor, mask: FaceMask, seed: int) -> bool:
    """Take the face out of one slice, in memory; whether a pixel changed. InputError when it cannot be decoded."""
    ds = editor.file.dataset
    geometry = SliceGeometry.of(ds)
    if geometry is None or not is_single_slice(ds):
        raise InputError("It shows the same head as a defaced image and cannot be defaced here: look at it.")
    rows, columns = number_of(ds, ROWS) or 0, number_of(ds, COLUMNS) or 0
    action = mask.at(geometry.points(rows, columns))
    if not action.any():
        return False
    layout = editor.layout
    if layout.samples != 1 or layout.bits_allocated not in (8, 16):
        raise InputError("It shows a head in a pixel layout that cannot be defaced here: look at it.")
    pixels = editor.stored_values().reshape(rows, columns)
    spacing = float(np.linalg.norm(geometry.along_row_mm))
    _edit(pixels, action, _air_value(editor.source, pixels), max(round(BLOCK_MM / spacing), 2), seed)
    editor.mark_changed()
    return True


def _edit(pixels: np.ndarray, action: np.ndarray, air: float, block: int, seed: int) -> None:
    """Air where the mask says so; further in the mean of each block with a little noise."""
    from scipy import ndimage

    values = pixels.astype(np.float64)
    coarse = np.repeat(
        np.repeat(ndimage.uniform_filter(values, block)[block // 2 :: block, block // 2 :: block], block, 0), block, 1
    )
    coarse = np.pad(
        coarse, [(0, max(size - have, 0)) for size, have in zip(values.shape, coarse.shape, strict=True)], mode="edge"
    )[: values.shape[0], : values.shape[1]]
    noise = np.random.default_rng(seed).normal(0.0, 0.05 * values.std() + 1e-9, values.shape)
    limits = np.iinfo(pixels.dtype)
    inner = action == COARSE
    pixels[inner] = np.clip(coarse[inner] + noise[inner], max(values.min(), limits.min), min(values.max(), limits.max))
    pixels[action == AIR] = np.clip(air, limits.min, limits.max)


def _air_value(source: Dataset, pixels: np.ndarray) -> float:
    """Return the stored value of air: -1000 HU in CT, the darkest pixel elsewhere."""
    if source.get("Modality") != "CT":
        return float(pixels.min())
    slope = float(source.get("RescaleSlope") or 1.0) or 1.0
    return max((-1000.0 - float(source.get("RescaleIntercept") or 0.0)) / slope, float(np.iinfo(pixels.dtype).min))


def shows_a_head(ds: Dataset) -> bool:
    """Whether the attributes say that a head is in the picture."""
    return any(part in raw_text(ds, BODY_PART, ASCII).upper() for part in HEAD_PARTS)
