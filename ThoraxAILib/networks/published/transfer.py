"""How files of a published network come to this computer: downloaded when a person asks, or copied from a folder.

Nothing is fetched unless a command or a button was used for it. A file is in its place whole and checked, or not there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from ThoraxAILib.errors import InputError, OutputError, ThoraxAIError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.published.catalog import PublishedFile, PublishedModel
from ThoraxAILib.networks.published.files import OTHER_WEIGHTS, file_of, folder_of, md5_of

BLOCK_BYTES = 1 << 20
MAX_FILE_BYTES = 2 << 30
TIMEOUT_SECONDS = 30.0
SERIES_BYTES = 8 << 20


class Opened(Protocol):
    """What ``open_url`` gives: bytes, one block after the other, and headers."""

    headers: Any

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes."""


def download_model(
    model: PublishedModel, progress: Progress | None = None, open_url: Callable[[str], Any] | None = None
) -> Path:
    """Download the files of a model that are not there as published, and return its folder.

    Raises ThoraxAIError with one sentence when there is no network, the file is another one or the disk is full;
    Cancelled when the person stops it. Whatever the end, no half file is left.
    """
    progress = progress or Progress()
    wanted = [file for file in model.files if not _is_there(model, file)]
    for number, file in enumerate(wanted):
        part = progress.part(number / len(wanted), (number + 1) / len(wanted))
        with _checked(model, file) as temporary, temporary.open("wb") as target:
            with _opened(file.url, open_url or _open) as source:
                _copy(source, target, _length(source), part, file)
    (folder_of(model) / OTHER_WEIGHTS).unlink(missing_ok=True)
    progress(1.0, "Done")
    return folder_of(model)


def add_model(model: PublishedModel, source: Path, are_other_weights: bool = False) -> Path:
    """Copy the files of a model from a folder (a MONAI bundle, or files of the same names) and return its folder.

    With ``are_other_weights`` files that are not the published ones are taken: a person says that they are their own.
    The folder given is not changed. Raises InputError when a file is missing or another than was published.
    """
    if not source.is_dir():
        raise InputError(f"'{source}' is no folder: give the folder of the bundle '{model.name}'.")
    found = [(file, place) for file in model.files for place in [_file_in(source, file)] if place is not None]
    if not found:
        names = " or ".join(file.path for file in model.files)
        raise InputError(f"'{source}' holds no weights of '{model.name}': {names} is expected in it.")
    for file, place in found:
        if place.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"'{place.name}' is larger than {MAX_FILE_BYTES >> 30} GiB: no published network is.")
        if not are_other_weights and md5_of(place) != file.md5:
            raise InputError(
                f"'{place.name}' is not the file that was published for '{model.name}': give that one, or say with "
                "--other-weights that these are weights of your own."
            )
    for file, place in found:
        with _placed(model, file) as temporary:
            shutil.copyfile(place, temporary)
    series = source / model.training_series
    if series.is_file() and series.stat().st_size <= SERIES_BYTES:
        shutil.copyfile(series, folder_of(model) / model.training_series)
    note = folder_of(model) / OTHER_WEIGHTS
    if are_other_weights:
        note.write_text("These weights are not those that were published: a person brought them.\n", encoding="utf-8")
    else:
        note.unlink(missing_ok=True)
    return folder_of(model)


def _is_there(model: PublishedModel, file: PublishedFile) -> bool:
    place = file_of(model, file.path)
    return place.is_file() and md5_of(place) == file.md5


def _file_in(source: Path, file: PublishedFile) -> Path | None:
    places = (source / file.path, source / Path(file.path).name)
    return next((place for place in places if place.is_file()), None)


@contextmanager
def _placed(model: PublishedModel, file: PublishedFile) -> Iterator[Path]:
    """Give a temporary file that takes the place of the model's file at the end, and is removed after a failure."""
    target = file_of(model, file.path)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, target)
    except ThoraxAIError:
        raise
    except OSError as error:
        raise OutputError(
            f"The model '{model.name}' cannot be stored ({error.strerror or type(error).__name__}): free some space or "
            "name another folder with THORAXAI_MODELS."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
        _remove_empty(model)


@contextmanager
def _checked(model: PublishedModel, file: PublishedFile) -> Iterator[Path]:
    """Give a temporary file as ``_placed`` does; what was written to it must be what was published."""
    with _placed(model, file) as temporary:
        yield temporary
        digest = hashlib.md5(usedforsecurity=False)
        with temporary.open("rb") as written:
            for block in iter(lambda: written.read(BLOCK_BYTES), b""):
                digest.update(block)
        if digest.hexdigest() != file.md5:
            raise InputError(
                f"What came from {_host(file.url)} is not the file that was published for '{model.name}': nothing was "
                "kept, try again later or get the file by another way and use thoraxai models add."
            )


def _remove_empty(model: PublishedModel) -> None:
    for folder in (folder_of(model) / "models", folder_of(model)):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _copy(source: Opened, target: Any, length: int, progress: Progress, file: PublishedFile) -> None:
    done = 0
    while block := _read(source, file):
        done += len(block)
        if done > MAX_FILE_BYTES:
            raise InputError(f"{_host(file.url)} sends more than {MAX_FILE_BYTES >> 30} GiB: nothing was kept.")
        target.write(block)
        progress(done / length if length else 0.5, f"{done / 1e6:.0f} of {length / 1e6:.0f} MB" if length else "")
    if length and done < length:
        raise ThoraxAIError(
            f"The download from {_host(file.url)} ended after {done / 1e6:.0f} of {length / 1e6:.0f} MB: nothing was "
            "kept, try again."
        )


def _read(source: Opened, file: PublishedFile) -> bytes:
    try:
        return source.read(BLOCK_BYTES)
    except OSError as error:
        raise ThoraxAIError(
            f"The download from {_host(file.url)} broke off ({type(error).__name__}): nothing was kept, try again."
        ) from error


@contextmanager
def _opened(url: str, open_url: Callable[[str], Any]) -> Iterator[Opened]:
    try:
        source = open_url(url)
    except (OSError, urllib.error.URLError, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise ThoraxAIError(
            f"{_host(url)} cannot be reached ({reason}): connect to the network, or copy the files by hand and use "
            "thoraxai models add."
        ) from error
    with source:
        yield source


def _open(url: str) -> Any:
    if not url.startswith("https://"):
        raise ValueError("not encrypted")
    return urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS)  # certificates are checked


def _length(source: Opened) -> int:
    try:
        return max(int(source.headers.get("Content-Length") or 0), 0)
    except (TypeError, ValueError):
        return 0


def _host(url: str) -> str:
    return url.split("/")[2] if url.count("/") > 2 else url
