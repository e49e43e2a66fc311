"""Where files of published networks lie, whether they are what was published, and how they are removed."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.networks.file_cache import cached_by_file
from ThoraxAILib.networks.published.catalog import PublishedModel

FOLDER_VARIABLE = "THORAXAI_MODELS"
OTHER_WEIGHTS = "other-weights.txt"  # written when a person said that the weights are their own
MISSING, PARTLY, PUBLISHED = "missing", "there in part", "as published"
OTHER, DAMAGED = "other weights than published", "damaged"


def models_folder() -> Path:
    """Return where published networks are kept: THORAXAI_MODELS, else a folder of the person's own data."""
    asked = os.environ.get(FOLDER_VARIABLE)
    if asked:
        return Path(asked).expanduser()
    data = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "thoraxai" / "models"


def folder_of(model: PublishedModel) -> Path:
    """Return the folder of one model, whether it is there or not."""
    return models_folder() / model.name


def file_of(model: PublishedModel, path: str = "models/model.pt") -> Path:
    """Return the place of one file of a model."""
    return folder_of(model) / path


def state_of(model: PublishedModel, path: str = "") -> str:
    """Return MISSING, PARTLY, PUBLISHED, OTHER or DAMAGED, of one file or of all together."""
    files = [file for file in model.files if path in ("", file.path)]
    there = [file for file in files if file_of(model, file.path).is_file()]
    if not there:
        return MISSING
    if all(md5_of(file_of(model, file.path)) == file.md5 for file in there):
        return PUBLISHED if len(there) == len(files) else PARTLY
    return OTHER if (folder_of(model) / OTHER_WEIGHTS).is_file() else DAMAGED


def missing_words(model: PublishedModel, path: str = "models/model.pt") -> str:
    """Say what keeps a model from running and which commands mend it; empty when its file can be used."""
    get = f"run thoraxai models get {model.name}, or thoraxai models add {model.name} FOLDER where you have them"
    state = state_of(model, path)
    if state == MISSING:
        return f"its weights are not on this computer ({get})"
    if state == DAMAGED:
        return f"its weights are not the file that was published ({get})"
    return ""


def size_of(model: PublishedModel) -> int:
    """Return how many bytes the files of a model take on this computer."""
    folder = folder_of(model)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0


def remove_model(model: PublishedModel) -> int:
    """Remove the files of a model and return their bytes; raises InputError when it is not there."""
    folder = folder_of(model)
    if not folder.is_dir():
        raise InputError(f"The model '{model.name}' is not on this computer: thoraxai models list shows what is.")
    size = size_of(model)
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise OutputError(
            f"The model '{model.name}' cannot be removed ({error.strerror}): close what uses it."
        ) from error
    return size


@cached_by_file
def md5_of(path: Path) -> str:
    """Return the MD5 of a file, as its maker published it; SHA-256 is what the run record names."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
