"""TagTable: before and after of every attribute of one file, filtered by what changed and by a text."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from AnonymizerLib.run.preview import TagRow

CHANGED_COLOR = "#b3541e"

ROW_HEIGHT = 22


class TagTable:
    """Fills a QTableWidget of the panel with rows of a preview."""

    def __init__(self, table: qt.QTableWidget) -> None:
        self.table = table
        self._rows: list[TagRow] = []
        self.shown: list[TagRow] = []
        titles = [_("Attribute"), _("Before"), _("After"), _("Action"), _("Why")]
        table.setColumnCount(len(titles))
        table.setHorizontalHeaderLabels(titles)
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        table.horizontalHeader().setStretchLastSection(True)
        for column, width in enumerate((150, 110, 110, 60)):
            table.setColumnWidth(column, width)

    def set_rows(self, rows: list[TagRow]) -> None:
        """Take the rows of another file or profile."""
        self._rows = list(rows)

    def show(self, only_changed: bool, text: str) -> tuple[int, int]:
        """Show the rows that match; returns how many are shown and how many there are."""
        wanted = text.strip().casefold()
        self.shown = [
            row
            for row in self._rows
            if (row.is_changed or not only_changed) and (wanted in row.name.casefold() or wanted in row.path)
        ]
        self.table.setRowCount(len(self.shown))
        for index, row in enumerate(self.shown):
            for column, value in enumerate((row.name, row.before, row.after, row.action, row.reason)):
                item = qt.QTableWidgetItem(value)
                item.setToolTip(f"{row.path}  {value}")
                if row.is_changed and column == 2:
                    item.setForeground(qt.QBrush(qt.QColor(CHANGED_COLOR)))
                self.table.setItem(index, column, item)
        return len(self.shown), len(self._rows)
