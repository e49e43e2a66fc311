"""run.json: everything needed to say how a result came about, and whether it can stand for a new run (--resume).

Schema ``thoraxai.run/1``. Inputs appear by case name and hash, never by path: a path may name a person.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import cache
from pathlib import Path

import numpy as np

from ThoraxAILib import __version__
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.stages import Stages
from ThoraxAILib.untrusted.plain_json import read_plain_json

SCHEMA = "thoraxai.run/1"
RUN_FILE = "run.json"
LIBRARIES = (
    "numpy",
    "scipy",
    "SimpleITK",
    "pydicom",
    "connected-components-3d",
    "edt",
    "pillow",
    "slicer-core",
    "torch",
)
HASH_DECIMALS_MM = 4
SLICES_PER_CHUNK = 32


@dataclass(frozen=True)
class RunInput:
    """One input: the name of the case, the hash of its voxels and geometry, and what it looked like.

    ``stamp`` changes when a file of the input does; it says nothing about their names.
    """

    name: str
    sha256: str
    files: int
    shape_kji: tuple[int, int, int]
    spacing_ijk_mm: tuple[float, float, float]
    modality: str
    series_uid: str = ""
    stamp: str = ""

    @staticmethod
    def of_volume(volume: Volume, name: str, files: int, stamp: str = "") -> RunInput:
        """Describe ``volume`` as it was read from ``files`` files under the case name ``name``.

        ``stamp`` is that of the files (see jobs/file_stamp.py), where --resume may ask for it.
        """
        spacing = three(round(float(mm), HASH_DECIMALS_MM) for mm in volume.spacing_ijk_mm)
        return RunInput(
            name,
            hash_volume(volume),
            files,
            tuple(volume.array.shape),
            spacing,
            volume.modality,
            volume.identity.series_uid,
            stamp,
        )


@dataclass(frozen=True)
class RunModel:
    """An engine that took part; ``device`` is where it really ran.

    Its answers may change with ``fingerprint``, of weights and settings, and with ``rules``, of the source of its code.
    """

    role: str
    name: str
    fingerprint: str
    device: str = ""
    rules: str = ""


@dataclass(frozen=True)
class RunRecord:
    """What is known about one run; ``to_dict`` is the content of run.json.

    ``rules`` changes with the source of the steps between the models, where a run can be resumed.
    """

    command: str
    options: dict
    inputs: tuple[RunInput, ...]
    models: tuple[RunModel, ...]
    device: str
    device_reason: str
    started: str
    finished: str = ""
    stages: tuple[dict, ...] = ()
    peak_memory_mb: float = 0.0
    results: dict = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    rules: str = ""

    def to_dict(self) -> dict:
        """JSON form, in plain lists, dicts, numbers and strings."""
        record = {
            "schema": SCHEMA,
            "command": self.command,
            "software": {**software(), **({"rules": self.rules} if self.rules else {})},
            "platform": machine(),
            "options": self.options,
            "inputs": [vars(entry) for entry in self.inputs],
            "models": [vars(model) for model in self.models],
            "device": {"name": self.device, "reason": self.device_reason},
            "started": self.started,
            "finished": self.finished,
            "stages": list(self.stages),
            "peak_memory_mb": self.peak_memory_mb,
            "results": self.results,
            "files": self.files,
            "warnings": list(self.warnings),
            "notice": "Research use only, not a medical device.",
        }
        return json.loads(json.dumps(record))


def finish(record: RunRecord, stages: Stages, directory: Path, results: dict) -> RunRecord:
    """Return the record of a run that has just written its files to ``directory``; hidden ones are not results."""
    written = [path for path in sorted(directory.iterdir()) if path.name != RUN_FILE and path.name[0] != "."]
    files = {path.name: path.stat().st_size for path in written}
    return replace(
        record,
        finished=now(),
        stages=tuple(stages.entries),
        peak_memory_mb=stages.peak_mb,
        results=results,
        files=files,
    )


def write_run_record(directory: Path, record: RunRecord) -> None:
    """Write ``record`` as run.json."""
    text = json.dumps(record.to_dict(), indent=2)
    (directory / RUN_FILE).write_text(text + "\n", encoding="utf-8")


def has_result_of(directory: Path, wanted: RunRecord) -> bool:
    """Whether ``directory`` holds the complete result of a run of the same version, rules, options, inputs, models."""
    try:
        found = read_plain_json(directory / RUN_FILE)
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and _identity(found) == _identity(wanted.to_dict()) and _is_whole(directory, found)


def has_result_of_files(directory: Path, wanted: RunRecord, stamp: str, options_in_stamp: bool = False) -> bool:
    """Whether ``directory`` holds the complete result of such a run of files with this stamp, without reading them.

    ``wanted`` names no inputs. ``options_in_stamp``: what was asked is part of the stamp, because the options are
    completed by what the files say. False says nothing: the files may have been copied since (see has_result_of).
    """
    try:
        found = read_plain_json(directory / RUN_FILE)
    except (OSError, ValueError):
        return False
    if not isinstance(found, dict):
        return False
    if [entry["stamp"] for entry in found.get("inputs", []) if entry.get("stamp")] != [stamp]:
        return False
    asked = wanted.to_dict()
    same = {"inputs": [], "options": asked["options"]} if options_in_stamp else {"inputs": []}
    return _identity({**found, **same}) == _identity(asked) and _is_whole(directory, found)


def _identity(record: dict) -> tuple:
    inputs = [entry.get("sha256") for entry in record.get("inputs", [])]
    version = [record.get("software", {}).get(key) for key in ("thoraxai", "rules")]
    parts = ("role", "name", "fingerprint", "rules")
    models = [tuple(model.get(part) for part in parts) for model in record.get("models", [])]
    return (record.get("schema"), record.get("command"), version, record.get("options"), inputs, models)


def _is_whole(directory: Path, record: dict) -> bool:
    files = record.get("files", {})
    return bool(files) and all(
        (directory / name).is_file() and (directory / name).stat().st_size == size for name, size in files.items()
    )


def hash_volume(volume: Volume) -> str:
    """SHA-256 over shape, type, voxels and IJK-to-RAS matrix (to 0.0001 mm), whatever file format held them."""
    digest = hashlib.sha256()
    array = volume.array
    digest.update(f"{array.shape} {array.dtype.newbyteorder('<').str}".encode())
    for start in range(0, len(array), SLICES_PER_CHUNK):
        chunk = np.ascontiguousarray(array[start : start + SLICES_PER_CHUNK])
        digest.update(chunk.astype(chunk.dtype.newbyteorder("<"), copy=False).data)
    matrix = np.round(volume.ijk_to_ras, HASH_DECIMALS_MM) + 0.0  # -0.0 and 0.0 are one geometry
    digest.update(matrix.astype("<f8").tobytes())
    return digest.hexdigest()


def software() -> dict:
    """Versions of the suite, Python and the libraries that are installed."""
    versions = {name: version for name in LIBRARIES if (version := _version(name))}
    return {"thoraxai": __version__, "python": platform.python_version(), "libraries": versions}


@cache  # a record is made for every case that is to be resumed
def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def machine() -> dict:
    """Operating system, processor count and memory; no name of the machine or of its user."""
    import psutil

    return {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
    }


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
