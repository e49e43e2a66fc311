"""One run per output at a time. The lock is held by the open file, so it ends with the process, kill -9 included."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.jobs.outputs.private_files import open_private

LOCK = ".lock"
TAKEN = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}


class RunLock:
    """``with RunLock(output, private):`` raises InputError when another run works on one of the two folders.

    Both folders must exist. The output is locked as well where folders can be, for runs with another ``--private``.
    """

    def __init__(self, output: Path, private: Path) -> None:
        self.output, self.private = output, private
        self._held: list[int] = []

    def __enter__(self) -> RunLock:
        try:
            self._held.append(open_private(self.private / LOCK, os.O_RDWR))
            _lock(self._held[0])
            self._lock_folder()
        except OSError as error:
            self._release()
            if error.errno in TAKEN:
                raise InputError(
                    f"Another run is writing into '{self.output.name}': wait until it has ended, or "
                    "choose another output folder."
                ) from error
            raise OutputError(
                f"The private folder cannot be locked ({error.strerror}): choose another place with --private."
            ) from error
        return self

    def __exit__(self, *_exception: object) -> None:
        self._release()

    def _lock_folder(self) -> None:
        if sys.platform == "win32":
            return
        descriptor = os.open(self.output, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._held.append(descriptor)
        try:
            _lock(descriptor)
        except OSError as error:
            if error.errno == errno.EWOULDBLOCK:  # network file systems cannot lock folders: the file has to do
                raise

    def _release(self) -> None:
        for descriptor in self._held:
            os.close(descriptor)
        self._held.clear()


def _lock(descriptor: int) -> None:
    """Lock the open file for this process alone; OSError when somebody has it."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
