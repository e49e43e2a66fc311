"""thoraxai lung: what is written where, what is said, and that a batch survives its bad cases and can be resumed."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr
from pathlib import Path

import psutil
import pytest

from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.synthesis.truth import CT_FILE, write_phantom
from ThoraxAILib.cli.main import main
from ThoraxAILib.io import read_volume
from ThoraxAILib.jobs.events import parse_event
from ThoraxAILib.jobs.outputs.output_folder import PREFIX
from ThoraxAILib.scene import host

CLASSICAL = ["--detector", "classical", "--anatomy", "classical"]  # fast: these tests are about files and batches
WITH_SCENE = [
    "findings.csv",
    "findings.json",
    "nodules.mrk.json",
    "report.html",
    "report.pdf",
    "report.txt",
    "run.json",
    "scene.mrb",
    "segmentation.seg.nrrd",
]
WITHOUT_SCENE = ["arrays.npz", "findings.csv", "findings.json", "report.html", "report.pdf", "report.txt", "run.json"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def index(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        return {row["case"]: row for row in csv.DictReader(file)}


def start(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "ThoraxAILib", "lung", *arguments],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture(scope="module")
def chest(small_chest, tmp_path_factory) -> Path:
    """A synthetic CT on disk."""
    folder = tmp_path_factory.mktemp("phantom")
    write_phantom(small_chest, folder)
    return folder / CT_FILE


@pytest.fixture(scope="module")
def analyzed(chest, tmp_path_factory) -> tuple[Path, str]:
    """The folder of one analysis with scene, and what it said on standard output."""
    output = tmp_path_factory.mktemp("analyzed") / "result"
    process = start("analyze", str(chest), "--output", str(output))
    said, complaint = process.communicate(timeout=300)
    assert process.returncode == 0, complaint
    assert complaint == ""
    return output, said


def test_a_single_case_writes_its_files_straight_into_the_folder(analyzed):
    assert names(analyzed[0]) == WITH_SCENE


def test_the_summary_names_each_finding_with_its_position_and_says_where_to_look(analyzed):
    output, said = analyzed
    findings = json.loads((output / "findings.json").read_text())["findings"]
    assert findings
    for finding in findings:
        assert "R {:.1f}  A {:.1f}  S {:.1f}".format(*finding["center_ras_mm"]) in said
        assert f"{finding['mean_diameter_mm']:.1f} mm" in said
    assert str(output / "report.html") in said
    assert "Research use only" in said


def test_the_run_record_tells_the_run_and_no_path(analyzed, chest):
    text = (analyzed[0] / "run.json").read_text()
    run = json.loads(text)
    assert run["command"] == "lung analyze"
    assert run["inputs"][0]["name"] == "ct"
    assert run["models"][0]["name"] in ("learned", "classical")
    assert {"read", "scene", "report"} <= {stage["name"] for stage in run["stages"]}
    assert run["results"]["findings"] == len(json.loads((analyzed[0] / "findings.json").read_text())["findings"])
    assert run["files"].keys() | {"run.json"} == set(WITH_SCENE)
    assert str(chest.parent) not in text


@pytest.fixture(scope="module")
def worked(chest, tmp_path_factory) -> tuple[Path, list[str]]:
    """The folder of one analysis as the panel asks for it, and the lines of its standard output."""
    output = tmp_path_factory.mktemp("worked") / "result"
    engines = ("--detector", "classical", "--anatomy", "classical")  # those of the networks run in ``analyzed``
    process = start("analyze", str(chest), "--output", str(output), "--scene", "none", "--events", "-", *engines)
    said, complaint = process.communicate(timeout=300)
    assert process.returncode == 0, complaint
    return output, said.splitlines()


def test_events_rise_to_the_end_and_name_the_result_and_nothing_else_is_said(worked):
    output, lines = worked
    events = [parse_event(line) for line in lines]
    assert None not in events
    values = [event["value"] for event in events if event["event"] == "progress"]
    assert len(values) > 5
    assert values == sorted(values)
    assert values[-1] == 1.0
    assert events[-1] == {"event": "result", "output": str(output)}


def test_without_scene_the_arrays_let_another_process_take_the_result_over(worked, chest):
    assert names(worked[0]) == WITHOUT_SCENE
    result = AnalysisResult.load(worked[0], read_volume(chest))
    assert result.labels.any()
    assert result.findings.findings
    assert all(finding.mask.array.any() for finding in result.findings.findings)


@pytest.fixture(scope="module")
def again(analyzed, chest, tmp_path_factory) -> tuple[Path, str]:
    """A folder with a result and notes that was analyzed into once more, without Slicer, and what was complained."""
    folder, said = tmp_path_factory.mktemp("again"), io.StringIO()
    shutil.copytree(analyzed[0], folder, dirs_exist_ok=True)
    (folder / "my notes.txt").write_text("mine")
    with pytest.MonkeyPatch.context() as patch, redirect_stderr(said):
        patch.setattr(host, "is_available", lambda: False)
        assert main(["lung", "analyze", str(chest), "--output", str(folder), *CLASSICAL]) == 0
    return folder, said.getvalue()


def test_a_new_run_replaces_the_old_result_and_leaves_other_files(again):
    assert names(again[0]) == sorted([*WITHOUT_SCENE, "my notes.txt"])


def test_where_slicer_is_missing_the_command_says_what_it_did_not_write(again):
    assert again[1].count("\n") == 1
    assert "scene.mrb" in again[1]
    assert "thoraxai[scene]" in again[1]


def test_a_batch_goes_on_after_bad_cases_and_its_index_tells_them(chest, tmp_path, capsys):
    bad = tmp_path / "bad.nrrd"
    bad.write_bytes(chest.read_bytes()[:4000])
    output = tmp_path / "out"
    inputs = [str(bad), str(tmp_path / "nowhere"), str(chest)]
    assert main(["lung", "analyze", *inputs, "--output", str(output), "--scene", "none", *CLASSICAL]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("2 of 3 cases failed: index.csv says why (3 cases: ")
    assert "ct: done" in captured.out
    rows = index(output)
    assert {name: row["status"] for name, row in rows.items()} == {"bad": "failed", "ct": "done", "nowhere": "failed"}
    assert "cannot be read" in rows["bad"]["message"]
    assert "does not exist" in rows["nowhere"]["message"]
    assert int(rows["ct"]["findings"]) > 0
    assert names(output) == ["ct", "findings.csv", "index.csv"]
    assert names(output / "ct") == WITHOUT_SCENE


@pytest.mark.slow
def test_resume_skips_what_is_done_and_works_again_on_what_is_not_whole(chest, tmp_path):
    folder, output = tmp_path / "cts", tmp_path / "out"
    folder.mkdir()
    for name in ("a.nrrd", "b.nrrd"):
        shutil.copy(chest, folder / name)
    arguments = [
        "lung",
        "analyze",
        str(folder),
        "--output",
        str(output),
        "--scene",
        "none",
        "--resume",
        "--jobs",
        "2",
        *CLASSICAL,
    ]
    assert main(arguments) == 0
    assert [row["status"] for row in index(output).values()] == ["done", "done"]
    (output / "b" / "findings.csv").unlink()
    assert main(arguments) == 0
    assert {name: row["status"] for name, row in index(output).items()} == {"a": "resumed", "b": "done"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_cancelled_batch_ends_its_children_and_keeps_what_was_finished(chest, tmp_path):
    for name in ("a.nrrd", "b.nrrd", "c.nrrd"):
        shutil.copy(chest, tmp_path / name)
    output = tmp_path / "out"
    process = start(
        "analyze",
        *(str(tmp_path / name) for name in ("a.nrrd", "b.nrrd", "c.nrrd")),
        "--output",
        str(output),
        "--scene",
        "none",
        "--events",
        "-",
        *CLASSICAL,
    )
    wait_until(lambda: (output / "a" / "run.json").exists() and list(output.glob(f"{PREFIX}*")))
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(signal.SIGTERM)
    _said, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert complaint == "Cancelled; the results of finished cases are kept and listed in index.csv.\n"
    assert not any(child.is_running() for child in children)
    assert names(output) == ["a", "findings.csv", "index.csv"]
    assert list(index(output)) == ["a"]


def wait_until(condition, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def test_series_lists_what_is_there_marks_the_choice_and_says_why_others_cannot_be_read(dicom_series, tmp_path, capsys):
    plan = dicom_series.SeriesPlan
    dicom_series.write_series(tmp_path, plan(kernel="B70f", series_number=2, series_uid="1.2.1"), prefix="sharp")
    dicom_series.write_series(tmp_path, plan(kernel="B30f", series_number=3, series_uid="1.2.2"), prefix="soft")
    dicom_series.write_series(tmp_path, plan(count=1, series_number=1, series_uid="1.2.3"), prefix="localizer")
    assert main(["lung", "series", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in lines[1:6:2]] == ["1.2.2", "1.2.1", "1.2.3"]
    assert lines[0].startswith("* series 3")
    assert "not usable" in lines[4]
    assert "1 slice" in lines[4]


def test_series_of_a_folder_without_ct_is_a_bad_input(dicom_series, tmp_path):
    dicom_series.write_series(tmp_path, dicom_series.SeriesPlan(modality="MR"))
    assert main(["lung", "series", str(tmp_path)]) == 2


def test_detectors_are_listed_with_their_operating_point(capsys):
    assert main(["lung", "detectors"]) == 0
    listed = capsys.readouterr().out
    assert listed.startswith("auto: ")
    assert "\nclassical: " in listed
    assert "reports from confidence" in listed
