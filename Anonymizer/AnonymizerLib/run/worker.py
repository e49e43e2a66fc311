"""One worker of a run: takes input paths, leaves finished outputs in place, returns small records.

The output is written under a temporary name, read back and searched, and only then moved to its own name. So at any
moment the output folder holds checked files and nothing else.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from AnonymizerLib.deidentify.instance import (
    CLEAN,
    QUARANTINED,
    Change,
    CleanInstance,
    InstanceCleaner,
    Refused,
    refusal_of,
)
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.objects.dicom_file import Buffer
from AnonymizerLib.objects.input_file import read_regular
from AnonymizerLib.pixels.clean import PixelPolicy
from AnonymizerLib.profile.options import Profile
from AnonymizerLib.run.journal import Entry, signature_of
from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.untrusted.parse_errors import parse_errors

if TYPE_CHECKING:
    from AnonymizerLib.pixels.face_removal import Faces

UNFINISHED = ".unfinished"
MOST_TOLD = 10_000
UNSAFE_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class WorkerSettings:
    """Everything a worker process needs."""

    source: Path
    output: Path
    profile: Profile
    key: ProjectKey
    policy: PixelPolicy = field(default_factory=PixelPolicy)
    patients: dict[str, str] = field(default_factory=dict, repr=False)
    prefix: str = "P"
    faces: Faces | None = field(default=None, repr=False)


@dataclass(frozen=True)
class CleaningJob:
    """The cleaning of files as worker processes do it; names are relative to the source folder."""

    settings: WorkerSettings

    def begin(self) -> Callable[[str], Done]:
        """Return what cleans one file."""
        return Worker(self.settings).process

    def lost(self, name: str, reason: str) -> Done:
        """Set a file aside on which its worker ended."""
        return Done(Entry(**self._facts(name), status=QUARANTINED, reason=reason))

    def size_bytes(self, name: str) -> int:
        """Return the size of the file; 0 when it cannot be asked for."""
        return self._facts(name)["size"]

    def clear(self, pid: int) -> None:
        """Remove the unfinished outputs of a worker that ended."""
        for left in (self.settings.output / UNFINISHED).glob(f"{pid}-*.part"):
            left.unlink(missing_ok=True)

    def _facts(self, name: str) -> dict:
        try:
            stat = os.stat(self.settings.source / name)
        except OSError:
            return {"source": name, "size": 0, "modified_ns": 0}
        return {"source": name, "size": stat.st_size, "modified_ns": stat.st_mtime_ns}


@dataclass(frozen=True)
class Done:
    """The record of one file, with what the report needs to know once per set of changes and once per study."""

    entry: Entry
    changes: list[list] | None = None
    quasi: dict[str, str] | None = None


class Worker:
    """Cleans files of one run."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.settings = settings
        identities = Identities(settings.key, settings.patients, settings.prefix)
        self.cleaner = InstanceCleaner(settings.profile, identities, settings.policy, settings.faces)
        self._numbers = itertools.count()
        self._told: set[str] = set()

    def process(self, relative: str) -> Done:
        """Deal with one input file, named relative to the source folder; OutputError when nothing can be written."""
        path = self.settings.source / relative
        facts: dict = {"source": relative, "size": 0, "modified_ns": 0}
        try:
            stat = path.stat()
            facts |= {"size": stat.st_size, "modified_ns": stat.st_mtime_ns}
            data = read_regular(path)
        except InputError as error:
            return Done(Entry(**facts, status=QUARANTINED, reason=str(error)))
        except OSError as error:
            return Done(Entry(**facts, status=QUARANTINED, reason=f"It cannot be opened ({error.strerror})."))
        try:
            instance = self.cleaner.clean(data)
            name, digest, instance = self._write(instance)
        except OutputError:
            raise
        except parse_errors(Refused) as error:
            status, reason = refusal_of(error)
            return Done(Entry(**facts, status=status, reason=reason))
        rows, signature = _recorded(tuple(instance.changes))
        entry = Entry(
            **facts,
            status=CLEAN,
            output=name,
            sha256_out=digest,
            patient=instance.pseudonym,
            study=instance.study,
            series=instance.series,
            sop_instance=instance.sop_instance,
            sop_class=instance.sop_class,
            signature=signature,
            searched=instance.searched,
        )
        changes = None if self._was_told(signature) else rows
        quasi = None if self._was_told(instance.study) else {**instance.quasi_identifiers, **instance.identity}
        return Done(entry, changes, quasi)

    def _was_told(self, name: str) -> bool:
        """Whether this worker handed over a set of changes or a study before: many rows, the same each time."""
        if name in self._told:
            return True
        if len(self._told) >= MOST_TOLD:
            self._told.clear()
        self._told.add(name)
        return False

    def _write(self, instance: CleanInstance) -> tuple[str, str, CleanInstance]:
        """Write, read back, search; take out what was found and try once more; then move into place."""
        temporary = self.settings.output / UNFINISHED / f"{os.getpid()}-{next(self._numbers)}.part"
        try:
            written = _write_and_read(temporary, instance)
            leaks = self.cleaner.check(written, instance)
            if leaks:
                instance = self.cleaner.scrub(instance, leaks)
                written = _write_and_read(temporary, instance)
                leaks = self.cleaner.check(written, instance)
            if leaks:
                places = ", ".join(sorted({leak.place for leak in leaks}))
                raise Refused(f"The self-check still found an identifier of the input at {places}.")
            name = self._name(instance)
            digest = hashlib.sha256(written).hexdigest()
            self._move(temporary, self.settings.output / name, digest)
            return name, digest, instance
        finally:
            temporary.unlink(missing_ok=True)

    @staticmethod
    def _move(temporary: Path, target: Path, digest: str) -> None:
        """Put a checked output in its place; a different one that is already there stays."""
        if target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() != digest:
            raise Refused("Another, different file has the same SOP Instance UID.")
        with _told_as_output_errors():
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(temporary, target)

    def _name(self, instance: CleanInstance) -> str:
        """Make a path of pseudonyms only: patient, study, series, instance."""
        key = self.settings.key
        patient = UNSAFE_IN_NAMES.sub("_", instance.pseudonym).strip(".") or "patient"
        return "/".join(
            (
                patient,
                "ST-" + key.short_name("study name", instance.study),
                "SE-" + key.short_name("series name", instance.series),
                key.short_name("instance name", instance.sop_instance, 16) + ".dcm",
            )
        )


@lru_cache(maxsize=256)
def _recorded(changes: tuple[Change, ...]) -> tuple[list[list], str]:
    """Write changes as the journal does, with their short name; instances of a series mostly share them."""
    rows = [["/".join(f"{tag:08x}" for tag in location), action.value, reason] for location, action, reason in changes]
    return rows, signature_of(rows)


def _write_and_read(path: Path, instance: CleanInstance) -> Buffer:
    head, pixels = instance.encoded()  # what cannot be encoded is a fault of the input, not of the disk
    with _told_as_output_errors():
        with path.open("wb") as file:
            file.write(head)
            file.write(pixels)
        return read_regular(path)


@contextmanager
def _told_as_output_errors() -> Iterator[None]:
    """Faults of the disk that is written to end the run: the next file would have the same."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"The output folder cannot be written ({error.strerror}): free space or choose another."
        ) from error
