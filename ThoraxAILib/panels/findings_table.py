"""FindingsTable: findings as rows that jump the views, with the reader's decision and its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import qt
from slicer.i18n import tr as _

from ThoraxAILib.panels import parts

_ROW_MARGIN, _MIN_ROWS, _MAX_ROWS = 7, 3, 10
ACCEPTED, REJECTED, UNREVIEWED = "accepted", "rejected", "unreviewed"


@dataclass(frozen=True)
class TableColumn:
    """A title and what it means; numbers stand to the right."""

    title: str
    tool_tip: str = ""
    is_number: bool = False


@dataclass(frozen=True)
class TableRow:
    """One finding: ``values`` (one per column) sort it, ``texts`` are shown, ``doubt`` is why it may be none.

    ``is_apart`` puts it into the section of the doubtful ones, where it stays when a decision ends the doubt.
    """

    id: str
    values: tuple[Any, ...]  # those of one column can be compared with each other
    texts: tuple[str, ...]
    status: str
    reason: str
    doubt: str = ""
    is_apart: bool = False


class FindingsTable:
    """Add ``widget`` to a layout and fill it with set_rows().

    Rows that are apart stand last, in a section of their own below a heading, however the others are sorted.
    ``on_jump(id)`` is called when a row is selected or clicked again, ``on_decision(id, status, reason)`` when the
    reader decides; the caller then shows the changed rows with set_rows(), and the next open finding is selected.
    """

    def __init__(
        self,
        columns: Sequence[TableColumn],
        status_column: int,
        on_jump: Callable[[str], None],
        on_decision: Callable[[str, str, str], None],
    ) -> None:
        self._columns, self._statusColumn = tuple(columns), status_column
        self._onJump, self._onDecision = on_jump, on_decision
        self._rows: list[TableRow] = []
        self._heading: int | None = None  # line of the table that is the heading of the doubtful rows
        self._sortColumn, self._descending = -1, False
        self._isFilling = False
        self.widget = qt.QWidget()
        self.widget.name = "findingsPanel"
        layout = qt.QVBoxLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        self._build_table(layout)
        self._build_decision(layout)
        controls = (self.acceptButton, self.rejectButton, self.resetButton, self.reasonEdit)
        steps = (self.previousButton, self.nextButton, self.nextOpenButton)
        self._tips = {control.name: control.toolTip for control in (*controls, *steps)}
        self._update_decision()

    def _build_table(self, layout: qt.QVBoxLayout) -> None:
        self.table = qt.QTableWidget()
        self.table.name = "findingsTable"
        self.table.columnCount = len(self._columns)
        self.table.setHorizontalHeaderLabels([column.title for column in self._columns])
        for index, column in enumerate(self._columns):
            self.table.horizontalHeaderItem(index).setToolTip(column.tool_tip)
        self.table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        self.table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        self.table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        self.table.alternatingRowColors = True
        self.table.wordWrap = False
        self.table.verticalHeader().hide()
        row_height = self.table.fontMetrics().height() + _ROW_MARGIN
        self.table.verticalHeader().setDefaultSectionSize(row_height)
        self._rowHeight = row_height
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header.setSectionsClickable(True)
        header.setSectionResizeMode(self._statusColumn, qt.QHeaderView.Stretch)
        header.connect("sectionClicked(int)", self.sort_by)
        self.table.connect("itemSelectionChanged()", self._on_selection_changed)
        self.table.connect("cellClicked(int,int)", self._on_cell_clicked)
        layout.addWidget(self.table)

    def _build_decision(self, layout: qt.QVBoxLayout) -> None:
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.acceptButton = self._button("acceptButton", _("Accept"), _("Accept the finding and go on (A)"), row)
        self.rejectButton = self._button(
            "rejectButton",
            _("Reject"),
            _("Reject it with the typed reason (R)"),
            row,
        )
        self.resetButton = self._button("resetButton", _("Reset"), _("Take the decision back (U)"), row)
        self.reasonEdit = qt.QLineEdit()
        self.reasonEdit.name = "reasonEdit"
        self.reasonEdit.placeholderText = _("Reason (optional)")
        self.reasonEdit.toolTip = _("Why you accept or reject; kept with the decision")
        self.reasonEdit.connect("editingFinished()", self._on_reason_edited)
        row.addWidget(self.reasonEdit)
        for button, status in (
            (self.acceptButton, ACCEPTED),
            (self.rejectButton, REJECTED),
            (self.resetButton, UNREVIEWED),
        ):
            button.connect("clicked()", lambda status=status: self.decide(status))
        steps = qt.QHBoxLayout()
        layout.addLayout(steps)
        self.previousButton = self._button("previousButton", _("Previous"), _("The finding above (K)"), steps)
        self.nextButton = self._button("nextButton", _("Next"), _("The finding below (J)"), steps)
        self.nextOpenButton = self._button(
            "nextOpenButton", _("Next open"), _("The next finding that is not decided yet (N)"), steps
        )
        self.previousButton.connect("clicked()", lambda: self.step(-1))
        self.nextButton.connect("clicked()", lambda: self.step(1))
        self.nextOpenButton.connect("clicked()", self.select_next_open)
        self.progressLabel = qt.QLabel()
        self.progressLabel.name = "reviewProgressLabel"
        steps.addWidget(self.progressLabel)

    def _button(self, name: str, text: str, tool_tip: str, row: qt.QHBoxLayout) -> qt.QPushButton:
        made = parts.button(name, text, None, tool_tip)
        row.addWidget(made)
        return made

    def set_rows(self, rows: Sequence[TableRow]) -> None:
        """Show these findings; sorting and the selected finding stay."""
        selected = self.selected_id()
        self._rows = list(rows)
        self._fill()
        self.select(selected)

    def selected_id(self) -> str | None:
        """Return the id of the selected finding."""
        row = self._current()
        return None if row is None else self._rows[row].id

    def _current(self) -> int | None:
        """Return which of the rows is selected; None for none and for the heading."""
        return self._row_of(self.table.currentRow()) if self.table.selectedItems() else None

    def _row_of(self, line: int) -> int | None:
        """Return which of the rows stands in a line of the table."""
        if self._heading is not None and line >= self._heading:
            line = -1 if line == self._heading else line - 1
        return line if 0 <= line < len(self._rows) else None

    def _line_of(self, row: int) -> int:
        return row + (self._heading is not None and row >= self._heading)

    def select(self, finding_id: str | None) -> None:
        """Select a finding without jumping to it; an unknown id selects nothing."""
        self._isFilling = True
        ids = [row.id for row in self._rows]
        if finding_id in ids:
            self.table.selectRow(self._line_of(ids.index(finding_id)))
        else:
            self.table.clearSelection()
        self._isFilling = False
        self._update_decision()

    def choose(self, finding_id: str | None) -> None:
        """Select a finding and jump to it."""
        self.select(finding_id)
        if finding_id is not None and self.selected_id() == finding_id:
            self._onJump(finding_id)

    def step(self, rows: int) -> None:
        """Choose the finding so many rows further down (or up, below 0); at the end it stays."""
        if self._rows:
            selected = self._current()
            current = selected if selected is not None else -1 if rows > 0 else len(self._rows)
            self.choose(self._rows[min(max(current + rows, 0), len(self._rows) - 1)].id)

    def select_next_open(self) -> None:
        """Choose the next finding without a decision, from the selected one downwards and then from the top."""
        selected = self._current()
        start = 0 if selected is None else selected + 1
        in_turn = [*self._rows[start:], *self._rows[:start]]
        open_row = next((row for row in in_turn if row.status == UNREVIEWED), None)
        if open_row is not None:
            self.choose(open_row.id)

    def sort_by(self, column: int) -> None:
        """Sort by a column; again turns the order round."""
        self._descending = column == self._sortColumn and not self._descending
        self._sortColumn = column
        order = qt.Qt.DescendingOrder if self._descending else qt.Qt.AscendingOrder
        header = self.table.horizontalHeader()
        header.setSortIndicatorShown(True)
        header.setSortIndicator(column, order)
        self.set_rows(self._rows)

    def decide(self, status: str) -> None:
        """Record the reader's decision on the selected finding, and go on to the next open one."""
        finding_id = self.selected_id()
        if finding_id is not None:
            reason = "" if status == UNREVIEWED else self.reasonEdit.text.strip()
            self._onDecision(finding_id, status, reason)
            if status != UNREVIEWED:
                self.select_next_open()

    def _fill(self) -> None:
        if self._sortColumn >= 0:
            self._rows.sort(key=lambda row: row.values[self._sortColumn], reverse=self._descending)
        self._rows.sort(key=lambda row: row.is_apart)
        doubtful = sum(row.is_apart for row in self._rows)
        self._heading = len(self._rows) - doubtful if doubtful else None
        self._isFilling = True
        self.table.clearSpans()
        self.table.rowCount = len(self._rows) + (self._heading is not None)
        for index, row in enumerate(self._rows):
            self._fill_row(self._line_of(index), row)
        if self._heading is not None:
            self._fill_heading(self._heading, doubtful)
        self._isFilling = False
        shown = min(max(self.table.rowCount, _MIN_ROWS), _MAX_ROWS)
        self.table.setFixedHeight((shown + 1) * self._rowHeight + 2 * _ROW_MARGIN)  # with the titles

    def _fill_heading(self, line: int, count: int) -> None:
        words = [_("Doubtful, likely no nodules ({count})").format(count=count), *[""] * (len(self._columns) - 1)]
        for column, text in enumerate(words):
            item = qt.QTableWidgetItem(text)
            item.setFlags(qt.Qt.ItemIsEnabled)  # to be read, not selected
            item.setToolTip(_("Likely vessels and other marks of little weight; each says why"))
            self.table.setItem(line, column, item)
        self.table.setSpan(line, 0, 1, len(self._columns))

    def _fill_row(self, index: int, row: TableRow) -> None:
        for column, text in enumerate(row.texts):
            item = qt.QTableWidgetItem(text)
            if self._columns[column].is_number:
                item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
            item.setToolTip(row.reason if row.reason and column == self._statusColumn else row.doubt)
            font = item.font()
            font.setStrikeOut(row.status == REJECTED)
            font.setItalic(bool(row.doubt))
            font.setBold(row.status == ACCEPTED and column == self._statusColumn)
            item.setFont(font)
            self.table.setItem(index, column, item)

    def _selected_row(self) -> TableRow | None:
        selected = self.selected_id()
        return next((row for row in self._rows if row.id == selected), None)

    def _update_decision(self) -> None:
        row = self._selected_row()
        empty = "" if self._rows else _("There are no findings")
        nothing = empty or ("" if row is not None else _("Select a finding in the table first"))
        for button, status, already in (
            (self.acceptButton, ACCEPTED, _("The finding is accepted already")),
            (self.rejectButton, REJECTED, _("The finding is rejected already")),
            (self.resetButton, UNREVIEWED, _("There is no decision to take back")),
        ):
            is_so = row is not None and row.status == status
            parts.allow(button, nothing or (already if is_so else ""), self._tips[button.name])
        parts.allow(self.reasonEdit, nothing, self._tips["reasonEdit"])
        open_rows = sum(row.status == UNREVIEWED for row in self._rows)
        for button in (self.previousButton, self.nextButton):
            parts.allow(button, empty, self._tips[button.name])
        all_decided = empty or ("" if open_rows else _("Every finding is decided"))
        parts.allow(self.nextOpenButton, all_decided, self._tips["nextOpenButton"])
        self.progressLabel.text = (
            _("{done} of {all} decided").format(done=len(self._rows) - open_rows, all=len(self._rows))
            if self._rows
            else ""
        )
        self.reasonEdit.text = row.reason if row is not None else ""

    def _on_selection_changed(self) -> None:
        if self._isFilling:
            return
        self._update_decision()
        selected = self.selected_id()
        if selected is not None:
            self._onJump(selected)

    def _on_cell_clicked(self, row: int, _column: int) -> None:
        """Jump again when the selected row is clicked after the reader has scrolled away."""
        place = self._row_of(row)
        if place is not None:
            self._onJump(self._rows[place].id)

    def _on_reason_edited(self) -> None:
        row = self._selected_row()
        if row is not None and row.status != UNREVIEWED and self.reasonEdit.text.strip() != row.reason:
            self._onDecision(row.id, row.status, self.reasonEdit.text.strip())
