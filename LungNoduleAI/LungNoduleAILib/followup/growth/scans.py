"""The scans of a follow-up before anything is computed: enough of them, different ones, in order of their dates."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from LungNoduleAILib.followup.growth.assessment import ScanContext, days_between, scan_differences
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume


def check_scans(volumes: Sequence[Volume], days: int | None) -> None:
    """Raise InputError for a single scan, the same scan twice, reversed dates, or ``days`` that cannot be used."""
    if len(volumes) < 2:
        raise InputError(f"A follow-up needs at least two scans, {len(volumes)} was given: name the prior first.")
    if days is not None and len(volumes) > 2:
        raise InputError(
            f"The number of days can be given for two scans only, here are {len(volumes)}: their study dates are used."
        )
    for number, (prior, current) in enumerate(pairwise(volumes), start=1):
        gap = days_between(prior.identity.study_date, current.identity.study_date)
        if gap is not None and gap < 0:
            raise InputError(
                f"Scan {number} is dated {-gap} days after scan {number + 1}: name the scans from the "
                "oldest to the newest."
            )
    for first in range(len(volumes)):
        for second in range(first + 1, len(volumes)):
            if _same(volumes[first], volumes[second]):
                raise InputError(f"Scans {first + 1} and {second + 1} are the same images: name different dates.")


def interval_days(prior: Volume, current: Volume, days: int | None) -> int | None:
    """Days between two scans: as given, else from the study dates; None when a date is missing."""
    return days if days is not None else days_between(prior.identity.study_date, current.identity.study_date)


def interval_warnings(prior: Volume, current: Volume, days: int | None) -> tuple[str, ...]:
    """Sentences on missing dates and on scans that were not made alike."""
    told = list(scan_differences(ScanContext.of(prior), ScanContext.of(current)))
    if days is None:
        told.append(
            "A study date is missing: changes are told, doubling times are not. Give the days between the "
            "scans to have them."
        )
    elif days == 0:
        told.append("Both scans are of the same day: differences in size are differences of measurement.")
    return tuple(told)


def _same(one: Volume, other: Volume) -> bool:
    if one.array.shape != other.array.shape or not np.allclose(one.ijk_to_ras, other.ijk_to_ras):
        return False
    return bool(np.array_equal(one.array, other.array))
