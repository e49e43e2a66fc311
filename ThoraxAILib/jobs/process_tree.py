"""Ending a process with everything it started: launchers, pools and their children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any


def new_tree_options() -> dict[str, Any]:
    """Arguments for Popen that put the child at the head of a tree of its own."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


class ProcessTree:
    """A child made with new_tree_options() and whatever descends from it."""

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process
        self._seen: dict[int, Any] = {}

    def ask_to_stop(self) -> None:
        """Let the processes stop by themselves and tidy up; on Windows, which has no such signal, end them."""
        self._remember_descendants()
        if os.name == "nt":
            self._end_on_windows()
        else:
            self._signal_group(signal.SIGTERM)

    def end(self) -> None:
        """End every process of the tree at once, also those that left the group."""
        self._remember_descendants()
        if os.name == "nt":
            self._end_on_windows()
        else:
            self._signal_group(signal.SIGKILL)
        self._end_remembered()

    def _signal_group(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)  # the group keeps the number of its first process
        except (ProcessLookupError, PermissionError):
            pass  # nobody is left (macOS says "not permitted" for a group of zombies)

    def _end_on_windows(self) -> None:
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(self._process.pid)], capture_output=True, check=False)

    def _remember_descendants(self) -> None:
        """Note the descendants while their parent still lives; afterwards nothing leads to them any more."""
        try:
            import psutil
        except ImportError:
            return
        try:
            for child in psutil.Process(self._process.pid).children(recursive=True):
                self._seen.setdefault(child.pid, child)
        except psutil.Error:
            pass

    def _end_remembered(self) -> None:
        if not self._seen:
            return
        import psutil

        for child in self._seen.values():
            try:
                child.kill()  # refuses when the number belongs to another process by now
            except psutil.Error:
                pass
