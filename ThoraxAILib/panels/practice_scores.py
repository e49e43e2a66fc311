"""The scores of a practice in a panel: what was reached so far, kept beside Slicer's settings, and their export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.panels import parts
from ThoraxAILib.panels.messages import shown_errors
from ThoraxAILib.practice.score_book import DIFFICULTIES, ScoreBook

Words = Callable[[Sequence[dict[str, Any]]], str]


def fill_difficulties(box: qt.QComboBox) -> None:
    """Let a person choose how hard the cases are; the data of an item is the name of the difficulty."""
    for name, text in zip(DIFFICULTIES, (_("Easy"), _("Medium"), _("Hard")), strict=True):
        box.addItem(text, name)


class PracticeScores:
    """Add ``widget`` to a section; ``words`` says what all entries of the book come to."""

    def __init__(self, book: ScoreBook, file_name: str, words: Words) -> None:
        self._book, self._fileName, self._words = book, file_name, words
        self.widget = qt.QWidget()
        row = qt.QHBoxLayout(self.widget)
        row.setContentsMargins(0, 0, 0, 0)
        self.progressLabel = parts.label("practiceProgressLabel", _("All cases that you have locked on this computer"))
        self.exportButton = parts.button("exportPracticeButton", _("Export"), self.on_export)
        row.addWidget(self.progressLabel, 1)
        row.addWidget(self.exportButton)

    def file(self) -> Path:
        """Return where the scores are kept: beside Slicer's settings, on this computer only."""
        return Path(slicer.app.userSettings().fileName()).parent / "ThoraxAI" / self._fileName

    def entries(self) -> list[dict[str, Any]]:
        """Return what was scored so far; nothing from a file of something else, which ``ready_file`` refuses."""
        try:
            return self._book.read(self.file())
        except InputError:  # told where it is written; the section must open all the same
            return []

    def ready_file(self) -> Path:
        """Return the file in a folder that exists; raises before a long run what cannot be added to."""
        file = self.file()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._book.read(file)
        except OSError as error:
            raise OutputError(f"The scores cannot be kept ({error.strerror}): free some space.") from error
        return file

    def update(self) -> None:
        """Show what was reached so far."""
        entries = self.entries()
        tool_tip = _("Write the scores of all cases as a table (CSV) or as JSON")
        parts.allow(self.exportButton, "" if entries else _("There is no score yet"), tool_tip)
        self.progressLabel.text = self._words(entries) if entries else _("No case is scored yet.")

    def on_export(self) -> None:
        """Write the scores of all cases where the person says."""
        kinds = _("Table (*.csv);;JSON (*.json)")
        path = qt.QFileDialog.getSaveFileName(None, _("Export the scores"), "practice.csv", kinds)
        name = path[0] if isinstance(path, tuple) else path
        if not name:
            return
        with shown_errors(_("The scores were not exported.")):
            try:
                self._book.export(self.entries(), Path(name))
            except OSError as error:
                raise OutputError(
                    f"The scores cannot be written ({error.strerror}): choose a writable folder."
                ) from error
