"""Results appear all at once or not at all: they are written to a hidden folder and moved into place at the end.

The hidden folder carries the process that owns it in its name, so that a later run can remove what a killed one left.
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from ThoraxAILib.errors import OutputError

PREFIX = ".thoraxai-partial"
FULL_DISK = {errno.ENOSPC, errno.EFBIG} | ({errno.EDQUOT} if hasattr(errno, "EDQUOT") else set())
NO_SPACE_BYTES = 4096


class OutputFolder:
    """``with OutputFolder(target, owned) as folder:`` gives a folder to write to; its files end up in ``target``.

    ``owned`` are the names a run may write: older ones of these are replaced, or removed when this run wrote none;
    every other file in ``target`` stays. ``owned[-1]`` is the record that tells a complete result: it leaves first
    and arrives last. Raises OutputError when ``target`` cannot be written or the disk is full.
    """

    def __init__(self, target: Path | str, owned: Sequence[str]) -> None:
        self.target = Path(target)
        self._owned = tuple(owned)
        self._partial: Path | None = None
        self._made_parents: list[Path] = []

    def __enter__(self) -> Path:
        parent = self.target if self.target.is_dir() else self.target.parent
        if self.target.exists() and not self.target.is_dir():
            raise OutputError("The output is an existing file: name a folder with --output.")
        try:
            self._make_parents(parent)
            remove_left_behind(parent)
            self._partial = parent / f"{PREFIX}-{_owner()}-{uuid.uuid4().hex[:8]}"
            self._partial.mkdir()
        except OSError as error:
            self._partial = None
            self._remove_made_parents()
            raise output_error(error) from error
        return self._partial

    def __exit__(self, _kind: type | None, exception: BaseException | None, _trace: object) -> None:
        try:
            if exception is None:
                self._move_into_place()
            elif self._is_full_disk(exception):
                raise output_error(_no_space()) from exception
        finally:
            shutil.rmtree(self._written_to, ignore_errors=True)
            if not self.target.exists():
                self._remove_made_parents()

    @property
    def _written_to(self) -> Path:
        """The hidden folder, which is there between entering and leaving."""
        if self._partial is None:
            raise ValueError("an output folder is written to in a with statement")
        return self._partial

    def _make_parents(self, parent: Path) -> None:
        missing = [folder for folder in (parent, *parent.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            self._made_parents.append(folder)

    def _remove_made_parents(self) -> None:
        for folder in reversed(self._made_parents):
            try:
                folder.rmdir()
            except OSError:  # somebody else uses it by now
                return

    def _is_full_disk(self, exception: BaseException) -> bool:
        """Return some writers (VTK, ITK) fail on a full disk without an errno: then the disk itself is asked."""
        if isinstance(exception, OSError) and exception.errno is not None:
            return exception.errno in FULL_DISK
        return isinstance(exception, (OSError, RuntimeError)) and _free_bytes(self._written_to) < NO_SPACE_BYTES

    def _move_into_place(self) -> None:
        if _free_bytes(self._written_to) < NO_SPACE_BYTES:
            raise output_error(_no_space())
        try:
            if self.target.exists():
                self._replace_files()
            else:
                self._written_to.rename(self.target)
        except OSError as error:
            raise output_error(error) from error

    def _replace_files(self) -> None:
        written = {path.name for path in self._written_to.iterdir()}
        (self.target / self._owned[-1]).unlink(missing_ok=True)
        for name in self._owned:
            if name not in written:
                (self.target / name).unlink(missing_ok=True)
        for name in sorted(written, key=lambda name: name == self._owned[-1]):
            (self._written_to / name).replace(self.target / name)


def output_error(error: OSError) -> OutputError:
    """Return the sentence for a failed write."""
    if error.errno in FULL_DISK:
        return OutputError("The disk of the output folder is full: free some space or choose another --output.")
    reason = error.strerror or type(error).__name__
    return OutputError(f"The output folder cannot be written ({reason}): choose another --output.")


def _no_space() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _owner() -> str:
    """Machine, process and its start time: process numbers are used again, and folders are shared by machines."""
    import psutil

    return f"{uuid.getnode():012x}-{os.getpid()}-{round(psutil.Process().create_time() * 100)}"


def remove_left_behind(parent: Path) -> None:
    """Remove partial folders in ``parent`` whose process on this machine has ended."""
    for folder in parent.glob(f"{PREFIX}-*"):
        if _is_abandoned(folder.name):
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(name: str) -> bool:
    import psutil

    parts = name.removeprefix(f"{PREFIX}-").split("-")
    if len(parts) != 4 or parts[0] != f"{uuid.getnode():012x}":
        return False
    try:
        return round(psutil.Process(int(parts[1])).create_time() * 100) != int(parts[2])
    except psutil.NoSuchProcess:
        return True
    except (psutil.AccessDenied, ValueError):
        return False
