"""LungNoduleAI panel: a run with progress, cancel, failure, and scenes that change meanwhile."""

from __future__ import annotations

import chest
from panel_driver import click, uses, wait_for


def test_a_run_shows_progress_and_its_result(panel, ct, worker):
    asked = worker(*chest.SUCCESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    assert not panel.ui.analyzeButton.enabled
    assert "going on" in panel.ui.analyzeButton.toolTip
    assert not panel.job_panel.progressBar.isHidden()
    wait_for(lambda: panel.job_panel.statusLabel.text == "Lungs" or not panel.job_panel.is_running)
    wait_for(lambda: not panel.job_panel.is_running)
    assert panel.job_panel.statusLabel.text == "Done: 3 findings."
    assert panel.job_panel.progressBar.isHidden()
    assert panel.ui.lungsLabel.text == "Right 2301 mL · Left 2100 mL · Both 4401 mL"
    nodes = panel.logic.result_nodes()
    assert nodes.volume is ct
    assert nodes.points.GetNumberOfControlPoints() == 3
    assert not asked[0][1].exists()


@uses("jobCancelButton")
def test_cancel_half_way_leaves_nothing(panel, ct, worker, slicer_app):
    asked = worker(*chest.ENDLESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    slicer_app.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer_app.mrmlScene)  # made on first use
    before = slicer_app.mrmlScene.GetNumberOfNodes()
    click(panel.ui.analyzeButton)
    wait_for(lambda: panel.job_panel.statusLabel.text == "Lungs")
    assert panel.job_panel.progressBar.value == 250
    click(panel.job_panel.cancelButton)
    wait_for(lambda: not panel.job_panel.is_running)
    assert panel.job_panel.statusLabel.text == "Cancelled; nothing was kept."
    assert not asked[0][1].exists()
    assert slicer_app.mrmlScene.GetNumberOfNodes() == before
    assert panel.ui.analyzeButton.enabled


@uses("jobLogSection", "jobLogBox")
def test_a_failing_run_shows_why_with_advice_and_leaves_nothing(panel, ct, worker):
    asked = worker("print('reading slices', flush=True)", "raise MemoryError('Unable to allocate 9 GiB')")
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    wait_for(lambda: not panel.job_panel.is_running)
    assert "Unable to allocate" in panel.job_panel.statusLabel.text
    assert "too little free memory" in panel.job_panel.remedyLabel.text
    assert not panel.job_panel.remedyLabel.isHidden()
    assert not panel.job_panel.logSection.isHidden()
    panel.job_panel.logSection.click()
    assert not panel.job_panel.logSection.collapsed
    assert "reading slices" in panel.job_panel.logBox.plainText
    assert not asked[0][1].exists()
    assert panel.logic.current_result() is None


def test_a_result_that_does_not_fit_is_told_and_shown_nowhere(panel, ct, worker):
    asked = worker("(folder / 'result').mkdir()", "say(event='result', output=str(folder / 'result'))")
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    wait_for(lambda: not panel.job_panel.is_running)
    assert "no result that fits" in panel.job_panel.statusLabel.text
    assert panel.logic.current_result() is None
    assert not asked[0][1].exists()


def test_a_double_click_on_analyze_starts_one_run(panel, ct, worker):
    asked = worker(*chest.ENDLESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    panel.on_analyze()
    assert len(asked) == 1
    panel.job_panel.close()


def test_removing_the_ct_while_it_is_analyzed_cancels_the_run(panel, ct, worker, slicer_app):
    asked = worker(*chest.ENDLESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    wait_for(lambda: panel.job_panel.statusLabel.text == "Lungs")
    slicer_app.mrmlScene.RemoveNode(ct)
    wait_for(lambda: not panel.job_panel.is_running)
    assert "the CT was removed" in panel.job_panel.statusLabel.text
    assert not asked[0][1].exists()


def test_closing_the_scene_ends_the_run_and_empties_the_panel(panel, ct, worker, slicer_app):
    asked = worker(*chest.ENDLESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    wait_for(lambda: panel.job_panel.statusLabel.text == "Lungs")
    slicer_app.mrmlScene.Clear(0)
    assert not panel.job_panel.is_running
    assert not asked[0][1].exists()
    assert panel.ui.inputSelector.currentNode() is None
    assert not panel.ui.analyzeButton.enabled


def test_closing_the_panel_ends_the_run(panel, ct, worker):
    asked = worker(*chest.ENDLESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    panel.cleanup()
    assert not asked[0][1].exists()
