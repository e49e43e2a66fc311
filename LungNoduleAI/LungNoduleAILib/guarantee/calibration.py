"""Calibration: a threshold with what is promised for it, tied to the detector and the scans it was made with."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ThoraxAILib.errors import InputError
from ThoraxAILib.statistics.risk_control import CRC
from ThoraxAILib.untrusted.plain_json import read_plain_json

SCHEMA = "thoraxai.calibration/1"
MAX_BYTES = 16 << 20
SHIPPED_WORD = "shipped"
SHIPPED = Path(__file__).with_name("shipped_calibration.json")  # Resources/ModelCards/lung_shipped_calibration.md


@dataclass(frozen=True)
class Stratum:
    """One group of scans with its own threshold, or the pooled one where its own cannot be promised (``pooled``).

    ``risk`` is the mean loss of its scans at its threshold; ``held`` the same when each scan is judged by a threshold
    that was made without it, ``held_error`` its standard error; ``risk_of_pooled`` the mean loss at the pooled
    threshold. ``pooled_breaks``: the pooled threshold loses more here than is promised, by more than two standard
    errors. ``false_marks_per_scan`` is None where no marks were given.
    """

    name: str
    scans: int
    threshold: float
    pooled: bool
    reason: str
    risk: float
    held: float
    held_error: float
    risk_of_pooled: float
    pooled_breaks: bool
    false_marks_per_scan: float | None = None


@dataclass(frozen=True)
class DetectorIdentity:
    """Which detector a calibration is for."""

    name: str
    fingerprint: str


@dataclass(frozen=True)
class Calibration:
    """A threshold for a detector; ``alpha`` is the promised mean loss, 1 - alpha the promised sensitivity.

    ``adjusted`` is what was held at or below alpha: the mean loss with the finite-sample term of CRC, or its upper
    confidence bound for RCPS (then ``delta`` is set). ``held`` is the mean loss of the scans when each is
    judged by a threshold made without it. ``groups`` names the column of the strata, empty without any;
    ``slice_range_mm`` the smallest and largest distance of slices among the scans, None where it is not known.
    """

    threshold: float
    alpha: float
    scans: int
    risk: float
    adjusted: float
    held: float
    held_error: float
    data_set: str = ""
    method: str = CRC
    bound: float = 1.0
    delta: float | None = None
    lifted: int = 0
    false_marks_per_scan: float | None = None
    detector: DetectorIdentity | None = None
    groups: str = ""
    strata: tuple[Stratum, ...] = ()
    slice_range_mm: tuple[float, float] | None = None

    def promise(self) -> str:
        """Say in one sentence what holds at the threshold."""
        scans = f" like those of {self.data_set}" if self.data_set else " like those of the calibration"
        sure = "" if self.delta is None else f", with a confidence of {1 - self.delta:.0%} in the calibration"
        marks = ""
        if self.false_marks_per_scan is not None:
            marks = f" Expected false marks per scan: {self.false_marks_per_scan:.2g}."
        return (
            f"At least {1 - self.alpha:.0%} of the nodules of a scan are found at a threshold of {self.threshold:.3g}, "
            f"on average over scans{scans} ({self.scans} scans{sure}).{marks}"
        )

    def to_dict(self) -> dict:
        """Return the content of calibration.json."""
        content = {"schema": SCHEMA, **asdict(self)}
        content["strata"] = [asdict(stratum) for stratum in self.strata]
        content["promise"] = self.promise()
        return content

    @classmethod
    def from_dict(cls, content: dict) -> Calibration:
        """Return what ``to_dict`` gave; raises KeyError, TypeError, ValueError for anything else."""
        if content["schema"] != SCHEMA:
            raise ValueError("another schema")
        plain = {one.name: content[one.name] for one in fields(cls)}
        detector = plain.pop("detector")
        plain["strata"] = tuple(Stratum(**stratum) for stratum in plain.pop("strata"))
        slices = plain.pop("slice_range_mm")
        plain["slice_range_mm"] = None if slices is None else (float(slices[0]), float(slices[1]))
        found = cls(detector=None if detector is None else DetectorIdentity(**detector), **plain)
        numbers = [found.threshold, found.alpha, *(stratum.threshold for stratum in found.strata)]
        if not all(isinstance(value, (int, float)) and math.isfinite(value) for value in numbers):
            raise ValueError("a threshold that is no number")
        return found


def calibration_file(asked: Path) -> Path:
    """Return the file of a calibration: the one that comes with the suite for the word "shipped"."""
    return SHIPPED if str(asked) == SHIPPED_WORD else asked


def read_calibration(asked: Path) -> Calibration:
    """Read a calibration, or the shipped one for the word "shipped"; raises InputError for anything else."""
    path = calibration_file(asked)
    try:
        return Calibration.from_dict(read_plain_json(path, largest_bytes=MAX_BYTES))
    except FileNotFoundError:
        raise InputError(f"There is no calibration '{path.name}': make one with thoraxai lung calibrate.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(
            f"'{path.name}' is no calibration of this version: make one with thoraxai lung calibrate."
        ) from None
