"""Fetch a study or a series from a store into a folder: all of it or nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder, output_error
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.store.instance import is_uid
from ThoraxAILib.store.store import MAX_INSTANCES, Store, StoreError

RECORD = "fetched.json"
RESULTS = ("SEG", "SR", "PR", "KO", "RTSTRUCT", "RTPLAN", "RTDOSE", "DOC", "REG", "RWV")  # modalities without images


@dataclass(frozen=True)
class Fetched:
    """How much came."""

    files: int
    bytes: int


def fetch(
    store: Store,
    study_uid: str,
    series_uid: str,
    target: Path,
    progress: Progress | None = None,
    without: Collection[str] = (),
) -> Fetched:
    """Write the objects to ``target/SERIES/INSTANCE.dcm``; raises InputError when there are none.

    ``without`` are modalities that are left in the store. Objects of another study or series than asked for are an
    error, and one that came twice is written once.
    """
    progress = progress or Progress()
    if not is_uid(study_uid):
        raise InputError("The address names no study: write .../studies/UID at its end.")
    if target.is_dir() and any(target.iterdir()):
        raise InputError(f"The folder '{target.name}' is not empty: choose another one.")
    expected = max(len(store.instances(study_uid)), 1)
    files = size = 0
    with OutputFolder(target, (RECORD,)) as folder:
        for file in store.retrieve(study_uid, series_uid):
            progress(min(files / expected, 1.0), f"{files} of {expected} files")
            if file.study_uid != study_uid or series_uid not in ("", file.series_uid):
                raise StoreError("The store sent something else than was asked for: ask its administrator.")
            if file.modality in without:
                continue
            path = folder / file.series_uid / f"{file.sop_uid}.dcm"
            if path.exists():
                continue
            try:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(file.data)
            except OSError as error:
                raise output_error(error) from error
            files, size = files + 1, size + len(file.data)
            if files > MAX_INSTANCES:
                raise StoreError("The store sends without end: ask its administrator.")
        if not files:
            raise InputError("The store has no such study or series: check the UID.")
    progress(1.0, "Done")
    return Fetched(files, size)
