"""LungNoduleAI with nothing replaced: the command line as worker, the phantom as CT, the module's own self test."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from panel_driver import click, wait_for

ANALYSIS_SECONDS = 600.0  # on a busy machine; the test goes on as soon as the worker ends


@pytest.fixture
def phantom(small_chest):
    return small_chest


def test_the_worker_finds_planted_nodules_and_leaves_no_folder(panel, phantom, red_slice, tmp_path, monkeypatch):
    from ThoraxAILib.jobs import work_folder
    from ThoraxAILib.scene.volumes import node_from_volume

    monkeypatch.setattr(work_folder.tempfile, "tempdir", str(tmp_path))
    panel.ui.inputSelector.setCurrentNode(node_from_volume(phantom.volume, "Phantom"))
    click(panel.ui.analyzeButton)
    wait_for(lambda: not panel.job_panel.is_running, ANALYSIS_SECONDS)
    findings = panel.logic.findings()
    assert findings, panel.job_panel.statusLabel.text
    planted = np.array([nodule.center_ras_mm for nodule in phantom.nodules])
    nearest = [np.linalg.norm(planted - np.array(f.center_ras_mm), axis=1).min() for f in findings]
    assert sum(distance < 5 for distance in nearest) >= len(planted) // 2
    lungs = panel.logic.current_result().lungs
    assert lungs.right_ml == pytest.approx(phantom.right_lung_ml, rel=0.1)
    assert panel.logic.write_report(tmp_path / "report.html").stat().st_size > 10_000
    (tmp_path / "report.html").unlink()
    assert "Chest CT was analyzed with ThoraxAI" in panel.ui.methodsText.plainText
    panel.cleanup()
    assert list(tmp_path.iterdir()) == []


def test_cancelling_the_real_worker_leaves_nothing(panel, phantom, tmp_path, monkeypatch):
    from ThoraxAILib.jobs import work_folder
    from ThoraxAILib.scene.volumes import node_from_volume

    monkeypatch.setattr(work_folder.tempfile, "tempdir", str(tmp_path))
    panel.ui.inputSelector.setCurrentNode(node_from_volume(phantom.volume, "Phantom"))
    click(panel.ui.analyzeButton)
    wait_for(lambda: panel.job_panel.progressBar.value > 0)
    click(panel.job_panel.cancelButton)
    wait_for(lambda: not panel.job_panel.is_running)
    assert panel.job_panel.statusLabel.text == "Cancelled; nothing was kept."
    assert panel.logic.current_result() is None
    assert list(tmp_path.iterdir()) == []


def test_an_image_that_is_no_ct_is_refused_in_one_sentence(panel, slicer_app):
    flat = slicer_app.util.addVolumeFromArray(np.zeros((2, 8, 8), np.int16), name="Two slices")
    panel.ui.inputSelector.setCurrentNode(flat)
    click(panel.ui.analyzeButton)
    wait_for(lambda: not panel.job_panel.is_running)
    message = panel.job_panel.statusLabel.text
    assert message.endswith(".")
    assert "Traceback" not in message
    assert "slice" in message
    assert panel.logic.current_result() is None


@pytest.mark.slow
def test_the_modules_self_test_passes(panel, slicer_app):
    module = slicer_app.modules.lungnoduleai.pythonModule
    module.LungNoduleAITest().runTest()


def test_the_sample_is_offered_in_the_sample_data_module(open_module, slicer_app, monkeypatch):
    registered = []
    sample_data = ModuleType("SampleData")
    sample_data.SampleDataLogic = SimpleNamespace(
        registerCustomSampleDataSource=lambda **options: registered.append(options)
    )
    monkeypatch.setitem(sys.modules, "SampleData", sample_data)
    monkeypatch.setattr("LungNoduleAILib.cases.sample.SAMPLE_SPACING_MM", (4.0, 4.0, 4.0))
    open_module("LungNoduleAI")
    slicer_app.app.completeStartup()
    assert registered[-1]["sampleName"] == "SyntheticChestCT"
    (node,) = registered[-1]["customDownloader"](None)
    assert node.GetName() == "Synthetic chest CT"
    assert "planted nodules" in node.GetDescription()


def test_without_the_sample_data_module_nothing_happens(open_module, slicer_app):
    assert "SampleData" not in sys.modules
    open_module("LungNoduleAI")
    slicer_app.app.completeStartup()
