"""The sample pair in the panel as a person would read it: load, compare, look, report, save; nothing is replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from panel_driver import click, texts_of, wait_for

COMPARISON_SECONDS = 1800.0  # two analyses and a registration; a busy machine may need it
TOLD_OF_FATE = {"grown": "growing", "stable": "stable", "new": "new", "resolved": "resolved"}


def open_and_load(panel: Any) -> None:
    """Open the section and make the sample pair: two clicks."""
    click(panel.follow_up.widget)
    load(panel)


def load(panel: Any) -> None:
    """Make the sample pair in the open section: one click."""
    click(panel.follow_up.samplePairButton)
    wait_for(lambda: not panel.job_panel.is_running, COMPARISON_SECONDS)


def compare(panel: Any) -> None:
    """Compare both CTs with the command line as worker: one click."""
    click(panel.follow_up.compareButton)
    wait_for(lambda: not panel.job_panel.is_running, COMPARISON_SECONDS)


def report_and_save(panel: Any, folder: Path) -> None:
    """Open the report, type the folder, save: two clicks."""
    click(panel.follow_up.followUpReportButton)
    panel.ui.saveFolderEdit.setCurrentPath(str(folder))
    click(panel.ui.saveButton)


def fates_told(table: Any) -> list[tuple[str, str]]:
    """Return (planted fate, word that the comparison has for it) of each line of the truth table."""
    told = [text.partition(": ")[2].partition("\n")[0] for text in texts_of(table, 3)]
    return list(zip(texts_of(table, 1), told, strict=True))
