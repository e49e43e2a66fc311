"""A folder as a store: one file for each instance, below its study and series; files appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.output_folder import output_error
from ThoraxAILib.store.instance import Instance, is_uid, read_instance
from ThoraxAILib.store.store import MAX_INSTANCES, MAX_STUDIES, StoreError, StudyEntry
from ThoraxAILib.untrusted.bounded_bytes import TooLarge, read_bounded

SUFFIX, UNFINISHED = ".dcm", ".part"
MAX_FILE_BYTES = 4 << 30


class FolderStore:
    """``folder/STUDY/SERIES/INSTANCE.dcm``; an instance that is there already is never replaced."""

    keeps_files = True

    def __init__(self, folder: Path) -> None:
        if folder.exists() and not folder.is_dir():
            raise InputError("The store is an existing file: name a folder.")
        self.folder = folder

    @property
    def address(self) -> str:
        """The folder."""
        return str(self.folder)

    def studies(self, patient_id: str = "", limit: int = 100) -> list[StudyEntry]:
        """Return the studies below the folder; of each the first file tells the patient."""
        found: list[StudyEntry] = []
        for study in _folders(self.folder, MAX_STUDIES):
            files = list(_files(study))
            if not files:
                continue
            first = self._read(files[0])
            if patient_id in ("", first.patient_id) and len(found) < limit:
                found.append(StudyEntry(study.name, first.patient_id, "", (first.modality,), len(files)))
        return found

    def instances(self, study_uid: str) -> frozenset[str]:
        """Return the UIDs of the files of a study."""
        return frozenset(path.stem for path in _files(self._place(study_uid)))

    def send(self, files: Sequence[Instance]) -> dict[str, str]:
        """Write the files; raises OutputError when the folder cannot be written or is full."""
        for file in files:
            target = self._place(file.study_uid, file.series_uid) / f"{file.sop_uid}{SUFFIX}"
            if target.exists():
                continue
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                temporary = target.with_suffix(f".{os.getpid()}{UNFINISHED}")
                try:
                    temporary.write_bytes(file.data)
                    os.replace(temporary, target)
                finally:
                    temporary.unlink(missing_ok=True)
            except OSError as error:
                raise output_error(error) from error
        return {}

    def retrieve(self, study_uid: str, series_uid: str = "", sop_uid: str = "") -> Iterator[Instance]:
        """Read the files of a study, series or instance."""
        for path in _files(self._place(study_uid)):
            if series_uid in ("", path.parent.name) and sop_uid in ("", path.stem):
                yield self._read(path)

    def close(self) -> None:
        """Do nothing: no connection is held."""

    def _place(self, *uids: str) -> Path:
        if not all(is_uid(uid) for uid in uids):
            raise StoreError("A study or series of the store is named by no UID.")
        return self.folder.joinpath(*uids)

    @staticmethod
    def _read(path: Path) -> Instance:
        try:
            return read_instance(read_bounded(path, MAX_FILE_BYTES))
        except (OSError, TooLarge, InputError) as error:
            raise StoreError(f"The file of instance {path.stem} in the store cannot be read: restore it.") from error


def _folders(folder: Path, most: int) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and is_uid(path.name))[:most]


def _files(study: Path) -> Iterator[Path]:
    for series in _folders(study, MAX_INSTANCES):
        yield from sorted(path for path in series.iterdir() if path.suffix == SUFFIX and is_uid(path.stem))
