"""The chest at about 3 mm, as opacities are looked for in it: HU, lungs, the organs beside them, the midline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.anatomy.work_image import WorkImage, make_work_image
from LungNoduleAILib.model.anatomy import AORTA, BONE, HEART, SPINE, Anatomy
from ThoraxAILib.image.reach import deeper_mm, within_mm
from ThoraxAILib.image.volume import Volume

COARSE_MM = 3.0
QUIET_MM = 2.0
BONE_HU = 200.0
NO_BLOOD_HU = 45.0  # blood without contrast, where heart and aorta are not known
FEW_VOXELS = 500


@dataclass(frozen=True, eq=False)
class CoarseChest:
    """HU (float32, quieted) and masks (bool), all (k, j, i) on the grid of ``work``, axes in LPS order.

    ``heart``, ``aorta``, ``spine`` and ``bone`` are empty where the segmenter does not know them (``has_organs``).
    ``middle_i`` is the voxel index along i of the midline in every slice; ``blood_hu`` tells contrast.
    """

    work: WorkImage
    hu: np.ndarray
    right: np.ndarray
    left: np.ndarray
    heart: np.ndarray
    aorta: np.ndarray
    spine: np.ndarray
    bone: np.ndarray
    middle_i: np.ndarray
    blood_hu: float
    has_organs: bool

    @staticmethod
    def of(volume: Volume, anatomy: Anatomy) -> CoarseChest:
        """Return the coarse chest of a CT (HU, LPS order) with its anatomy."""
        work = make_work_image(volume, COARSE_MM)
        middle = tuple(slice(f // 2, None, f) for f in work.factors_kji)
        whole = tuple(slice(0, n) for n in work.hu.shape)
        labels = np.ascontiguousarray(anatomy.labels[middle][whole])
        structures = anatomy.structures
        has_organs = structures is not None
        organs = np.zeros_like(labels) if structures is None else np.ascontiguousarray(structures[middle][whole])
        hu = ndi.gaussian_filter(work.hu, np.minimum(1.0, QUIET_MM / work.spacing_kji_mm))
        right, left = (labels >= 1) & (labels <= 3), (labels == 4) | (labels == 5)
        heart, aorta, spine, bone = (organs == name for name in (HEART, AORTA, SPINE, BONE))
        blood = hu[heart | aorta]
        blood_hu = float(np.median(blood)) if len(blood) > FEW_VOXELS else NO_BLOOD_HU
        middle_i = _middle_i(spine, right, left, work.spacing_kji_mm)
        return CoarseChest(work, hu, right, left, heart, aorta, spine, bone, middle_i, blood_hu, has_organs)

    @property
    def lungs(self) -> np.ndarray:
        """Both filled lungs, bool."""
        return self.right | self.left

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Size of a voxel along k, j, i."""
        k, j, i = (float(s) for s in self.work.spacing_kji_mm)
        return k, j, i

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in mL."""
        return self.work.voxel_mm3 / 1000.0

    def left_of_middle_mm(self) -> np.ndarray:
        """Return how far to the person's left of the midline voxels lie, mm (k, 1, i)."""
        return (np.arange(self.hu.shape[2])[None, None, :] - self.middle_i[:, None, None]) * self.spacing_mm[2]

    def mirrored(self, mask: np.ndarray) -> np.ndarray:
        """Return a mask mirrored at the midline of every slice."""
        turned = np.zeros_like(mask)
        count = mask.shape[2]
        for k, middle in enumerate(self.middle_i):
            source = np.rint(2 * middle - np.arange(count)).astype(int)
            inside = (source >= 0) & (source < count)
            turned[k][:, inside] = mask[k][:, source[inside]]
        return turned

    def within_mm(self, mask: np.ndarray, reach_mm: float) -> np.ndarray:
        """Return the mask grown by ``reach_mm``."""
        return within_mm(mask, self.work.spacing_kji_mm, reach_mm)

    def deeper_mm(self, mask: np.ndarray, depth_mm: float) -> np.ndarray:
        """Return the mask shrunk by ``depth_mm``."""
        return deeper_mm(mask, self.work.spacing_kji_mm, depth_mm)

    def opened(self, mask: np.ndarray, radius_mm: float) -> np.ndarray:
        """Return what of a mask balls of ``radius_mm`` cover: vessels and thin sheets are gone."""
        core = self.deeper_mm(mask, radius_mm)
        return mask & self.within_mm(core, radius_mm + 1.0) if core.any() else core


def _middle_i(spine: np.ndarray, right: np.ndarray, left: np.ndarray, spacing_kji_mm: np.ndarray) -> np.ndarray:
    """Index along i of the midline in every slice: the spine's, else half way between the lungs."""
    slices = np.arange(spine.shape[0])
    count = spine.sum(axis=(1, 2))
    seen = np.flatnonzero(count > 10)
    if len(seen) > 2:
        columns = np.arange(spine.shape[2])
        centers = (spine[seen].sum(axis=1) @ columns) / count[seen]
        middle = np.interp(slices, seen, centers)
        return ndi.gaussian_filter1d(middle, 10.0 / float(spacing_kji_mm[0]), mode="nearest")
    extent = [np.flatnonzero(side.any(axis=(0, 1))) for side in (right, left)]
    inner = [at[end] for at, end in zip(extent, (-1, 0), strict=True) if len(at)]
    return np.full(len(slices), float(np.mean(inner)) if len(inner) == 2 else spine.shape[2] / 2)
