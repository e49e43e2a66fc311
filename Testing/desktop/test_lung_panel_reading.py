"""LungNoduleAI panel: a whole reading by clicks and keys, and what of it stands after saving and opening again."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import chest
import numpy as np
import pytest
from panel_driver import click, texts_of, uses, wait_for

KEYS = {"A", "R", "U", "N", "J", "K", "M", "E", "C", "Z", "Shift+Z", "W", "L"}


@pytest.fixture(scope="module")
def phantom():
    from LungNoduleAILib.synthesis import make_ellipsoid

    return make_ellipsoid(10.0, spacing_mm=(0.8, 0.8, 1.0), noise_hu=10.0, seed=4, block_mm=40.0)


@pytest.fixture
def reading(panel, phantom, red_slice):
    """The panel on a lung with one nodule of 10 mm that the software did not find, and the nodule's place."""
    from LungNoduleAILib.model.findings import Findings, Lungs
    from LungNoduleAILib.model.result import AnalysisResult
    from ThoraxAILib.scene.volumes import node_from_volume

    volume = phantom.volume.in_lps_order()
    node = node_from_volume(volume, "Lung")
    labels = np.full(volume.array.shape, 3, np.uint8)
    run = {"command": "lung analyze", "schema": "thoraxai.run/1"}
    panel.logic.show_result(node, AnalysisResult(volume, labels, Findings("1.2.3", Lungs(0.0, 60.0))), run)
    panel.ui.inputSelector.setCurrentNode(node)
    return panel, tuple(float(v) for v in phantom.nodule.center_ras_mm)


def click_in_view(place: tuple[float, float, float]) -> None:
    """What a click in a slice view does in place mode: the active place node gets a point there."""
    import slicer
    import vtk

    active = slicer.app.applicationLogic().GetSelectionNode().GetActivePlaceNodeID()
    slicer.mrmlScene.GetNodeByID(active).AddControlPointWorld(vtk.vtkVector3d(*place))
    slicer.app.processEvents()


def choose(box, value: str) -> None:
    index = box.findData(value)
    assert index >= 0
    box.setCurrentIndex(index)


def text_of_pdf(path: Path) -> str:
    """All words of a PDF, lines joined."""
    from pypdf import PdfReader

    return " ".join(" ".join(page.extract_text().split()) for page in PdfReader(path).pages)


def report_of(panel, folder: Path) -> str:
    return panel.logic.write_report(folder / "report.html").read_text(encoding="utf-8")


STATED = {
    "type": "part-solid",
    "lobe": "LUL",
    "margin": "spiculated",
    "shape": "round",
    "attachment": "juxtapleural",
    "calcification_pattern": "central",
}
WORDS = ("scar since 2019", "reader A", *STATED.values())


@uses(
    "addNoduleButton",
    "undoButton",
    "redoButton",
    "typeComboBox",
    "lobeComboBox",
    "marginComboBox",
    "shapeComboBox",
    "attachmentComboBox",
    "calcification_patternComboBox",
    "readerEdit",
    "readingSection",
    "correctSection",
    "advancedSection",
)
def test_a_scripted_reading_stands_in_every_file_after_saving_and_opening_again(reading, slicer_app, tmp_path):
    panel, place = reading
    open_sections_by_click(panel)
    name_the_reader(panel)
    add_with_a_click(panel, place)
    state_reject_and_save(panel, tmp_path / "saved")
    every_word_stands_in(tmp_path / "saved")
    open_again(panel, slicer_app, tmp_path / "saved" / "scene.mrb")
    assert all(word in report_of(panel, tmp_path) for word in WORDS)
    undo_and_redo_all(panel)


def open_sections_by_click(panel) -> None:
    """Reading and Advanced are closed at first, Correct is open."""
    for section in (panel.reading.widget, panel.ui.advancedSection):
        assert section.collapsed
        section.click()
        assert not section.collapsed
    panel.correct.widget.click()
    assert panel.correct.widget.collapsed
    panel.correct.widget.click()


def name_the_reader(panel) -> None:
    import qt

    qt.QTest.keyClicks(panel.reading.readerEdit, "reader A")
    qt.QTest.keyClick(panel.reading.readerEdit, qt.Qt.Key_Return)


def add_with_a_click(panel, place) -> None:
    """Add nodule, then a click into a view: it is measured, told as the reader's, and selected."""
    correct = panel.correct
    assert not correct.editButton.enabled
    click(correct.addButton)
    assert correct.placeTool.is_waiting
    click_in_view(place)
    assert not correct.addButton.checked
    assert texts_of(panel.findingsTable.table, 0) == ["Nodule_01"]
    assert texts_of(panel.findingsTable.table, 6) == ["reader"]
    assert panel.findingsTable.selected_id() == "Nodule_01"


def state_reject_and_save(panel, folder: Path) -> None:
    """State how it looks, reject it with a reason, state person and exam, save."""
    import qt

    for field, value in STATED.items():
        choose(panel.correct.boxes[field], value)
    qt.QTest.keyClicks(panel.findingsTable.reasonEdit, "scar since 2019")
    click(panel.findingsTable.rejectButton)
    choose(panel.guidelines.examComboBox, "baseline")
    panel.guidelines.ageSpinBox.value = 62
    panel.ui.saveFolderEdit.setCurrentPath(str(folder))
    click(panel.ui.saveButton)


def every_word_stands_in(folder: Path) -> None:
    """The words of the review stand in HTML, PDF, CSV and JSON."""
    html, pdf = (folder / "report.html").read_text(encoding="utf-8"), text_of_pdf(folder / "report.pdf")
    table, document = ((folder / name).read_text(encoding="utf-8") for name in ("findings.csv", "findings.json"))
    for text in (html, pdf, table, document):
        assert [word for word in WORDS if word not in text] == []
    for text in (html, pdf):
        assert [word for word in ("exam baseline", "age 62", "rejected") if word not in text] == []
    entry = json.loads(document)
    row = entry["findings"][0]
    assert {name: row[name] for name in STATED} == STATED
    assert row["source"] == "reader"
    assert entry["review"]["person"] == {"exam": "baseline", "age": 62}
    assert {change["who"] for change in entry["review"]["history"]} == {"reader A"}
    cells = next(csv.DictReader(table.splitlines()))
    assert (cells["reason"], cells["calcification_pattern"]) == ("scar since 2019", "central")


def open_again(panel, slicer_app, scene: Path) -> None:
    """Close the scene, open the saved one: the review is there."""
    slicer_app.mrmlScene.Clear(0)
    assert panel.findingsTable.table.rowCount == 0
    slicer_app.util.loadScene(str(scene))
    assert texts_of(panel.findingsTable.table, 7) == ["Rejected"]
    assert panel.guidelines.ageSpinBox.value == 62
    assert panel.reading.readerEdit.text == "reader A"
    panel.findingsTable.table.selectRow(0)
    margin = panel.correct.boxes["margin"]
    assert margin.itemData(margin.currentIndex) == "spiculated"


def undo_and_redo_all(panel) -> None:
    """Each change is taken back, down to nothing, and done again."""
    correct, review = panel.correct, panel.logic.review
    history = len(review.record().history)
    while correct.undoButton.enabled:
        click(correct.undoButton)
    assert panel.logic.findings() == ()
    assert review.record().person == {}
    while correct.redoButton.enabled:
        click(correct.redoButton)
    assert texts_of(panel.findingsTable.table, 7) == ["Rejected"]
    assert len(review.record().history) == 3 * history


def stated(panel) -> list:
    """All that a review holds but for its history: findings with outlines, and the person."""
    from LungNoduleAILib.model.mask_text import mask_to_dict

    found = panel.logic.current_result()
    rows = [(one.to_dict(), None if one.mask is None else mask_to_dict(one.mask)) for one in found.findings]
    return [rows, found.review.person, found.review.mode]


def test_each_step_of_a_review_is_taken_back_and_done_again_one_by_one(reading):
    panel, place = reading
    review = panel.logic.review
    acts = (
        lambda: review.add_nodule(place),
        lambda: review.resize("Nodule_01", review.step_mm()),
        lambda: review.move("Nodule_01", (2.0, 0.0, 0.0)),
        lambda: review.state("Nodule_01", "type", "part-solid"),
        lambda: review.state("Nodule_01", "margin", "spiculated"),
        lambda: review.set_axes("Nodule_01", (0, 0, 0, 9, 0, 0), (0, 0, 0, 0, 7, 0)),
        lambda: review.decide("Nodule_01", "rejected", "scar"),
        lambda: review.add_nodule(place),
        lambda: review.merge("Nodule_01", "Nodule_02"),
        lambda: review.state_person({"exam": "baseline", "age": 62}),
        review.read_first,
        review.lock_reading,
        lambda: review.delete("Nodule_01"),
    )
    states = [stated(panel)]
    for act in acts:
        act()
        states.append(stated(panel))
        assert states[-1] != states[-2]
    for before in reversed(states[:-1]):
        review.undo()
        assert stated(panel) == before
    for after in states[1:]:
        review.redo()
        assert stated(panel) == after


def test_a_second_analysis_loses_no_word_of_the_review(reading):
    from LungNoduleAILib.model.findings import Findings, Lungs
    from LungNoduleAILib.model.result import AnalysisResult
    from ThoraxAILib.scene.volumes import volume_from_node

    panel, place = reading
    review = panel.logic.review
    name = review.add_nodule(place).id
    review.set_reader("reader A")
    review.state(name, "margin", "spiculated")
    review.decide(name, "rejected", "scar since 2019")
    review.state_person({"exam": "baseline", "age": 62})
    before, history = stated(panel), len(review.record().history)
    node = panel.logic.result_nodes().volume
    volume = volume_from_node(node)
    again = AnalysisResult(volume, np.full(volume.array.shape, 3, np.uint8), Findings("1.2.3", Lungs(0.0, 60.0)))
    panel.logic.show_result(node, again)
    assert stated(panel)[1:] == before[1:]
    ((row, outline),) = stated(panel)[0]
    assert outline == before[0][0][1]
    assert (row["margin"], row["status"], row["reason"]) == ("spiculated", "rejected", "scar since 2019")
    assert len(review.record().history) >= history


@uses(
    "growButton",
    "shrinkButton",
    "moveButton",
    "splitButton",
    "deleteButton",
    "mergeButton",
    "mergeComboBox",
)
def test_an_outline_is_shaped_and_every_refusal_stands_beside_the_buttons(reading):
    panel, place = reading
    correct = panel.correct
    click(correct.addButton)
    click_in_view(tuple(np.add(place, (12.0, 12.0, 12.0))))
    assert "No nodule is seen" in correct.messageLabel.text
    click(correct.addButton)
    click_in_view(place)
    assert correct.messageLabel.text == ""
    first = panel.logic.findings()[0]
    click(correct.growButton)
    grown = panel.logic.findings()[0]
    assert grown.volume_mm3 > first.volume_mm3
    click(correct.shrinkButton)
    assert panel.logic.findings()[0].volume_mm3 < grown.volume_mm3
    click(correct.moveButton)
    click_in_view(tuple(np.add(panel.logic.findings()[0].center_ras_mm, (4.0, 0.0, 0.0))))
    assert panel.logic.findings()[0].center_ras_mm[0] == pytest.approx(first.center_ras_mm[0] + 4.0, abs=0.7)
    click(correct.splitButton)
    assert "draw a gap" in correct.messageLabel.text
    assert "no other finding" in correct.mergeButton.toolTip
    click(correct.addButton)
    click_in_view(place)
    assert correct.mergeComboBox.currentText == "Nodule_01"
    click(correct.mergeButton)
    assert [finding.id for finding in panel.logic.findings()] == ["Nodule_02"]
    click(correct.deleteButton)
    assert panel.logic.findings() == ()


@uses("editOutlineButton", "calipersButton")
def test_strokes_and_dragged_calipers_are_measured_by_themselves(reading, slicer_app, monkeypatch):
    from LungNoduleAILib.scene.calipers import caliper_nodes

    panel, place = reading
    first = panel.logic.review.add_nodule(place)
    panel.on_review_changed(first.id)
    asked = []
    monkeypatch.setattr(slicer_app.util, "selectModule", asked.append)
    click(panel.correct.editButton)  # there is no Segment Editor here: a sentence instead
    assert "Segment Editor is not installed" in panel.correct.messageLabel.text
    nodes = panel.logic.result_nodes()
    drawn = slicer_app.util.arrayFromSegmentBinaryLabelmap(nodes.segmentation, first.id, nodes.volume)
    drawn[drawn.shape[0] // 2 :] = 0
    slicer_app.util.updateSegmentBinaryLabelmapFromArray(drawn, nodes.segmentation, first.id, nodes.volume)
    wait_for(lambda: panel.logic.findings()[0].volume_mm3 < 0.8 * first.volume_mm3)
    click(panel.correct.calipersButton)
    long_line = caliper_nodes(nodes.text)[0]
    assert long_line.GetDisplayNode().GetVisibility()
    ends = panel.logic.findings()[0].long_axis_ras_mm
    along = np.subtract(ends[3:], ends[:3]) / np.linalg.norm(np.subtract(ends[3:], ends[:3]))
    long_line.SetNthControlPointPositionWorld(1, *np.add(ends[:3], 15.0 * along))
    long_line.InvokeEvent(slicer_app.vtkMRMLMarkupsNode.PointEndInteractionEvent)
    wait_for(lambda: panel.logic.findings()[0].long_axis_mm == 15.0)
    click(panel.correct.calipersButton)
    assert not long_line.GetDisplayNode().GetVisibility()


@uses("readFirstButton", "lockButton")
def test_reading_first_hides_the_software_until_the_reading_is_locked(analyzed):
    assert "Press Read first" in analyzed.reading.lockButton.toolTip
    analyzed.reading.widget.collapsed = False
    click(analyzed.reading.readFirstButton)
    assert analyzed.findingsTable.table.rowCount == 0
    assert "hidden until you lock" in analyzed.ui.findingsLabel.text
    click(analyzed.reading.lockButton)
    assert analyzed.findingsTable.table.rowCount == 3


def test_while_reading_first_neither_verdicts_with_a_place_nor_the_report_tell_the_ai(analyzed):
    quality, ui = analyzed.ui.qualityList, analyzed.ui
    told = [quality.item(row).text() for row in range(quality.count)]
    analyzed.reading.widget.collapsed = False
    click(analyzed.reading.readFirstButton)
    left = [quality.item(row).text() for row in range(quality.count)]
    assert set(told) - set(left) == {"A large opacity lies in the left lung."}
    for button in (ui.reportButton, ui.copyTextButton):
        assert not button.enabled
        assert "Lock your reading first" in button.toolTip
    click(analyzed.reading.lockButton)
    assert [quality.item(row).text() for row in range(quality.count)] == told
    assert ui.reportButton.enabled


@uses("layoutComboBox", "slabSpinBox", "windowComboBox", "zoomCheckBox")
def test_layout_slab_window_and_zoom_reach_the_views(analyzed, red_slice, ct):
    from LungNoduleAILib.scene import hanging

    reading = analyzed.reading
    choose(reading.layoutComboBox, hanging.MIP_SLAB)
    reading.slabSpinBox.value = 12.0
    assert red_slice.GetSlabReconstructionEnabled()
    assert red_slice.GetSlabReconstructionThickness() == 12.0
    reading.next_layout()  # there is no prior CT: on to the first again
    assert reading.layoutComboBox.currentIndex == 0
    assert not red_slice.GetSlabReconstructionEnabled()
    reading.switch_window()
    assert ct.GetDisplayNode().GetWindow() == hanging.HU_WINDOWS[hanging.SOFT_TISSUE].width_hu
    reading.switch_window()
    assert ct.GetDisplayNode().GetWindow() == hanging.HU_WINDOWS[hanging.LUNG].width_hu
    red_slice.SetFieldOfView(300.0, 300.0, 1.0)
    reading.zoomCheckBox.checked = False
    analyzed.on_jump("N1")
    assert red_slice.GetFieldOfView()[0] == 300.0
    reading.zoomCheckBox.checked = True
    analyzed.on_jump("N1")
    assert red_slice.GetFieldOfView()[0] == 60.0


def twenty(volume):
    """A result of twenty findings."""
    result = chest.chest_result(volume)
    like = result.findings.findings[0]
    rows = tuple(replace(like, id=f"Nodule_{n:02d}", confidence=0.9, mask=None) for n in range(1, 21))
    return replace(result, findings=replace(result.findings, findings=rows))


@uses("nextButton", "previousButton", "nextOpenButton")
def test_twenty_findings_are_reviewed_by_keys_alone_wherever_the_focus_is(panel, ct, red_slice, slicer_app):
    import qt

    panel.logic.show_result(ct, twenty(chest.chest_volume()))
    panel.ui.inputSelector.setCurrentNode(ct)
    window = panel.parent.window()
    window.show()
    window.activateWindow()
    slicer_app.app.processEvents()
    panel.ui.saveButton.setFocus()  # anywhere but the table

    def press(key, *modifiers):
        qt.QTest.keyClick(panel.ui.inputSelector, key, *modifiers)
        slicer_app.app.processEvents()

    press(qt.Qt.Key_N)
    for number in range(20):
        press(qt.Qt.Key_A if number % 3 else qt.Qt.Key_R)
    statuses = [finding.status for finding in panel.logic.findings()]
    assert statuses == ["accepted" if n % 3 else "rejected" for n in range(20)]
    assert panel.findingsTable.progressLabel.text == "20 of 20 decided"
    press(qt.Qt.Key_Z)
    assert panel.logic.findings()[19].status == "unreviewed"
    press(qt.Qt.Key_K)
    press(qt.Qt.Key_J)
    assert panel.findingsTable.selected_id() == "Nodule_20"
    window.hide()


def test_every_key_stands_in_the_tool_tip_of_its_button_and_on_the_page(analyzed, repository):
    keys = {entry.key for entry in analyzed.shortcuts.keys}
    assert keys == KEYS
    analyzed.findingsTable.table.selectRow(0)
    page = (repository / "docs" / "tutorials" / "lung.md").read_text(encoding="utf-8")
    for entry in analyzed.shortcuts.keys:
        assert entry.key in page
        said = entry.button.toolTip
        assert f"({entry.key}" in said or "(R), not" in said or not entry.button.enabled, entry.key
    analyzed.exit()
    assert not any(shortcut.enabled for shortcut in analyzed.shortcuts.shortcuts.values())


def test_a_second_analysis_asks_and_keeps_the_review(analyzed):
    from slicerharness import session

    analyzed.logic.set_finding_status("N2", "rejected", "vessel")
    session.answers["question"] = False
    try:
        click(analyzed.ui.analyzeButton)
        assert "reviewed already" in session.dialogs[-1].text
        assert not analyzed.job_panel.is_running
        click(analyzed.ui.clearButton)
        assert analyzed.logic.findings()
    finally:
        session.answers["question"] = True
    click(analyzed.ui.analyzeButton)
    wait_for(lambda: not analyzed.job_panel.is_running)
    kept = {finding.id: (finding.status, finding.reason) for finding in analyzed.logic.findings()}
    assert kept["N2"] == ("rejected", "vessel")
