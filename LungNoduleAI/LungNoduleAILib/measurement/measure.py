"""All measurements of one nodule, on the voxels of the CT: from a candidate to a Finding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.delineation.patch import Patch, cut_patch
from LungNoduleAILib.delineation.protocol import Delineator, Outline, Site
from LungNoduleAILib.delineation.region import Region
from LungNoduleAILib.measurement.appearance import appearance
from LungNoduleAILib.measurement.density import Density, classify_density, mass_mg
from LungNoduleAILib.measurement.judgement import load_judgement
from LungNoduleAILib.measurement.lobe_confidence import lobe_confidence
from LungNoduleAILib.measurement.lung_depth import LungDepth
from LungNoduleAILib.measurement.size import axial_size, partial_volume_mm3
from LungNoduleAILib.model.anatomy import AIRWAY, LEFT_LUNG_LABELS, LOBE_OF_LABEL, Anatomy
from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.model.findings import Finding
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume

HALF = 0.5  # the border of a mask between its voxels
MASS_MM = 30.0  # Fleischner glossary: a nodule measures up to 3 cm, a mass more
WALL_MARGIN_MM = 2.0
HULL_FROM_MM = 17.0  # smaller nodules on the wall lie inside the filled lung
FINE_DEPTH_MM = 6.0  # a patch sees at least this far beyond the nodule


def measure(
    volume: Volume,
    anatomy: Anatomy,
    lung_depth: LungDepth,
    candidate: Candidate,
    detector: str,
    delineator: Delineator,
) -> Finding | None:
    """Return a Finding (without id) for a candidate in a volume in LPS order; None when no nodule can be delineated
    there.
    """
    center_kji = volume.kji_from_ras(np.array(candidate.center_ras_mm))
    patch = cut_patch(volume, anatomy, center_kji, candidate.diameter_mm)
    depth_mm = patch.depth_mm
    if candidate.diameter_mm > HULL_FROM_MM:
        depth_mm = lung_depth.hull_at(patch.full_from_patch_kji(np.moveaxis(np.indices(patch.hu.shape), 0, -1)))
    allowed = (depth_mm > -WALL_MARGIN_MM) & (patch.labels != AIRWAY)
    site = Site(volume, candidate, patch, allowed)
    outline = delineator.outline(site)
    if outline is None:
        return None
    mask = outline.mask or patch.mask_on_ct_grid(outline.region.mask, volume.array.shape)
    if mask is None:
        return None
    finding = _finding(site, outline, mask, lung_depth, detector)
    sure = lobe_confidence(volume, anatomy, finding.center_ras_mm, finding.lobe)
    return replace(finding, lobe_confidence=sure)


def _finding(site: Site, outline: Outline, mask: Mask, lung_depth: LungDepth, detector: str) -> Finding:
    """All measurements of an outlined nodule; ``mask`` is its outline on the grid of the CT."""
    volume, candidate, patch, region = site.volume, site.candidate, site.patch, outline.region
    spacing = patch.spacing_kji_mm
    size = (
        axial_size(patch.hu, region.mask, region.threshold_hu, spacing)
        if outline.share is None
        else axial_size(region.mask.astype(np.float32), region.mask, HALF, spacing)  # as a reader's outline is measured
    )
    looks = appearance(patch.hu, region.mask, outline.share, spacing)
    density = classify_density(patch.hu, region.mask, spacing, looks)
    suspicion = None if outline.share is None else load_judgement().suspicion_of(looks)
    volume_mm3 = outline.volume_mm3 or partial_volume_mm3(
        patch.hu, region.mask, region.dense, region.core_hu, region.background_hu, spacing, site.allowed
    )
    center = patch.full_from_patch_kji(centroid_kji(patch.hu, region))
    lobe, side = _where(patch, region)
    return Finding(
        id="",
        center_ras_mm=_rounded(volume.ras_from_kji(center)),
        mean_diameter_mm=size.mean_diameter_mm,
        long_axis_mm=size.long_axis_mm,
        short_axis_mm=size.short_axis_mm,
        volume_mm3=round(volume_mm3, 1),
        type=density.type,
        mean_hu=round(density.mean_hu, 1),
        mass_mg=round(mass_mg(volume_mm3, density.mean_hu), 1),
        lobe=lobe,
        side=side,
        confidence=round(candidate.confidence, 3),
        kind="mass" if size.mean_diameter_mm > MASS_MM else "nodule",
        solid_volume_mm3=None if density.solid_volume_mm3 is None else round(density.solid_volume_mm3, 1),
        solid_mean_diameter_mm=_solid_diameter(patch, region, density, spacing),
        distance_to_pleura_mm=_to_pleura_mm(patch, region, lung_depth),
        bounds_ras_mm=_bounds(volume, patch, region),
        detector=detector,
        mask=mask,
        mask_volume_mm3=round(float(np.count_nonzero(mask.array)) * volume.voxel_mm3, 1),
        notes=outline.notes,
        suspicion=None if suspicion is None else suspicion.rating,
        suspicion_interval=None if suspicion is None else (suspicion.low, suspicion.high),
        long_axis_ras_mm=axis_ras_mm(volume, patch, size.long_ends_kji),
        short_axis_ras_mm=axis_ras_mm(volume, patch, size.short_ends_kji),
    )


def axis_ras_mm(volume: Volume, patch: Patch, ends_kji: np.ndarray) -> tuple[float, float, float, float, float, float]:
    """Both ends (2, 3) of an axis in voxels of the patch, as RAS mm in a row."""
    r0, a0, s0, r1, a1, s1 = (
        round(float(v), 2) for v in volume.ras_from_kji(patch.full_from_patch_kji(ends_kji)).ravel()
    )
    return r0, a0, s0, r1, a1, s1


def centroid_kji(hu: np.ndarray, region: Region) -> np.ndarray:
    """Centre of a region in its patch, weighted by how far each voxel rises above the lung: sub-voxel exact."""
    near = ndi.binary_dilation(region.mask) & (region.mask | ~region.dense)
    weight = np.where(near, np.clip(hu - region.background_hu, 0.0, region.core_hu - region.background_hu), 0.0)
    return np.array(ndi.center_of_mass(weight))


def _where(patch: Patch, region: Region) -> tuple[str | None, str | None]:
    """Lobe and side by the labels under the region, or of the nearest lung when it lies outside the filled lung."""
    lung = np.where(patch.labels == AIRWAY, 0, patch.labels)
    under = lung[region.mask]
    under = under[under > 0]
    if under.size == 0:
        around = lung[ndi.binary_dilation(region.mask, iterations=4)]
        under = around[around > 0]
    if under.size == 0:
        return None, None
    label = int(np.bincount(under).argmax())
    return LOBE_OF_LABEL[label], "left" if label in LEFT_LUNG_LABELS else "right"


def _to_pleura_mm(patch: Patch, region: Region, lung_depth: LungDepth) -> float:
    """Shortest distance in mm from the region to the border of the lung; fine near it, from the coarse map beyond."""
    near_mm = max(0.0, float(patch.depth_mm[region.mask].min()))
    if near_mm < FINE_DEPTH_MM:
        return round(near_mm, 1)
    edge = np.argwhere(region.mask & ~ndi.binary_erosion(region.mask))
    return round(float(lung_depth.at(patch.full_from_patch_kji(edge)).min()), 1)


def _solid_diameter(patch: Patch, region: Region, density: Density, spacing: np.ndarray) -> float | None:
    """Mean axial diameter in mm of the solid part of a part-solid nodule."""
    if density.solid_volume_mm3 is None:
        return None
    solid = region.mask & (patch.hu > -300.0)
    labels, count = ndi.label(solid)
    if count == 0:
        return None
    largest = labels == np.bincount(labels[labels > 0]).argmax()
    return axial_size(patch.hu, largest, -300.0, spacing).mean_diameter_mm


def _bounds(volume: Volume, patch: Patch, region: Region) -> tuple[float, float, float, float, float, float]:
    """RAS box (r_min, r_max, a_min, a_max, s_min, s_max) in mm around all voxels of the region."""
    index = np.argwhere(region.mask)
    low, high = patch.full_from_patch_kji(index.min(axis=0) - 0.5), patch.full_from_patch_kji(index.max(axis=0) + 0.5)
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    ras = volume.ras_from_kji(corners)
    box = np.stack([ras.min(axis=0), ras.max(axis=0)], axis=1).ravel()
    r_min, r_max, a_min, a_max, s_min, s_max = (round(float(v), 2) for v in box)
    return r_min, r_max, a_min, a_max, s_min, s_max


def _rounded(point: np.ndarray) -> tuple[float, float, float]:
    return three(round(float(v), 2) for v in point)
