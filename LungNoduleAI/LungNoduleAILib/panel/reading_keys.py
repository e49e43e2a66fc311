"""Which key does what in the panel: each does what its button does."""

from __future__ import annotations

from LungNoduleAILib.panel.correct_section import CorrectSection
from LungNoduleAILib.panel.interaction.shortcuts import Key
from LungNoduleAILib.panel.reading_section import ReadingSection
from ThoraxAILib.panels.findings_table import FindingsTable


def reading_keys(table: FindingsTable, correct: CorrectSection, reading: ReadingSection) -> tuple[Key, ...]:
    """Return the keys of the reading."""
    return (
        Key("A", table.acceptButton.click, table.acceptButton),
        Key("R", table.rejectButton.click, table.rejectButton),
        Key("U", table.resetButton.click, table.resetButton),
        Key("N", table.nextOpenButton.click, table.nextOpenButton),
        Key("J", table.nextButton.click, table.nextButton),
        Key("K", table.previousButton.click, table.previousButton),
        Key("M", correct.addButton.click, correct.addButton),
        Key("E", correct.editButton.click, correct.editButton),
        Key("C", correct.calipersButton.click, correct.calipersButton),
        Key("Z", correct.undoButton.click, correct.undoButton),
        Key("Shift+Z", correct.redoButton.click, correct.redoButton),
        Key("W", reading.switch_window, reading.windowComboBox),
        Key("L", reading.next_layout, reading.layoutComboBox),
    )
