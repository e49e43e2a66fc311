"""What a person can choose for one follow-up; shared by panel, command line and tests."""

from __future__ import annotations

from dataclasses import InitVar, asdict, dataclass, field

from LungNoduleAILib.model.links import LinkDecision
from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.errors import InputError


@dataclass(frozen=True)
class FollowUpOptions:
    """Options of a follow-up of two or more chest CTs.

    ``days`` stands in for missing study dates (two scans only); ``decisions`` are the reader's links between the last
    two dates; ``measure_again`` looks for each unmatched nodule at its place on the other date. ``reidentifier`` is the
    name of an engine; "auto" is the first that can run, and "none" when detector and anatomy both are classical.
    ``network`` False is the older way to say "none"; it is no field of its own.
    """

    analysis: AnalysisOptions = field(default_factory=AnalysisOptions)
    registration: bool = True
    network: InitVar[bool] = True
    measure_again: bool = True
    days: int | None = None
    decisions: tuple[LinkDecision, ...] = ()
    reidentifier: str = "auto"

    def __post_init__(self, network: bool) -> None:
        if not network:
            object.__setattr__(self, "reidentifier", "none")
        if self.days is not None and self.days < 0:
            raise InputError(
                f"The days between the scans cannot be negative, {self.days} was given: name the prior scan first."
            )

    def to_dict(self) -> dict:
        """The options as they are written to run.json."""
        return asdict(self)
