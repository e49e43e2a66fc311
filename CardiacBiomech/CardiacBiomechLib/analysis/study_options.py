"""How a cine exam is analyzed; shared by command, Python and panel."""

from __future__ import annotations

from dataclasses import dataclass

from CardiacBiomechLib.model.heart_labels import LABEL_CHOICE, label_mapping
from ThoraxAILib.errors import InputError
from ThoraxAILib.options import Options, option

SEPTA = ("auto", "usual")
REGIONS = ("sectors", "aha")


@dataclass(frozen=True)
class StudyOptions(Options):
    """Which frames are end-diastole and end-systole, how labels are numbered, and what is measured."""

    order: str = option(
        "auto", "which value of given labels is which part", flag="--labels", label="label order", metavar=LABEL_CHOICE
    )
    ed_frame: int | None = option(None, "end-diastole; without it the frame of the largest cavity", at_least=1)
    es_frame: int | None = option(None, "end-systole; without it the frame of the smallest cavity", at_least=1)
    strain: bool = option(True, "leave out strain of the wall, which takes most of the time")
    long_axis: bool = option(True, "leave out long-axis views of the exam", label="long-axis views")
    regions: str = option("sectors", "of the wall, whose features a diagnosis learns from", choices=REGIONS)
    septum_degrees: float = option(
        0.0, "turn the segments from the found middle of the septum towards anterior", unit="degrees",
        at_least=-180, at_most=180,
    )  # fmt: skip

    anterior_insertion_ras_mm: tuple[float, float, float] | None = option(
        None, "where the right ventricle meets the wall in front; both points or none", metavar="R,A,S"
    )
    inferior_insertion_ras_mm: tuple[float, float, float] | None = option(
        None, "where the right ventricle meets the wall below; both points or none", metavar="R,A,S"
    )

    @property
    def insertions_ras_mm(self) -> tuple[tuple[float, float, float], tuple[float, float, float]] | None:
        """The anterior and the inferior insertion of the right ventricle, None when they are to be found."""
        if self.anterior_insertion_ras_mm is None or self.inferior_insertion_ras_mm is None:
            return None
        return self.anterior_insertion_ras_mm, self.inferior_insertion_ras_mm

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.anterior_insertion_ras_mm is None) != (self.inferior_insertion_ras_mm is None):
            raise InputError("One insertion point of the right ventricle was given: give both or none.")
        label_mapping(self.order)
