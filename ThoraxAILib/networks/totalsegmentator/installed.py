"""Whether TotalSegmentator and the weights of a task are on this computer; nothing is downloaded here.

Source of the data sets of each task: wasserth/TotalSegmentator 2.18, map_tasks_config.py.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ThoraxAILib.engines.engine import FINGERPRINT_DIGITS
from ThoraxAILib.jobs.child_python import python_interpreter
from ThoraxAILib.networks.nnunet.model_folder import CHECKPOINTS, DATASET, FOLDS, hash_of

PYTHON_VARIABLE = "THORAXAI_TOTALSEGMENTATOR"
WEIGHTS_VARIABLE = "TOTALSEG_WEIGHTS_PATH"
HOME_VARIABLE = "TOTALSEG_HOME_DIR"
LICENCE = "Apache-2.0 (TotalSegmentator), not a medical device"
VERSION_SECONDS = 30.0
INSTALL = "pip install TotalSegmentator"
ROUGH, COARSE = 298, 297  # whole-body models of 6 and 3 mm that find where a task has to look
WHOLE = (291, 292, 293, 294, 295)


@dataclass(frozen=True)
class Task:
    """One task of TotalSegmentator; ``data_sets`` are the numbers of the models it needs.

    ``roi_subset`` names the only structures wanted, empty for all; ``probability_of`` the class whose probability is
    handed over too, empty for none.
    """

    name: str
    data_sets: tuple[int, ...]
    fast: bool = False
    roi_subset: tuple[str, ...] = ()
    probability_of: str = ""


def weights_folder() -> Path:
    """Return where TotalSegmentator keeps its models."""
    asked, home = os.environ.get(WEIGHTS_VARIABLE), os.environ.get(HOME_VARIABLE)
    if asked:
        return Path(asked).expanduser()
    return (Path(home).expanduser() if home else Path.home() / ".totalsegmentator") / "nnunet" / "results"


def model_of(data_set: int) -> Path | None:
    """Return the folder of the model of a data set; None where it is not there."""
    for folder in sorted(weights_folder().glob(f"Dataset{data_set:03d}_*/*__3d_*")):
        if (folder / DATASET).is_file() and any(folder.glob(f"{FOLDS}/{CHECKPOINTS[0]}")):
            return folder
    return None


def python_with_it() -> str:
    """Return the Python that has TotalSegmentator: the one that is named, else this one; empty when none has it."""
    named = os.environ.get(PYTHON_VARIABLE)
    if named:
        return named if Path(named).is_file() else ""
    return python_interpreter() if importlib.util.find_spec("totalsegmentator") else ""


def missing_for(task: Task) -> str:
    """Why a task cannot run here, with the command that mends it; empty when it can."""
    if not python_with_it():
        return (
            f"TotalSegmentator is not installed ({INSTALL}; or name the Python of an environment that has it with "
            f"{PYTHON_VARIABLE})"
        )
    if any(model_of(data_set) is None for data_set in task.data_sets):
        option = "total_fast" if task.fast and task.name == "total" else task.name
        return (
            f"its weights are not on this computer (run totalseg_download_weights -t {option}, or set "
            f"{WEIGHTS_VARIABLE} to the folder that holds them)"
        )
    return ""


def fingerprint_of(task: Task) -> str:
    """Return a hash of the version, the task and the weights of all its models; "none" where it cannot run."""
    models = [model_of(data_set) for data_set in task.data_sets]
    if not python_with_it() or None in models:
        return "none"
    digest = hashlib.sha256(f"{version_in(python_with_it())} {task}".encode())
    for model in models:
        if model is not None:
            digest.update(_hash_of(model).encode())
    return digest.hexdigest()[:FINGERPRINT_DIGITS]


@cache
def version_in(python: str) -> str:
    """Return the version of TotalSegmentator in an environment; "unknown" when it does not say."""
    words = "import importlib.metadata as m; print(m.version('TotalSegmentator'))"
    try:
        told = subprocess.run(
            [python, "-c", words], capture_output=True, text=True, timeout=VERSION_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return told.stdout.strip()


@cache
def _hash_of(model: Path) -> str:
    return hash_of(model, sorted(model.glob(f"{FOLDS}/{CHECKPOINTS[0]}")))
