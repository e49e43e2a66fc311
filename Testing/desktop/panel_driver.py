"""Drives a panel as a person would: clicks, waits, and knows every control there is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE_SECONDS = 180  # on a busy machine; every wait ends with what it waits for
CONTROLS = (
    "QAbstractButton",
    "QLineEdit",
    "QComboBox",
    "QAbstractSlider",
    "QAbstractSpinBox",
    "QAbstractItemView",
    "QPlainTextEdit",
)
used_controls: set[str] = set()
clicked: list[str] = []  # names of the controls that click() has pressed, for tests that count
COMPOSITES = ("ctkSliderWidget", "ctkPathLineEdit", "qMRMLNodeComboBox")


def wait_for(condition: Callable[[], bool], patience_seconds: float | None = None) -> None:
    """Let Qt work until the condition holds; fails after three minutes, or after the seconds given."""
    import slicer

    deadline = time.monotonic() + (patience_seconds or PATIENCE_SECONDS)
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        slicer.app.processEvents()
        time.sleep(0.005)


def click(control: Any) -> None:
    """Press a control with the left mouse button; a disabled control is a failure, a hidden one as well."""
    import qt

    assert control.enabled, f"{control.name} is disabled: {control.toolTip}"
    assert not control.isHidden(), f"{control.name} is hidden"
    clicked.append(control.name)
    qt.QTest.mouseClick(control, qt.Qt.LeftButton)


def control_names(panel: Any) -> set[str]:
    """Names of all controls of a panel; an unnamed one is a failure, parts of composite widgets do not count."""
    import qt

    kinds = tuple(getattr(qt, name) for name in CONTROLS)
    names = set()
    for widget in panel.findChildren(qt.QWidget):
        is_control = isinstance(widget, kinds) or type(widget).__name__ in COMPOSITES
        if is_control and not _is_part(widget, panel, kinds):
            assert widget.name, f"a {type(widget).__name__} has no name"
            names.add(widget.name)
    return names


def _is_part(widget: Any, panel: Any, kinds: tuple[type, ...]) -> bool:
    """Whether the widget lies inside another control (a section is a control that holds others)."""
    parent = widget.parent()
    while parent is not None and parent is not panel:
        if type(parent).__name__ in COMPOSITES or type(parent).__name__ == "QHeaderView":
            return True
        if isinstance(parent, kinds) and type(parent).__name__ != "ctkCollapsibleButton":
            return True
        parent = parent.parent()
    return False


def uses(*names: str) -> Callable:
    """Marks a test as the one that uses these controls."""
    used_controls.update(names)
    return lambda test: test


def texts_of(table: Any, column: int) -> list[str]:
    return [table.item(row, column).text() for row in range(table.rowCount)]


def position_of(slice_node: Any) -> tuple[float, ...]:
    matrix = slice_node.GetSliceToRAS()
    return tuple(matrix.GetElement(row, 3) for row in range(3))
