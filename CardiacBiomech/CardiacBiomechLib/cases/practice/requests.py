"""What ``thoraxai cardiac practice`` is asked, as a person types it and as the panel asks it of a child process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from CardiacBiomechLib.practice.reading import Reading
from CardiacBiomechLib.synthesis.groups import GROUPS
from ThoraxAILib.errors import InputError
from ThoraxAILib.options import Options, option
from ThoraxAILib.practice.score_book import DIFFICULTIES

PRACTICE = ("cardiac", "practice")


@dataclass(frozen=True)
class PracticeRequest(Options):
    """Which practice case; with a reading it is scored instead of written."""

    output: Path = option(help="folder for the cine, and later the score", metavar="DIR")
    seed: int | None = option(
        None, "which case; without it the open one of --progress, else the next one", metavar="N", at_least=1
    )
    difficulty: str = option("medium", "how hard the images are to read", choices=DIFFICULTIES)
    cases: Path | None = option(
        None, "patients of ACDC with readers' labels, instead of synthetic hearts", label="folder of cases",
        metavar="FOLDER",
    )  # fmt: skip
    ed_frame: int | None = option(None, "your end-diastole: with the other three it locks and scores", at_least=1)
    es_frame: int | None = option(None, "your end-systole", at_least=1)
    ef_percent: float | None = option(
        None, "your ejection fraction of the LV", label="ejection fraction", unit="%", at_least=0, at_most=100
    )
    diagnosis: str | None = option(None, "your diagnosis", choices=tuple(GROUPS))
    seconds: float | None = option(None, "how long the reading took", metavar="S", at_least=0.0)
    analyze: bool = option(False, "with a reading: let the software read the case too, and say why it answers so")
    model: Path | None = option(
        None, "diagnosis the software takes; without it the one trained on synthetic hearts", metavar="DIR"
    )
    progress: Path | None = option(None, "file that keeps the scores; a CSV lies beside it", metavar="JSON")

    @property
    def reading(self) -> Reading | None:
        """What was read, None where a case is asked for; raises InputError for half a reading."""
        told = (self.ed_frame, self.es_frame, self.ef_percent, self.diagnosis)
        if all(one is None for one in told):
            return None
        if self.ed_frame is None or self.es_frame is None or self.ef_percent is None or self.diagnosis is None:
            raise InputError(
                "A reading is --ed-frame, --es-frame, --ef-percent and --diagnosis together: give all four, or none to "
                "get a case."
            )
        return Reading(self.ed_frame, self.es_frame, self.ef_percent, self.diagnosis)
