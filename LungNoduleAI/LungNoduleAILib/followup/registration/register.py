"""Registration of the lungs of two scans: lung affine, then instance optimization on masked lung images.

Convention: the field is defined on a grid around the CURRENT lungs in RAS mm; the tissue seen at x in the current scan
lies at x + field(x) in the PRIOR scan (pull-back), so warping the prior with it makes it look like the current scan.
Sliding at the pleura: outside the lungs both images are one constant and the tissue is soft, so the lung does not drag
the ribs along and the ribs do not hold the lung.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from dataclasses import field as dataclass_field

import numpy as np
from scipy.ndimage import distance_transform_edt, map_coordinates

from LungNoduleAILib.followup.registration.lung_image import LungImage, ReducedLungs, reduce_lungs
from LungNoduleAILib.followup.registration.lung_transform import LungTransform
from LungNoduleAILib.followup.registration.quality import (
    POOR_MM,
    FieldMeasures,
    LungQuality,
    dice,
    inconsistency_mm,
    local_correlation,
    region_quality,
    uncertainty_map,
)
from LungNoduleAILib.followup.registration.shared_lungs import shared_lungs
from LungNoduleAILib.model.anatomy import LOBE_OF_LABEL
from LungNoduleAILib.model.registration_options import LungRegistrationOptions
from ThoraxAILib.errors import InputError, MissingDependencyError
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.inputs import check_image
from ThoraxAILib.registration.tissue import Moduli, TissueMap
from ThoraxAILib.registration.unfolding import unfolded

logger = logging.getLogger(__name__)

CONVENTION = "x in the current scan lies at x + u(x) in the prior scan, RAS mm, u on a grid around the current lungs"
REACH_MM = 10.0  # likeness counts up to here outside the lungs
STIFF_REACH_MM = 4.0
LUNG_MODULI, OUTSIDE_MODULI = Moduli(1.0, 1.0), Moduli(0.05, 0.05)
MIN_OVERLAP, MIN_DICE = 0.25, 0.5


@dataclass(frozen=True, eq=False)
class LungRegistration:
    """A registration and what it says about itself; see the module for the convention.

    ``uncertainty_mm`` lies on the grid of ``field`` (0 outside the lungs), ``affine`` (4x4) is the linear part alone.
    """

    field: Field
    affine: np.ndarray
    transform: LungTransform
    warped_prior: Volume
    uncertainty_mm: Volume
    quality: LungQuality
    sides: tuple[str, ...]
    notes: tuple[str, ...] = ()
    seconds: dict[str, float] = dataclass_field(default_factory=dict)

    def map_points_to_prior(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Where points (..., 3) of the current scan lie in the prior scan, RAS mm."""
        return self.transform.to_prior(points_ras_mm)

    def map_points_to_current(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Where points (..., 3) of the prior scan lie in the current scan, RAS mm."""
        return self.transform.to_current(points_ras_mm)

    def uncertainty_at(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Uncertainty in mm at points (..., 3) of the current scan; that of the border beyond the grid."""
        index = np.moveaxis(self.uncertainty_mm.kji_from_ras(points_ras_mm), -1, 0)
        return map_coordinates(self.uncertainty_mm.array, index, order=1, mode="nearest")


def register_lungs(
    prior: Volume,
    current: Volume,
    prior_labels: np.ndarray,
    current_labels: np.ndarray,
    options: LungRegistrationOptions | None = None,
    progress: Progress | None = None,
) -> LungRegistration:
    """Register two chest CTs (HU, any axis order) with their labels (uint8 as in Anatomy, same grids).

    Raises InputError when a scan shows no lungs or the two do not fit, Cancelled when ``progress`` is told to stop,
    MissingDependencyError without PyTorch.
    """
    options, progress = options or LungRegistrationOptions(), progress or Progress()
    _require_torch()
    check_image(prior, "prior scan")
    check_image(current, "current scan")
    shared = shared_lungs(prior, current, prior_labels, current_labels)
    clock = _Clock()
    progress(0.0, "Preparing the lungs")
    scans = _Scans(
        reduce_lungs(current, shared.current, options.grid_mm), reduce_lungs(prior, shared.prior, options.grid_mm)
    )
    forward, backward, overlap = _both_directions(scans, options, progress.part(0.02, 0.75), clock)
    progress(0.75, "Judging the registration")
    fixed = scans.current.on(forward.local.grid)
    total = forward.total()
    lobes = _lobes(fixed, current, current_labels)
    quality, uncertainty = _judge(fixed, scans.prior, forward, backward, total, overlap, lobes)
    clock.lap("quality")
    progress(0.85, "Warping the prior scan")
    warped = forward.warped(prior, Grid.of(current))
    clock.lap("warp")
    notes = (*shared.notes, *_notes(prior, current, quality))
    progress(1.0, "Registered")
    return LungRegistration(
        total, forward.matrix, forward, warped, uncertainty, quality, shared.sides, notes, clock.laps
    )


@dataclass(frozen=True, eq=False)
class _Scans:
    current: ReducedLungs
    prior: ReducedLungs


class _Clock:
    """Seconds of wall time between laps."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round(now - self._last, 2)
        self._last = now


def _both_directions(
    scans: _Scans, options: LungRegistrationOptions, progress: Progress, clock: _Clock
) -> tuple[LungTransform, LungTransform | None, float]:
    """Return current to prior, prior to current when asked for, and the share of the current lungs that the prior
    sees.
    """
    from LungNoduleAILib.followup.registration.alignment import align_lungs
    from ThoraxAILib.networks.threads import torch_threads

    with torch_threads(options.threads):
        alignment = align_lungs(scans.current, scans.prior, progress.part(0.0, 0.15))
    logger.info("lungs aligned from their %s, overlap %.2f", alignment.start, alignment.overlap)
    _check_fit(scans, alignment.matrix, alignment.overlap)
    clock.lap("affine")
    split = 0.6 if options.both_directions else 1.0
    forward = _nonrigid(scans.current, scans.prior, alignment.matrix, options, progress.part(0.15, split))
    clock.lap("field")
    if not options.both_directions:
        return forward, None, alignment.overlap
    inverse = np.linalg.inv(alignment.matrix)
    backward = _nonrigid(scans.prior, scans.current, inverse, options, progress.part(split, 1.0))
    clock.lap("field_backward")
    return forward, backward, alignment.overlap


def _check_fit(scans: _Scans, matrix: np.ndarray, overlap: float) -> None:
    """Raise InputError when the aligned lungs do not cover each other."""
    grid = scans.current.grid(6.0)
    own, other = scans.current.on(grid), scans.prior.on(grid, matrix)
    seen = own.valid & other.valid
    fit = dice(own.lung & seen, other.lung & seen)
    if overlap < MIN_OVERLAP or fit < MIN_DICE:
        raise InputError(
            f"The lungs of the two scans do not fit each other (overlap {100 * overlap:.0f} %, Dice "
            f"{fit:.2f} after alignment): check that both show the same part of the same person."
        )


def _nonrigid(
    fixed: ReducedLungs, moving: ReducedLungs, matrix: np.ndarray, options: LungRegistrationOptions, progress: Progress
) -> LungTransform:
    """Return the displacement on the fixed lungs after the affine, without folds."""
    from ThoraxAILib.registration.instance import register

    grid = fixed.grid(options.grid_mm)
    own, other = fixed.on(grid), moving.on(grid, matrix)
    weight = own.near_lung(REACH_MM) & other.valid
    stiff = distance_transform_edt(~own.lung, sampling=grid.spacing_kji_mm) <= STIFF_REACH_MM
    tissue = TissueMap(stiff.astype(np.uint8), {1: LUNG_MODULI}, "fixed", OUTSIDE_MODULI)
    found = register(
        grid.volume(own.image, "CT"),
        grid.volume(other.image, "CT"),
        options.instance(),
        tissue,
        weight,
        progress=progress,
    )
    local, rounds = unfolded(found.field)
    if rounds:
        logger.info("folds taken out in %d rounds", rounds)
    return LungTransform(local, matrix)


def _judge(
    fixed: LungImage,
    prior: ReducedLungs,
    forward: LungTransform,
    backward: LungTransform | None,
    total: Field,
    overlap: float,
    lobes: dict[str, np.ndarray],
) -> tuple[LungQuality, Volume]:
    """Return the report and the uncertainty map on the grid of ``fixed``."""
    affine = prior.on(fixed.grid, forward.matrix)
    index = np.moveaxis(fixed.grid.kji_from_ras(forward.local.targets_ras_mm()), -1, 0).astype(np.float32)
    warped, lung = (
        map_coordinates(part, index, order=1, mode="nearest") for part in (affine.image, affine.lung.astype(np.float32))
    )
    inside = fixed.lung & affine.valid
    likeness = local_correlation(fixed, warped)
    error = None if backward is None else inconsistency_mm(forward, backward, fixed.grid)
    uncertainty = uncertainty_map(fixed, likeness, error)
    measures = FieldMeasures.of(total, fixed.lung)
    length = np.linalg.norm(forward.local.displacement_ras_mm[fixed.lung], axis=-1)
    consistency = (
        {}
        if error is None
        else {
            "inverse_consistency_mean_mm": float(error[inside].mean()),
            "inverse_consistency_p95_mm": float(np.percentile(error[inside], 95)),
        }
    )
    quality = LungQuality(
        **vars(measures),
        similarity=float(likeness[inside].mean()),
        similarity_affine=float(local_correlation(fixed, affine.image)[inside].mean()),
        lung_dice=dice(fixed.lung & affine.valid, (lung > 0.5) & affine.valid),
        lung_dice_affine=dice(fixed.lung & affine.valid, affine.lung & affine.valid),
        overlap=overlap,
        mean_displacement_mm=float(length.mean()),
        max_displacement_mm=float(length.max()),
        uncertainty_mean_mm=float(uncertainty.array[inside].mean()),
        poor_percent=100.0 * float((uncertainty.array[inside] > POOR_MM).mean()),
        regions=region_quality(uncertainty, {name: mask & inside for name, mask in lobes.items()}),
        **consistency,
    )
    return quality, uncertainty


def _lobes(fixed: LungImage, current: Volume, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Masks of the lobes on the grid of ``fixed``."""
    index = np.rint(np.moveaxis(current.kji_from_ras(fixed.grid.centers_ras_mm()), -1, 0)).astype(np.int32)
    for axis, size in enumerate(labels.shape):
        np.clip(index[axis], 0, size - 1, out=index[axis])
    found = labels[tuple(index)]
    return {name: (found == label) & fixed.lung for label, name in LOBE_OF_LABEL.items()}


def _notes(prior: Volume, current: Volume, quality: LungQuality) -> tuple[str, ...]:
    """Sentences about what a person should know: order of dates, cropped scans, poor matches."""
    notes = []
    dates = prior.identity.study_date, current.identity.study_date
    if all(dates) and dates[0] > dates[1]:
        notes.append(
            f"The prior scan ({dates[0]}) is dated after the current one ({dates[1]}): the order may be swapped."
        )
    if quality.overlap < 0.95:
        notes.append(
            f"The prior scan shows only {100 * quality.overlap:.0f} % of the current lungs: the rest is not compared."
        )
    poor = [region for region in quality.regions if region.poor_percent > 25.0]
    if poor:
        named = ", ".join(f"{region.name} ({region.poor_percent:.0f} %)" for region in poor)
        notes.append(f"The match is poor in parts of {named}: differences there are not reported.")
    return tuple(notes)


def _require_torch() -> None:
    import importlib.util

    if importlib.util.find_spec("torch") is None:
        raise MissingDependencyError(
            'PyTorch is needed to register two scans: install it with pip install "thoraxai[learning]".'
        )
