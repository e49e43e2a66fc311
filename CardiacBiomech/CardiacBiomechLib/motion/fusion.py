"""Several propagated label images made one: local weighted voting, majority, STAPLE."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import uniform_filter

from ThoraxAILib.errors import InputError
from ThoraxAILib.registration.inputs import normalized

WINDOW_VOXELS = (1, 7, 7)  # in plane: slices of cine are too far apart to share a window
METHODS = ("local-weighted", "majority", "staple")


@dataclass(frozen=True, eq=False)
class Candidate:
    """Labels that one path carried to a frame, and the image the same path carried there (both k, j, i)."""

    name: str
    labels: np.ndarray
    warped_image: np.ndarray


def fuse(candidates: list[Candidate], image: np.ndarray, method: str = "local-weighted") -> np.ndarray:
    """One label image (k, j, i) for the frame ``image``; raises InputError for an unknown method.

    Local weighted voting (Artaechevarria et al., TMI 28:1266, 2009): each candidate votes with its local correlation.
    """
    if method not in METHODS:
        raise InputError(f"There is no label fusion named {method}: choose one of {', '.join(METHODS)}.")
    if not candidates:
        raise InputError("There is nothing to fuse: give at least one propagated label image.")
    if method == "staple":
        return _staple(candidates)
    if method == "majority":
        weights = [np.ones(image.shape, dtype=np.float32)] * len(candidates)
    else:
        weights = [local_correlation(candidate.warped_image, image) for candidate in candidates]
    return _vote(candidates, weights)


def local_correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Local correlation (k, j, i) of two images in windows of ``WINDOW_VOXELS``, negative ones as 0."""
    a, b = normalized(one), normalized(other)
    mean_a, mean_b = (uniform_filter(image, WINDOW_VOXELS) for image in (a, b))
    covariance = uniform_filter(a * b, WINDOW_VOXELS) - mean_a * mean_b
    variances = [
        (uniform_filter(image * image, WINDOW_VOXELS) - mean**2).clip(0) for image, mean in ((a, mean_a), (b, mean_b))
    ]
    return (covariance / np.sqrt(variances[0] * variances[1] + 1e-5)).clip(0.0, 1.0) + 1e-3


def _vote(candidates: list[Candidate], weights: list[np.ndarray]) -> np.ndarray:
    """Return the label with the largest sum of weights; ties go to the smaller label."""
    values = np.unique(np.concatenate([np.unique(candidate.labels) for candidate in candidates]))
    best = np.full(candidates[0].labels.shape, -1.0, dtype=np.float32)
    fused = np.zeros(candidates[0].labels.shape, dtype=candidates[0].labels.dtype)
    for value in values:
        votes = sum(weight * (candidate.labels == value) for candidate, weight in zip(candidates, weights, strict=True))
        wins = votes > best
        fused[wins], best[wins] = value, votes[wins]
    return fused


def _staple(candidates: list[Candidate]) -> np.ndarray:
    """Rohlfing's multi-label STAPLE; undecided voxels fall back to the majority."""
    undecided = 255
    images = [sitk.GetImageFromArray(candidate.labels.astype(np.uint8)) for candidate in candidates]
    staple = sitk.MultiLabelSTAPLEImageFilter()
    staple.SetLabelForUndecidedPixels(undecided)
    fused = sitk.GetArrayFromImage(staple.Execute(images))
    majority = _vote(candidates, [np.ones(fused.shape, dtype=np.float32)] * len(candidates))
    return np.where(fused == undecided, majority, fused).astype(candidates[0].labels.dtype)
