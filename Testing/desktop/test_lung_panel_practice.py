"""The practice in the panel: next case, mark, lock, truth and score beside the software's, kept and exported."""

from __future__ import annotations

import csv
import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from panel_driver import click, position_of, texts_of, uses, wait_for

from LungNoduleAILib.practice.cases import make_practice_case
from LungNoduleAILib.practice.score import LEAST_REACH_MM

COARSE_MM = (6.0, 6.0, 6.0)
SEED, DIFFICULTY = 1, "medium"
EASY_WORDS = "between none and five"


@pytest.fixture(scope="module")
def truth():
    return make_practice_case(SEED, DIFFICULTY, COARSE_MM)


@pytest.fixture
def coarse(monkeypatch, slicer_app) -> None:
    """Cases of coarse voxels, that no network reads; nothing was practised before."""
    from ThoraxAILib.jobs import child_python

    start = child_python.python_interpreter()
    patch = (
        "import runpy, sys;"
        "from LungNoduleAILib.cases import practice_case as p; from LungNoduleAILib.practice import cases as c;"
        f"p.make_practice_case = lambda seed, difficulty: c.make_practice_case(seed, difficulty, {COARSE_MM});"
        "p._marks_of_software = lambda case, progress: [p.Mark(n.center_ras_mm, n.diameter_mm)"
        " for n in case.phantom.nodules[:1]] + [p.Mark((300.0, 0.0, 0.0), 5.0)];"
        "sys.argv = sys.argv[1:]; runpy.run_module('ThoraxAILib', run_name='__main__')"
    )

    def command(words, request):
        return [start, "-c", patch, "ThoraxAILib", *words, *request.to_argv(), "--events", "-"]

    monkeypatch.setattr("LungNoduleAILib.logic.jobs.child_command", command)
    progress_file().unlink(missing_ok=True)


def progress_file() -> Path:
    import slicer

    return Path(slicer.app.userSettings().fileName()).parent / "ThoraxAI" / "practice.json"


@pytest.fixture
def practice(panel, coarse, red_slice):
    """The section, open."""
    panel.practice.widget.click()
    assert not panel.practice.widget.collapsed
    return panel.practice


def choose(box, value: str) -> None:
    box.setCurrentIndex(box.findData(value))


def next_case(panel) -> None:
    click(panel.practice.nextCaseButton)
    wait_for(lambda: not panel.job_panel.is_running)
    assert panel.job_panel.statusLabel.text == "The case is shown."


def mark(section, place, diameter_mm: float | None = None) -> None:
    import slicer
    import vtk

    click(section.markButton)
    active = slicer.app.applicationLogic().GetSelectionNode().GetActivePlaceNodeID()
    slicer.mrmlScene.GetNodeByID(active).AddControlPointWorld(vtk.vtkVector3d(*place))
    slicer.app.processEvents()
    assert not section.markButton.checked
    if diameter_mm is not None:
        section.diameterSpinBox.value = diameter_mm


def lock(panel) -> None:
    click(panel.practice.lockMarksButton)
    wait_for(lambda: not panel.job_panel.is_running)
    assert panel.job_panel.statusLabel.text.startswith("Scored"), panel.job_panel.statusLabel.text


def oracle(marks, nodules) -> tuple[int, int, int]:
    """Found, missed and false marks by trying every assignment of marks to nodules."""
    slots = [*range(len(nodules)), *[None] * len(marks)]
    best = 0
    for chosen in set(permutations(slots, len(marks))):
        pairs = [(place, nodules[n]) for place, n in zip(marks, chosen, strict=True) if n is not None]
        hits = [
            np.linalg.norm(np.subtract(place, one.center_ras_mm)) <= max(one.diameter_mm / 2, LEAST_REACH_MM)
            for place, one in pairs
        ]
        best = max(best, sum(hits))
    return best, len(nodules) - best, len(marks) - best


@uses(
    "practiceSection",
    "difficultyComboBox",
    "nextCaseButton",
    "practiceMarkButton",
    "markDiameterSpinBox",
    "removeMarkButton",
    "lockMarksButton",
    "practiceTable",
    "exportPracticeButton",
)
def test_a_case_is_marked_locked_and_compared_and_the_score_is_kept_and_exported(
    panel, practice, truth, tmp_path, monkeypatch, slicer_app, red_slice
):
    import qt

    assert EASY_WORDS in practice.messageLabel.text
    assert "Next case" in practice.markButton.toolTip
    choose(practice.difficultyComboBox, DIFFICULTY)
    next_case(panel)
    nodules = truth.phantom.nodules
    assert len(nodules) >= 2, "the seed of this test has nodules"
    node = practice.logic.volume()
    everything = [slicer_app.mrmlScene.GetNthNode(n) for n in range(slicer_app.mrmlScene.GetNumberOfNodes())]
    assert not any("truth" in (thing.GetName() or "").lower() for thing in everything)
    assert not node.GetDescription()
    mark(practice, nodules[0].center_ras_mm, nodules[0].diameter_mm + 2.0)
    mark(practice, (300.0, 0.0, 0.0))
    mark(practice, (310.0, 0.0, 0.0))
    click(practice.removeMarkButton)
    practice.table.selectRow(0)
    assert position_of(red_slice) == pytest.approx(nodules[0].center_ras_mm, abs=0.01)
    assert texts_of(practice.table, 0) == ["Mark 1", "Mark 2"]
    assert practice.diameterSpinBox.value == pytest.approx(nodules[0].diameter_mm + 2.0, abs=0.06)
    lock(panel)
    assert f"You: 1 of {len(nodules)} found, {len(nodules) - 1} missed, 1 false, sizes off by 2.0 mm" in (
        practice.messageLabel.text
    )
    assert f"The software: 1 of {len(nodules)} found" in practice.messageLabel.text
    said = list(zip(texts_of(practice.table, 2), texts_of(practice.table, 3), strict=True))
    assert said[0][0].startswith("found, ")
    assert said[0][1].startswith("found, ")
    assert said[1 : len(nodules)] == [("missed", "missed")] * (len(nodules) - 1)
    assert said[len(nodules) : len(nodules) + 2] == [("false", ""), ("", "false")]
    alike = texts_of(practice.table, 0)[len(nodules) + 2 :]
    assert alike == [one.what for one in truth.look_alikes]
    assert len(alike) == 3
    practice.table.selectRow(len(nodules) + 2)
    assert practice.whyLabel.text == truth.look_alikes[0].why
    assert position_of(red_slice) == pytest.approx(truth.look_alikes[0].center_ras_mm, abs=0.06)
    for control in (practice.markButton, practice.lockMarksButton, practice.removeMarkButton, practice.diameterSpinBox):
        assert control.toolTip == "The marks are locked"
    assert practice.scores.progressLabel.text.startswith(f"1 case: 1 of {len(nodules)} nodules found")
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_: str(tmp_path / "scores.csv"))
    click(practice.scores.exportButton)
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["seed"], row["difficulty"], row["found"], row["false_marks"]) == ("1", DIFFICULTY, "1", "1")
    assert float(row["seconds"]) > 0


def test_the_next_case_is_another_one_and_takes_the_place_of_the_last(panel, practice, slicer_app):
    choose(practice.difficultyComboBox, "hard")
    next_case(panel)
    first = practice.logic.state()
    next_case(panel)  # a case that was looked at and not locked does not come again
    second = practice.logic.state()
    assert (first.seed, second.seed, second.difficulty, second.marks) == (1, 2, "hard", ())
    names = [n.GetName() for n in slicer_app.util.getNodesByClass("vtkMRMLScalarVolumeNode")]
    assert names == ["Practice case 2, hard"]
    slicer_app.mrmlScene.Clear(0)
    assert EASY_WORDS in practice.messageLabel.text


def test_a_saved_case_opens_with_its_marks_and_score(panel, practice, truth, slicer_app, tmp_path):
    choose(practice.difficultyComboBox, DIFFICULTY)
    next_case(panel)
    mark(practice, truth.phantom.nodules[0].center_ras_mm)
    lock(panel)
    said = practice.messageLabel.text
    assert slicer_app.util.saveScene(str(tmp_path / "practice.mrb"))
    slicer_app.mrmlScene.Clear(0)
    slicer_app.util.loadScene(str(tmp_path / "practice.mrb"))
    assert practice.messageLabel.text == said
    assert practice.table.rowCount >= len(truth.phantom.nodules) + 3


def test_a_progress_file_of_something_else_is_refused_before_the_long_run(panel, practice):
    from slicerharness import session

    next_case(panel)
    progress_file().parent.mkdir(parents=True, exist_ok=True)
    progress_file().write_text("{}", encoding="utf-8")
    click(practice.lockMarksButton)
    assert "no progress of the practice" in session.dialogs[-1].text
    assert not panel.job_panel.is_running
    assert practice.logic.state().score is None


@pytest.mark.slow
def test_five_cases_of_a_scripted_trainee_score_as_the_oracle_says(panel, red_slice, monkeypatch):
    import panel_driver

    monkeypatch.setattr(panel_driver, "PATIENCE_SECONDS", 1200.0)
    progress_file().unlink(missing_ok=True)
    section, rng = panel.practice, np.random.default_rng(17)
    section.widget.collapsed = False
    for seed, difficulty in ((1, "easy"), (1, "medium"), (1, "hard"), (2, "medium"), (2, "hard")):
        choose(section.difficultyComboBox, difficulty)
        next_case(panel)
        nodules = make_practice_case(seed, difficulty, (8.0, 8.0, 8.0)).phantom.nodules
        marks = [np.add(one.center_ras_mm, rng.normal(0, 2, 3)) for one in nodules if rng.random() < 0.7]
        marks = [*marks, np.array((300.0, 0.0, 0.0)), *marks[:1]]  # one beside everything, one twice
        for place in marks:
            mark(section, place, 7.0)
        lock(panel)
        score = section.logic.state().score
        own = score["score"]
        assert (score["seed"], score["difficulty"]) == (seed, difficulty)
        assert tuple(len(own[name]) for name in ("found", "missed", "false_marks")) == oracle(marks, nodules)
        sizes = [abs(7.0 - one.diameter_mm) for one in nodules if one.id in own["found"]]
        assert own["size_error_mm"] == (pytest.approx(np.mean(sizes), abs=0.01) if sizes else None)
        assert len(score["software"]["found"]) + len(score["software"]["missed"]) == len(nodules)
        assert len(score["look_alikes"]) == 3
    kept = json.loads(progress_file().read_text(encoding="utf-8"))["cases"]
    assert [(one["seed"], one["difficulty"]) for one in kept] == [
        (1, "easy"), (1, "medium"), (1, "hard"), (2, "medium"), (2, "hard"),
    ]  # fmt: skip
