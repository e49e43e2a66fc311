"""``thoraxai.analyze``: the same findings and files as the command, from a path, a Volume or a node."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import thoraxai
from fixtures.formats import check_format
from LungNoduleAILib.synthesis.truth import CT_FILE, write_phantom
from ThoraxAILib.cli.main import main
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.public.images import given_image

CLASSICAL = {"detector": "classical", "anatomy": "classical"}


@pytest.fixture(scope="module")
def ct(small_chest, tmp_path_factory) -> Path:
    """A synthetic CT on disk."""
    folder = tmp_path_factory.mktemp("phantom")
    write_phantom(small_chest, folder)
    return folder / CT_FILE


@pytest.fixture(scope="module")
def analysis(ct) -> thoraxai.Analysis:
    """What was found in it."""
    return thoraxai.analyze(str(ct), threshold=0.3, **CLASSICAL)


def content(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_findings_lungs_labels_and_volume_are_at_hand(analysis, small_chest):
    found = [finding.center_ras_mm for finding in analysis.findings]
    truth = small_chest.nodules[0].center_ras_mm
    assert min(np.linalg.norm(np.array(found) - truth, axis=1)) < 5.0
    assert analysis.lungs.left_ml > 500
    assert analysis.labels.shape == analysis.volume.array.shape
    assert analysis.options.threshold == 0.3
    assert repr(analysis).startswith(f"<Analysis of ct: {len(found)} findings, lungs right ")


def without_stamp(recorded: object) -> object:
    """What is recorded but for the stamp of the files: only the command asks for it, for --resume."""
    if not isinstance(recorded, list):
        return recorded
    return [{name: value for name, value in one.items() if name != "stamp"} for one in recorded]


def test_saving_writes_what_the_command_writes(analysis, ct, tmp_path):
    arguments = ["--detector", "classical", "--anatomy", "classical", "--threshold", "0.3", "--scene", "none"]
    assert main(["lung", "analyze", str(ct), "--output", str(tmp_path / "command"), *arguments]) == 0
    assert analysis.save(tmp_path / "saved", scene=False) == tmp_path / "saved"
    assert files(tmp_path / "saved") == files(tmp_path / "command")
    for name in ("findings.json", "findings.csv"):
        assert (tmp_path / "saved" / name).read_bytes() == (tmp_path / "command" / name).read_bytes()
    check_format(tmp_path / "saved" / "findings.json", "findings")
    ours, theirs = (content(tmp_path / name / "run.json") for name in ("saved", "command"))
    check_format(ours, "run")
    assert ours.keys() == theirs.keys()
    for key in ("schema", "command", "software", "options", "inputs", "models", "device", "results", "warnings"):
        assert without_stamp(ours[key]) == without_stamp(theirs[key]), key
    assert [stage["name"] for stage in ours["stages"]] == [stage["name"] for stage in theirs["stages"]]


def test_the_command_takes_a_saved_result_over(analysis, ct, tmp_path, capsys):
    analysis.save(tmp_path, scene=False)
    before = (tmp_path / "run.json").read_bytes()
    arguments = ["--detector", "classical", "--anatomy", "classical", "--threshold", "0.3", "--scene", "none"]
    assert main(["lung", "analyze", str(ct), "--output", str(tmp_path), *arguments, "--resume"]) == 0
    assert "was done before" in capsys.readouterr().out
    assert (tmp_path / "run.json").read_bytes() == before


def test_saving_twice_counts_no_stage_twice(analysis, tmp_path):
    for name in ("a", "b"):
        analysis.save(tmp_path / name, scene=False)
    first, second = (content(tmp_path / name / "run.json")["stages"] for name in ("a", "b"))
    assert [stage["name"] for stage in first] == [stage["name"] for stage in second]


def test_a_volume_in_memory_gives_the_same_findings_and_its_files_name_no_file(analysis, tmp_path):
    again = thoraxai.analyze(analysis.volume, analysis.options)
    assert [finding.to_dict() for finding in again.findings] == [finding.to_dict() for finding in analysis.findings]
    again.save(tmp_path, scene=False)
    (source,) = content(tmp_path / "run.json")["inputs"]
    assert (source["name"], source["files"]) == ("volume", 0)


def test_saving_where_it_cannot_be_is_one_sentence(analysis, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(thoraxai.OutputError, match="existing file"):
        analysis.save(tmp_path / "taken")


def test_progress_is_told_and_can_stop_the_work(analysis):
    told = []

    def stop(fraction: float, text: str) -> None:
        told.append(fraction)
        if fraction > 0.2:
            raise thoraxai.Cancelled("Enough.")

    with pytest.raises(thoraxai.Cancelled):
        thoraxai.analyze(analysis.volume, progress=stop, **CLASSICAL)
    assert told == sorted(told)


def test_several_cases_at_a_path_are_told(ct, tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.nrrd").write_bytes(ct.read_bytes())
    with pytest.raises(thoraxai.InputError, match="holds 2 "):
        thoraxai.analyze(tmp_path)


def test_the_result_becomes_the_nodes_the_module_shows(slicer, analysis):
    nodes = analysis.to_scene()
    assert nodes.volume.GetName() == "ct"
    assert nodes.points.GetNumberOfControlPoints() == len(analysis.findings)
    assert json.loads(nodes.text.GetText())["schema"] == "thoraxai.findings/1"


def test_a_node_and_its_name_work_like_the_volume_and_get_the_result(slicer, analysis):
    from ThoraxAILib.scene.volumes import node_from_volume

    node = node_from_volume(analysis.volume, "chest of today")
    assert given_image("chest of today", None, Progress()).node is node
    found = thoraxai.analyze(node, analysis.options)
    assert [finding.volume_mm3 for finding in found.findings] == [f.volume_mm3 for f in analysis.findings]
    assert found.to_scene().volume is node
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1


def test_two_nodes_of_one_name_are_told(slicer, analysis):
    from ThoraxAILib.scene.volumes import node_from_volume

    for _ in range(2):
        node_from_volume(analysis.volume, "CT")
    with pytest.raises(thoraxai.InputError, match="2 volumes of the scene have this name"):
        thoraxai.analyze("CT")


def test_a_scene_file_is_written_only_where_it_holds_this_result_alone(slicer, analysis, tmp_path):
    analysis.save(tmp_path / "free")
    assert {"scene.mrb", "segmentation.seg.nrrd"} <= files(tmp_path / "free")
    replace(analysis, image=replace(analysis.image, node=None)).to_scene()
    analysis.save(tmp_path / "busy")
    assert "arrays.npz" in files(tmp_path / "busy")
    assert "scene.mrb" not in files(tmp_path / "busy")
