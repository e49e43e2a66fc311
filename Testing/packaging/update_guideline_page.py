"""Writes the table of inputs into docs/guidelines.md from the vocabulary of the rules.

Run it after an input was added or changed: ``python Testing/packaging/update_guideline_page.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "LungNoduleAI")]
PAGE = ROOT / "docs" / "guidelines.md"
MARK = "## Inputs\n"


def page() -> str:
    """The text of the page: what stands before the mark is written by hand."""
    from LungNoduleAILib.guidelines.terms.listing import LETTERS, NOT_STATED, inputs_markdown

    by_hand = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    return f"{by_hand}{MARK}\n{NOT_STATED}\n\nRules: {LETTERS}.\n\n{inputs_markdown()}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
