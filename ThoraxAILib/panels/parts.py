"""The parts that sections of a panel are made of: named buttons, labels and tables, and why a control is off."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import qt
import slicer

LETTERS_PER_LINE = 56
ROW_MARGIN, PADDING = 8, 7


def allow(control: qt.QWidget, reason_not_to: str, tool_tip: str) -> None:
    """Let a control be used, or switch it off and let its tool tip say why."""
    control.enabled = not reason_not_to
    control.toolTip = reason_not_to or tool_tip


def button(name: str, text: str, on_clicked: Callable[[], object] | None = None, tool_tip: str = "") -> qt.QPushButton:
    """Return a push button."""
    made = qt.QPushButton(text)
    made.name, made.toolTip = name, tool_tip
    made.setMinimumWidth(made.fontMetrics().boundingRect(text).width() + 2 * PADDING)  # styles ask for 80 pixels
    if on_clicked is not None:
        made.connect("clicked()", on_clicked)
    return made


def toggle(
    name: str, text: str, on_toggled: Callable[[bool], object] | None = None, tool_tip: str = ""
) -> qt.QPushButton:
    """Return a push button that stays pressed."""
    made = button(name, text, None, tool_tip)
    made.checkable = True
    if on_toggled is not None:
        made.connect("toggled(bool)", on_toggled)
    return made


def label(name: str, tool_tip: str = "") -> qt.QLabel:
    """Return a label whose words are wrapped."""
    made = qt.QLabel()
    made.name, made.toolTip = name, tool_tip
    made.wordWrap = True
    return made


def line(name: str, tool_tip: str) -> qt.QLineEdit:
    """Return a line to type into."""
    made = qt.QLineEdit()
    made.name, made.toolTip = name, tool_tip
    return made


def table(name: str, titles: Sequence[str], tool_tip: str, least_rows: int = 5) -> qt.QTableWidget:
    """Return a table to read: whole rows are selected, one at a time, and nothing in it can be typed over."""
    made = qt.QTableWidget()
    made.name, made.toolTip = name, tool_tip
    made.columnCount = len(titles)
    made.setHorizontalHeaderLabels(list(titles))
    made.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
    made.setSelectionMode(qt.QAbstractItemView.SingleSelection)
    made.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
    made.verticalHeader().hide()
    made.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
    made.setMinimumHeight(least_rows * (made.fontMetrics().height() + ROW_MARGIN))
    return made


def fill_row(table_widget: qt.QTableWidget, row: int, texts: Sequence[str], tool_tip: str = "") -> None:
    """Write one row of a table; ``tool_tip`` stands on each of its cells."""
    for column, text in enumerate(texts):
        item = qt.QTableWidgetItem(text)
        if tool_tip:
            item.setToolTip(tool_tip)
        table_widget.setItem(row, column, item)


def say(label_widget: qt.QLabel, text: str) -> None:
    """Show a sentence, or take the label away where there is nothing to say."""
    label_widget.text = text
    label_widget.setMinimumHeight(height_of(label_widget, text))
    label_widget.visible = bool(text)


def height_of(widget: qt.QWidget, text: str) -> int:
    """Return the height in pixels that a wrapped text needs in a panel of 480 pixels.

    Sections do not ask their labels how high they are at a width, so that a label could cover what stands above it.
    """
    lines = sum(max(math.ceil(len(line) / LETTERS_PER_LINE), 1) for line in text.split("\n"))
    return lines * widget.fontMetrics().lineSpacing() if text else 0


def fit_list(list_widget: qt.QListWidget, most_pixels: int = 160) -> None:
    """Make a list of wrapped sentences as high as they need, up to ``most_pixels``; hide it when it is empty.

    Before it was drawn a list does not know how wide it is, and would count one line for each sentence.
    """
    texts = [list_widget.item(row).text() for row in range(list_widget.count)]
    needed = sum(height_of(list_widget, text) + ROW_MARGIN for text in texts)
    list_widget.setMinimumHeight(min(needed + 8, most_pixels))
    list_widget.setMaximumHeight(min(needed + 8, most_pixels))
    list_widget.visible = bool(texts)


@contextmanager
def waiting() -> Iterator[None]:
    """Show the wait cursor in the block."""
    slicer.app.setOverrideCursor(qt.Qt.WaitCursor)
    try:
        yield
    finally:
        slicer.app.restoreOverrideCursor()
