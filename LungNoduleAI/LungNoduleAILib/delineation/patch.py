"""A box of the CT around a candidate, resampled so that distances mean the same along every axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.model.anatomy import AIRWAY, Anatomy
from ThoraxAILib.errors import known
from ThoraxAILib.image.boxes import mask_box
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume

THIN_MM = 1.1
VOXELS_ACROSS = 40.0  # a mass needs no finer patch than this many voxels across


@dataclass(frozen=True, eq=False)
class Patch:
    """HU, depth below the lung border in mm and anatomy labels around a candidate.

    Patch voxel p lies at ``offset_kji + p * scale_kji`` in CT voxels: thick slices are interpolated (scale below 1),
    the voxels around a mass are averaged (scale above 1).
    """

    hu: np.ndarray
    depth_mm: np.ndarray
    labels: np.ndarray
    spacing_kji_mm: np.ndarray
    offset_kji: np.ndarray
    scale_kji: np.ndarray

    def full_from_patch_kji(self, points_kji: np.ndarray) -> np.ndarray:
        """CT voxel positions of patch positions (..., 3)."""
        return np.asarray(points_kji, dtype=float) * self.scale_kji + self.offset_kji

    def patch_from_full_kji(self, points_kji: np.ndarray) -> np.ndarray:
        """Patch positions of CT voxel positions (..., 3)."""
        return (np.asarray(points_kji, dtype=float) - self.offset_kji) / self.scale_kji

    def mask_on_ct_grid(self, mask: np.ndarray, ct_shape: tuple[int, int, int]) -> Mask | None:
        """Return a patch mask on the voxels of the CT, cropped; one that falls between two slices goes to the nearer
        one.
        """
        index = np.argwhere(mask)
        if len(index) == 0:
            return None
        low = np.floor(self.full_from_patch_kji(index.min(axis=0) - 0.5)).astype(int)
        high = np.ceil(self.full_from_patch_kji(index.max(axis=0) + 0.5)).astype(int)
        low, high = np.clip(low, 0, np.array(ct_shape) - 1), np.clip(high, 0, np.array(ct_shape) - 1)
        sampled = mask[self._nearest(low, high)]
        if not sampled.any():
            middle = np.round(self.full_from_patch_kji(index.mean(axis=0))).astype(int)
            return Mask(three(int(m) for m in np.clip(middle, 0, np.array(ct_shape) - 1)), np.ones((1, 1, 1), bool))
        box = known(mask_box(sampled), "the box of the mask")
        return Mask(three(int(v) + span.start for v, span in zip(low, box, strict=True)), sampled[box].copy())

    def _nearest(self, low_kji: np.ndarray, high_kji: np.ndarray) -> tuple[np.ndarray, ...]:
        """Patch indices nearest to every CT voxel between two corners, for indexing the patch."""
        along = zip(low_kji, high_kji, self.offset_kji, self.scale_kji, self.hu.shape, strict=True)
        return np.ix_(
            *(np.clip(np.round((np.arange(a, b + 1) - o) / s).astype(int), 0, n - 1) for a, b, o, s, n in along)
        )


def cut_patch(volume: Volume, anatomy: Anatomy, center_kji: np.ndarray, diameter_mm: float) -> Patch:
    """Return the patch around a CT voxel position (LPS order) that holds a nodule of this diameter and the lung
    around it.
    """
    import edt

    spacing = volume.spacing_kji_mm
    half = np.ceil((1.3 * diameter_mm + 9.0) / spacing).astype(int)
    center = np.round(center_kji).astype(int)
    box = tuple(
        slice(max(0, int(c - h)), min(n, int(c + h) + 1))
        for c, h, n in zip(center, half, volume.array.shape, strict=True)
    )
    hu, offset, scale = _resampled(volume.array[box].astype(np.float32), spacing, diameter_mm)
    axes = [
        np.clip(np.round(np.arange(n) * s + o).astype(int), 0, b.stop - b.start - 1)
        for n, s, o, b in zip(hu.shape, scale, offset, box, strict=True)
    ]
    labels = anatomy.labels[box][np.ix_(*axes)]
    lung = (labels > 0) & (labels < AIRWAY)
    fine = tuple(float(s) for s in spacing * scale)
    depth = edt.edt(lung, anisotropy=fine) - edt.edt(~lung, anisotropy=fine)
    return Patch(hu, depth, labels, spacing * scale, np.array([b.start for b in box]) + offset, scale)


def _resampled(
    hu: np.ndarray, spacing_kji_mm: np.ndarray, diameter_mm: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """HU averaged for masses and interpolated between thick slices; its offset and scale in voxels of the input."""
    target_mm = diameter_mm / VOXELS_ACROSS
    shrink = np.minimum(np.maximum(1, np.round(target_mm / spacing_kji_mm)), hu.shape).astype(int)
    size = np.array(hu.shape) // shrink * shrink
    blocks = hu[: size[0], : size[1], : size[2]].reshape(
        size[0] // shrink[0], shrink[0], size[1] // shrink[1], shrink[1], size[2] // shrink[2], shrink[2]
    )
    hu = blocks.mean(axis=(1, 3, 5))
    scale, offset = shrink.astype(float), (shrink - 1) / 2
    slice_mm = spacing_kji_mm[0] * shrink[0]
    factor = 1 if slice_mm <= max(THIN_MM, target_mm) else max(2, round(slice_mm / max(1.2, target_mm)))
    scale[0] /= factor
    return _interpolate_slices(hu, factor), offset, scale


def _interpolate_slices(hu: np.ndarray, factor: int) -> np.ndarray:
    """Linear interpolation between slices: ``factor`` times as many, the first and last stay where they are."""
    if factor == 1 or len(hu) < 2:
        return hu
    places = np.arange((len(hu) - 1) * factor + 1) / factor
    below = np.minimum(places.astype(int), len(hu) - 2)
    part = (places - below).astype(np.float32)[:, None, None]
    return hu[below] * (1 - part) + hu[below + 1] * part
