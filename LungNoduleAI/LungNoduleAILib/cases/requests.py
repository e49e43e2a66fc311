"""What a command is asked, as a person types it and as panel and batch ask it of a child process."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.model.files import LABEL_MAP_FILES
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.model.registration_options import LungRegistrationOptions
from LungNoduleAILib.model.reviewed import ReviewedScan
from ThoraxAILib.errors import InputError
from ThoraxAILib.io import Case
from ThoraxAILib.networks.device import DEVICES
from ThoraxAILib.options import Options, option
from ThoraxAILib.options.shard import shard_numbers

ANALYZE, FOLLOW_UP, REGISTER, PHANTOM, PRACTICE, EXPLAIN = (
    ("lung", name) for name in ("analyze", "follow-up", "register", "phantom", "practice", "explain")
)
IMAGE = "DICOM folder, NRRD, NIfTI or MetaImage file"
SCENE_WORDS = ("auto", "none")
NO_LABEL_MAP = "none"
PHANTOM_SETTINGS = ("schematic", "training", "held-out")
MAX_NODULE_MM = 200.0  # the patch around a larger one fills the memory


@dataclass(frozen=True)
class CaseRequest:
    """What to analyze, how, and where the results go; ``with_scene`` False writes arrays instead of MRML files."""

    case: Case
    output: Path
    options: AnalysisOptions
    with_scene: bool = True
    with_dicom: bool = False
    dicom_label_maps: bool = False
    label_map: str = NO_LABEL_MAP
    resume: bool = False
    person: PersonAndExam = field(default_factory=PersonAndExam)

    def for_command(self) -> AnalyzeRequest:
        """Return the same, asked of ``thoraxai lung analyze`` in another process."""
        return AnalyzeRequest(
            inputs=(self.case.path,), output=self.output, series=self.case.selection, **_how(self, AnalyzeRequest)
        )


@dataclass(frozen=True)
class AnalyzeRequest(Options):
    """``thoraxai lung analyze``: one or more cases; every field that CaseRequest has too is meant for each of them."""

    inputs: tuple[Path, ...] = option(help=IMAGE, positional=True, metavar="INPUT")
    output: Path = option(help="folder for the results", metavar="DIR")
    options: AnalysisOptions = option(factory=AnalysisOptions)
    jobs: int = option(1, "cases worked on at the same time", label="number of jobs", at_least=1)
    resume: bool = option(False, "skip cases that were analyzed before in the same way")
    series: str | None = option(None, "which series of the input, see thoraxai lung series", metavar="UID")
    with_scene: bool = option(
        True, "none: arrays.npz instead of Slicer files", flag="--scene", label="scene", words=SCENE_WORDS
    )
    with_dicom: bool = option(
        False,
        "also write DICOM segmentations (SEG) and a measurement report (SR) of the series",
        flag="--dicom",
    )
    dicom_label_maps: bool = option(
        False, "with --dicom: SEG as label maps where no segments overlap (smaller, but read by few viewers yet)"
    )
    label_map: str = option(
        NO_LABEL_MAP,
        "also write lungs, lobes, airways and nodules as one label map of one layer (labels.nrrd, labels.nii.gz), with "
        "the table of its values, labels.csv",
        choices=(NO_LABEL_MAP, *LABEL_MAP_FILES),
        label="label map",
    )
    persons: Path | None = option(
        None, "CSV of the persons: a column case, and exam, age, sex, ... as for one person", metavar="CSV"
    )
    shard: str | None = option(None, "only every Nth case, from the Ith on: for several machines", metavar="I/N")
    person: PersonAndExam = option(
        factory=PersonAndExam, group="for the guidelines in the report (none is asked without --exam or --age)"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.shard_numbers()
        if self.series is not None and len(self.inputs) != 1:
            raise InputError(
                f"--series chooses within one input, {len(self.inputs)} were given: analyze them one by one."
            )

    def shard_numbers(self) -> tuple[int, int]:
        """Return which part of how many parts of the cases is asked for, (1, 1) for all; raises InputError."""
        return shard_numbers(self.shard)

    def for_case(self, case: Case, output: Path) -> CaseRequest:
        """Return what is asked of one of the cases."""
        return CaseRequest(case=case, output=output, **_how(self, CaseRequest))


def _how(asked: object, wanted: type) -> dict[str, Any]:
    """Return what both classes know, but for the place of the results: how a case is to be analyzed."""
    shared = {field.name for field in fields(CaseRequest)} & {field.name for field in fields(AnalyzeRequest)}
    return {field.name: getattr(asked, field.name) for field in fields(wanted) if field.name in shared - {"output"}}


@dataclass(frozen=True)
class FollowUpRequest(Options):
    """Which scans (oldest first), how, and where the results go; ``with_scene`` False writes no MRML scene."""

    inputs: tuple[Path, ...] = option(
        help=f"CTs of one person, the oldest first: {IMAGE}", positional=True, metavar="SCAN"
    )
    output: Path = option(help="folder for the results", metavar="DIR")
    options: FollowUpOptions = option(factory=FollowUpOptions)
    with_scene: bool = option(True, "none: no Slicer scene", flag="--scene", label="scene", words=SCENE_WORDS)
    reviewed: tuple[ReviewedScan, ...] = option(
        (),
        "what a reader said of a scan before: its number (1 is the oldest) and the folder or scene.mrb that was saved; "
        "added nodules, outlines and decisions enter the comparison",
        label="review",
        metavar="SCAN,PATH",
    )
    person: PersonAndExam = option(
        factory=PersonAndExam, group="for the guidelines in the report (none is asked without --exam or --age)"
    )
    with_dicom: bool = option(
        False,
        "also DICOM results of the last two dates: SEG of the nodules of each, SR of growth and doubling time",
        flag="--dicom",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        numbers = [one.scan for one in self.reviewed]
        if numbers and max(numbers) > len(self.inputs):
            raise InputError(f"There is no scan {max(numbers)}, {len(self.inputs)} were given: number them from 1.")
        if len(set(numbers)) < len(numbers):
            raise InputError("A scan has two reviews: give one for each.")


@dataclass(frozen=True)
class RegisterRequest(Options):
    """Which two scans, how, and where the results go."""

    prior: Path = option(help=f"the older CT: {IMAGE}", positional=True, metavar="PRIOR")
    current: Path = option(help="the newer CT", positional=True, metavar="CURRENT")
    output: Path = option(help="folder for the results", metavar="DIR")
    options: LungRegistrationOptions = option(factory=LungRegistrationOptions)
    anatomy: str = option("auto", "what finds the lungs", metavar="auto|learned|classical")
    device: str = option("auto", "where learned models run", choices=DEVICES)

    def how(self) -> dict:
        """All that was chosen, as it is recorded."""
        return {**self.options.to_dict(), "anatomy": self.anatomy, "device": self.device}


@dataclass(frozen=True)
class PatternsRequest(Options):
    """Which CT to map the parenchyma of, how, and where the results go."""

    input: Path = option(help=IMAGE, positional=True, metavar="CT")
    output: Path = option(help="folder for map, table and picture", metavar="DIR")
    series: str | None = option(None, "which series of the input, see thoraxai lung series", metavar="UID")
    anatomy: str = option("auto", "what finds lungs and lobes", metavar="auto|learned|classical")
    device: str = option("auto", "where the networks run", choices=DEVICES)


@dataclass(frozen=True)
class PhantomRequest(Options):
    """Which synthetic chest CTs to write, and where; with more than one each gets a folder of its own."""

    output: Path = option(help="folder for the results", metavar="DIR")
    seed: int = option(1, "which synthetic patient (default 1, the demo's)", metavar="SEED", at_least=0)
    setting: str = option(
        PHANTOM_SETTINGS[0],
        "schematic: the demo's average chest (default); training: random persons, scanners and nodules; "
        "held-out: the same from another generator, for judging",
        choices=PHANTOM_SETTINGS,
    )
    count: int = option(1, "how many, from SEED on, each in its folder", at_least=1)
    pair: bool = option(False, "two dates of one person in the folders prior and current, one nodule of each fate")
    jobs: int = option(1, "how many are made at the same time", label="number of jobs", at_least=1)
    replace: bool = option(False, "replace the files of an earlier chest in the folder; without it that is refused")


@dataclass(frozen=True)
class PracticeRequest(Options):
    """Which practice case; with ``marks`` it is scored instead of written."""

    output: Path = option(help="folder for the CT, and later the score", metavar="DIR")
    seed: int = option(1, "which case", metavar="SEED", at_least=0)
    difficulty: str = option("medium", "how hard its nodules are to see", choices=("easy", "medium", "hard"))
    marks: Path | None = option(None, "the locked marks: score them", metavar="CSV")
    seconds: float | None = option(None, "how long the reading took", metavar="S", at_least=0.0)
    ai: Path | None = option(None, "findings.json of the software for the same CT, to be scored too", metavar="JSON")
    analyze: bool = option(False, "with --marks: let the software read the case now, to be scored too")
    progress: Path | None = option(None, "file that keeps the scores; a CSV lies beside it", metavar="JSON")


@dataclass(frozen=True)
class SegmentRequest(Options):
    """Which nodule of which CT to outline, and the file for its voxels."""

    input: Path = option(help=IMAGE, positional=True, metavar="CT")
    at: tuple[float, float, float] = option(
        help="a point in the nodule, RAS mm (for example -40,12,90)",
        label="point",
        metavar="R,A,S",
        advice="write e.g. --at -40,12,90",
    )
    output: Path = option(help="label map to write, 1 in the nodule", metavar="FILE.nrrd")
    diameter: float | None = option(
        None, "rough size of the nodule (default: found out)", unit="mm", more_than=0, at_most=MAX_NODULE_MM
    )
    device: str = option("auto", "where the network runs", choices=DEVICES)


@dataclass(frozen=True)
class ExplainRequest(Options):
    """Which nodule of which CT to explain, by its place and size or by its name in saved findings."""

    input: Path = option(help=IMAGE, positional=True, metavar="CT")
    output: Path = option(help="folder for the explanation", metavar="DIR")
    at: tuple[float, float, float] | None = option(
        None, "middle of the nodule, RAS mm", metavar="R,A,S", advice="write e.g. --at -40,12,90"
    )
    diameter: float | None = option(None, "its size", unit="mm", more_than=0, at_most=MAX_NODULE_MM)
    findings: Path | None = option(
        None, "findings.json of an analysis of this CT, or its folder, in the place of --at and --diameter"
    )
    finding: str = option("", "the name of the nodule in it", metavar="NAME")
    seed: int = option(0, "of the orders and weights that are shuffled", at_least=0)


@dataclass(frozen=True)
class ReviewRequest(Options):
    """Which saved result to review, the acts of the review, and the folder for all its files."""

    scene: Path = option(help="scene.mrb of a result, or the folder it lies in", positional=True, metavar="SCENE")
    output: Path = option(help="folder for scene, report, findings and segmentation", metavar="DIR")
    changes: Path | None = option(None, "JSON or CSV with the acts; without it the files are written as they stand")
    reader: str = option("", "who reads, for the record of each change", metavar="NAME")


@dataclass(frozen=True)
class DemoRequest(Options):
    """Where the results of the demo go, and a CT instead of the synthetic one."""

    output: Path = option(help="folder for the results", metavar="DIR")
    ct: Path | None = option(None, "a CT of your own instead of the synthetic one")
