"""The check for equal results: the same code agrees with itself, and the smallest difference is found and named."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest

SCRIPT = Path(__file__).with_name("same_results.py")
# A stand-in for the suite: writes one label map, one table of numbers and one binary file, whatever it is asked
STAND_IN = """
import json, sys
from pathlib import Path
import numpy as np
import SimpleITK as sitk
out = Path(sys.argv[sys.argv.index("--output") + 1])
out.mkdir(parents=True)
labels = np.zeros((4, 5, 6), np.uint8)
labels[1:3, 2:4, 2:4] = 1
labels[3, 4, 5] = {voxel}
image = sitk.GetImageFromArray(labels)
image.SetMetaData("Segment0_Name", "{name}")
sitk.WriteImage(image, str(out / "labels.seg.nrrd"), True)
(out / "findings.json").write_text(json.dumps({{"findings": [{{"volume_mm3": {number}}}], "started": "{started}"}}))
(out / "image.dcm").write_bytes(bytes([1, 2, {byte}]))
print("done in {seconds} s")
"""
AS_MADE = {"voxel": 0, "name": "Nodule", "number": 115.5, "started": "2001-01-01T00:00:00", "byte": 3, "seconds": 1.5}
PLANTED = [
    (
        "voxel",
        1,
        [
            "phantom-1/files/result/labels.seg.nrrd/sha256: ",
            "phantom-1/files/result/labels.seg.nrrd/voxels_per_label/layer 0/1: 8 -> 9",
        ],
    ),
    ("name", "Mass", ["phantom-1/files/result/labels.seg.nrrd/header/Segment0_Name: Nodule -> Mass"]),
    (
        "number",
        115.50000000000001,
        ["phantom-1/files/result/findings.json/findings[0]/volume_mm3: 115.5 -> 115.50000000000001"],
    ),
    ("byte", 4, ["phantom-1/files/result/image.dcm/sha256: "]),
]


def same_results(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, check=False
    )


def recorded(code: Path, output: Path, *arguments: object) -> Path:
    done = same_results("record", "--code", code, "--output", output, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return output


def stand_in(folder: Path, **planted: object) -> Path:
    """A checkout whose command line is the stand-in."""
    package = folder / "ThoraxAILib"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(STAND_IN.format(**{**AS_MADE, **planted}), encoding="utf-8")
    return folder


@pytest.fixture
def coarse_inputs(tmp_path, small_chest) -> Path:
    """Stored inputs whose first phantom is coarse."""
    from LungNoduleAILib.synthesis.truth import write_phantom

    (tmp_path / "inputs" / "phantom-1").mkdir(parents=True)
    write_phantom(small_chest, tmp_path / "inputs" / "phantom-1")
    return tmp_path / "inputs"


@pytest.fixture
def few_dicom_files(tmp_path) -> Path:
    """A folder of real data with two DICOM files, one of which waits for a person because of its pixels."""
    source = Path(pydicom.__file__).parent / "data" / "test_files"
    (tmp_path / "data" / "dicom").mkdir(parents=True)
    for name in ("CT_small.dcm", "examples_ybr_color.dcm"):
        shutil.copy(source / name, tmp_path / "data" / "dicom" / name)
    return tmp_path / "data"


def same_code_twice(code: Path, folder: Path, *arguments: object) -> dict:
    """The cases recorded first, after a second recording of the same code was found equal."""
    first, second = (recorded(code, folder / name, *arguments) for name in ("first.json", "second.json"))
    compared = same_results("compare", first, second)
    assert compared.returncode == 0, compared.stdout
    cases = json.loads(first.read_text(encoding="utf-8"))["cases"]
    assert f"{len(cases)} cases compared, 0 differences" in compared.stdout
    return cases


@pytest.mark.slow
def test_the_same_code_recorded_twice_shows_no_difference(repository, tmp_path, coarse_inputs, few_dicom_files):
    cases = same_code_twice(
        repository,
        tmp_path,
        "--inputs",
        coarse_inputs,
        "--data",
        few_dicom_files,
        "--only",
        "segment-phantom",
        "guideline-lung-rads-2022",
        "dicom-basic",
        "dicom-research",
    )
    assert cases["segment-phantom"]["files"]["nodule.nrrd"]["voxels_per_label"]["layer 0"]["1"] > 50
    assert cases["guideline-lung-rads-2022"]["printed"][0][0]["category"] == "3"
    basic, research = (
        {name: entry for name, entry in cases[case]["files"].items() if name.endswith(".dcm")}
        for case in ("dicom-basic", "dicom-research")
    )
    assert len(basic) == len(research) == 1
    assert basic != research


@pytest.mark.slow
def test_the_same_analysis_recorded_twice_shows_no_difference(repository, tmp_path, coarse_inputs):
    cases = same_code_twice(
        repository, tmp_path, "--inputs", coarse_inputs, "--only", "phantom-1-classical", "phantom-1-learned"
    )
    for case in cases.values():
        assert len(case["files"]["result/findings.json"]["findings"]) >= 3
        assert "RightLung" in case["files"]["result/segmentation.seg.nrrd"]["header"].values()
        assert "scene/scene.mrml" in case["files"]["result/scene.mrb"]


def test_what_differs_between_two_runs_of_the_same_code_is_left_out(tmp_path):
    first = recorded(stand_in(tmp_path / "a"), tmp_path / "a.json", "--only", "phantom-1")
    later = stand_in(tmp_path / "b", started="2001-01-01T00:01:00", seconds=2.5)
    second = recorded(later, tmp_path / "b.json", "--only", "phantom-1")
    assert same_results("compare", first, second).returncode == 0


@pytest.mark.parametrize(("what", "value", "lines"), PLANTED, ids=[what for what, _, _ in PLANTED])
def test_the_smallest_difference_is_found_and_named(tmp_path, what, value, lines):
    first = recorded(stand_in(tmp_path / "a"), tmp_path / "a.json", "--only", "phantom-1")
    second = recorded(stand_in(tmp_path / "b", **{what: value}), tmp_path / "b.json", "--only", "phantom-1")
    compared = same_results("compare", first, second)
    assert compared.returncode == 1
    told = compared.stdout.splitlines()
    assert all(any(line.startswith(start) for line in told) for start in lines), compared.stdout
    assert all(line.startswith("phantom-1/files/result/") for line in told[:-1])


def test_a_case_that_only_one_side_has_is_a_difference(tmp_path):
    code = stand_in(tmp_path / "a")
    first = recorded(code, tmp_path / "a.json", "--only", "phantom-1", "phantom-2")
    second = recorded(code, tmp_path / "b.json", "--only", "phantom-1")
    compared = same_results("compare", first, second)
    assert compared.returncode == 1
    assert any(line.startswith("phantom-2: ") and line.endswith("-> absent") for line in compared.stdout.splitlines())
    assert same_results("compare", first, second, "--only", "phantom-1").returncode == 0


def test_two_recordings_that_skipped_everything_are_not_called_equal(tmp_path):
    code = stand_in(tmp_path / "a")
    first, second = (
        recorded(code, tmp_path / name, "--data", tmp_path / "none", "--only", "c3n-00247-learned")
        for name in ("a.json", "b.json")
    )
    compared = same_results("compare", first, second)
    assert compared.returncode == 2
    assert "No case ran on both sides" in compared.stderr


def test_a_folder_without_the_code_is_refused_even_when_the_suite_is_installed(tmp_path):
    done = same_results("record", "--code", tmp_path, "--output", tmp_path / "a.json", "--only", "detectors")
    assert done.returncode == 2
    assert "is not what runs" in done.stderr
    assert not (tmp_path / "a.json").exists()


def test_a_case_whose_command_fails_is_told_and_never_called_equal(tmp_path):
    code = stand_in(tmp_path / "a")
    (code / "ThoraxAILib" / "__main__.py").write_text("raise SystemExit('no such thing')", encoding="utf-8")
    done = same_results("record", "--code", code, "--output", tmp_path / "a.json", "--only", "phantom-1")
    assert done.returncode == 1
    assert "no such thing" in done.stdout
    compared = same_results("compare", tmp_path / "a.json", tmp_path / "a.json")
    assert compared.returncode == 1
    assert "phantom-1 failed on both sides" in compared.stdout


def test_a_result_file_that_cannot_be_read_fails_its_case(tmp_path):
    code = stand_in(tmp_path / "a")
    main = code / "ThoraxAILib" / "__main__.py"
    broken = '(out / "labels.seg.nrrd").write_bytes(b"NRRD")\n'
    main.write_text(main.read_text(encoding="utf-8") + broken, encoding="utf-8")
    done = same_results("record", "--code", code, "--output", tmp_path / "a.json", "--only", "phantom-1")
    assert done.returncode == 1
    assert "failed: A file of the case cannot be read" in done.stdout


@pytest.mark.slow
def test_this_code_gives_the_results_of_the_commit_before(repository, tmp_path):
    commit = os.environ.get("THORAXAI_BEFORE")
    if not commit:
        pytest.skip("THORAXAI_BEFORE names no commit to compare with")
    before = tmp_path / "before"
    before.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=repository, capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", str(before)], input=archive.stdout, check=True)
    first, second = (
        recorded(code, tmp_path / f"{name}.json", "--inputs", tmp_path / "inputs")
        for name, code in (("before", before), ("after", repository))
    )
    compared = same_results("compare", first, second)
    assert compared.returncode == 0, compared.stdout
