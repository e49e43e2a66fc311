"""LungNoduleAI panel: a run with progress, cancel, failure, and scenes that change meanwhile."""

from __future__ import annotations

import chest
from panel_driver import click, uses, waitFor


def test_a_run_shows_progress_and_its_result(panel, ct, worker):
    asked = worker(*chest.SUCCESS)
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
    asked = worker(*chest.ENDLESS)
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
    asked = worker(*chest.ENDLESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    panel.onAnalyze()
    assert len(asked) == 1
    panel.jobPanel.close()


def test_removing_the_ct_while_it_is_analyzed_cancels_the_run(panel, ct, worker, slicerApp):
    asked = worker(*chest.ENDLESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    waitFor(lambda: panel.jobPanel.statusLabel.text == "Lungs")
    slicerApp.mrmlScene.RemoveNode(ct)
    waitFor(lambda: not panel.jobPanel.isRunning)
    assert "the CT was removed" in panel.jobPanel.statusLabel.text
    assert not asked[0][1].exists()


def test_closing_the_scene_ends_the_run_and_empties_the_panel(panel, ct, worker, slicerApp):
    asked = worker(*chest.ENDLESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    waitFor(lambda: panel.jobPanel.statusLabel.text == "Lungs")
    slicerApp.mrmlScene.Clear(0)
    assert not panel.jobPanel.isRunning
    assert not asked[0][1].exists()
    assert panel.ui.inputSelector.currentNode() is None
    assert not panel.ui.analyzeButton.enabled


def test_closing_the_panel_ends_the_run(panel, ct, worker):
    asked = worker(*chest.ENDLESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    panel.cleanup()
    assert not asked[0][1].exists()
