"""Every control of the LungNoduleAI panel is used by a test, and says what it is for."""

from __future__ import annotations

import re

import test_lung_panel_archive  # noqa: F401
import test_lung_panel_follow_up  # noqa: F401
import test_lung_panel_guidelines  # noqa: F401
import test_lung_panel_input  # noqa: F401
import test_lung_panel_practice  # noqa: F401
import test_lung_panel_promise  # noqa: F401
import test_lung_panel_published  # noqa: F401
import test_lung_panel_reading  # noqa: F401
import test_lung_panel_results  # noqa: F401
import test_lung_panel_review  # noqa: F401
import test_lung_panel_run  # noqa: F401
from panel_driver import control_names, used_controls


def test_every_control_is_used_by_a_test(panel):
    assert control_names(panel.parent) == used_controls


def test_every_visible_section_and_button_has_words(panel):
    import qt

    for button in panel.parent.findChildren(qt.QPushButton):
        assert button.text
        assert button.toolTip


def test_says_research_use_only(panel):
    assert panel.ui.researchUseLabel.text == "Research use only — not a medical device."


def tips_of(panel, enabled: bool) -> dict[str, str]:
    """Tool tips of the named controls that can be used, or cannot."""
    import qt

    kinds = (qt.QAbstractButton, qt.QComboBox, qt.QAbstractSpinBox, qt.QLineEdit)
    controls = [control for kind in kinds for control in panel.findChildren(kind)]
    return {one.name: one.toolTip for one in controls if one.name in used_controls and one.enabled == enabled}


def test_what_cannot_be_used_says_why(panel):
    off = tips_of(panel.parent, enabled=False)
    assert {"acceptButton", "nextOpenButton", "readerEdit", "lockButton", "slabSpinBox", "saveButton"} <= set(off)
    assert [name for name, tip in off.items() if not tip] == []


def test_and_it_is_another_word_than_what_it_is_for(request):
    off = tips_of(request.getfixturevalue("panel").parent, enabled=False)
    on = tips_of(request.getfixturevalue("analyzed").parent, enabled=True)
    both = set(off) & set(on)
    assert {"acceptButton", "rejectButton", "nextButton", "reportButton", "addNoduleButton", "readFirstButton"} <= both
    assert [name for name in sorted(both) if off[name] == on[name]] == []


def test_every_key_stands_in_the_tool_tip_of_its_button_and_in_the_tutorial(analyzed, repository):
    tutorial = (repository / "docs" / "tutorials" / "lung.md").read_text(encoding="utf-8")
    table = tutorial[tutorial.index("| Key | Does |") :].split("\n\n")[0]
    documented = {key for line in table.splitlines()[2:] for key in re.findall(r"`([^`]+)`", line)}
    assert documented == {entry.key for entry in analyzed.shortcuts.keys}
    for entry in analyzed.shortcuts.keys:
        if entry.button.enabled:
            assert re.search(rf"\({re.escape(entry.key)}\b", entry.button.toolTip), entry.key
