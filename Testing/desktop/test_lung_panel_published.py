"""Networks of others in the panel: nothing is fetched before the licence was agreed to, and nothing half stays."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from panel_driver import click, texts_of, uses, wait_for

from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.networks.published.catalog import MODELS
from ThoraxAILib.networks.published.files import folder_of

SLOW = """
import json, time
for step in range(600):
    print(json.dumps({"event": "progress", "value": step / 600, "text": f"{step} of 600 MB"}), flush=True)
    time.sleep(0.1)
"""
DONE = """
import json, sys, pathlib
file = pathlib.Path(sys.argv[1]) / "models" / "model.pt"
file.parent.mkdir(parents=True)
file.write_bytes(b"weights")
print(json.dumps({"event": "result", "output": sys.argv[1]}), flush=True)
"""


@pytest.fixture
def section(panel, tmp_path, monkeypatch) -> Any:
    monkeypatch.setenv("THORAXAI_MODELS", str(tmp_path / "models"))
    found = panel.advanced.published
    panel.ui.advancedSection.collapsed = False
    found.widget.collapsed = False
    found._show()
    found.table.clearSelection()
    return found


def stand_in(monkeypatch, script: str) -> None:
    from ThoraxAILib.panels import published_models

    monkeypatch.setattr(
        published_models,
        "download_job",
        lambda model: ChildJob([sys.executable, "-c", script, str(folder_of(model))]),
    )


def answer(monkeypatch, agrees: bool) -> list[str]:
    from ThoraxAILib.panels import published_models

    asked: list[str] = []

    def agreed(question: str) -> bool:
        asked.append(question)
        return agrees

    monkeypatch.setattr(published_models, "agreed", agreed)
    return asked


@uses("publishedModelsSection", "publishedModelsTable")
def test_every_network_stands_there_with_its_state_and_licence(section):
    assert texts_of(section.table, 0) == [model.title for model in MODELS]
    assert set(texts_of(section.table, 1)) == {"not here"}
    section.table.selectRow(0)
    assert MODELS[0].licence in section.licenceLabel.text
    assert MODELS[0].trained_on in section.licenceLabel.text
    section.widget.click()
    assert section.widget.collapsed


def test_buttons_that_cannot_work_say_why(section):
    for button in (section.getButton, section.addButton, section.removeButton):
        assert not button.enabled
        assert "Select a network" in button.toolTip
    section.table.selectRow(0)
    assert section.getButton.enabled
    assert "folder" in section.addButton.toolTip
    assert "not here" in section.removeButton.toolTip


@uses("getModelButton")
def test_nothing_is_fetched_before_the_licence_was_agreed_to(section, monkeypatch):
    asked = answer(monkeypatch, False)
    section.table.selectRow(0)
    click(section.getButton)
    assert not section.job_panel.is_running
    assert MODELS[0].licence in asked[0]


def test_without_a_network_it_says_so_and_what_else_can_be_done(section, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    answer(monkeypatch, True)
    section.table.selectRow(0)
    click(section.getButton)
    wait_for(lambda: not section.job_panel.is_running)
    assert "cannot be reached" in section.job_panel.statusLabel.text
    assert "thoraxai models add" in section.job_panel.statusLabel.text
    assert not folder_of(MODELS[0]).exists()


@uses("modelsCancelButton", "modelsLogSection", "modelsLogBox")
def test_a_download_shows_its_progress_and_can_be_stopped(section, monkeypatch):
    answer(monkeypatch, True)
    stand_in(monkeypatch, SLOW)
    section.table.selectRow(0)
    click(section.getButton)
    wait_for(lambda: "of 600 MB" in section.job_panel.statusLabel.text)
    assert "going on" in section.getButton.toolTip
    click(section.job_panel.cancelButton)
    wait_for(lambda: not section.job_panel.is_running)
    assert "nothing was kept" in section.job_panel.statusLabel.text


def test_what_has_come_is_shown(section, monkeypatch):
    answer(monkeypatch, True)
    stand_in(monkeypatch, DONE)
    section.table.selectRow(0)
    click(section.getButton)
    wait_for(lambda: not section.job_panel.is_running)
    assert texts_of(section.table, 1)[0] == "damaged"  # the stand-in's bytes are not the published ones


@uses("modelFolderEdit", "addModelButton", "removeModelButton")
def test_weights_of_ones_own_come_from_a_folder_after_a_question_and_go_again(section, monkeypatch, tmp_path):
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "model.pt").write_bytes(b"my own")
    section.table.selectRow(0)
    section.folderEdit.setCurrentPath(str(bundle))
    asked = answer(monkeypatch, False)
    click(section.addButton)
    assert "not the file that was published" in section.messageLabel.text
    assert texts_of(section.table, 1)[0] == "not here"
    asked = answer(monkeypatch, True)
    click(section.addButton)
    assert "weights of your own" in asked[0]
    assert texts_of(section.table, 1)[0] == "own weights"
    click(section.removeButton)
    assert texts_of(section.table, 1)[0] == "not here"
    assert Path(bundle / "model.pt").read_bytes() == b"my own"
