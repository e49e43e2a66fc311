"""What a person can choose for one analysis; shared by panel, command line and tests."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ThoraxAILib.errors import InputError
from ThoraxAILib.networks.device import check_device


@dataclass(frozen=True)
class AnalysisOptions:
    """Options of one chest CT analysis.

    ``threshold`` is the least confidence (0..1) of a reported finding; None takes the detector's own operating point.
    ``anatomy``, ``detector`` and ``delineator`` are names of engines; "auto" is the first that can run, and for the
    delineator "classical" when detector and anatomy both are: then no network takes part.
    """

    detector: str = "auto"
    threshold: float | None = None
    device: str = "auto"
    lung_margin_mm: float = 5.0
    anatomy: str = "auto"
    delineator: str = "auto"

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0.0 <= self.threshold <= 1.0:
            raise InputError(f"The threshold must lie between 0 and 1, {self.threshold:g} was given: choose e.g. 0.5.")
        check_device(self.device)
        if not 0.0 <= self.lung_margin_mm <= 50.0:
            raise InputError(f"The lung margin must lie between 0 and 50 mm, {self.lung_margin_mm:g} was given.")

    def to_dict(self) -> dict:
        """The options as they are written to run.json."""
        return asdict(self)
