"""Where the panel writes a report to look at, and the folder a person chose to save to."""

from __future__ import annotations

from pathlib import Path

from LungNoduleAILib.model.files import REPORT_FILE
from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.jobs.work_folder import WorkFolder


class ReportFile:
    """A report in a temporary folder until drop(); each new one is written in place of the last."""

    def __init__(self) -> None:
        self._folder: WorkFolder | None = None

    def new_path(self) -> Path:
        """Return where to write the report."""
        if self._folder is None:
            self._folder = WorkFolder()
        return self._folder.path / REPORT_FILE

    def drop(self) -> None:
        """Delete it."""
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.remove()


def existing_folder(text: str) -> Path:
    """Return the folder a person typed, made when only its last part is missing; raises InputError or OutputError."""
    folder = Path(text.strip()).expanduser()
    if not text.strip() or not folder.is_absolute():
        raise InputError("No folder is chosen: choose the folder to save to.")
    if folder.exists() and not folder.is_dir():
        raise InputError("The place to save to is a file: choose a folder.")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder cannot be made ({error.strerror}): choose another one.") from error
    return folder
