"""The guidelines section: what is stated about person and exam decides which guideline advises what, and why."""

from __future__ import annotations

import pytest
from panel_driver import position_of, texts_of, uses


def choose(box, value: str) -> None:
    box.setCurrentIndex(box.findData(value))


def categories(section) -> list[str]:
    return [text.removeprefix("category ").split(":")[0] for text in texts_of(section.table, 2)]


@pytest.fixture
def section(analyzed):
    """The section of a panel whose findings measure 5, 7 and 9 mm."""
    analyzed.ui.thresholdSlider.value = 0.5
    analyzed.guidelines.widget.collapsed = False
    return analyzed.guidelines


@uses("guidelinesSection")
def test_without_an_exam_nothing_is_advised_and_what_is_missing_is_told(section):
    section.widget.click()
    assert section.widget.collapsed
    assert section.table.rowCount == 0
    for words in (
        "baseline, follow-up, screening or incidental",
        "Brock needs to know the age and the sex",
        "Mayo needs",
    ):
        assert words in section.missingLabel.text


@uses("examComboBox", "adviceTable")
def test_a_baseline_exam_gives_every_nodule_and_the_exam_a_category(section):
    choose(section.examComboBox, "baseline")
    assert texts_of(section.table, 0) == ["N1", "N2", "N3", "All nodules"]
    assert categories(section) == ["2", "3", "4A", "4A"]
    assert "low-dose CT in 12 months" in section.table.item(0, 2).text()


@uses("ageSpinBox", "riskComboBox", "cancerComboBox", "immunosuppressedComboBox")
def test_an_incidental_finding_is_for_fleischner_and_bts(section):
    choose(section.examComboBox, "incidental")
    assert "'risk'" in section.missingLabel.text
    choose(section.riskComboBox, "high")
    section.ageSpinBox.value = 60
    assert {"Fleischner 2017", "BTS 2015"} == set(texts_of(section.table, 1))
    assert any(text.startswith("optional CT at 12 months") for text in texts_of(section.table, 2))
    for field in ("cancer_history", "immunosuppressed"):
        choose(section.answers[field], "yes")
        assert "Fleischner 2017 does not apply" in texts_of(section.table, 2)
        choose(section.answers[field], "no")
        assert "Fleischner 2017 does not apply" not in texts_of(section.table, 2)


@uses("sexComboBox", "smokerComboBox", "familyComboBox", "emphysemaComboBox", "oldCancerComboBox")
def test_the_risk_models_take_what_is_stated(section):
    section.ageSpinBox.value = 66
    choose(section.sexComboBox, "F")
    assert set(texts_of(section.table, 1)) == {"Brock"}
    for field in ("family_history_lung_cancer", "emphysema"):
        before = texts_of(section.table, 2)
        choose(section.answers[field], "yes")
        assert texts_of(section.table, 2) != before
    choose(section.answers["smoker_ever"], "yes")
    assert set(texts_of(section.table, 1)) == {"Brock", "Mayo"}
    before = texts_of(section.table, 2)
    choose(section.answers["extrathoracic_cancer_over_5y_ago"], "yes")
    assert texts_of(section.table, 2) != before


def test_a_question_that_was_answered_with_no_is_not_open_any_more(section):
    section.ageSpinBox.value = 66
    choose(section.sexComboBox, "F")
    section.table.selectRow(0)
    assert "Not stated: " in section.reasonsText.plainText
    assert "emphysema" in section.reasonsText.plainText
    choose(section.answers["emphysema"], "no")
    section.table.selectRow(0)
    opened = [line for line in section.reasonsText.plainText.splitlines() if line.startswith("Not stated")]
    assert not any("emphysema" in line for line in opened)
    assert section.person().stated() == {"age": 66, "sex": "F", "emphysema": False}


@uses("reasonsText")
def test_a_row_shows_its_reasons_and_its_nodule(analyzed, section, red_slice):
    choose(section.examComboBox, "baseline")
    section.table.selectRow(2)
    assert "8 to below 15 mm" in section.reasonsText.plainText
    assert "Lung-RADS v2022" in section.reasonsText.plainText
    assert position_of(red_slice)[2] == pytest.approx(analyzed.logic.findings()[2].center_ras_mm[2])


def test_rejected_and_hidden_findings_get_no_advice(analyzed, section):
    choose(section.examComboBox, "baseline")
    analyzed.on_decision("N3", "rejected", "vessel")
    assert categories(section) == ["2", "3", "3"]
    analyzed.ui.thresholdSlider.value = 0.9
    assert texts_of(section.table, 0) == ["N1"]


def test_another_ct_forgets_the_person(analyzed, section):
    choose(section.examComboBox, "baseline")
    section.ageSpinBox.value = 70
    choose(section.answers["emphysema"], "no")
    analyzed.ui.inputSelector.setCurrentNode(None)
    assert section.person().stated() == {}
    assert section.table.rowCount == 0
    assert "no result" in section.missingLabel.text


def test_it_says_that_the_reader_decides(section):
    import qt

    label = next(label for label in section.widget.findChildren(qt.QLabel) if label.name == "readerDecidesLabel")
    assert "the reader decides" in label.text
    assert "Research use only" in label.text
