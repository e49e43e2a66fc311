"""The learned nodule detector: networks trained on synthetic bodies alone, searched within the hull of the lungs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from LungNoduleAILib.anatomy.hull import hull_depth_mm
from LungNoduleAILib.anatomy.protocol import AIRWAY, RLL, Anatomy
from LungNoduleAILib.detection.classical import without_doubles
from LungNoduleAILib.detection.detector_file import SHIPPED, read_detector
from LungNoduleAILib.detection.protocol import Candidate
from LungNoduleAILib.detection.two_levels import MASSES, NODULES, SPACING_MM, Calibration, Places, find_places
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.models.device import select_device
from ThoraxAILib.volume import Volume

MARGIN_MM = 15.0
HULL_MARGIN_MM = 4.0
LEAST_CONFIDENCE = 0.01
MASS_MM = 30.0
SMALLEST_MM = 3.0


class LearnedDetector:
    """Two heat-map networks, one for nodules and one for masses; needs PyTorch."""

    name = "learned"

    def __init__(self, weights: Path = SHIPPED, device: str = "auto") -> None:
        """Reads the weights; raises InputError for a foreign file, MissingDependencyError without PyTorch."""
        self._networks, self._calibration, sha256 = read_detector(weights)
        self._device, _reason = select_device(device)
        self.operating_point = self._calibration.operating_point
        self.fingerprint = sha256[:16]

    def detect(self, volume: Volume, anatomy: Anatomy, progress: Progress) -> list[Candidate]:
        """Candidates in ``volume`` (HU, LPS order), best first; see Detector."""
        from ThoraxAILib.registration.threads import torch_threads

        box = lung_box(anatomy.labels, volume.spacing_kji_mm)
        if box is None:
            return []
        progress(0.0, "Preparing the image")
        image = SearchImage.around(volume, anatomy, box)
        with torch_threads(None):
            places = find_places(self._networks, image.hu, image.wanted, self._device, progress.part(0.1, 1.0))
        return as_candidates(places, self._calibration, volume.ras_from_kji(image.full_kji(places.center_kji)))


def as_candidates(places: Places, calibration: Calibration, centers_ras_mm: np.ndarray) -> list[Candidate]:
    """Candidates of calibrated confidence, best first; within a mass above the operating point nothing else is said."""
    confidence = np.where(places.of_masses, calibration.probability(MASSES, places.heat),
                          calibration.probability(NODULES, places.heat))
    found = []
    for n in np.flatnonzero(confidence >= LEAST_CONFIDENCE):
        diameter = max(SMALLEST_MM, float(places.diameter_mm[n]))
        found.append(Candidate(tuple(float(x) for x in centers_ras_mm[n]), diameter, float(confidence[n]),
                               "ground-glass" if places.subsolid[n] > 0.5 else "solid",
                               "mass" if diameter > MASS_MM else "nodule", {"heat": float(places.heat[n])}))
    found.sort(key=lambda c: (c.kind != "mass" or c.confidence < calibration.operating_point, -c.confidence))
    return sorted(without_doubles(found), key=lambda c: -c.confidence)


class SearchImage:
    """HU (float32) around the lungs on cubes of SPACING_MM, and ``wanted``, where nodules are looked for (bool)."""

    def __init__(self, hu: np.ndarray, wanted: np.ndarray, first_kji: np.ndarray, step_kji: np.ndarray) -> None:
        self.hu, self.wanted, self._first_kji, self._step_kji = hu, wanted, first_kji, step_kji

    @staticmethod
    def around(volume: Volume, anatomy: Anatomy, box: tuple[slice, slice, slice]) -> SearchImage:
        """The image of a box of the CT: fine voxels are averaged, then interpolated linearly."""
        spacing = volume.spacing_kji_mm
        binned, factor = _binned(volume.array[box], spacing)
        step = SPACING_MM / (spacing * factor)
        size = [max(1, int((n - 1) / s) + 1) for n, s in zip(binned.shape, step, strict=True)]
        hu = _resampled(binned, step, size, sitk.sitkLinear)
        labels = anatomy.labels[box]
        small = _resampled(labels, SPACING_MM / spacing, size, sitk.sitkNearestNeighbor)
        first = np.array([b.start for b in box]) + (factor - 1) / 2
        return SearchImage(hu, within_hull(small), first, step * factor)

    def full_kji(self, points_kji: np.ndarray) -> np.ndarray:
        """Positions in CT voxels of positions (..., 3) in this image."""
        return self._first_kji + points_kji * self._step_kji


def within_hull(labels: np.ndarray) -> np.ndarray:
    """Where nodules are looked for: the lungs, closed so far that tumors on the wall lie inside, and a margin."""
    spacing = np.full(3, SPACING_MM)
    right = (labels > 0) & (labels <= RLL)
    left = (labels > RLL) & (labels < AIRWAY)
    return np.maximum(hull_depth_mm(right, spacing), hull_depth_mm(left, spacing)) > -HULL_MARGIN_MM


def lung_box(labels: np.ndarray, spacing_kji_mm: np.ndarray) -> tuple[slice, slice, slice] | None:
    """The box of the lungs with a margin; None when there are no lungs."""
    inside = (labels > 0) & (labels < AIRWAY)
    along = [np.flatnonzero(inside.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    if len(along[0]) == 0:
        return None
    margins = np.ceil(MARGIN_MM / spacing_kji_mm).astype(int)
    return tuple(slice(max(0, int(a[0]) - m), min(n, int(a[-1]) + m + 1))
                 for a, m, n in zip(along, margins, labels.shape, strict=True))


def _binned(array: np.ndarray, spacing_kji_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over blocks of about SPACING_MM, float32, and the block's voxels along each axis."""
    factor = np.maximum(1, np.minimum(np.round(SPACING_MM / spacing_kji_mm), array.shape)).astype(int)
    if (factor == 1).all():
        return np.ascontiguousarray(array, dtype=np.float32), factor
    shape = [n // f for n, f in zip(array.shape, factor, strict=True)]
    total = np.zeros(shape, dtype=np.float32)
    for a in range(factor[0]):  # strided sums are faster than a mean over six axes
        for b in range(factor[1]):
            for c in range(factor[2]):
                total += array[tuple(slice(o, o + n * f, f) for o, n, f in zip((a, b, c), shape, factor, strict=True))]
    total /= np.float32(factor.prod())
    return total, factor


def _resampled(array: np.ndarray, step_kji: np.ndarray, size_kji: list[int], interpolator: int) -> np.ndarray:
    """Every ``step`` voxels a value; the last voxels are repeated beyond the end."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize(size_kji[::-1])
    resampler.SetOutputSpacing([float(s) for s in step_kji[::-1]])
    resampler.SetInterpolator(interpolator)
    resampler.SetUseNearestNeighborExtrapolator(True)
    return sitk.GetArrayFromImage(resampler.Execute(image))
