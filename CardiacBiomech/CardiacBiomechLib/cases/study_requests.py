"""What ``thoraxai cardiac analyze`` is asked, as a person types it and as panel and batch ask it of a child process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from CardiacBiomechLib.analysis.study_options import StudyOptions
from CardiacBiomechLib.model.person import Person
from CardiacBiomechLib.motion.engines import NAMES as MOTION_NAMES
from CardiacBiomechLib.motion.presets import PRESETS
from ThoraxAILib.errors import InputError
from ThoraxAILib.networks.device import DEVICES
from ThoraxAILib.options import Options, option
from ThoraxAILib.options.shard import shard_numbers

ANALYZE = ("cardiac", "analyze")
STUDY = "exam: folder or archive of DICOM files, ACDC folder, 4-D NIfTI, MetaImage or NRRD file"
SCENE_WORDS = ("auto", "none")


@dataclass(frozen=True)
class EnginesOfStudy(Options):
    """Which engines label the frames and follow the wall, and where their networks run."""

    segmenter: str = option("auto", "what labels the frames when no labels are given", metavar="NAME")
    segmenter_weights: Path | None = option(None, "weights of your own for the segmenter", metavar="FILE")
    motion: str = option("instance", "what follows the wall", label="motion engine", metavar="|".join(MOTION_NAMES))
    preset: str = option("study", "what the motion is to be best at", choices=tuple(PRESETS))
    threads: int | None = option(None, "processor threads", label="number of threads", at_least=1)
    device: str = option("auto", "where networks run", choices=DEVICES)


@dataclass(frozen=True)
class AnalyzeStudyRequest(Options):
    """One study or several, how to analyze them, and where the results go."""

    inputs: tuple[Path, ...] = option(help=STUDY, positional=True, metavar="STUDY")
    output: Path = option(help="folder for the results", metavar="DIR")
    label: Path | None = option(None, "labels of one frame or of every frame, instead of a segmenter", metavar="FILE")
    frame: int = option(1, "which frame the labels belong to", at_least=1)
    readers_labels: bool = option(False, "use the labels of an ACDC folder instead of a segmenter")
    options: StudyOptions = option(factory=StudyOptions)
    person: Person = option(factory=Person)
    engines: EnginesOfStudy = option(factory=EnginesOfStudy)
    diagnosis: bool = option(True, "leave out the diagnosis")
    diagnosis_model: Path | None = option(
        None, "folder of a trained diagnosis; without it the one trained on synthetic hearts", metavar="DIR"
    )
    with_scene: bool = option(True, "none: no Slicer scene", flag="--scene", label="scene", words=SCENE_WORDS)
    with_dicom: bool = option(False, "also DICOM results of a DICOM exam: SEG of the heart, SR", flag="--dicom")
    jobs: int = option(1, "studies worked on at the same time", label="number of jobs", at_least=1)
    resume: bool = option(False, "skip studies that were analyzed before in the same way")
    shard: str | None = option(None, "only every Nth study, from the Ith on: for several machines", metavar="I/N")
    series: tuple[int, ...] = option(
        (), "series numbers among which the short-axis cine is, as cardiac series lists them", metavar="N[,N]"
    )
    persons: Path | None = option(
        None, "CSV of the persons: a column study, and height_cm, weight_kg, sex as for one person", metavar="CSV"
    )

    def asked(self) -> str:
        """Return what decides about a result, apart from the files of the study: equal texts ask for the same."""
        alone = replace(
            self, inputs=(Path("study"),), output=Path("result"), persons=None, jobs=1, resume=False, shard=None
        )
        return "\0".join(alone.to_argv())

    def __post_init__(self) -> None:
        super().__post_init__()
        shard_numbers(self.shard)
        if self.series and len(self.inputs) > 1:
            raise InputError("--series belongs to one study, several were given: analyze them one by one.")
        if self.label is not None and len(self.inputs) > 1:
            raise InputError("--label belongs to one study, several were given: analyze them one by one.")
