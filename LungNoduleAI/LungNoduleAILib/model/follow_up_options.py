"""What a person can choose for one follow-up; shared by panel, command line and tests."""

from __future__ import annotations

from dataclasses import dataclass

from LungNoduleAILib.model.links import LinkDecision
from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.errors import InputError
from ThoraxAILib.options import Options, option


@dataclass(frozen=True)
class FollowUpOptions(Options):
    """Options of a follow-up of two or more chest CTs.

    ``days`` stands in for missing study dates (two scans only); ``decisions`` are the reader's links between the last
    two dates; ``measure_again`` looks for each unmatched nodule at its place on the other date. ``reidentifier`` is the
    name of an engine; "auto" is the first that can run, and "none" when detector and anatomy both are classical.
    ``network`` False is the older way to say "none".
    """

    analysis: AnalysisOptions = option(factory=AnalysisOptions)
    registration: bool = option(True, "match by the network alone; no difference map")
    network: bool = option(True, "match by registration and position alone")
    measure_again: bool = option(True, "leave unmatched nodules unmatched, without a look at their place")
    days: int | None = option(None, "days between two scans whose study dates are missing")
    decisions: tuple[LinkDecision, ...] = option(
        (),
        "the reader's word on pairs of the last two dates, see also --links",
        flag="--link",
        label="link",
        metavar="PRIOR_ID,CURRENT_ID,link|unlink",
    )
    reidentifier: str = option("auto", "what knows a nodule again by its look", metavar="auto|siamese|none")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.days is not None and self.days < 0:
            raise InputError(
                f"The days between the scans cannot be negative, {self.days} was given: name the prior scan first."
            )

    def recorded(self) -> dict:
        """Return the options as they are recorded, see AnalysisOptions."""
        return {**self.to_dict(), "analysis": self.analysis.recorded()}
