"""The practice in the panel of the heart: next case, read, undo, lock, truth, software, why, kept, exported."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panel_driver import click, texts_of, wait_for

from CardiacBiomechLib.practice.cases import make_practice_case
from CardiacBiomechLib.synthesis.groups import GROUPS

COARSE = ((8, 32, 32), (16.0, 5.8, 5.8))
WHY = "LV ejection fraction 20 %: below 40 % (Bernard et al.), speaks for DCM against NOR (+2.00 log-odds)"
used: set[str] = set()


def uses(*names: str) -> Callable:
    """Marks a test as the one that uses these controls."""
    used.update(names)
    return lambda test: test


@pytest.fixture
def panel(open_module) -> Any:
    """The panel of the heart."""
    return open_module("CardiacBiomech")


@pytest.fixture
def coarse(monkeypatch, slicer_app) -> None:
    """Cases of coarse voxels, that no network reads; nothing was practised before."""
    from ThoraxAILib.jobs import child_python

    start = child_python.python_interpreter()
    software = {"ed_frame": 1, "es_frame": 2, "ef_percent": 20.0, "diagnosis": "DCM", "why": [WHY]}
    patch = (
        "import runpy, sys;"
        "from CardiacBiomechLib.cases.practice import practice_case as p;"
        "from CardiacBiomechLib.practice import cases as c;"
        f"p.make_practice_case = lambda seed, difficulty: c.make_practice_case(seed, difficulty, *{COARSE});"
        f"p.software_reading = lambda case, model, progress: {software};"
        "sys.argv = sys.argv[1:]; runpy.run_module('ThoraxAILib', run_name='__main__')"
    )

    def command(words, request):
        return [start, "-c", patch, "ThoraxAILib", *words, *request.to_argv(), "--events", "-"]

    monkeypatch.setattr("CardiacBiomechLib.logic.practice.child_command", command)
    forget_progress()


def progress_file() -> Path:
    import slicer

    return Path(slicer.app.userSettings().fileName()).parent / "ThoraxAI" / "cardiac_practice.json"


def forget_progress() -> None:
    progress_file().unlink(missing_ok=True)
    progress_file().with_name("cardiac_practice.open.json").unlink(missing_ok=True)


@pytest.fixture
def practice(panel, coarse):
    """The section, open."""
    panel.practice.widget.click()
    assert not panel.practice.widget.collapsed
    return panel.practice


def choose(box, value: str) -> None:
    box.setCurrentIndex(box.findData(value))


def next_case(panel) -> None:
    click(panel.practice.nextCaseButton)
    wait_for(lambda: not panel.job_panel.is_running)
    assert panel.job_panel.statusLabel.text == "The case is shown.", panel.job_panel.statusLabel.text


def read(section, ed: int, es: int, ef: float, group: str) -> None:
    section.edSpinBox.value = ed
    section.frameSlider.value = es
    click(section.esHereButton)
    section.efSpinBox.value = ef
    choose(section.diagnosisComboBox, group)


def lock(panel) -> None:
    click(panel.practice.lockButton)
    wait_for(lambda: not panel.job_panel.is_running)
    assert panel.job_panel.statusLabel.text.startswith("Scored"), panel.job_panel.statusLabel.text


def everything_in(scene) -> str:
    """Names, descriptions and attributes of all nodes of a scene."""
    told = []
    for number in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(number)
        names = node.GetAttributeNames() or ()
        told += [str(node.GetName()), str(node.GetDescription()), *(f"{n}={node.GetAttribute(n)}" for n in names)]
    return "\n".join(told)


@uses("difficultyComboBox", "nextCaseButton", "practiceFrameSlider", "practicePlayButton", "practiceEdSpinBox")
@uses("practiceEdHereButton", "practiceEsSpinBox", "practiceEsHereButton", "practiceEfSpinBox", "lockReadingButton")
@uses("practiceDiagnosisComboBox", "practiceTable", "practiceReasonList", "exportPracticeButton")
def test_a_case_is_read_locked_and_compared_and_the_score_is_kept_and_exported(
    panel, practice, tmp_path, monkeypatch, slicer_app
):
    import qt

    assert "nobody shows you" in practice.messageLabel.text.replace("\n", " ")
    assert practice.table.isHidden()
    choose(practice.difficultyComboBox, "medium")
    next_case(panel)
    truth = make_practice_case(1, "medium", *COARSE).truth().reading
    told = everything_in(slicer_app.mrmlScene)
    assert not any(f'"{group}"' in told or f" {group} " in told for group in GROUPS)
    assert "truth" not in told.lower()
    assert practice.table.isHidden()
    assert practice.reasonList.isHidden()
    assert practice.lockButton.toolTip == "Read all four first"
    practice.frameSlider.value = truth.ed_frame
    assert practice.logic.browser().GetSelectedItemNumber() == truth.ed_frame - 1
    click(practice.edHereButton)
    assert practice.edSpinBox.value == truth.ed_frame
    click(practice.playButton)
    assert practice.logic.browser().GetPlaybackActive()
    practice.logic.browser().SetSelectedItemNumber(4)
    assert practice.frameSlider.value == 5
    es = truth.es_frame % 16 + 1
    read(practice, truth.ed_frame, es, round(truth.ef_percent) + 7, truth.diagnosis)
    assert practice.esSpinBox.value == es
    lock(panel)
    assert not practice.logic.browser().GetPlaybackActive()
    assert "You: diagnosis right, ED 0 and ES 1 frames off, EF" in practice.messageLabel.text
    assert "Software: diagnosis" in practice.messageLabel.text
    assert texts_of(practice.table, 0) == ["End-diastole", "End-systole", "LV ejection fraction", "Diagnosis"]
    assert texts_of(practice.table, 1)[0] == f"frame {truth.ed_frame}"
    assert texts_of(practice.table, 2)[3] == f"{truth.diagnosis} (right)"
    why = [practice.reasonList.item(row).text() for row in range(practice.reasonList.count)]
    assert why[0].startswith(f"Truth (synthetic heart): {truth.diagnosis} by Bernard et al.")
    assert why[-1] == f"Software: {WHY}"
    practice.table.selectRow(1)
    assert practice.frameSlider.value == truth.es_frame
    for control in (practice.edSpinBox, practice.efSpinBox, practice.lockButton, practice.diagnosisComboBox):
        assert control.toolTip == "The reading is locked"
    assert practice.scores.progressLabel.text.startswith("1 case: 1 of 1 diagnoses right, frames off by 0.5")
    for name in ("scores.csv", "scores.json"):
        monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_, name=name: str(tmp_path / name))
        click(practice.scores.exportButton)
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["seed"], row["difficulty"], row["right"], row["es_frames_off"]) == ("1", "medium", "True", "1")
    assert float(row["seconds"]) > 0
    assert json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))["cases"][0]["seed"] == 1


@uses("practiceUndoButton")
def test_what_was_said_last_can_be_undone_until_it_is_locked(panel, practice):
    next_case(panel)
    assert not practice.undoButton.enabled
    practice.efSpinBox.value = 44
    choose(practice.diagnosisComboBox, "HCM")
    choose(practice.diagnosisComboBox, "RV")
    click(practice.undoButton)
    assert practice.logic.state().draft.diagnosis == "HCM"
    assert practice.diagnosisComboBox.currentText == "HCM"
    click(practice.undoButton)
    click(practice.undoButton)
    assert practice.logic.state().draft.ef_percent is None
    assert practice.efSpinBox.text == "not read"
    assert not practice.undoButton.enabled


def test_after_a_kill_the_open_case_comes_again_with_what_was_read_of_it(panel, practice, slicer_app):
    choose(practice.difficultyComboBox, "hard")
    next_case(panel)
    next_case(panel)  # a case that was looked at and not locked is left behind
    practice.edSpinBox.value, practice.efSpinBox.value = 3, 61
    before = practice.logic.state()
    assert before.seed == 2
    kept = progress_file().with_name("cardiac_practice.open.json")
    kept.write_text(json.dumps({**json.loads(kept.read_text(encoding="utf-8")), "seconds": 12.0}), encoding="utf-8")
    slicer_app.mrmlScene.Clear(0)  # what a kill leaves: no scene, and the files
    practice.logic.__init__()
    panel.practice.update()
    assert practice.logic.state() is None
    next_case(panel)
    after = practice.logic.state()
    assert (after.seed, after.difficulty, after.draft) == (2, "hard", before.draft)
    assert (practice.edSpinBox.value, practice.efSpinBox.value) == (3, 61)
    assert after.seconds >= 12.0
    choose(practice.difficultyComboBox, "easy")  # another kind begins at its own first case
    next_case(panel)
    assert practice.logic.state().seed == 1


def test_a_saved_case_opens_with_its_reading_and_score(panel, practice, slicer_app, tmp_path):
    choose(practice.difficultyComboBox, "easy")
    next_case(panel)
    read(practice, 1, 5, 50, "NOR")
    lock(panel)
    said, rows = practice.messageLabel.text, texts_of(practice.table, 2)
    assert slicer_app.util.saveScene(str(tmp_path / "practice.mrb"))
    slicer_app.mrmlScene.Clear(0)
    slicer_app.util.loadScene(str(tmp_path / "practice.mrb"))
    assert practice.messageLabel.text == said
    assert texts_of(practice.table, 2) == rows
    practice.frameSlider.value = 2
    assert practice.logic.image() is not None


@uses("practiceCasesEdit")
def test_cases_of_ones_own_need_their_folder(panel, practice, tmp_path):
    choose(practice.difficultyComboBox, "own")
    assert not practice.casesEdit.isHidden()
    assert practice.nextCaseButton.toolTip == "Choose the folder of your cases"
    practice.casesEdit.setCurrentPath(str(tmp_path))
    click(practice.nextCaseButton)
    wait_for(lambda: not panel.job_panel.is_running)
    assert "no ACDC patients" in panel.job_panel.statusLabel.text
    choose(practice.difficultyComboBox, "easy")
    assert practice.casesEdit.isHidden()


def test_a_progress_file_of_something_else_is_refused_before_the_long_run(panel, practice):
    from slicerharness import session

    next_case(panel)
    read(practice, 1, 5, 50, "NOR")
    progress_file().write_text("{}", encoding="utf-8")
    click(practice.lockButton)
    assert "no progress of the practice" in session.dialogs[-1].text
    assert not panel.job_panel.is_running
    assert practice.logic.state().score is None
    forget_progress()


@pytest.mark.slow
def test_five_cases_of_a_scripted_trainee_score_as_the_truth_says(panel, practice):
    random = np.random.default_rng(17)
    for seed, difficulty in ((1, "easy"), (1, "medium"), (1, "hard"), (2, "medium"), (2, "hard")):
        choose(practice.difficultyComboBox, difficulty)
        next_case(panel)
        case = make_practice_case(seed, difficulty, *COARSE)
        count, true = len(case.phases), case.truth().reading
        ed, es, ef = int(random.integers(1, count + 1)), int(random.integers(1, count + 1)), int(random.integers(5, 80))
        group = str(random.choice(list(GROUPS)))
        read(practice, ed, es, ef, group)
        lock(panel)
        score = practice.logic.state().score["score"]
        apart = [abs(told - at) for told, at in ((ed, true.ed_frame), (es, true.es_frame))]
        frames = [min(one, count - one) for one in apart]
        assert [score["ed_frames_off"], score["es_frames_off"]] == frames
        assert score["ef_points_off"] == pytest.approx(abs(ef - true.ef_percent), abs=0.06)
        assert score["right"] == (group == case.group)
    kept = json.loads(progress_file().read_text(encoding="utf-8"))["cases"]
    assert [(one["seed"], one["difficulty"]) for one in kept] == [
        (1, "easy"), (1, "medium"), (1, "hard"), (2, "medium"), (2, "hard"),
    ]  # fmt: skip
