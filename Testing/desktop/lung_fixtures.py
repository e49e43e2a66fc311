"""Fixtures of the LungNoduleAI panel: a CT, a worker that is a little script, and the panel after a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chest
import pytest
from panel_driver import click, waitFor


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

        monkeypatch.setattr("LungNoduleAILib.panel.widget.analysisJob", job)
        return asked

    return replaceWith


@pytest.fixture
def analyzed(panel, ct, worker, redSlice) -> Any:
    """The panel after a successful run on the CT."""
    worker(*chest.SUCCESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    waitFor(lambda: not panel.jobPanel.isRunning)
    assert panel.jobPanel.statusLabel.text.startswith("Done"), panel.jobPanel.statusLabel.text
    return panel
