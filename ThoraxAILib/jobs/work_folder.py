"""The temporary folder of one run: private, and gone on every path, after a crash at the next start."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "thoraxai-job-"
logger = logging.getLogger(__name__)


class WorkFolder:
    """A folder only this user can read; removed by remove(), when forgotten, and when the program ends."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True)

    @property
    def path(self) -> Path:
        """Where it is."""
        return Path(self._folder.name)

    def remove(self) -> None:
        """Delete the folder and all in it; calling it again does nothing."""
        self._folder.cleanup()


def remove_stale_folders() -> int:
    """Delete folders whose program no longer runs (it crashed or was killed); returns how many."""
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        process_id = folder.name[len(_PREFIX) :].split("-")[0]
        if process_id.isdigit() and folder.is_dir() and not folder.is_symlink() and not _is_running(int(process_id)):
            shutil.rmtree(folder, ignore_errors=True)  # another user's folder stays: only they may remove it
            removed += not folder.exists()
    if removed:
        logger.info("Removed %d temporary folders of earlier runs", removed)
    return removed


def _is_running(process_id: int) -> bool:
    try:
        import psutil
    except ImportError:
        return _is_running_by_signal(process_id)
    return psutil.pid_exists(process_id)


def _is_running_by_signal(process_id: int) -> bool:
    if os.name == "nt":  # signal 0 would end the process there: without psutil its folder is left alone
        return True
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
