"""What the commands that score against the truth are asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.errors import InputError
from ThoraxAILib.networks.device import DEVICES
from ThoraxAILib.options import Options, option
from ThoraxAILib.statistics.froc import RESAMPLES
from ThoraxAILib.statistics.overlap import TOLERANCE_MM

SEGMENTATION_SCORES_FILE = "segmentation.json"
NODULE_FILES = ("nodules.json", "nodules.csv", "nodules.png")
PARTS = ("test", "validation", "train", "all")
PADDINGS = ("removed", "edge")
NODULE_RESAMPLES = 1000


@dataclass(frozen=True)
class FrocRequest(Options):
    """Whose marks to score (a table or folders of analyses, one of the two), against which nodules."""

    annotations: Path = option(
        help="nodules: seriesuid,coordX,coordY,coordZ,diameter_mm and, if known, type", metavar="CSV"
    )
    output: Path = option(help="folder for froc.json, froc.csv and froc.png", metavar="DIR")
    detections: Path | None = option(
        None, "marks: seriesuid,coordX,coordY,coordZ,probability (LPS mm); this or --findings", metavar="CSV"
    )
    findings: tuple[Path, ...] = option(
        (),
        "output folders of thoraxai lung analyze; --threshold 0 there gives the whole curve; this or --detections",
        metavar="DIR",
    )
    excluded: Path | None = option(None, "findings whose marks are ignored, same columns", metavar="CSV")
    series: Path | None = option(None, "one series UID per line (default with --findings: theirs)", metavar="CSV")
    threshold: float | None = option(None, "also tell sensitivity and false positives from this score on")
    trained_on: tuple[str, ...] = option(
        (),
        "scans that trained the detector: a file of series UIDs, or the name of a published model; a score with them "
        "is refused",
        metavar="FILE|MODEL",
    )
    with_training_scans: bool = option(False, "score them all the same; froc.json then says that it is not clean")
    resamples: int = option(RESAMPLES, "of the interval", at_least=1)
    seed: int = option(0, "of the interval", at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.detections is None) == (not self.findings):
            raise InputError("Either --detections or --findings must be given: name the marks to score.")


@dataclass(frozen=True)
class SegmentationScoresRequest(Options):
    """Which label map to score, against which."""

    result: Path = option(help="label map to judge", metavar="FILE")
    reference: Path = option(help="label map taken as true, on the same grid", metavar="FILE")
    output: Path = option(help=f"folder for {SEGMENTATION_SCORES_FILE}", metavar="DIR")
    labels: tuple[int, ...] = option(
        (), "labels to compare (default: all that occur)", flag="--label", label="label", at_least=1
    )
    tolerance_mm: float = option(TOLERANCE_MM, "of the surface distance", flag="--tolerance", unit="mm", at_least=0)


@dataclass(frozen=True)
class NodulesRequest(Options):
    """Which nodules with readers' outlines to outline, type and judge, and the folder for the scores."""

    folder: Path = option(help="table.csv and one npz per nodule, as of LIDC-IDRI", positional=True, metavar="DIR")
    output: Path = option(help=f"folder for {', '.join(NODULE_FILES)}", metavar="DIR")
    part: str = option("test", "people: only those of test were never trained or tuned on", choices=PARTS)
    padding: str = option(
        "removed", "what lies beyond the slices with the nodule: lung in its place, or the edge again", choices=PADDINGS
    )
    resamples: int = option(NODULE_RESAMPLES, "of the intervals over people", at_least=1)
    seed: int = option(0, "of padding, random clicks and intervals", at_least=0)
    device: str = option("auto", "where the network runs", choices=DEVICES)
