"""LungNoduleAI panel: which CT is analyzed and with which settings."""

from __future__ import annotations

from pathlib import Path

import chest
from panel_driver import click, texts_of, uses, wait_for


@uses("inputSelector", "inputSection")
def test_choosing_a_ct_enables_analyze_and_is_remembered_in_the_scene(panel, ct):
    assert panel.ui.inputSelector.currentNode() is None
    assert not panel.ui.analyzeButton.enabled
    assert "Choose a chest CT" in panel.ui.analyzeButton.toolTip
    panel.ui.inputSelector.setCurrentNode(ct)
    assert panel.ui.analyzeButton.enabled
    assert panel.logic.getParameterNode().GetNodeReference("inputVolume") is ct
    panel.ui.inputSection.click()
    assert not panel.ui.inputSelector.isVisible()


def test_a_volume_without_voxels_cannot_be_analyzed(panel, slicer_app):
    panel.ui.inputSelector.setCurrentNode(slicer_app.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty"))
    assert not panel.ui.analyzeButton.enabled
    assert "no voxels" in panel.ui.analyzeButton.toolTip


def test_the_only_ct_is_proposed_when_the_module_is_opened(slicer_app, ct, open_module):
    assert open_module("LungNoduleAI").ui.inputSelector.currentNode() is ct


def test_among_several_volumes_the_shown_one_is_proposed_and_never_just_the_first(slicer_app, ct, open_module):
    from LungNoduleAILib.panel.input_choice import proposed_volume
    from ThoraxAILib.scene.volumes import node_from_volume

    second = node_from_volume(chest.chest_volume(), "CT 2")
    selection = slicer_app.app.applicationLogic().GetSelectionNode()
    selection.SetActiveVolumeID(None)
    assert proposed_volume() is None
    selection.SetActiveVolumeID(second.GetID())
    assert open_module("LungNoduleAI").ui.inputSelector.currentNode() is second


def test_a_volume_that_cannot_be_a_ct_is_not_proposed(slicer_app):
    import numpy as np

    from LungNoduleAILib.panel.input_choice import proposed_volume

    slicer_app.util.addVolumeFromArray(np.ones((4, 4, 4), np.int16), name="MR")
    assert proposed_volume() is None


@uses("sampleDataButton")
def test_sample_data_is_made_loaded_shown_and_chosen(panel, slicer_app):
    click(panel.ui.sampleDataButton)
    assert not panel.ui.sampleDataButton.enabled
    wait_for(lambda: not panel.job_panel.is_running)
    sample = panel.ui.inputSelector.currentNode()
    assert sample is not None, panel.job_panel.statusLabel.text
    assert sample.GetName() == "Synthetic chest CT"
    assert "N1 solid" in sample.GetDescription()
    assert slicer_app.app.applicationLogic().GetSelectionNode().GetActiveVolumeID() == sample.GetID()
    assert sample.GetImageData().GetScalarRange()[0] <= -900
    assert panel.ui.analyzeButton.enabled


@uses("thresholdSlider", "analysisSection")
def test_the_threshold_starts_at_the_operating_point_and_hides_findings(analyzed):
    from LungNoduleAILib.analysis.engines import operating_point

    assert analyzed.ui.thresholdSlider.value == operating_point("auto")
    analyzed.ui.thresholdSlider.value = 0.7
    assert texts_of(analyzed.findingsTable.table, 0) == ["N3", "N1"]
    visible = [bool(box.GetDisplayNode().GetVisibility()) for box in analyzed.logic.result_nodes().boxes]
    assert visible == [True, False, True]
    assert "1 hidden" in analyzed.ui.findingsLabel.text
    analyzed.ui.thresholdSlider.value = 0.1
    assert len(texts_of(analyzed.findingsTable.table, 0)) == 3
    assert "Below 0.50 nothing was computed" in analyzed.ui.findingsLabel.text
    analyzed.ui.analysisSection.click()
    assert analyzed.ui.analysisSection.collapsed


@uses("detectorComboBox", "anatomyComboBox", "deviceComboBox", "analyzeButton")
def test_the_settings_reach_the_worker(panel, ct, worker):
    asked = worker(*chest.SUCCESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    panel.ui.detectorComboBox.setCurrentIndex(panel.ui.detectorComboBox.findText("classical"))
    panel.ui.anatomyComboBox.setCurrentIndex(panel.ui.anatomyComboBox.findText("classical"))
    panel.ui.deviceComboBox.setCurrentIndex(panel.ui.deviceComboBox.findData("cpu"))
    click(panel.ui.analyzeButton)
    wait_for(lambda: not panel.job_panel.is_running)
    panel.ui.thresholdSlider.value = 0.25
    click(panel.ui.analyzeButton)
    wait_for(lambda: not panel.job_panel.is_running)
    options = [options for options, _folder in asked]
    assert [(o.detector, o.anatomy, o.device, o.threshold) for o in options] == [
        ("classical", "classical", "cpu", None),
        ("classical", "classical", "cpu", 0.25),
    ]
    assert panel.logic.getParameterNode().GetParameter("anatomy") == "classical"
    assert panel.logic.getParameterNode().GetParameter("device") == "cpu"


@uses("calibrationEdit")
def test_a_calibration_sets_the_threshold_and_reaches_the_worker(panel, ct, worker, tmp_path):
    asked = worker(*chest.SUCCESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    panel.ui.thresholdSlider.value = 0.9
    panel.ui.calibrationEdit.setCurrentPath(str(tmp_path / "calibration.json"))
    assert "sets the threshold" in panel.ui.thresholdSlider.toolTip
    assert not panel.ui.thresholdSlider.enabled
    click(panel.ui.analyzeButton)
    wait_for(lambda: not panel.job_panel.is_running)
    assert [(options.calibration, options.threshold) for options, _ in asked] == [(tmp_path / "calibration.json", None)]
    assert len(texts_of(panel.findingsTable.table, 0)) == 3  # all that the calibration reports
    panel.ui.calibrationEdit.setCurrentPath("")
    assert panel.ui.thresholdSlider.enabled
    assert panel.parameters.options.calibration is None


def test_options_without_a_control_reach_the_worker_as_the_scene_keeps_them(panel, ct, worker):
    asked = worker(*chest.SUCCESS)
    panel.logic.getParameterNode().SetParameter("lung_margin_mm", "12.5")
    panel.ui.inputSelector.setCurrentNode(ct)
    panel.ui.deviceComboBox.setCurrentIndex(panel.ui.deviceComboBox.findData("cpu"))
    click(panel.ui.analyzeButton)
    wait_for(lambda: not panel.job_panel.is_running)
    assert [(options.device, options.lung_margin_mm) for options, _folder in asked] == [("cpu", 12.5)]


def test_the_job_calls_the_command_line_with_the_settings(slicer_app, panel, ct):
    from LungNoduleAILib.cases.requests import AnalyzeRequest
    from LungNoduleAILib.logic.jobs import analysis_job
    from LungNoduleAILib.model.options import AnalysisOptions

    options = AnalysisOptions("classical", 0.3, "cpu", 7.5, anatomy="classical")
    job = analysis_job(panel.logic, ct, options)
    image = Path(job.command[5])
    assert job.command[1:5] == ("-m", "ThoraxAILib", "lung", "analyze")
    assert image.is_file()
    asked = AnalyzeRequest.parse(job.command[5:-2])
    assert asked == AnalyzeRequest((image,), image.parent / "result", options, with_scene=False)
    assert job.command[-2:] == ("--events", "-")
    job.close()
    assert not image.parent.exists()
