"""At 480 pixels, as wide as Slicer's module panel on a screen of 1366 x 768, no panel is wider and no word is cut."""

from __future__ import annotations

from typing import Any

import pytest
from scrolled_panel import open_sections, scrolled

WIDTH, HEIGHT = 480, 700
SCROLL_BAR = 20


def cut_words(panel: Any) -> list[str]:
    """Buttons, boxes and labels that have less room than their words need; what wraps its words has enough."""
    import qt

    cut = []
    for kind, beside in ((qt.QPushButton, 4), (qt.QCheckBox, 20), (qt.QLabel, 0)):
        for control in panel.findChildren(kind):
            if not control.isVisible() or not control.text or (kind is qt.QLabel and control.wordWrap):
                continue
            needed = control.fontMetrics().boundingRect(control.text).width() + beside
            if needed > control.width:
                cut.append(f"{control.name or control.text}: {control.width} of {needed} pixels")
    return cut


def covered(panel: Any) -> list[str]:
    """Pairs of widgets of one parent that lie over each other."""
    import qt

    found = []
    for parent in [panel, *panel.findChildren(qt.QWidget)]:
        if isinstance(parent, (qt.QAbstractItemView, qt.QAbstractScrollArea, qt.QComboBox)):
            continue
        children = [one for one in parent.findChildren(qt.QWidget) if one.parent() is parent and one.isVisible()]
        for number, one in enumerate(children):
            for other in children[number + 1 :]:
                both = one.geometry.intersected(other.geometry)
                if both.width() > 1 and both.height() > 1:
                    found.append(f"{one.name or one.text} and {other.name or other.text}")
    return found


def check(panel: Any) -> None:
    open_sections(panel)
    with scrolled(panel, WIDTH, HEIGHT):
        assert panel.minimumSizeHint().width() <= WIDTH - SCROLL_BAR
        assert cut_words(panel) == []
        assert covered(panel) == []


@pytest.mark.parametrize("name", ["LungNoduleAI", "CardiacBiomech", "Anonymizer"])
def test_no_panel_is_wider_and_no_word_is_cut(open_module, name):
    check(open_module(name).parent)


def test_nor_with_a_result(analyzed):
    check(analyzed.parent)
