"""Every control of the LungNoduleAI panel is used by a test, and says what it is for."""

from __future__ import annotations

import test_lung_panel_follow_up  # noqa: F401
import test_lung_panel_guidelines  # noqa: F401
import test_lung_panel_input  # noqa: F401
import test_lung_panel_practice  # noqa: F401
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
