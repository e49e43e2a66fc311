"""``thoraxai.follow_up``: pairs at hand, the files of the command, and nodes.

The scans are boxes with two lungs whose analysis is given, so that only the public face is looked at; one slow test
compares a synthetic chest with itself, registration included.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import thoraxai
from fixtures.formats import check_format
from LungNoduleAILib.analysis import follow_up as analysis_of_follow_up
from LungNoduleAILib.model.findings import Finding, Findings, Lungs
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.synthesis.truth import CT_FILE, write_phantom
from ThoraxAILib.cli.main import main
from ThoraxAILib.image.volume import SeriesIdentity, Volume
from ThoraxAILib.io.transform_files import write_labels

SHAPE, STEP_MM = (40, 48, 60), 5.0
QUICK = {"registration": False, "network": False, "measure_again": False}
NODULES = {"a": ((60.0, 10.0, 40.0), 300.0), "b": ((-70.0, -20.0, -30.0), 500.0)}


def scan(number: int, date: str = "") -> Volume:
    """A box of tissue with two lungs; ``number`` makes it another image."""
    array = np.full(SHAPE, 40, np.int16)
    array[5:35, 8:40, 6:26] = array[5:35, 8:40, 34:54] = -850
    array[0, 0, 0] = number
    matrix = np.diag([-STEP_MM, -STEP_MM, STEP_MM, 1.0])
    matrix[:3, 3] = (147.5, 117.5, -97.5)
    return Volume(array, matrix, identity=SeriesIdentity(study_date=date))


def finding(name: str) -> Finding:
    place, volume = NODULES[name]
    side, lobe = ("right", "RUL") if place[0] > 0 else ("left", "LLL")
    return Finding(name, place, 8.0, 8.5, 7.5, volume, "solid", 20.0, volume, lobe, side, 0.9)


@pytest.fixture
def given(monkeypatch) -> None:
    """Every scan has both nodules."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[5:35, 8:40, 6:26], labels[5:35, 8:40, 34:54] = 1, 4

    def analyze(volume: Volume, *_rest: object) -> AnalysisResult:
        found = Findings("", Lungs(2000.0, 2100.0), tuple(finding(name) for name in NODULES))
        return AnalysisResult(volume, labels, found)

    monkeypatch.setattr(analysis_of_follow_up, "analyze", analyze)


@pytest.fixture
def files(tmp_path) -> list[Path]:
    """Two scans on disk."""
    paths = [tmp_path / "inputs" / f"scan{number}.nrrd" for number in (1, 2)]
    paths[0].parent.mkdir()
    for number, path in enumerate(paths, start=1):
        write_labels(scan(number), path)
    return paths


def test_pairs_tracks_findings_and_warnings_are_at_hand(given):
    compared = thoraxai.follow_up(scan(1, "20240101"), scan(2, "20240410"), **QUICK)
    assert [pair.status for pair in compared.pairs] == ["matched", "matched"]
    assert [pair.growth.growth for pair in compared.pairs] == ["stable", "stable"]
    assert [[entry.id for entry in found] for found in compared.findings] == [["a", "b"], ["a", "b"]]
    assert len(compared.tracks) == 2
    assert compared.follow_up.intervals[-1].days == 100
    assert (compared.difference, compared.warped_prior) == (None, None)
    assert repr(compared) == "<Follow-up of 2 scans: 2 matched>"


def test_three_scans_give_two_intervals(given):
    compared = thoraxai.follow_up(scan(1), scan(2), scan(3), **QUICK)
    assert len(compared.follow_up.intervals) == 2
    assert [image.name for image in compared.images] == ["scan 1", "scan 2", "scan 3"]


def test_options_of_the_analysis_and_of_the_follow_up_are_told_apart(given):
    compared = thoraxai.follow_up(scan(1), scan(2), days=90, detector="classical", anatomy="classical", **QUICK)
    assert compared.options.analysis.detector == "classical"
    assert (compared.options.days, compared.options.registration) == (90, False)
    with pytest.raises(thoraxai.InputError, match="perhaps days is meant"):
        thoraxai.follow_up(scan(1), scan(2), day=3)


def test_saving_writes_what_the_command_writes(given, files, tmp_path):
    arguments = ["--no-network", "--no-registration", "--days", "90", "--scene", "none"]
    arguments += ["--detector", "classical", "--anatomy", "classical"]
    assert main(["lung", "follow-up", *map(str, files), "--output", str(tmp_path / "command"), *arguments]) == 0
    options = {"registration": False, "network": False, "days": 90, "detector": "classical", "anatomy": "classical"}
    saved = thoraxai.follow_up(*files, **options).save(tmp_path / "saved", scene=False)
    check_same(saved, tmp_path / "command")


def check_same(saved: Path, command: Path) -> None:
    """Both folders hold the same files, and the same in them but for times."""
    assert {path.name for path in saved.iterdir()} == {path.name for path in command.iterdir()}
    for name in ("pairs.csv", "pairs.json", "links.csv", "findings_1.json", "findings_2.json"):
        assert (saved / name).read_bytes() == (command / name).read_bytes(), name
    for name, schema in (("pairs", "pairs"), ("findings_2", "findings"), ("run", "run")):
        check_format(saved / f"{name}.json", schema)
    ours, theirs = (json.loads((folder / "run.json").read_text()) for folder in (saved, command))
    for key in ("schema", "command", "options", "inputs", "models", "device", "results"):
        assert ours[key] == theirs[key], key


def test_the_follow_up_becomes_nodes_beside_both_scans(slicer, given):
    from LungNoduleAILib.scene.follow_up_nodes import node_of

    text = thoraxai.follow_up(scan(1), scan(2), **QUICK).to_scene()
    assert json.loads(text.GetText())["schema"] == "thoraxai.pairs/1"
    assert [node_of(text, role).GetName() for role in ("prior", "current")] == ["prior", "current"]
    assert node_of(text, "table").GetNumberOfRows() == 2


@pytest.mark.slow
def test_a_real_follow_up_gives_the_files_of_the_command_and_the_registration_as_a_node(slicer, small_chest, tmp_path):
    from LungNoduleAILib.scene.follow_up_nodes import node_of

    later = replace(small_chest.volume, array=small_chest.volume.array[1:].copy())
    later.ijk_to_ras[:3, 3] += later.ijk_to_ras[:3, 2]
    write_phantom(small_chest, tmp_path / "prior")
    write_phantom(replace(small_chest, volume=later, labels=small_chest.labels[1:]), tmp_path / "current")
    scans = [tmp_path / name / CT_FILE for name in ("prior", "current")]
    options = {"detector": "classical", "anatomy": "classical", "network": False, "days": 90}
    compared = thoraxai.follow_up(*scans, **options)
    matched = [pair for pair in compared.pairs if pair.status == "matched"]
    assert len(matched) >= 3
    assert {pair.growth.growth for pair in matched} <= {"stable", "indeterminate"}
    assert compared.warped_prior.array.shape == later.array.shape
    arguments = ["--detector", "classical", "--anatomy", "classical", "--no-network", "--days", "90", "--scene", "none"]
    assert main(["lung", "follow-up", *map(str, scans), "--output", str(tmp_path / "command"), *arguments]) == 0
    check_same(compared.save(tmp_path / "saved", scene=False), tmp_path / "command")
    text = compared.to_scene()
    assert node_of(text, "transform").IsA("vtkMRMLTransformNode")
    assert node_of(text, "warped_prior") is not None
