"""Fixtures of the LungNoduleAI panel: a CT, a worker that is a little script, and the panel after a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chest
import pytest
from panel_driver import click, wait_for


@pytest.fixture
def panel(open_module) -> Any:
    return open_module("LungNoduleAI")


@pytest.fixture
def red_slice(slicer_app) -> Any:
    node = slicer_app.vtkMRMLSliceNode()
    node.SetLayoutName("Red")
    return slicer_app.mrmlScene.AddNode(node)


@pytest.fixture
def ct(slicer_app) -> Any:
    from ThoraxAILib.scene.volumes import node_from_volume

    return node_from_volume(chest.chest_volume(), "CT")


@pytest.fixture
def worker(monkeypatch) -> Callable[..., list]:
    """Let Analyze start a given script instead of the analysis; returns the list of options it was asked with."""

    def replace_with(*statements: str) -> list:
        from ThoraxAILib.jobs.child_job import ChildJob
        from ThoraxAILib.jobs.child_python import child_environment
        from ThoraxAILib.jobs.work_folder import WorkFolder

        asked = []

        def job(logic, volume_node, options):
            folder = WorkFolder()
            logic.export_volume(volume_node, folder.path / "ct.nrrd")
            asked.append((options, folder.path))
            command = chest.worker_script(f"folder = Path({str(folder.path)!r})", *statements)
            return ChildJob(command, child_environment(("ThoraxAILib", "LungNoduleAILib")), folder)

        monkeypatch.setattr("LungNoduleAILib.panel.widget.analysis_job", job)
        return asked

    return replace_with


@pytest.fixture
def analyzed(panel, ct, worker, red_slice) -> Any:
    """The panel after a successful run on the CT."""
    worker(*chest.SUCCESS)
    panel.ui.inputSelector.setCurrentNode(ct)
    click(panel.ui.analyzeButton)
    wait_for(lambda: not panel.job_panel.is_running)
    assert panel.job_panel.statusLabel.text.startswith("Done"), panel.job_panel.statusLabel.text
    return panel
