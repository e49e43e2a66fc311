"""What the commands of the diagnosis are asked, as a person types it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from CardiacBiomechLib.analysis.study_options import REGIONS
from CardiacBiomechLib.diagnosis.evaluation.evaluation import EvaluationEffort
from CardiacBiomechLib.diagnosis.models.train import DiagnosisTraining
from ThoraxAILib.options import Options, option

LABELED = "table of features with groups, folder of ACDC patients, or folder of analyzed studies with its index.csv"
STUDIES = "cardiac.json, table of features, folder of results, or an exam that is analyzed first"


@dataclass(frozen=True)
class FeaturesRequest(Options):
    """Which studies become rows of which table."""

    input: Path = option(help=f"{STUDIES}; or folder of ACDC patients", positional=True, metavar="STUDIES")
    output: Path = option(help="table of features, one row per study", metavar="CSV")
    regions: str = option("sectors", "of the wall; results of earlier analyses keep theirs", choices=REGIONS)


@dataclass(frozen=True)
class TrainDiagnosisRequest(Options):
    """What to learn from, how, and where the model goes."""

    input: Path = option(help=LABELED, positional=True, metavar="TABLE")
    output: Path = option(help="folder for the model and its card", metavar="MODEL_DIR")
    options: DiagnosisTraining = option(factory=DiagnosisTraining)


@dataclass(frozen=True)
class EvaluateDiagnosisRequest(Options):
    """Which table is evaluated, how, and where the report goes."""

    input: Path = option(help=LABELED, positional=True, metavar="TABLE")
    output: Path = option(help="folder for evaluation.html and evaluation.json", metavar="DIR")
    options: DiagnosisTraining = option(factory=DiagnosisTraining)
    effort: EvaluationEffort = option(factory=EvaluationEffort)


@dataclass(frozen=True)
class ClassifyRequest(Options):
    """Which studies are classified by which model, and where the answers go."""

    input: Path = option(help=STUDIES, positional=True, metavar="STUDIES")
    output: Path = option(help="table of answers: study, diagnosis, probability of each group", metavar="CSV")
    model: Path | None = option(
        None, "folder of a trained model; without it the one trained on synthetic hearts", metavar="DIR"
    )
    explanations: Path | None = option(None, "why: sets, contributions, changes, nearest cases, rules", metavar="JSON")
