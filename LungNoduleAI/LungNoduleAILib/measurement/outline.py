"""Measure an outline that a person drew: what is inside it counts, every voxel whole.

Other than ``measure``, which looks for the border in the HU, nothing is added to the outline or taken from it: the
volume is that of its voxels, and the axes end at its border.
"""

from __future__ import annotations

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.delineation.patch import cut_patch
from LungNoduleAILib.measurement.appearance import appearance
from LungNoduleAILib.measurement.density import SOLID_HU, Density, classify_density, mass_mg
from LungNoduleAILib.measurement.lobe_confidence import lobe_confidence
from LungNoduleAILib.measurement.lung_depth import LungDepth
from LungNoduleAILib.measurement.measure import FINE_DEPTH_MM, MASS_MM
from LungNoduleAILib.measurement.size import axial_size
from LungNoduleAILib.model.anatomy import AIRWAY, LEFT_LUNG_LABELS, LOBE_OF_LABEL, Anatomy
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.review import READER
from ThoraxAILib.image.boxes import mask_box
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.spheres import sphere_diameter_mm
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume

NEAR_VOXELS = 4  # how far from the outline the lobe is looked for where it lies outside the lungs
RIM_VOXELS = 6  # of the tissue around, as ``appearance`` looks at it
HALF = 0.5


def measure_outline(volume: Volume, anatomy: Anatomy, lung_depth: LungDepth, mask: Mask) -> Finding | None:
    """Return a Finding (without id) for a drawn mask on a volume in LPS order; None for an empty one."""
    drawn = np.asarray(mask.array) > 0
    box = mask_box(drawn)
    if box is None:
        return None
    drawn = drawn[box]
    offset = np.array(mask.offset_kji) + [span.start for span in box]
    within = tuple(slice(int(o), int(o + n)) for o, n in zip(offset, drawn.shape, strict=True))
    hu, spacing = volume.array[within].astype(np.float32), volume.spacing_kji_mm
    density = classify_density(hu, drawn, spacing, _looks(volume, offset, drawn))
    volume_mm3 = float(drawn.sum()) * volume.voxel_mm3
    padded = np.pad(drawn, 2)
    size = axial_size(padded.astype(np.float32), padded, HALF, spacing)
    lobe, side = _where(anatomy, offset, drawn)
    kji = np.argwhere(drawn) + offset
    center_ras_mm = three(round(float(v), 2) for v in volume.ras_from_kji(kji.mean(axis=0)))
    return Finding(
        id="",
        center_ras_mm=center_ras_mm,
        mean_diameter_mm=size.mean_diameter_mm,
        long_axis_mm=size.long_axis_mm,
        short_axis_mm=size.short_axis_mm,
        volume_mm3=round(volume_mm3, 1),
        mask_volume_mm3=round(volume_mm3, 1),
        type=density.type,
        mean_hu=round(density.mean_hu, 1),
        mass_mg=round(mass_mg(volume_mm3, density.mean_hu), 1),
        lobe=lobe,
        side=side,
        confidence=1.0,
        kind="mass" if size.mean_diameter_mm > MASS_MM else "nodule",
        solid_mean_diameter_mm=_solid_diameter(hu, drawn, density, spacing),
        solid_volume_mm3=None if density.solid_volume_mm3 is None else round(density.solid_volume_mm3, 1),
        distance_to_pleura_mm=_to_pleura_mm(volume, anatomy, lung_depth, kji, volume_mm3),
        bounds_ras_mm=_bounds(volume, offset, drawn.shape),
        source=READER,
        lobe_confidence=lobe_confidence(volume, anatomy, center_ras_mm, lobe),
        long_axis_ras_mm=_ends(volume, offset, size.long_ends_kji),
        short_axis_ras_mm=_ends(volume, offset, size.short_ends_kji),
        mask=Mask(three(int(o) for o in offset), drawn),
    )


def _solid_diameter(hu: np.ndarray, drawn: np.ndarray, density: Density, spacing: np.ndarray) -> float | None:
    """Mean axial diameter in mm of the largest solid part of a part-solid nodule."""
    if density.solid_volume_mm3 is None:
        return None
    labels, _ = ndi.label(drawn & (hu > SOLID_HU))
    largest = np.pad(labels == np.bincount(labels[labels > 0]).argmax(), 2)
    return axial_size(largest.astype(np.float32), largest, HALF, spacing).mean_diameter_mm


def _looks(volume: Volume, offset: np.ndarray, drawn: np.ndarray) -> dict[str, float]:
    """Return the appearance of a drawn outline with the tissue around it, as of an outline of the software.

    The reader is certain of every voxel.
    """
    low = np.maximum(offset - RIM_VOXELS, 0)
    high = np.minimum(offset + drawn.shape + RIM_VOXELS, volume.array.shape)
    mask = np.zeros(high - low, bool)
    mask[tuple(slice(int(a), int(a + n)) for a, n in zip(offset - low, drawn.shape, strict=True))] = drawn
    around = volume.array[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))].astype(np.float32)
    return appearance(around, mask, mask.astype(np.float32), volume.spacing_kji_mm)


def _where(anatomy: Anatomy, offset: np.ndarray, drawn: np.ndarray) -> tuple[str | None, str | None]:
    """Lobe and side under the outline, or of the nearest lung when it lies outside the filled lungs."""
    low = np.maximum(offset - NEAR_VOXELS, 0)
    high = np.minimum(offset + drawn.shape + NEAR_VOXELS, anatomy.labels.shape)
    labels = anatomy.labels[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))]
    labels = np.where(labels < AIRWAY, labels, 0)
    inside = np.zeros(labels.shape, bool)
    inside[tuple(slice(int(o), int(o + n)) for o, n in zip(offset - low, drawn.shape, strict=True))] = drawn
    for where in (inside, ndi.binary_dilation(inside, iterations=NEAR_VOXELS)):
        under = labels[where]
        under = under[under > 0]
        if under.size:
            label = int(np.bincount(under).argmax())
            return LOBE_OF_LABEL[label], "left" if label in LEFT_LUNG_LABELS else "right"
    return None, None


def _to_pleura_mm(volume: Volume, anatomy: Anatomy, lung_depth: LungDepth, kji: np.ndarray, volume_mm3: float) -> float:
    """Shortest distance in mm from the outline to the border of the lung; fine near it, from the coarse map beyond."""
    patch = cut_patch(volume, anatomy, kji.mean(axis=0), sphere_diameter_mm(volume_mm3))
    at = np.rint(patch.patch_from_full_kji(kji)).astype(int)
    held = ((at >= 0) & (at < patch.depth_mm.shape)).all(axis=1)
    near_mm = float(patch.depth_mm[tuple(at[held].T)].min()) if held.any() else np.inf
    near_mm = max(0.0, near_mm)
    return round(near_mm if near_mm < FINE_DEPTH_MM else float(lung_depth.at(kji).min()), 1)


def _bounds(
    volume: Volume, offset: np.ndarray, shape: tuple[int, ...]
) -> tuple[float, float, float, float, float, float]:
    """RAS box (r_min, r_max, a_min, a_max, s_min, s_max) in mm around the voxels of an outline."""
    corners = np.array(np.meshgrid(*zip(offset - HALF, offset + shape - HALF, strict=True))).reshape(3, -1).T
    ras = volume.ras_from_kji(corners)
    box = np.stack([ras.min(axis=0), ras.max(axis=0)], axis=1).ravel()
    r_min, r_max, a_min, a_max, s_min, s_max = (round(float(v), 2) for v in box)
    return r_min, r_max, a_min, a_max, s_min, s_max


def _ends(volume: Volume, offset: np.ndarray, ends_kji: np.ndarray) -> tuple[float, float, float, float, float, float]:
    """Both ends of an axis, given in voxels of the padded outline, as RAS mm in a row."""
    r0, a0, s0, r1, a1, s1 = (round(float(v), 2) for v in volume.ras_from_kji(ends_kji - 2 + offset).ravel())
    return r0, a0, s0, r1, a1, s1
