"""A panel in a scroll area, as Slicer's module panel is, for tests of its width and for pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def scrolled(panel: Any, width: int, height: int) -> Iterator[Any]:
    """Yield the scroll area of this size with the shown panel in it; afterwards the panel stands alone again."""
    import qt
    import slicer

    area = qt.QScrollArea()
    area.setWidgetResizable(True)
    area.setWidget(panel)
    area.setFixedSize(width, height)
    area.show()
    panel.show()
    slicer.app.processEvents()
    try:
        yield area
    finally:
        area.takeWidget()
        panel.setParent(None)  # else the panel would go with the area


def open_sections(panel: Any, *left_closed: str) -> None:
    """Open every section of a panel but those named, which are closed."""
    import ctk

    for section in panel.findChildren(ctk.ctkCollapsibleButton):
        section.collapsed = section.name in left_closed
