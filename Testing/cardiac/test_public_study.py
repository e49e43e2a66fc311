"""``thoraxai.analyze_cine`` and ``thoraxai.score_cine`` hand on every argument as the commands would."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

import thoraxai
from CardiacBiomechLib.analysis.study_options import StudyOptions
from CardiacBiomechLib.cases.practice.practice_case import SCORE_FILE
from CardiacBiomechLib.cases.practice.requests import PracticeRequest
from CardiacBiomechLib.cases.study_requests import AnalyzeStudyRequest, EnginesOfStudy
from CardiacBiomechLib.model.person import Person
from CardiacBiomechLib.practice.reading import Reading
from ThoraxAILib.errors import InputError


@pytest.fixture
def analyzed(monkeypatch) -> list:
    """What the analysis was asked for, in place of the analysis."""
    asked: list = []

    def analyze(request, study, folder, progress):
        asked.append((request, study, folder))
        return SimpleNamespace(result={"lv": 1})

    monkeypatch.setattr("CardiacBiomechLib.public.study.analyze_study_case", analyze)
    return asked


def test_an_exam_alone_is_analyzed_with_the_defaults_of_the_command_and_without_a_scene(analyzed):
    assert thoraxai.analyze_cine("exam", "out") == {"lv": 1}
    wanted = AnalyzeStudyRequest((Path("exam"),), Path("out"), with_scene=False)
    assert analyzed == [(wanted, Path("exam"), Path("out"))]


def test_every_argument_of_an_analysis_arrives(analyzed):
    options, person, engines = StudyOptions(strain=False), Person(170.0, 60.0), EnginesOfStudy(motion="demons")
    how = {"with_scene": True, "with_dicom": True, "resume": True}
    thoraxai.analyze_cine("exam", "out", "ed.nii.gz", 3, options, person=person, engines=engines, **how)
    ((request, _study, _folder),) = analyzed
    assert (request.label, request.frame) == (Path("ed.nii.gz"), 3)
    assert (request.options, request.person, request.engines) == (options, person, engines)
    assert (request.with_scene, request.with_dicom, request.resume) == (True, True, True)


def test_a_reading_is_scored_as_it_was_given(tmp_path, monkeypatch):
    asked: list = []

    def score(request, reading, progress):
        asked.append((request, reading))
        (request.output / SCORE_FILE).write_text(json.dumps({"score": 7}))

    monkeypatch.setattr("CardiacBiomechLib.public.practice.score_case", score)
    given = {"seed": 3, "difficulty": "hard", "cases": "acdc", "analyze": True, "model": "own"}
    assert thoraxai.score_cine(tmp_path, 1, 7, 35, "DCM", **given) == {"score": 7}
    wanted = PracticeRequest(tmp_path, 3, "hard", cases=Path("acdc"), analyze=True, model=Path("own"))
    assert asked == [(wanted, Reading(1, 7, 35.0, "DCM"))]


def test_a_frame_that_is_not_there_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match="Frame 700 of end-systole does not exist"):
        thoraxai.score_cine(tmp_path / "case", 1, 700, 35.0, "DCM")
    assert not (tmp_path / "case").exists()
