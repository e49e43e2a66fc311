"""Whether labels lie on the heart that the image shows: in cine MR blood is bright and muscle dark, slice by slice.

Measured as the chance that a voxel labeled as blood is brighter than one labeled as wall (area under the ROC curve).
On 30 frames of 15 ACDC patients it is 0.88 to 0.99 (LV) and 0.82 to 0.99 (RV) with the readers' labels; with the same
labels mirrored or reversed the mean of both was always at least 0.03 lower and mostly near 0.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from CardiacBiomechLib.model.heart_labels import HeartLabels
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume

MIN_FIT = 0.75  # below, the labels are not on the heart
BETTER = 0.03  # a mirrored version that fits by so much better is the right one
BETTER_FRAME = 0.06
GOOD_FIT = 0.88  # what labels reach on the frame they were drawn on
MIN_VOXELS = 15  # of a part in a slice
MAX_VOXELS = 1500  # of a part in a slice: a sample is enough

MIRRORS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mirrored along its rows": lambda a: a[:, :, ::-1],
    "mirrored along its columns": lambda a: a[:, ::-1],
    "with its slices in reverse order": lambda a: a[::-1],
    "turned by 180 degrees": lambda a: a[:, ::-1, ::-1],
    "mirrored along its rows and with its slices in reverse order": lambda a: a[::-1, :, ::-1],
    "mirrored along its columns and with its slices in reverse order": lambda a: a[::-1, ::-1],
    "turned by 180 degrees and with its slices in reverse order": lambda a: a[::-1, ::-1, ::-1],
}


@dataclass(frozen=True)
class LabelFit:
    """Chance that blood is brighter than wall, for each cavity; ``rv`` None when it is not labeled."""

    lv: float
    rv: float | None

    @property
    def mean(self) -> float:
        """Mean over the cavities that are labeled."""
        return self.lv if self.rv is None else 0.5 * (self.lv + self.rv)


def label_fit(image: np.ndarray, labels: np.ndarray, parts: HeartLabels) -> LabelFit | None:
    """Return how well labels (k, j, i) fit an image; None when no slice shows both cavity and wall."""
    lv = _brighter(image, labels, parts.lv, parts.myocardium)
    if lv is None:
        return None
    return LabelFit(lv, None if parts.rv is None else _brighter(image, labels, parts.rv, parts.myocardium))


def check_labels_on_image(image: Volume, labels: Volume, parts: HeartLabels) -> None:
    """Raise InputError with what was found when labels are mirrored, reversed or not on the heart of ``image``."""
    fit = label_fit(image.array, labels.array, parts)
    if fit is None:
        return
    turned = {name: label_fit(image.array, mirror(labels.array), parts) for name, mirror in MIRRORS.items()}
    name, best = max(
        ((name, found.mean) for name, found in turned.items() if found is not None), key=lambda pair: pair[1]
    )
    if best >= max(fit.mean + BETTER, MIN_FIT) and fit.mean < 0.95:
        raise InputError(
            f"The label image does not lie on the heart of its image, {name} it would fit (blood brighter than wall in "
            f"{100 * best:.0f} % of pairs of voxels, as given in {100 * fit.mean:.0f} %): save it with the geometry of "
            "the image it was drawn on."
        )
    if fit.mean < MIN_FIT:
        raise InputError(
            f"The label image does not lie on the heart of its image, blood is brighter than wall in only "
            f"{100 * fit.mean:.0f} % of pairs of voxels (a label on a cine: more than 80 %): give the labels of this "
            "frame, or name their values with --labels lv=...,myo=...,rv=..."
        )


def better_frame(frames: Sequence[Volume], labels: Volume, parts: HeartLabels, frame: int) -> int | None:
    """Return the index of a frame on which the labels fit clearly better than on ``frame``; None when there is none."""
    fits = [label_fit(one.array, labels.array, parts) for one in frames]
    own = fits[frame]
    if own is None:
        return None
    best = max(range(len(fits)), key=lambda index: _lv(fits[index]))
    return best if _lv(fits[best]) >= max(own.lv + BETTER_FRAME, GOOD_FIT) else None


def _lv(fit: LabelFit | None) -> float:
    return 0.0 if fit is None else fit.lv


def _brighter(image: np.ndarray, labels: np.ndarray, cavity: int, wall: int) -> float | None:
    """Mean over slices, by the size of the cavity, of the chance that a cavity's voxel is brighter than the wall's."""
    total, weight = 0.0, 0
    for pixels, marked in zip(image, labels, strict=True):
        blood, muscle = pixels[marked == cavity], pixels[marked == wall]
        if len(blood) < MIN_VOXELS or len(muscle) < MIN_VOXELS:
            continue
        total += len(blood) * _chance(_sample(blood), _sample(muscle))
        weight += len(blood)
    return total / weight if weight else None


def _sample(values: np.ndarray) -> np.ndarray:
    return values[:: 1 + len(values) // MAX_VOXELS]


def _chance(high: np.ndarray, low: np.ndarray) -> float:
    """Mann-Whitney: the share of pairs in which ``high`` is above ``low``, ties as a half."""
    ordered = np.sort(low)
    below = np.searchsorted(ordered, high, "left") + np.searchsorted(ordered, high, "right")
    return float(below.mean() / (2 * len(low)))
