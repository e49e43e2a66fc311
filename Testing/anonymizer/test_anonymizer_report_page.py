"""The page of a de-identification: counts, reasons, the crowd and each study, and no text in it becomes a tag."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.profile.options import Option, Profile
from AnonymizerLib.run.linkage import linkage
from AnonymizerLib.run.report_page import report_page
from AnonymizerLib.run.summary import Study, Summary
from AnonymizerLib.run.worker import WorkerSettings
from fixtures.html_pages import ATTACK, check_page


@pytest.fixture
def summary():
    """A function from a text to a run of one study that says it in every place where a text can stand."""

    def make(text: str) -> Summary:
        return Summary(
            counts=Counter(clean=2, quarantined=1),
            studies={"1.2" + text: Study("P1" + text, 2, {"1.3"}, Counter({"s": 2}))},
            reasons=Counter({("quarantined", "It shows text." + text): 1}),
            changes={"s": [["00100010", "Z" + text, "Table" + text]]},
            linkage=linkage([("P1" + text, {"sex": "F" + text, "age": "60s"})]),
        )

    return make


def settings(name: str = "basic") -> WorkerSettings:
    profile = Profile(frozenset({Option.FULL_DATES}), name=name)
    return WorkerSettings(Path("in"), Path("out"), profile, ProjectKey.new())


def test_it_tells_counts_reasons_and_what_was_done(summary):
    page = check_page(report_page(summary(""), settings()))
    for words in (
        "De-identification report",
        "clean 2 quarantined 1 skipped 0",
        "quarantined It shows text. 1",
        "1 patient; the smallest group",
        "Months are real.",
        "Study 1.2: 1 series, 2 instances",
        "Tag Attribute Action Why Count 00100010 Patient's Name Z Table 2",
        "options: full-dates",
    ):
        assert words in page.text


def test_no_text_of_the_run_becomes_a_tag(summary):
    text = report_page(summary(ATTACK), settings("basic" + ATTACK))
    assert "<script" not in text
    page = check_page(text)
    for words in ("P1", "1.2", "It shows text.", "Z", "Table", "basic"):
        assert words + ATTACK in page.text
