"""LungNoduleAI panel: verdicts and findings jump the views, decisions reach the nodes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from panel_driver import click, position_of, texts_of, uses


@uses("qualityList", "lungsSection")
def test_a_verdict_with_a_place_jumps_there(analyzed, red_slice):
    quality = analyzed.ui.qualityList
    assert [quality.item(row).text() for row in range(quality.count)] == [
        "A large opacity lies in the left lung.",
        "The lobes are approximate.",
    ]
    before = position_of(red_slice)
    quality.itemClicked.emit(quality.item(1))
    assert position_of(red_slice) == before
    analyzed.logic.jump_to_finding("N1")
    quality.itemClicked.emit(quality.item(0))
    assert position_of(red_slice) == analyzed.logic.current_result().lungs.quality[2].center_ras_mm
    analyzed.ui.lungsSection.click()
    assert analyzed.ui.lungsSection.collapsed


def test_a_verdict_of_several_lines_is_shown_whole(analyzed):
    from LungNoduleAILib.model.findings import QualityNote
    from LungNoduleAILib.panel.results import fill_quality_list

    quality = analyzed.ui.qualityList
    fill_quality_list(quality, [QualityNote("thick_slices", "Slices are 5 mm thick, which is much. " * 5)])
    assert quality.height >= 3 * quality.fontMetrics().lineSpacing()
    fill_quality_list(quality, [])
    assert not quality.visible


@uses("findingsTable", "findingsSection")
def test_a_row_jumps_the_slice_views(analyzed, red_slice):
    findings = {finding.id: finding for finding in analyzed.logic.findings()}
    analyzed.findingsTable.table.selectRow(2)
    assert position_of(red_slice) == pytest.approx(findings["N1"].center_ras_mm)
    red_slice.JumpSliceByCentering(0, 0, 0)
    analyzed.findingsTable.table.cellClicked.emit(2, 0)
    assert position_of(red_slice) == pytest.approx(findings["N1"].center_ras_mm)
    analyzed.ui.findingsSection.click()
    assert analyzed.ui.findingsSection.collapsed


def test_after_a_run_the_views_show_the_most_suspicious_finding(analyzed, red_slice):
    assert analyzed.findingsTable.selected_id() == "N3"  # the largest, though not the surest
    assert position_of(red_slice) == pytest.approx(analyzed.logic.findings()[2].center_ras_mm)


def test_the_most_suspicious_stand_first_and_a_decision_moves_no_row(analyzed):
    table = analyzed.findingsTable.table
    assert texts_of(table, 0) == ["N3", "N2", "N1"]
    analyzed.on_decision("N3", "rejected", "vessel")
    assert texts_of(table, 0) == ["N3", "N2", "N1"]
    analyzed.logic.review.state("N2", "type", "calcified")
    analyzed.logic.review.state("N2", "calcification_pattern", "popcorn")
    analyzed.on_review_changed(None)
    assert texts_of(table, 0) == ["N3", "N1", "N2"]


@pytest.fixture
def doubted(analyzed):
    """The panel with N3, the most suspicious, doubted."""
    nodes = analyzed.logic.result_nodes()
    found = nodes.findings()
    rows = [replace(one, doubt="in one slice only") if one.id == "N3" else one for one in found.findings]
    nodes.set_findings(replace(found, findings=tuple(rows)))
    analyzed.on_review_changed(None)
    return analyzed


HEADING = "Doubtful, likely no nodules (1)"


def test_a_doubtful_mark_stands_last_in_a_section_of_its_own_and_says_why(doubted):
    table = doubted.findingsTable.table
    assert texts_of(table, 0)[2:] == [HEADING, "N3"]
    assert texts_of(table, 7)[-1] == "Doubtful"
    assert table.item(3, 7).toolTip() == "Probably no nodule: in one slice only."
    assert table.columnSpan(2, 0) == table.columnCount


def test_steps_clicks_and_decisions_pass_over_the_heading(doubted):
    shown = doubted.findingsTable
    shown.choose(texts_of(shown.table, 0)[1])
    shown.step(1)
    assert shown.selected_id() == "N3"
    shown.step(-1)
    assert shown.selected_id() == texts_of(shown.table, 0)[1]
    shown.table.cellClicked.emit(2, 0)
    shown.table.clearSelection()
    for _ in range(3):
        shown.select_next_open()
        shown.decide("accepted")
    assert shown.progressLabel.text == "3 of 3 decided"


def test_a_decision_and_another_order_leave_the_sections_as_they_are(doubted):
    shown = doubted.findingsTable
    shown.choose("N3")
    shown.decide("accepted")
    assert texts_of(shown.table, 0)[2:] == [HEADING, "N3"]
    shown.table.horizontalHeader().sectionClicked.emit(6)
    assert texts_of(shown.table, 0)[2:] == [HEADING, "N3"]
    assert shown.selected_id() in ("N1", "N2", "N3")


def test_a_click_on_a_title_sorts_by_number_and_a_second_turns_it_round(analyzed):
    table = analyzed.findingsTable.table
    header = table.horizontalHeader()
    header.sectionClicked.emit(6)
    assert texts_of(table, 0) == ["N2", "N3", "N1"]
    header.sectionClicked.emit(6)
    assert texts_of(table, 0) == ["N1", "N3", "N2"]
    assert texts_of(table, 2) == ["5.0", "9.0", "7.0"]
    assert analyzed.findingsTable.selected_id() == "N3"


@uses("acceptButton", "rejectButton", "resetButton", "reasonEdit")
def test_decisions_and_reasons_reach_every_node(analyzed):
    import qt

    parts = analyzed.findingsTable
    parts.table.selectRow(1)
    click(parts.acceptButton)
    assert parts.selected_id() == "N1"  # on to the next open one
    parts.table.selectRow(1)
    assert not parts.acceptButton.enabled
    nodes = analyzed.logic.result_nodes()
    assert nodes.findings().findings[1].status == "accepted"
    assert nodes.table.GetTable().GetColumnByName("Status").GetValue(1) == "accepted"
    qt.QTest.keyClicks(parts.reasonEdit, "vessel crossing")
    qt.QTest.keyClick(parts.reasonEdit, qt.Qt.Key_Return)
    assert analyzed.logic.findings()[1].reason == "vessel crossing"
    click(parts.rejectButton)
    parts.table.selectRow(1)
    rejected = analyzed.logic.findings()[1]
    assert (rejected.status, rejected.reason) == ("rejected", "vessel crossing")
    assert not nodes.boxes[1].GetDisplayNode().GetVisibility()
    click(parts.resetButton)
    undone = analyzed.logic.findings()[1]
    assert (undone.status, undone.reason) == ("unreviewed", "")
    assert parts.reasonEdit.text == ""


def test_keys_decide_on_the_selected_row(analyzed):
    parts = analyzed.findingsTable
    for key, status in (("A", "accepted"), ("R", "rejected"), ("U", "unreviewed")):
        parts.table.selectRow(0)
        analyzed.shortcuts.shortcuts[key].activated.emit()
        assert analyzed.logic.findings()[2].status == status


def test_without_a_selection_nothing_can_be_decided(analyzed):
    parts = analyzed.findingsTable
    parts.select(None)
    for control in (parts.acceptButton, parts.rejectButton, parts.resetButton, parts.reasonEdit):
        assert not control.enabled
    parts.decide("accepted")
    assert {finding.status for finding in analyzed.logic.findings()} == {"unreviewed"}
