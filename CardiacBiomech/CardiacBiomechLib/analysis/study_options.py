"""How a cine exam is analyzed; shared by command, Python and panel."""

from __future__ import annotations

from dataclasses import dataclass

from CardiacBiomechLib.model.heart_labels import LABEL_CHOICE, label_mapping
from ThoraxAILib.options import Options, option

SEPTA = ("auto", "usual")


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
    septum_degrees: float = option(
        0.0, "turn the segments from the found middle of the septum towards anterior", unit="degrees",
        at_least=-180, at_most=180,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        label_mapping(self.order)
