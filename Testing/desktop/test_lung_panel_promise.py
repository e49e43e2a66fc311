"""LungNoduleAI panel: what a calibration promises, a model of one's own, and why the detector sees a nodule."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from panel_driver import click, uses, wait_for

from LungNoduleAILib.guarantee.calibration import Calibration, DetectorIdentity
from ThoraxAILib.jobs.child_job import ChildJob


def calibration(path: Path, detector: str) -> Path:
    from LungNoduleAILib.analysis.engines import DETECTOR, REGISTRY

    identity = DetectorIdentity(detector, REGISTRY.find(DETECTOR, detector).fingerprint)
    made = Calibration(0.31, 0.1, 40, 0.05, 0.09, 0.05, 0.01, "Hospital A", false_marks_per_scan=1.2, detector=identity)
    path.write_text(json.dumps(made.to_dict()), encoding="utf-8")
    return path


def test_a_calibration_says_its_promise_in_words_or_why_it_cannot_be_used(panel, tmp_path):
    panel.ui.detectorComboBox.setCurrentIndex(panel.ui.detectorComboBox.findText("classical"))
    panel.ui.calibrationEdit.setCurrentPath(str(calibration(tmp_path / "own.json", "classical")))
    assert panel.advanced.promise.label.text == (
        "At least 90% of the nodules of a scan are found at a threshold of 0.31, on average over scans like those of "
        "Hospital A (40 scans). Expected false marks per scan: 1.2."
    )
    panel.ui.calibrationEdit.setCurrentPath(str(calibration(tmp_path / "other.json", "learned")))
    assert "was made for the detector learned" in panel.advanced.promise.label.text
    panel.ui.calibrationEdit.setCurrentPath("")
    assert panel.advanced.promise.label.text == ""


@uses("detectorWeightsEdit", "detectorScoreComboBox")
def test_a_model_of_ones_own_is_taken_by_the_detector_that_takes_one_only(panel, tmp_path):
    own = panel.advanced.own_model
    panel.ui.detectorComboBox.setCurrentIndex(panel.ui.detectorComboBox.findText("classical"))
    assert not own.folderEdit.enabled
    assert "Only the detector nnunet" in own.folderEdit.toolTip
    panel.ui.detectorComboBox.setCurrentIndex(panel.ui.detectorComboBox.findText("nnunet"))
    own.folderEdit.setCurrentPath(str(tmp_path))
    own.scoreComboBox.setCurrentIndex(2)
    options = panel.parameters.options
    assert (options.detector, options.detector_weights, options.detector_score) == ("nnunet", tmp_path, "volume")
    panel.ui.detectorComboBox.setCurrentIndex(panel.ui.detectorComboBox.findText("classical"))
    assert panel.parameters.options.detector_weights is None


WRITTEN = """
import json, sys
from pathlib import Path
import numpy as np, SimpleITK as sitk
folder = Path(sys.argv[1]); folder.mkdir()
values = np.zeros((6, 6, 6), np.float32); values[2:4, 2:4, 2:4] = 2.0; values[0] = -1.0
image = sitk.GetImageFromArray(values); image.SetOrigin((5.0, 6.0, 7.0))
sitk.WriteImage(image, str(folder / "importance.nrrd"))
told = {"confidence_at_the_place": 0.9, "shuffled_correlation": 0.12, "is_faithful": False,
        "suspicion": {"mean_nodule": 2.5, "moved": [{"feature": "diameter", "points": 0.8}]}}
(folder / "explanation.json").write_text(json.dumps(told))
print(json.dumps({"event": "result", "output": str(folder)}), flush=True)
"""


@pytest.fixture
def explained(analyzed, tmp_path, monkeypatch):
    """The panel after the first finding was explained by a stand-in."""
    from LungNoduleAILib.panel import explain_section

    asked = []

    def job(logic, volume, finding):
        asked.append((volume, finding.id))
        return ChildJob([sys.executable, "-c", WRITTEN, str(tmp_path / "explanation")])

    monkeypatch.setattr(explain_section, "explain_job", job)
    analyzed.explain.widget.collapsed = False
    analyzed.findingsTable.select("N1")
    analyzed._show_selected()
    click(analyzed.explain.explainButton)
    wait_for(lambda: not analyzed.explain.job_panel.is_running)
    assert [name for _volume, name in asked] == ["N1"]
    return analyzed


@uses("explainSection", "explainButton")
def test_the_map_lies_over_the_ct_with_what_its_tests_say(explained, slicer_app):
    from LungNoduleAILib.logic.explanation import importance_of

    node = importance_of(explained.ui.inputSelector.currentNode())
    assert node.GetName() == "Importance for N1"
    array = slicer_app.util.arrayFromVolume(node)
    assert (float(array.max()), float(array.min())) == (2.0, 0.0)  # what speaks against a nodule is not shown
    np.testing.assert_allclose(node.GetOrigin(), (-5.0, -6.0, 7.0))
    text = explained.explain.label.text
    assert "does not pass its tests" in text
    assert "diameter +0.80" in text


@uses("hideImportanceButton")
def test_the_map_can_be_taken_away_and_a_new_one_replaces_it(explained, slicer_app):
    from LungNoduleAILib.logic.explanation import MAP_ATTRIBUTE, importance_of

    ct = explained.ui.inputSelector.currentNode()
    click(explained.explain.hideButton)
    assert importance_of(ct) is None
    assert explained.explain.label.text == ""
    assert not explained.explain.hideButton.enabled
    nodes = slicer_app.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    assert [node.GetName() for node in nodes if node.GetAttribute(MAP_ATTRIBUTE)] == []


WAITS = """
import json, time
print(json.dumps({"event": "progress", "value": 0.5, "text": "half"}), flush=True)
time.sleep(60)
"""


@uses("explainCancelButton", "explainLogSection", "explainLogBox")
def test_an_explanation_can_be_stopped_and_one_that_fails_says_why(analyzed, monkeypatch):
    from LungNoduleAILib.logic.explanation import importance_of
    from LungNoduleAILib.panel import explain_section

    section = analyzed.explain
    section.widget.collapsed = False
    analyzed.findingsTable.select("N1")
    analyzed._show_selected()
    script = [WAITS, "import sys; print('last words', file=sys.stderr); sys.exit(3)"]
    monkeypatch.setattr(explain_section, "explain_job", lambda *_: ChildJob([sys.executable, "-c", script.pop(0)]))
    click(section.explainButton)
    wait_for(lambda: section.job_panel.progressBar.value == 500)
    click(section.job_panel.cancelButton)
    wait_for(lambda: not section.job_panel.is_running)
    assert importance_of(analyzed.ui.inputSelector.currentNode()) is None
    click(section.explainButton)
    wait_for(lambda: not section.job_panel.is_running)
    section.job_panel.logSection.click()
    assert "last words" in section.job_panel.logBox.toPlainText()


def test_nothing_can_be_explained_without_a_selected_finding(panel):
    assert not panel.explain.explainButton.enabled
    assert "Select a finding" in panel.explain.explainButton.toolTip


@uses("shippedCalibrationButton")
def test_the_shipped_calibration_is_one_click_away_and_says_that_it_is_synthetic(panel):
    panel.ui.detectorComboBox.setCurrentIndex(panel.ui.detectorComboBox.findText("learned"))
    click(panel.advanced.promise.shippedButton)
    assert panel.parameters.options.calibration == Path("shipped")
    assert "synthetic" in panel.advanced.promise.label.text
    assert not panel.advanced.promise.shippedButton.enabled
    panel.ui.calibrationEdit.setCurrentPath("")
    assert panel.advanced.promise.shippedButton.enabled
