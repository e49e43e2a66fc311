"""The command of a child process, the Python it runs in, and its environment: the packages, wherever they lie."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from ThoraxAILib.jobs.events import STANDARD_OUTPUT
from ThoraxAILib.options import Options

_PYTHON_SLICER = "PythonSlicer"


def python_interpreter() -> str:
    """Path of the Python to start.

    Inside Slicer ``sys.executable`` is the application itself, so its PythonSlicer is looked for; a plain Python
    starts itself, also when some Slicer happens to be on the PATH.
    """
    running = Path(sys.executable)
    suffix = ".exe" if os.name == "nt" else ""
    beside = running.with_name(_PYTHON_SLICER + suffix)
    if beside.exists():
        return str(beside)
    if running.name.lower().startswith("python"):
        return str(running)
    return shutil.which(_PYTHON_SLICER) or str(running)


def child_command(words: Sequence[str], request: Options) -> list[str]:
    """Return the command ``thoraxai WORDS`` with all that ``request`` asks, telling its progress on standard output."""
    return [python_interpreter(), "-m", "ThoraxAILib", *child_words(words, request)]


def child_words(words: Sequence[str], request: Options) -> list[str]:
    """Return the words after ``thoraxai`` of such a command."""
    return [*words, *request.to_argv(), "--events", STANDARD_OUTPUT]


def child_environment(packages: Sequence[str] = ("ThoraxAILib",)) -> dict[str, str]:
    """Return a copy of this environment in which the child finds ``packages`` where this program found them."""
    environment = dict(os.environ)
    folders = [str(_folder_of(package)) for package in packages]
    inherited = environment.get("PYTHONPATH", "").split(os.pathsep)
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(folder for folder in folders + inherited if folder))
    environment["PYTHONUNBUFFERED"] = "1"
    environment["PYTHONIOENCODING"] = "utf-8"
    return environment


def _folder_of(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named '{package}'", name=package)
    return Path(next(iter(spec.submodule_search_locations))).resolve().parent
