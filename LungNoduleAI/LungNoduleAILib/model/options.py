"""What a person can choose for one analysis; shared by panel, command line and tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.errors import InputError
from ThoraxAILib.networks.device import DEVICES
from ThoraxAILib.options import Options, option

LUNG_FILTERS = ("mm", "jrc")
MAX_SCORE, MEAN_SCORE, VOLUME_SCORE = "max", "mean", "volume"  # of a segmented nodule, see published/components.py


@dataclass(frozen=True)
class AnalysisOptions(Options):
    """Options of one chest CT analysis.

    ``threshold`` is the least confidence (0..1) of a reported finding; None takes the detector's own operating point,
    or the threshold of ``calibration``, a file of ``thoraxai lung calibrate`` for the detector that runs.
    ``anatomy``, ``detector`` and ``delineator`` are names of engines; "auto" is the first that can run, and for the
    delineator "classical" when detector and anatomy both are: then no network takes part. ``calibration`` may be the
    word "shipped" for the one that comes with the suite. ``detector_weights`` and ``detector_score`` belong to
    detectors that are a model of one's own, such as "nnunet".
    """

    detector: str = option("auto", "what finds nodules, see thoraxai lung detectors", metavar="NAME")
    threshold: float | None = option(
        None,
        "least confidence of a finding, 0 to 1 (default: the detector's)",
        metavar="X",
        at_least=0.0,
        at_most=1.0,
        advice="choose e.g. 0.5",
    )
    device: str = option("auto", "where learned models run", choices=DEVICES)
    lung_margin_mm: float = option(
        5.0,
        "how far outside the lungs a nodule may lie and still be reported",
        flag="--lung-margin",
        unit="mm",
        at_least=0.0,
        at_most=50.0,
    )
    lung_filter: str = option(
        "mm",
        "how a candidate is judged to lie near the lungs: mm, or jrc, the voxel rule of the report's study for "
        "comparison",
        flag="--filter",
        choices=LUNG_FILTERS,
    )
    anatomy: str = option("auto", "what finds lungs and lobes", metavar="NAME")
    delineator: str = option("auto", "what outlines nodules", metavar="auto|learned|classical")
    calibration: Path | None = option(
        None,
        "take the threshold that keeps a promise, from thoraxai lung calibrate, or the word shipped for the one made "
        "on synthetic chests; not with --threshold",
        metavar="FILE|shipped",
    )
    detector_weights: Path | None = option(
        None, "folder of a model of your own, for detectors that take one (nnunet)", metavar="DIR"
    )
    detector_score: str = option(
        MAX_SCORE,
        "how a segmented nodule is scored: its largest probability, the mean, or the mean weighted by volume",
        choices=(MAX_SCORE, MEAN_SCORE, VOLUME_SCORE),
    )

    def __post_init__(self) -> None:
        for name in ("calibration", "detector_weights"):
            if isinstance(getattr(self, name), str):  # a script may say where in a text
                object.__setattr__(self, name, Path(getattr(self, name)))
        super().__post_init__()
        if self.calibration is not None and self.threshold is not None:
            raise InputError(
                "A threshold and a calibration were given: leave out one, the calibration sets a threshold."
            )

    def recorded(self) -> dict:
        """Return the options as they are recorded; a model of one's own by its name, since a path may name a person."""
        weights = self.detector_weights
        return {**self.to_dict(), "detector_weights": None if weights is None else weights.name}
