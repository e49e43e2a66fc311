"""The panel of LungNoduleAI: every control is used once, and what it does is seen on the nodes of the scene."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chest
import pytest
from panel_driver import click, controlNames, waitFor

usedControls: set[str] = set()


def uses(*names: str) -> Callable:
    """Marks a test as the one that uses these controls."""
    usedControls.update(names)
    return lambda test: test


@pytest.fixture
def panel(openModule) -> Any:
    return openModule("LungNoduleAI")


@pytest.fixture
def redSlice(slicerApp) -> Any:
    node = slicerApp.vtkMRMLSliceNode()
    node.SetLayoutName("Red")
    return slicerApp.mrmlScene.AddNode(node)


@pytest.fixture
def ct(slicerApp) -> Any:
    from ThoraxAILib.scene.volumes import nodeFromVolume

    return nodeFromVolume(chest.chestVolume(), "CT")


@pytest.fixture
def worker(monkeypatch) -> Callable[..., list]:
    """Let Analyze start a given script instead of the analysis; returns the list of options it was asked with."""

    def replaceWith(*statements: str) -> list:
        from ThoraxAILib.jobs.child_job import ChildJob
        from ThoraxAILib.jobs.child_python import child_environment
        from ThoraxAILib.jobs.work_folder import WorkFolder

        asked = []

        def job(logic, volumeNode, options):
            folder = WorkFolder()
            logic.exportVolume(volumeNode, folder.path / "ct.nrrd")
            asked.append((options, folder.path))
            command = chest.workerScript(f"folder = Path({str(folder.path)!r})", *statements)
            return ChildJob(command, child_environment(("ThoraxAILib", "LungNoduleAILib")), folder)

        monkeypatch.setattr("LungNoduleAILib.widget.analysisJob", job)
        return asked

    return replaceWith


SUCCESS = ("say(event='progress', value=0.5, text='Lungs')",
           "chest.writeWorkerFolder(folder / 'result', chest.chestVolume())",
           "say(event='result', output=str(folder / 'result'))")
ENDLESS = ("say(event='progress', value=0.25, text='Lungs')", "print('a log line', flush=True)", "time.sleep(60)")


@pytest.fixture
def analyzed(panel, ct, worker, redSlice) -> Any:
    """The panel after a successful run on the CT."""
    worker(*SUCCESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    waitFor(lambda: not panel.jobPanel.isRunning)
    assert panel.jobPanel.statusLabel.text.startswith("Done"), panel.jobPanel.statusLabel.text
    return panel


def textsOf(table: Any, column: int) -> list[str]:
    return [table.item(row, column).text() for row in range(table.rowCount)]


def positionOf(sliceNode: Any) -> tuple[float, ...]:
    matrix = sliceNode.GetSliceToRAS()
    return tuple(matrix.GetElement(row, 3) for row in range(3))


def test_every_control_is_used_by_a_test(panel):
    assert controlNames(panel.parent) == usedControls


def test_every_visible_section_and_button_has_words(panel):
    import qt

    for button in panel.parent.findChildren(qt.QPushButton):
        assert button.text
        assert button.toolTip


def test_says_research_use_only(panel):
    assert panel.ui.researchUseLabel.text == "Research use only — not a medical device."


# Input

@uses("inputSelector", "inputSection")
def test_choosing_a_ct_enables_analyze_and_is_remembered_in_the_scene(panel, ct):
    assert panel.ui.inputSelector.currentNode() is None
    assert not panel.ui.analyzeButton.enabled
    assert "Choose a chest CT" in panel.ui.analyzeButton.toolTip
    panel.ui.inputSelector.setCurrentNode(ct)
    assert panel.ui.analyzeButton.enabled
    assert panel.logic.getParameterNode().GetNodeReference("inputVolume") is ct
    panel.ui.inputSection.click()
    assert panel.ui.inputSelector.isHidden() or not panel.ui.inputSelector.isVisible()


def test_a_volume_without_voxels_cannot_be_analyzed(panel, slicerApp):
    panel.ui.inputSelector.setCurrentNode(slicerApp.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty"))
    assert not panel.ui.analyzeButton.enabled
    assert "no voxels" in panel.ui.analyzeButton.toolTip


def test_the_only_ct_is_proposed_when_the_module_is_opened(slicerApp, ct, openModule):
    assert openModule("LungNoduleAI").ui.inputSelector.currentNode() is ct


def test_among_several_volumes_the_shown_one_is_proposed_and_never_just_the_first(slicerApp, ct, openModule):
    from LungNoduleAILib.input_choice import proposedVolume

    from ThoraxAILib.scene.volumes import nodeFromVolume

    second = nodeFromVolume(chest.chestVolume(), "CT 2")
    selection = slicerApp.app.applicationLogic().GetSelectionNode()
    selection.SetActiveVolumeID(None)
    assert proposedVolume() is None
    selection.SetActiveVolumeID(second.GetID())
    assert openModule("LungNoduleAI").ui.inputSelector.currentNode() is second


def test_a_volume_that_cannot_be_a_ct_is_not_proposed(slicerApp):
    import numpy as np
    from LungNoduleAILib.input_choice import proposedVolume

    slicerApp.util.addVolumeFromArray(np.ones((4, 4, 4), np.int16), name="MR")
    assert proposedVolume() is None


@uses("sampleDataButton")
def test_sample_data_is_made_loaded_shown_and_chosen(panel, slicerApp):
    click(panel.ui.sampleDataButton)
    assert not panel.ui.sampleDataButton.enabled
    waitFor(lambda: not panel.jobPanel.isRunning)
    sample = panel.ui.inputSelector.currentNode()
    assert sample is not None, panel.jobPanel.statusLabel.text
    assert sample.GetName() == "Synthetic chest CT"
    assert "N1 solid" in sample.GetDescription()
    assert slicerApp.app.applicationLogic().GetSelectionNode().GetActiveVolumeID() == sample.GetID()
    assert sample.GetImageData().GetScalarRange()[0] <= -900
    assert panel.ui.analyzeButton.enabled


# Settings

@uses("thresholdSlider", "analysisSection")
def test_the_threshold_starts_at_the_operating_point_and_hides_findings(analyzed):
    from LungNoduleAILib.detection.registry import get_detector

    assert analyzed.ui.thresholdSlider.value == get_detector("classical").operating_point
    analyzed.ui.thresholdSlider.value = 0.7
    assert textsOf(analyzed.findingsTable.table, 0) == ["N1", "N3"]
    visible = [bool(box.GetDisplayNode().GetVisibility()) for box in analyzed.logic.resultNodes().boxes]
    assert visible == [True, False, True]
    assert "1 hidden" in analyzed.ui.findingsLabel.text
    analyzed.ui.thresholdSlider.value = 0.1
    assert len(textsOf(analyzed.findingsTable.table, 0)) == 3
    assert "Below 0.50 nothing was computed" in analyzed.ui.findingsLabel.text
    analyzed.ui.analysisSection.click()
    assert analyzed.ui.analysisSection.collapsed


@uses("detectorComboBox", "deviceComboBox", "analyzeButton")
def test_the_settings_reach_the_worker(panel, ct, worker):
    asked = worker(*SUCCESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    panel.ui.detectorComboBox.setCurrentIndex(panel.ui.detectorComboBox.findText("classical"))
    panel.ui.deviceComboBox.setCurrentIndex(panel.ui.deviceComboBox.findData("cpu"))
    click(panel.ui.analyzeButton)
    waitFor(lambda: not panel.jobPanel.isRunning)
    panel.ui.thresholdSlider.value = 0.25
    click(panel.ui.analyzeButton)
    waitFor(lambda: not panel.jobPanel.isRunning)
    options = [options for options, _folder in asked]
    assert [(o.detector, o.device, o.threshold) for o in options] == [
        ("classical", "cpu", None), ("classical", "cpu", 0.25)]
    assert panel.logic.getParameterNode().GetParameter("device") == "cpu"


def test_the_job_calls_the_command_line_with_the_settings(slicerApp, panel, ct):
    from LungNoduleAILib.analysis_job import analysisJob
    from LungNoduleAILib.options import AnalysisOptions

    job = analysisJob(panel.logic, ct, AnalysisOptions(threshold=0.3, device="cpu"))
    image = Path(job.command[5])
    assert job.command[1:5] == ("-m", "ThoraxAILib", "lung", "analyze")
    assert image.is_file()
    assert job.command[6:] == ("--output", str(image.parent / "result"), "--scene", "none", "--events", "-",
                               "--detector", "classical", "--device", "cpu", "--threshold", "0.3")
    job.close()
    assert not image.parent.exists()


# Run

def test_a_run_shows_progress_and_its_result(panel, ct, worker):
    asked = worker(*SUCCESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    assert not panel.ui.analyzeButton.enabled
    assert "going on" in panel.ui.analyzeButton.toolTip
    assert not panel.jobPanel.progressBar.isHidden()
    waitFor(lambda: panel.jobPanel.statusLabel.text == "Lungs" or not panel.jobPanel.isRunning)
    waitFor(lambda: not panel.jobPanel.isRunning)
    assert panel.jobPanel.statusLabel.text == "Done: 3 findings."
    assert panel.jobPanel.progressBar.isHidden()
    assert panel.ui.lungsLabel.text == "Right 2301 mL · Left 2100 mL · Both 4401 mL"
    nodes = panel.logic.resultNodes()
    assert nodes.volume is ct
    assert nodes.points.GetNumberOfControlPoints() == 3
    assert not asked[0][1].exists()


@uses("jobCancelButton")
def test_cancel_half_way_leaves_nothing(panel, ct, worker, slicerApp):
    asked = worker(*ENDLESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    slicerApp.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicerApp.mrmlScene)  # made on first use
    before = slicerApp.mrmlScene.GetNumberOfNodes()
    click(panel.ui.analyzeButton)
    waitFor(lambda: panel.jobPanel.statusLabel.text == "Lungs")
    assert panel.jobPanel.progressBar.value == 250
    click(panel.jobPanel.cancelButton)
    waitFor(lambda: not panel.jobPanel.isRunning)
    assert panel.jobPanel.statusLabel.text == "Cancelled; nothing was kept."
    assert not asked[0][1].exists()
    assert slicerApp.mrmlScene.GetNumberOfNodes() == before
    assert panel.ui.analyzeButton.enabled


@uses("jobLogSection", "jobLogBox")
def test_a_failing_run_shows_why_with_advice_and_leaves_nothing(panel, ct, worker):
    asked = worker("print('reading slices', flush=True)", "raise MemoryError('Unable to allocate 9 GiB')")
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    waitFor(lambda: not panel.jobPanel.isRunning)
    assert "Unable to allocate" in panel.jobPanel.statusLabel.text
    assert "too little free memory" in panel.jobPanel.remedyLabel.text
    assert not panel.jobPanel.remedyLabel.isHidden()
    assert not panel.jobPanel.logSection.isHidden()
    panel.jobPanel.logSection.click()
    assert not panel.jobPanel.logSection.collapsed
    assert "reading slices" in panel.jobPanel.logBox.plainText
    assert not asked[0][1].exists()
    assert panel.logic.currentResult() is None


def test_a_result_that_does_not_fit_is_told_and_shown_nowhere(panel, ct, worker):
    asked = worker("(folder / 'result').mkdir()", "say(event='result', output=str(folder / 'result'))")
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    waitFor(lambda: not panel.jobPanel.isRunning)
    assert "no result that fits" in panel.jobPanel.statusLabel.text
    assert panel.logic.currentResult() is None
    assert not asked[0][1].exists()


def test_a_double_click_on_analyze_starts_one_run(panel, ct, worker):
    asked = worker(*ENDLESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    panel.onAnalyze()
    assert len(asked) == 1
    panel.jobPanel.close()


def test_removing_the_ct_while_it_is_analyzed_cancels_the_run(panel, ct, worker, slicerApp):
    asked = worker(*ENDLESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    waitFor(lambda: panel.jobPanel.statusLabel.text == "Lungs")
    slicerApp.mrmlScene.RemoveNode(ct)
    waitFor(lambda: not panel.jobPanel.isRunning)
    assert "the CT was removed" in panel.jobPanel.statusLabel.text
    assert not asked[0][1].exists()


def test_closing_the_scene_ends_the_run_and_empties_the_panel(panel, ct, worker, slicerApp):
    asked = worker(*ENDLESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    waitFor(lambda: panel.jobPanel.statusLabel.text == "Lungs")
    slicerApp.mrmlScene.Clear(0)
    assert not panel.jobPanel.isRunning
    assert not asked[0][1].exists()
    assert panel.ui.inputSelector.currentNode() is None
    assert not panel.ui.analyzeButton.enabled


def test_closing_the_panel_ends_the_run(panel, ct, worker):
    asked = worker(*ENDLESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    panel.cleanup()
    assert not asked[0][1].exists()


# Result

@uses("qualityList", "lungsSection")
def test_a_verdict_with_a_place_jumps_there(analyzed, redSlice):
    quality = analyzed.ui.qualityList
    assert [quality.item(row).text() for row in range(quality.count)] == [
        "The lobes are approximate.", "A large opacity lies in the left lung."]
    before = positionOf(redSlice)
    quality.itemClicked.emit(quality.item(0))
    assert positionOf(redSlice) == before
    analyzed.logic.jumpToFinding("N1")
    quality.itemClicked.emit(quality.item(1))
    assert positionOf(redSlice) == analyzed.logic.currentResult().lungs.quality[1].center_ras_mm
    analyzed.ui.lungsSection.click()
    assert analyzed.ui.lungsSection.collapsed


@uses("findingsTable", "findingsSection")
def test_a_row_jumps_the_slice_views(analyzed, redSlice):
    findings = {finding.id: finding for finding in analyzed.logic.findings()}
    analyzed.findingsTable.table.selectRow(2)
    assert positionOf(redSlice) == pytest.approx(findings["N3"].center_ras_mm)
    redSlice.JumpSliceByCentering(0, 0, 0)
    analyzed.findingsTable.table.cellClicked.emit(2, 0)
    assert positionOf(redSlice) == pytest.approx(findings["N3"].center_ras_mm)
    analyzed.ui.findingsSection.click()
    assert analyzed.ui.findingsSection.collapsed


def test_after_a_run_the_views_show_the_most_confident_finding(analyzed, redSlice):
    assert analyzed.findingsTable.selectedId() == "N1"
    assert positionOf(redSlice) == pytest.approx(analyzed.logic.findings()[0].center_ras_mm)


def test_a_click_on_a_title_sorts_by_number_and_a_second_turns_it_round(analyzed):
    table = analyzed.findingsTable.table
    header = table.horizontalHeader()
    header.sectionClicked.emit(5)
    assert textsOf(table, 0) == ["N2", "N3", "N1"]
    header.sectionClicked.emit(5)
    assert textsOf(table, 0) == ["N1", "N3", "N2"]
    assert textsOf(table, 2) == ["5.0", "9.0", "7.0"]
    assert analyzed.findingsTable.selectedId() == "N1"


@uses("acceptButton", "rejectButton", "resetButton", "reasonEdit")
def test_decisions_and_reasons_reach_every_node(analyzed):
    import qt

    parts = analyzed.findingsTable
    parts.table.selectRow(1)
    click(parts.acceptButton)
    assert not parts.acceptButton.enabled
    nodes = analyzed.logic.resultNodes()
    assert nodes.findings().findings[1].status == "accepted"
    assert nodes.table.GetTable().GetColumnByName("Status").GetValue(1) == "accepted"
    qt.QTest.keyClicks(parts.reasonEdit, "vessel crossing")
    qt.QTest.keyClick(parts.reasonEdit, qt.Qt.Key_Return)
    assert analyzed.logic.findings()[1].reason == "vessel crossing"
    click(parts.rejectButton)
    rejected = analyzed.logic.findings()[1]
    assert (rejected.status, rejected.reason) == ("rejected", "vessel crossing")
    assert not nodes.boxes[1].GetDisplayNode().GetVisibility()
    click(parts.resetButton)
    undone = analyzed.logic.findings()[1]
    assert (undone.status, undone.reason) == ("unreviewed", "")
    assert parts.reasonEdit.text == ""


def test_keys_decide_on_the_selected_row(analyzed):
    parts = analyzed.findingsTable
    parts.table.selectRow(2)
    for shortcut, status in zip(parts._shortcuts, ("accepted", "rejected", "unreviewed"), strict=True):
        shortcut.activated.emit()
        assert analyzed.logic.findings()[2].status == status


def test_without_a_selection_nothing_can_be_decided(analyzed):
    parts = analyzed.findingsTable
    parts.select(None)
    for control in (parts.acceptButton, parts.rejectButton, parts.resetButton, parts.reasonEdit):
        assert not control.enabled
    parts.decide("accepted")
    assert {finding.status for finding in analyzed.logic.findings()} == {"unreviewed"}


@uses("show3DButton", "resultsSection")
def test_show_3d_makes_and_hides_surfaces(analyzed):
    segmentation = analyzed.logic.resultNodes().segmentation
    click(analyzed.ui.show3DButton)
    assert segmentation.GetSegmentation().ContainsRepresentation("Closed surface")
    assert segmentation.GetDisplayNode().GetVisibility3D()
    click(analyzed.ui.show3DButton)
    assert not segmentation.GetDisplayNode().GetVisibility3D()
    analyzed.ui.resultsSection.click()
    assert analyzed.ui.resultsSection.collapsed


@uses("reportButton")
def test_the_report_of_the_run_is_opened(analyzed, monkeypatch):
    import qt

    opened = []
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", lambda url: opened.append(Path(url.toLocalFile())))
    click(analyzed.ui.reportButton)
    assert opened[0].read_text() == "<html>report</html>"
    analyzed.cleanup()
    assert not opened[0].exists()


@uses("clearButton")
def test_clear_removes_the_result_and_keeps_the_ct(analyzed, ct, slicerApp):
    click(analyzed.ui.clearButton)
    assert analyzed.logic.currentResult() is None
    assert analyzed.findingsTable.table.rowCount == 0
    assert slicerApp.mrmlScene.GetNodeByID(ct.GetID()) is ct
    for button in (analyzed.ui.clearButton, analyzed.ui.reportButton, analyzed.ui.show3DButton):
        assert not button.enabled
        assert "no result" in button.toolTip


@uses("saveFolderEdit", "saveButton")
def test_save_writes_every_file_with_the_decisions(analyzed, tmp_path):
    assert "Choose the folder" in analyzed.ui.saveButton.toolTip
    analyzed.logic.setFindingStatus("N2", "rejected", "vessel")
    target = tmp_path / "results"
    analyzed.ui.saveFolderEdit.setCurrentPath(str(target))
    click(analyzed.ui.saveButton)
    assert {path.name for path in target.iterdir()} == {
        "scene.mrb", "segmentation.seg.nrrd", "nodules.mrk.json", "findings.json", "findings.csv", "report.html",
        "run.json"}
    saved = json.loads((target / "findings.json").read_text())
    assert [finding["status"] for finding in saved["findings"]] == ["unreviewed", "rejected", "unreviewed"]
    assert "scene.mrb" in analyzed.ui.savedLabel.text


def test_saving_where_it_is_impossible_is_told(analyzed, tmp_path):
    from slicerharness import session

    (tmp_path / "file").write_text("")
    analyzed.ui.saveFolderEdit.setCurrentPath(str(tmp_path / "file"))
    click(analyzed.ui.saveButton)
    assert "is a file" in session.dialogs[-1].text
    analyzed.ui.saveFolderEdit.setCurrentPath(str(tmp_path / "no" / "such"))
    click(analyzed.ui.saveButton)
    assert "cannot be made" in session.dialogs[-1].text
    assert analyzed.ui.savedLabel.text == ""


@uses("methodsText", "methodsSection")
def test_methods_and_run_record_can_be_read(analyzed):
    analyzed.ui.methodsSection.click()
    assert not analyzed.ui.methodsSection.collapsed
    text = analyzed.ui.methodsText.plainText
    assert "Lungs by a classical method." in text
    assert '"threshold": 0.5' in text


def test_deleting_a_result_node_by_hand_empties_the_panel(analyzed, slicerApp):
    slicerApp.mrmlScene.RemoveNode(analyzed.logic.resultNodes().text)
    assert analyzed.findingsTable.table.rowCount == 0
    assert not analyzed.ui.clearButton.enabled


def test_a_second_volume_has_no_result_until_it_is_analyzed(analyzed, ct):
    from ThoraxAILib.scene.volumes import nodeFromVolume

    analyzed.ui.inputSelector.setCurrentNode(nodeFromVolume(chest.chestVolume(), "CT 2"))
    assert analyzed.findingsTable.table.rowCount == 0
    analyzed.ui.inputSelector.setCurrentNode(ct)
    assert analyzed.findingsTable.table.rowCount == 3
    assert "press Analyze to make it again" in analyzed.ui.reportButton.toolTip


def test_a_saved_scene_brings_settings_and_result_back(analyzed, slicerApp, tmp_path):
    analyzed.ui.thresholdSlider.value = 0.6
    analyzed.logic.setFindingStatus("N3", "accepted")
    scene = tmp_path / "scene.mrb"
    assert slicerApp.util.saveScene(str(scene))
    slicerApp.mrmlScene.Clear(0)
    assert analyzed.findingsTable.table.rowCount == 0
    slicerApp.util.loadScene(str(scene))
    assert analyzed.ui.thresholdSlider.value == 0.6
    assert analyzed.ui.inputSelector.currentNode().GetName() == "CT"
    assert textsOf(analyzed.findingsTable.table, 0) == ["N1", "N3"]
    assert textsOf(analyzed.findingsTable.table, 6) == ["unreviewed", "accepted"]


def test_reload_builds_a_fresh_panel(analyzed, slicerApp):
    analyzed.onReload()
    fresh = slicerApp.util.getModuleWidget("LungNoduleAI")
    assert type(fresh) is not type(analyzed)
    assert fresh.findingsTable.table.rowCount == 3
