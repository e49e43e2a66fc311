"""Many bodies, each made once and kept as a file: several processes, resumable, never a half-written file."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from LungNoduleAILib.synthesis.body.make import make_body
from LungNoduleAILib.synthesis.body.other_bodies import make_other_body
from LungNoduleAILib.synthesis.model.body import Body, Negative
from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.jobs.pool import as_finished, open_pool
from ThoraxAILib.jobs.progress import Progress

GENERATION = 3  # part of each file's name: a changed generator never meets an old file
CHEST = "chest"
_ARRAYS = ("clean_hu", "labels", "structures", "patterns")


def load_or_make_body(
    seed: int, setting: str, spacing_mm: tuple[float, float, float], cache: Path, kind: str = CHEST
) -> Body:
    """Return body of a seed from ``cache``, made and stored there first if need be; raises OutputError when it cannot.

    ``kind`` is a chest or one of OTHER_KINDS.
    """
    path = body_file(seed, setting, spacing_mm, cache, kind)
    if not path.is_file():
        _make(seed, setting, spacing_mm, cache, kind)
    return load_body(path)


def make_cohort(
    seeds: Iterable[int],
    setting: str,
    spacing_mm: tuple[float, float, float],
    cache: Path,
    processes: int = 1,
    progress: Progress | None = None,
    kind: str = CHEST,
) -> list[Path]:
    """Files of all bodies, in the order of the seeds; those already there are kept, so a stopped run goes on."""
    if processes < 1:
        raise InputError(f"The number of processes must be at least 1, {processes} was given.")
    progress = progress or Progress()
    paths = {seed: body_file(seed, setting, spacing_mm, cache, kind) for seed in seeds}
    missing = [seed for seed, path in paths.items() if not path.is_file()]
    orders = [(seed, setting, spacing_mm, cache, kind) for seed in missing]
    with open_pool(0 if processes == 1 or len(missing) < 2 else processes) as pool:
        progress(0.0, f"Making {len(missing)} bodies")
        for done, _ in enumerate(as_finished(pool, _make, orders), start=1):
            progress(done / len(orders), f"Made body {done} of {len(orders)}")
    progress(1.0, "All bodies are there")
    return list(paths.values())


def _make(seed: int, setting: str, spacing_mm: tuple[float, float, float], cache: Path, kind: str) -> None:
    made = make_body(seed, setting, spacing_mm) if kind == CHEST else make_other_body(seed, kind, spacing_mm, setting)
    store_body(made, body_file(seed, setting, spacing_mm, cache, kind))


def body_file(seed: int, setting: str, spacing_mm: tuple[float, float, float], cache: Path, kind: str = CHEST) -> Path:
    """Where a body is kept."""
    size = "x".join(f"{mm:g}" for mm in spacing_mm)
    name = "body" if kind == CHEST else kind
    return Path(cache) / f"{name}-{GENERATION}-{setting}-{size}-{seed:06d}.npz"


def store_body(body: Body, path: Path) -> None:
    """Write a body at once: labels compressed, HU as they are, for fast reading. Raises OutputError."""
    facts = {
        "seed": body.seed,
        "setting": body.setting,
        "is_chest": body.is_chest,
        "ijk_to_ras": body.grid.ijk_to_ras.tolist(),
        "negatives": [asdict(n) for n in body.negatives],
    }
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".body-", suffix=".part")
        os.close(handle)
        temporary = Path(name)
        with zipfile.ZipFile(temporary, "w", compresslevel=1) as archive:
            archive.writestr("facts.json", json.dumps(facts))
            for array in _ARRAYS:
                kind = zipfile.ZIP_STORED if array == "clean_hu" else zipfile.ZIP_DEFLATED
                info = zipfile.ZipInfo(f"{array}.npy")
                info.compress_type = kind
                with archive.open(info, "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.ascontiguousarray(getattr(body, array)), allow_pickle=False)
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(
            f"The body cannot be kept in '{path.parent.name}': choose a folder that can be written and "
            f"has room ({type(error).__name__})."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def load_body(path: Path) -> Body:
    """Return a stored body; raises InputError when the file is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            facts = json.loads(archive.read("facts.json"))
            arrays = {}
            for array in _ARRAYS:
                with archive.open(f"{array}.npy") as file:
                    arrays[array] = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"The kept body '{path.name}' cannot be read: delete it, it will be made again.") from error
    grid = Grid(arrays["clean_hu"].shape, np.array(facts["ijk_to_ras"]))
    negatives = tuple(Negative(tuple(n["center_ras_mm"]), n["diameter_mm"], n["kind"]) for n in facts["negatives"])
    return Body(facts["seed"], facts["setting"], grid, **arrays, negatives=negatives, is_chest=facts["is_chest"])
