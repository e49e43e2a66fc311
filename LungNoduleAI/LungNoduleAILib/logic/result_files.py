"""Report and run record of the shown result, kept for the panel after the worker's folder is gone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from LungNoduleAILib.model.files import FINDINGS_CSV, FINDINGS_FILE, REPORT_FILE
from LungNoduleAILib.model.findings import Findings
from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.jobs.run_record import RUN_FILE
from ThoraxAILib.jobs.work_folder import WorkFolder

_KEPT = (REPORT_FILE, RUN_FILE)


class ResultFiles:
    """Copies of what the worker wrote for people, in a temporary folder until drop()."""

    def __init__(self) -> None:
        self._folder: WorkFolder | None = None

    @property
    def report(self) -> Path | None:
        """The report, when there is one."""
        path = None if self._folder is None else self._folder.path / REPORT_FILE
        return path if path is not None and path.is_file() else None

    def keep(self, directory: Path) -> None:
        """Take over from the worker's folder, instead of what was kept before."""
        self.drop()
        self._folder = WorkFolder()
        for name in _KEPT:
            if (directory / name).is_file():
                shutil.copy2(directory / name, self._folder.path / name)

    def drop(self) -> None:
        """Delete them."""
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.remove()

    def copy_to(self, directory: Path, findings: Findings) -> tuple[Path, ...]:
        """Write them and the findings with their decisions to a folder; raises OutputError when that is impossible."""
        from LungNoduleAILib.cases.findings_csv import write_findings_csv

        try:
            written = [directory / FINDINGS_FILE, directory / FINDINGS_CSV]
            written[0].write_text(json.dumps(findings.to_dict(), indent=2) + "\n", encoding="utf-8")
            write_findings_csv(written[1], findings)
            for name in _KEPT:
                if self._folder is not None and (self._folder.path / name).is_file():
                    written.append(Path(shutil.copy2(self._folder.path / name, directory / name)))
        except OSError as error:
            raise OutputError(f"The findings cannot be saved ({error.strerror}): choose a writable folder.") from error
        return tuple(written)


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
