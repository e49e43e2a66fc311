"""What a person can choose for one follow-up; shared by panel, command line and tests."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from LungNoduleAILib.model.links import LinkDecision
from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.errors import InputError


@dataclass(frozen=True)
class FollowUpOptions:
    """Options of a follow-up of two or more chest CTs.

    ``days`` stands in for missing study dates (two scans only); ``decisions`` are the reader's links between the last
    two dates; ``measure_again`` looks for each unmatched nodule at its place on the other date.
    """

    analysis: AnalysisOptions = field(default_factory=AnalysisOptions)
    registration: bool = True
    network: bool = True
    measure_again: bool = True
    days: int | None = None
    decisions: tuple[LinkDecision, ...] = ()

    def __post_init__(self) -> None:
        if self.days is not None and self.days < 0:
            raise InputError(
                f"The days between the scans cannot be negative, {self.days} was given: name the prior scan first."
            )

    def to_dict(self) -> dict:
        """The options as they are written to run.json."""
        return asdict(self)
