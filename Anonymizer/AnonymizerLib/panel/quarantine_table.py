"""QuarantineTable: which files did not pass, and why."""

from __future__ import annotations

import csv
from pathlib import Path

import qt
from slicer.i18n import tr as _

from ThoraxAILib.jobs.outputs.csv_safety import plain_cell

ROW_HEIGHT = 22


class QuarantineTable:
    """Fills a QTableWidget of the panel from the quarantine list of a run."""

    def __init__(self, table: qt.QTableWidget) -> None:
        self.table = table
        titles = [_("Reason"), _("File")]
        table.setColumnCount(len(titles))
        table.setHorizontalHeaderLabels(titles)
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        table.horizontalHeader().setStretchLastSection(True)
        table.setColumnWidth(0, 280)

    def read(self, listing: Path) -> int:
        """Show the list of a run; returns how many files wait."""
        rows: list[dict[str, str]] = []
        if listing.is_file():
            with listing.open(encoding="utf-8", newline="") as file:
                rows = [
                    {name: plain_cell(cell) for name, cell in row.items()}
                    for row in csv.DictReader(file)
                    if row["status"] == "quarantined"
                ]
        self.table.setRowCount(len(rows))
        for index, row in enumerate(rows):
            for column, value in enumerate((row["reason"], row["input"])):
                item = qt.QTableWidgetItem(value)
                item.setToolTip(value)
                self.table.setItem(index, column, item)
        return len(rows)

    def selected_file(self) -> str:
        """Name the input file of the selected row, relative to the input folder; empty without a selection."""
        row = self.table.currentRow()
        return self.table.item(row, 1).text() if row >= 0 else ""
