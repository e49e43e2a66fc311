"""The threshold that a calibration gives for one scan, and what is said about it."""

from __future__ import annotations

from dataclasses import dataclass

from LungNoduleAILib.guarantee.calibration import Calibration, DetectorIdentity
from LungNoduleAILib.guarantee.loss_tables import KERNEL, SLICES, slice_band
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume

TOLERANCE_MM = 0.05


@dataclass(frozen=True)
class OperatingThreshold:
    """A threshold, why it is that one, and a warning where the scan is unlike those of the calibration."""

    threshold: float
    reason: str
    warning: str = ""


def operating_threshold(calibration: Calibration, detector: DetectorIdentity, volume: Volume) -> OperatingThreshold:
    """Return the threshold of the scan's stratum, else the pooled one.

    Raises InputError for a calibration of another detector: its promise would be void.
    """
    check_detector(calibration, detector)
    slice_mm = slice_distance_mm(volume)
    threshold, which = _of_stratum(calibration, volume, slice_mm)
    lost = 1 - calibration.alpha
    name = calibration.data_set or "the calibration"
    reason = f"promises to find {lost:.0%} of the nodules on average over scans like those of {name}{which}"
    return OperatingThreshold(threshold, reason, _warning(calibration, slice_mm))


def check_detector(calibration: Calibration, detector: DetectorIdentity) -> None:
    """Raise InputError when the calibration is not for this detector."""
    made_for = calibration.detector
    if made_for is None:
        raise InputError(
            "The calibration is not tied to a detector, so nothing is promised: calibrate again with --detector."
        )
    if made_for != detector:
        raise InputError(
            f"The calibration was made for the detector {made_for.name} ({made_for.fingerprint}), this analysis runs "
            f"{detector.name} ({detector.fingerprint}): calibrate that one, or choose the other."
        )


def slice_distance_mm(volume: Volume) -> float:
    """Return the spacing along the axis that runs closest to head-foot, mm."""
    order = volume.axis_order_to_lps()
    return float(order.apply(volume).spacing_ijk_mm[2])


def _of_stratum(calibration: Calibration, volume: Volume, slice_mm: float) -> tuple[float, str]:
    if not calibration.groups:
        return calibration.threshold, ""
    known = {SLICES: slice_band(slice_mm), KERNEL: volume.identity.kernel}
    name = known.get(calibration.groups, "")
    for stratum in calibration.strata:
        if name and stratum.name == name:
            own = "pooled threshold: " + stratum.reason if stratum.pooled else f"{calibration.groups} {name}"
            return stratum.threshold, f" ({own})"
    return calibration.threshold, f" (pooled threshold: the {calibration.groups} of this scan is not known)"


def _warning(calibration: Calibration, slice_mm: float) -> str:
    if calibration.slice_range_mm is None:
        return ""
    low, high = calibration.slice_range_mm
    if low - TOLERANCE_MM <= slice_mm <= high + TOLERANCE_MM:
        return ""
    return (
        f"The scan has slices every {slice_mm:.3g} mm, those of the calibration every {low:.3g} to {high:.3g} mm: its "
        "promise does not hold here."
    )
