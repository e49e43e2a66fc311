"""What is asked of a command is what runs and what its record says: for every option, those of tomorrow too."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.asked import (
    WorkersInThisProcess,
    analysis_options,
    follow_up_options,
    other_than_default,
    person,
    record_in,
    write_chest,
)
from LungNoduleAILib.cases.requests import AnalyzeRequest, FollowUpRequest, RegisterRequest
from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.model.registration_options import LungRegistrationOptions
from ThoraxAILib.cli.main import main
from ThoraxAILib.options.declare import option_fields


@pytest.fixture
def scans(tmp_path: Path) -> tuple[Path, Path]:
    """Two CTs on disk."""
    return write_chest(tmp_path / "one.nrrd"), write_chest(tmp_path / "two.nrrd", 5)


def recorded(cls: type, options: dict) -> Any:
    """The part of recorded options that belongs to a class."""
    names = {field.name for field in option_fields(cls)}
    return cls.from_dict({name: value for name, value in options.items() if name in names})


def test_one_case(scans, tmp_path, analyses_run):
    request = AnalyzeRequest(scans[:1], tmp_path / "out", analysis_options(), with_scene=False, person=person())
    assert main(["lung", "analyze", *request.to_argv()]) == 0
    options = record_in(tmp_path / "out")["options"]
    assert analyses_run == [request.options]
    assert recorded(AnalysisOptions, options) == request.options
    assert recorded(PersonAndExam, options) == request.person
    assert options["scene"] is False
    assert set(options) == set(request.options.to_dict()) | set(request.person.to_dict()) | {
        "scene",
        "dicom",
        "label_map",
    }


def test_a_calibration_is_recorded_with_the_hash_of_its_file(scans, tmp_path, analyses_run):
    from LungNoduleAILib.detection.classical import ENGINE
    from LungNoduleAILib.guarantee.calibration import Calibration, DetectorIdentity

    path = tmp_path / "calibration.json"
    made = Calibration(0.3, 0.1, 40, 0.05, 0.09, 0.05, 0.01, detector=DetectorIdentity("classical", ENGINE.fingerprint))
    path.write_text(json.dumps(made.to_dict()))
    options = replace(analysis_options(), threshold=None, calibration=path)
    request = AnalyzeRequest(scans[:1], tmp_path / "out", options, with_scene=False)
    assert main(["lung", "analyze", *request.to_argv()]) == 0
    assert analyses_run == [options]
    told = record_in(tmp_path / "out")["options"]
    assert told["calibration"] == str(path)
    assert told["calibration_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_batch(scans, tmp_path, analyses_run, monkeypatch):
    monkeypatch.setattr("ThoraxAILib.jobs.serving.child_batch.WarmWorkers", WorkersInThisProcess)
    exam = PersonAndExam(exam="incidental")
    request = AnalyzeRequest(scans, tmp_path / "out", analysis_options(), with_scene=False, person=exam)
    assert main(["lung", "analyze", *request.to_argv()]) == 0
    assert analyses_run == [request.options] * 2
    for name in ("one", "two"):
        options = record_in(tmp_path / "out" / name)["options"]
        assert recorded(AnalysisOptions, options) == request.options
        assert recorded(PersonAndExam, options) == exam
        assert options["scene"] is False


def test_a_batch_asks_its_children_all_that_was_asked_of_it(tmp_path):
    """Every field that one case and the command share reaches the child; the others name the case."""
    request = other_than_default(
        AnalyzeRequest, inputs=(tmp_path / "one.nrrd",), options=analysis_options(), person=person()
    )
    case = request.for_case(_case(tmp_path, request.series), tmp_path / "out" / "one")
    again = case.for_command()
    assert again == replace(request, output=tmp_path / "out" / "one", jobs=1, persons=None, shard=None)
    assert AnalyzeRequest.parse(again.to_argv()) == again


def _case(folder: Path, series: str | None) -> Any:
    from ThoraxAILib.io import Case

    return Case("one", folder / "one.nrrd", series)


@pytest.mark.slow
def test_a_batch_of_real_children_records_the_anatomy_that_was_asked_for(small_chest, tmp_path):
    from LungNoduleAILib.synthesis.truth import CT_FILE, write_phantom

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_phantom(small_chest, tmp_path / name)
    asked = replace(analysis_options(), threshold=0.5)
    request = AnalyzeRequest(
        tuple(tmp_path / name / CT_FILE for name in ("a", "b")), tmp_path / "out", asked, with_scene=False
    )
    assert main(["lung", "analyze", *request.to_argv()]) == 0
    folders = [path.parent for path in sorted((tmp_path / "out").rglob("run.json"))]
    assert [recorded(AnalysisOptions, record_in(folder)["options"]) for folder in folders] == [asked, asked]


def test_a_follow_up(scans, tmp_path, analyses_run, monkeypatch):
    from LungNoduleAILib.analysis import follow_up as module

    ran, real = [], module.follow_up

    def spied(volumes: Any, options: FollowUpOptions, *more: Any) -> Any:
        ran.append(options)
        return real(volumes, replace(options, decisions=()), *more)

    monkeypatch.setattr(module, "follow_up", spied)
    request = FollowUpRequest(scans, tmp_path / "out", follow_up_options(), with_scene=False)
    assert main(["lung", "follow-up", *request.to_argv()]) == 0
    options = record_in(tmp_path / "out")["options"]
    assert ran == [request.options]
    assert analyses_run == [request.options.analysis] * 2
    assert recorded(FollowUpOptions, options) == request.options
    assert set(options) == set(request.options.to_dict()) | {"scene"}


def test_links_of_a_file_are_asked_and_recorded_too(scans, tmp_path, analyses_run, monkeypatch):
    from LungNoduleAILib.cli import follow_up as command
    from ThoraxAILib.cli.main import build_parser

    (tmp_path / "links.csv").write_text("prior_id,current_id,decision\nA,B,link\n", encoding="utf-8")
    words = ["lung", "follow-up", *map(str, scans), "--output", "out", "--links", str(tmp_path / "links.csv")]
    asked = command._request(build_parser().parse_args([*words, "--link", "C,D,unlink", "--scene", "none"]))
    assert [(link.prior_id, link.decision) for link in asked.options.decisions] == [("C", "unlink"), ("A", "link")]


def test_a_registration(scans, tmp_path, monkeypatch):
    from LungNoduleAILib.cases.two_dates import register_case as module

    ran = []

    def register(_prior: Any, _current: Any, _prior_labels: Any, _labels: Any, options: Any, _progress: Any) -> object:
        ran.append(options)
        return object()

    monkeypatch.setattr(module, "_check_different", lambda *_scans: None)
    monkeypatch.setattr(module, "_labels", lambda *_asked: None)
    monkeypatch.setattr(module, "register_lungs", register)
    monkeypatch.setattr(module, "difference_map", lambda *_asked, **_more: type("Map", (), {"blobs": ()}))
    written = []
    monkeypatch.setattr(module, "_write", lambda *asked: written.append(asked) or {"same_person": {"plausible": True}})
    monkeypatch.setattr(module, "_told", lambda *_found: [])
    request = RegisterRequest(
        *scans, tmp_path / "out", other_than_default(LungRegistrationOptions), anatomy="classical", device="cpu"
    )
    assert main(["lung", "register", *request.to_argv()]) == 0
    run = record_in(tmp_path / "out")
    assert ran == [request.options]
    assert recorded(LungRegistrationOptions, run["options"]) == request.options
    assert (run["options"]["anatomy"], run["options"]["device"]) == ("classical", "cpu")
    assert written[0][4] == request.how()
    assert [(model["role"], bool(model["fingerprint"])) for model in run["models"]] == [("anatomy", True)]
