"""What the cardiac commands are asked, as a person types it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from CardiacBiomechLib.analysis.carry import AUTO, GUIDES
from CardiacBiomechLib.analysis.track import TrackOptions
from CardiacBiomechLib.model.heart_labels import LABEL_CHOICE, label_mapping
from CardiacBiomechLib.motion.engines import EngineOptions, LabelEngineOptions
from CardiacBiomechLib.segmentation.engines import SegmenterOptions
from CardiacBiomechLib.synthesis.files import PhantomRequest
from CardiacBiomechLib.training.options import SegmentationTrainingOptions, TrainingOptions
from ThoraxAILib.errors import InputError
from ThoraxAILib.options import Options, option
from ThoraxAILib.registration.cascade.settings import CascadeSettings

FIELD = (
    "field as .nrrd, .nii.gz, .mha, .h5 or .tfm: it takes a point of FIXED_IMAGE to its place in MOVING_IMAGE (that of "
    "analyze and track a point of the first frame to its place in another); opens in Slicer as a grid transform"
)
REPORT = "quality of the field, volumes, ejection fraction"
GUIDE = "whether a segmenter that sees both frames helps: auto helps where it agrees with the labels"
LABELS = "which value is which part; values are kept as they are"


@dataclass(frozen=True)
class TrackRequest(Options):
    """Which cine and labels, how to carry them, and where the results go; a second labeled frame scores them."""

    cine: Path = option(positional=True, metavar="CINE")
    label: Path = option(help="labels of one frame; a 4-D file: its frame N", positional=True, metavar="LABEL")
    output: Path = option(help="folder for the results", metavar="DIR")
    frame: int = option(1, "which frame LABEL belongs to")
    options: TrackOptions = option(factory=TrackOptions)
    score_label: Path | None = option(None, "true labels of another frame, to score with", metavar="LABEL")
    score_frame: int | None = option(None, "which frame --score-label belongs to")
    engine: EngineOptions = option(factory=EngineOptions)

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.score_label is None) != (self.score_frame is None):
            raise InputError("--score-label and --score-frame belong together: give both or neither.")


@dataclass(frozen=True)
class PropagateRequest(Options):
    """Which frames and labels, by which engine, and which files to write."""

    moving_image: Path = option(positional=True, metavar="MOVING_IMAGE")
    moving_label: Path = option(positional=True, metavar="MOVING_LABEL")
    fixed_image: Path = option(positional=True, metavar="FIXED_IMAGE")
    output: Path = option(help="labels of the fixed image", metavar="LABEL")
    labels: str = option("auto", LABELS, label="label order", metavar=LABEL_CHOICE)
    engine: LabelEngineOptions = option(factory=LabelEngineOptions)
    guide: str = option(AUTO, GUIDE, choices=GUIDES)
    segmenter: SegmenterOptions = option(factory=SegmenterOptions)
    field: Path | None = option(None, FIELD, metavar="FILE")
    report: Path | None = option(None, REPORT, metavar="JSON")

    def __post_init__(self) -> None:
        super().__post_init__()
        label_mapping(self.labels)


@dataclass(frozen=True)
class SegmentRequest(Options):
    """Which cine or frame, by which segmenter, and which files to write."""

    image: Path = option(help="a cine, or one frame", positional=True, metavar="IMAGE")
    output: Path = option(help="labels of the frames: 1 RV, 2 wall of the LV, 3 LV", metavar="LABELS")
    frame: int | None = option(None, "only this frame (counted from 1)", at_least=1)
    segmenter: SegmenterOptions = option(factory=SegmenterOptions)
    report: Path | None = option(None, "volumes of every frame, what segmented it", metavar="JSON")


@dataclass(frozen=True)
class RegisterRequest(Options):
    """Which frames, by which engine, and which files to write: at least one."""

    moving_image: Path = option(positional=True, metavar="MOVING_IMAGE")
    fixed_image: Path = option(positional=True, metavar="FIXED_IMAGE")
    output: Path | None = option(None, "the moving image as the fixed one sees it", metavar="IMAGE")
    engine: EngineOptions = option(factory=EngineOptions)
    field: Path | None = option(None, FIELD, metavar="FILE")
    report: Path | None = option(None, REPORT, metavar="JSON")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output is None and self.field is None and self.report is None:
            raise InputError("Nothing would be written: name at least one of --output, --field and --report.")


@dataclass(frozen=True)
class PhantomFilesRequest(Options):
    """Which phantom cine to write, and where."""

    output: Path = option(help="new folder for images, labels, fields and truth.json", metavar="DIR")
    phantom: PhantomRequest = option(factory=PhantomRequest)


@dataclass(frozen=True)
class TrainRegistrationRequest(Options):
    """Which cascade to train, how, and where phantoms, checkpoint and weights go."""

    output: Path = option(help="phantoms, checkpoint and weights", metavar="DIR")
    options: TrainingOptions = option(factory=TrainingOptions)
    settings: CascadeSettings = option(factory=CascadeSettings)


@dataclass(frozen=True)
class TrainSegmentationRequest(Options):
    """How to train the segmentation network, and where scenes, checkpoint and weights go."""

    output: Path = option(help="scenes, checkpoint and weights", metavar="DIR")
    options: SegmentationTrainingOptions = option(factory=SegmentationTrainingOptions)
