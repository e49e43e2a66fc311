"""Run one task of TotalSegmentator on a volume in a child process; nothing is sent and nothing is downloaded."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ThoraxAILib.errors import InputError, MissingDependencyError, ThoraxAIError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.process_tree import ProcessTree, new_tree_options
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.work_folder import WorkFolder
from ThoraxAILib.networks.totalsegmentator import child
from ThoraxAILib.networks.totalsegmentator.installed import (
    HOME_VARIABLE,
    WEIGHTS_VARIABLE,
    Task,
    missing_for,
    python_with_it,
    weights_folder,
)

IMAGE, REQUEST, LOG = "ct.nii.gz", "request.json", "log.txt"
LOOK_SECONDS = 0.5
MAX_NAMES_BYTES = 1 << 20
LAST_BYTES = 4000
NOWHERE = "http://127.0.0.1:9"  # a proxy that nobody answers: the child cannot reach the network
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy")
KILLED = (-9, 137)
OUT_OF_MEMORY = ("OutOfMemoryError", "MemoryError", "out of memory", "can't allocate memory")


@dataclass(frozen=True, eq=False)
class Segmented:
    """What a task found: ``labels`` (uint8) on the grid of the volume and ``names[n]``, the structure of value n.

    ``probability`` (k, j, i) lies on a grid of its own with the matrix ``probability_ijk_to_ras`` (RAS mm); None where
    none was wanted.
    """

    labels: np.ndarray
    names: tuple[str, ...]
    probability: np.ndarray | None = None
    probability_ijk_to_ras: np.ndarray | None = None


def segment(volume: Volume, task: Task, device: str, progress: Progress) -> Segmented:
    """Return what TotalSegmentator finds in a CT in HU.

    Raises MissingDependencyError without the program or its weights, InputError and ThoraxAIError with one sentence
    when it fails, Cancelled when the person stops it. Whatever the end, no file and no process is left.
    """
    lacks = missing_for(task)
    if lacks:
        raise MissingDependencyError(f"TotalSegmentator cannot run here, because {lacks}.")
    progress(0.0, "Handing the image over")
    work = WorkFolder()
    try:
        _hand_over(volume, task, device, work.path)
        _run(work.path, progress)
        return _read(volume, work.path)
    finally:
        work.remove()


def _hand_over(volume: Volume, task: Task, device: str, folder: Path) -> None:
    import SimpleITK as sitk

    from ThoraxAILib.registration.itk_images import itk_image

    sitk.WriteImage(itk_image(volume), str(folder / IMAGE), True)
    request = {
        "image": IMAGE,
        "task": task.name,
        "fast": task.fast,
        "roi_subset": list(task.roi_subset),
        "probability_of": task.probability_of,
        "device": "gpu" if device == "cuda" else "cpu",
    }
    (folder / REQUEST).write_text(json.dumps(request), encoding="utf-8")
    home = folder / "home"
    home.mkdir()
    config = {
        "totalseg_id": "",
        "send_usage_stats": False,
        "prediction_counter": 0,
        "statistics_disclaimer_shown": True,
    }
    (home / "config.json").write_text(json.dumps(config), encoding="utf-8")


def _run(folder: Path, progress: Progress) -> None:
    environment = {**os.environ, HOME_VARIABLE: str(folder / "home"), WEIGHTS_VARIABLE: str(weights_folder())}
    environment.pop("PYTHONPATH", None)  # its Python may be another one, with other packages
    environment.update(dict.fromkeys(PROXIES, NOWHERE))
    words = [python_with_it(), str(Path(child.__file__).resolve()), str(folder / REQUEST)]
    began = time.monotonic()
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            words, stdout=log, stderr=log, cwd=folder, env=environment, stdin=subprocess.DEVNULL, **new_tree_options()
        )
        tree = ProcessTree(process)
        try:
            while process.poll() is None:
                spent = time.monotonic() - began
                progress(spent / (spent + 120.0), f"TotalSegmentator has been running for {spent:.0f} s")
                time.sleep(LOOK_SECONDS)
        finally:
            if process.poll() is None:
                tree.end()
                process.wait()
    if process.returncode != 0:
        raise _failure(process.returncode, (folder / LOG).read_bytes()[-LAST_BYTES:].decode("utf-8", "replace"))


def _failure(code: int, told: str) -> ThoraxAIError:
    """Return the error of a run that failed, in one sentence without paths."""
    if code in KILLED or any(words in told for words in OUT_OF_MEMORY):
        return ThoraxAIError(
            "The memory does not suffice for TotalSegmentator: close other programs, or take its 3 mm model."
        )
    last = next((line for line in reversed(told.splitlines()) if line.strip()), "")
    reason = last.split(":")[0].strip().rsplit(".", 1)[-1]
    why = reason if reason.isidentifier() else f"code {code}"
    return ThoraxAIError(
        f"TotalSegmentator stopped ({why}): try the same image with its own command TotalSegmentator, which says more."
    )


def _read(volume: Volume, folder: Path) -> Segmented:
    """Read what the child wrote; raises InputError when it does not lie on the grid of the volume."""
    import SimpleITK as sitk

    from ThoraxAILib.untrusted.plain_json import read_plain_json

    image = sitk.ReadImage(str(folder / child.LABELS))
    labels = sitk.GetArrayFromImage(image)
    given = sitk.ReadImage(str(folder / IMAGE))
    same = np.allclose(image.GetDirection(), given.GetDirection(), atol=1e-3)
    if labels.shape != volume.array.shape or not same or labels.max(initial=0) > np.iinfo(np.uint8).max:
        raise InputError("TotalSegmentator answered on another grid than that of the image: update it.")
    named = read_plain_json(folder / child.NAMES, largest_bytes=MAX_NAMES_BYTES)
    names = ["background"] * (1 + max([int(labels.max(initial=0)), *(int(value) for value in named)]))
    for value, name in named.items():
        names[int(value)] = str(name)
    probability, matrix = None, None
    if (folder / child.PROBABILITY).is_file():
        probability = np.load(folder / child.PROBABILITY, allow_pickle=False).astype(np.float32)
        matrix = np.array(read_plain_json(folder / child.PROBABILITY_GRID, largest_bytes=MAX_NAMES_BYTES), float)
    return Segmented(labels.astype(np.uint8), tuple(names), probability, matrix)
