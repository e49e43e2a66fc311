"""What cannot be used is said in one sentence with exit status 2 (130 when cancelled), and nothing is left behind."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from fixtures import dicom_series_builder as series
from LungNoduleAILib.synthesis.truth import CT_FILE, write_phantom
from ThoraxAILib.cli.main import main
from ThoraxAILib.jobs.outputs.output_folder import PREFIX

MAX_CHARACTERS = 300
CLASSICAL = ("--detector", "classical", "--anatomy", "classical")  # where it does not matter what finds


def tree(folder: Path) -> dict[str, str]:
    """Every path below a folder with the hash of its content."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
    }


def write_image(path: Path, array: np.ndarray, is_vector: bool = False) -> list[str]:
    image = sitk.GetImageFromArray(array, isVector=is_vector)
    image.SetSpacing([0.8, 0.8, 2.0][: image.GetDimension()] + [1.0] * (image.GetDimension() - 3))
    sitk.WriteImage(image, str(path))
    return [str(path)]


def write_dicom(folder: Path, **plan: object) -> list[str]:
    series.write_series(folder, series.SeriesPlan(**plan))
    return [str(folder)]


def hounsfield(shape: tuple[int, ...] = (20, 24, 24)) -> np.ndarray:
    return np.random.default_rng(2).normal(-500, 300, shape).astype(np.float32)


def missing(folder: Path) -> list[str]:
    return [str(folder / "nowhere")]


def text_file(folder: Path) -> list[str]:
    (folder / "letter.txt").write_text("Dear colleague")
    return [str(folder / "letter.txt")]


def empty_folder(folder: Path) -> list[str]:
    (folder / "empty").mkdir()
    return [str(folder / "empty")]


def folder_of_text(folder: Path) -> list[str]:
    text_file(folder)
    return [str(folder)]


def truncated_dicom(folder: Path) -> list[str]:
    for path in series.write_series(folder / "ct"):
        path.write_bytes(path.read_bytes()[:-300])
    return [str(folder / "ct")]


def positron_emission(folder: Path) -> list[str]:
    return write_dicom(folder / "pet", modality="PT")


def magnetic_resonance(folder: Path) -> list[str]:
    return write_dicom(folder / "mr", modality="MR")


def missing_slices(folder: Path) -> list[str]:
    for path in series.write_series(folder / "ct", series.SeriesPlan(count=40))[10:25]:
        path.unlink()
    return [str(folder / "ct")]


def two_slices(folder: Path) -> list[str]:
    return write_dicom(folder / "ct", count=2)


def one_slice(folder: Path) -> list[str]:
    return write_dicom(folder / "ct", count=1)


def two_slice_image(folder: Path) -> list[str]:
    return write_image(folder / "thin.nrrd", hounsfield((2, 24, 24)))


def not_a_number(folder: Path) -> list[str]:
    array = hounsfield()
    array[3, 4, 5] = np.nan
    return write_image(folder / "nan.nrrd", array)


def not_a_number_in_nifti(folder: Path) -> list[str]:
    not_a_number(folder)
    image = sitk.ReadImage(str(folder / "nan.nrrd"))
    (folder / "nan.nrrd").unlink()
    sitk.WriteImage(image, str(folder / "nan.nii.gz"))
    return [str(folder / "nan.nii.gz")]


def wrong_units(folder: Path) -> list[str]:
    return write_image(folder / "share.nrrd", np.random.default_rng(1).random((20, 24, 24), dtype=np.float32))


def four_dimensions(folder: Path) -> list[str]:
    return write_image(folder / "cine.nrrd", hounsfield((3, 20, 24, 24)))


def two_dimensions(folder: Path) -> list[str]:
    return write_image(folder / "slice.nrrd", hounsfield((24, 24)))


def color(folder: Path) -> list[str]:
    return write_image(folder / "color.nrrd", np.zeros((20, 24, 24, 3), np.uint8), is_vector=True)


def corrupt_image(folder: Path) -> list[str]:
    write_image(folder / "cut.nrrd", hounsfield())
    (folder / "cut.nrrd").write_bytes((folder / "cut.nrrd").read_bytes()[:5000])
    return [str(folder / "cut.nrrd")]


def not_an_image_at_all(folder: Path) -> list[str]:
    (folder / "noise.nii.gz").write_bytes(np.random.default_rng(1).bytes(4000))
    return [str(folder / "noise.nii.gz")]


def segmentation(folder: Path) -> list[str]:
    return write_image(folder / "lungs.seg.nrrd", np.zeros((20, 24, 24), np.uint8))


def absent_series(folder: Path) -> list[str]:
    return [*write_dicom(folder / "ct"), "--series", "1.2.3.4"]


def series_of_two_inputs(folder: Path) -> list[str]:
    return [*write_dicom(folder / "ct"), *write_dicom(folder / "other"), "--series", "1.2.3.4"]


def usable(*extra: str) -> Callable[[Path], list[str]]:
    """An image that could be read, with other arguments that are wrong."""
    return lambda folder: [*write_image(folder / "ct.nrrd", hounsfield()), *extra]


BAD_INPUTS: dict[str, tuple[Callable[[Path], list[str]], str]] = {
    "missing path": (missing, "does not exist"),
    "text file": (text_file, "not an image"),
    "empty folder": (empty_folder, "empty"),
    "folder without images": (folder_of_text, "No CT series was found"),
    "truncated DICOM": (truncated_dicom, "is truncated"),
    "PET": (positron_emission, "is PT, not CT"),
    "MR": (magnetic_resonance, "is MR, not CT"),
    "many missing slices": (missing_slices, "lacks 15 slices"),
    "two slices": (two_slices, "2 slices"),
    "one slice": (one_slice, "1 slice"),
    "image of two slices": (two_slice_image, "2 slices"),
    "not a number": (not_a_number, "NaN"),
    "not a number in NIfTI": (not_a_number_in_nifti, "NaN"),
    "wrong units": (wrong_units, "not Hounsfield units"),
    "four dimensions": (four_dimensions, "4-D"),
    "two dimensions": (two_dimensions, "2-D"),
    "color": (color, "3 values per voxel"),
    "corrupt NRRD": (corrupt_image, "cannot be read as"),
    "not an image at all": (not_an_image_at_all, "cannot be read as"),
    "segmentation": (segmentation, "is a segmentation"),
    "series not there": (absent_series, "is not in 'ct'"),
    "series of two inputs": (series_of_two_inputs, "one by one"),
    "unknown detector": (usable("--detector", "crystal-ball"), "crystal-ball"),
    "threshold 2": (usable("--threshold", "2"), "between 0 and 1"),
    "threshold not a number": (usable("--threshold", "nan"), "must be a number"),
    "unknown device": (usable("--device", "abacus"), "abacus"),
    "no jobs": (usable("--jobs", "0"), "at least 1"),
    "events below a file": (usable("--events", f"{__file__}/events"), "events"),
}


@pytest.fixture
def one_sentence(capsys) -> Callable[[str], None]:
    """Checks what stands on stderr: one line, short, with the expected words, no traceback."""

    def check(words: str) -> None:
        message = capsys.readouterr().err
        assert message.count("\n") == 1, message
        assert message.endswith(".\n")
        assert len(message) < MAX_CHARACTERS
        assert "Traceback" not in message
        assert "Doe" not in message
        assert re.search(words, message), message

    return check


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_a_bad_input_is_told_in_one_sentence_and_leaves_nothing(tmp_path, one_sentence, name):
    make, words = BAD_INPUTS[name]
    (tmp_path / "input").mkdir()
    arguments = make(tmp_path / "input")
    before = tree(tmp_path)
    status = main(["lung", "analyze", *arguments, "--output", str(tmp_path / "output" / "result"), "--scene", "none"])
    assert status == 2
    one_sentence(words)
    assert tree(tmp_path) == before


def test_cuda_without_cuda_is_told_in_one_sentence(tmp_path, one_sentence, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    arguments = usable("--device", "cuda")(tmp_path)
    before = tree(tmp_path)
    assert main(["lung", "analyze", *arguments, "--output", str(tmp_path / "result")]) == 2
    one_sentence("CUDA")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("below", ["", "below"])
def test_an_output_that_is_a_file_is_told_and_the_file_stays(tmp_path, one_sentence, below):
    arguments = usable("--scene", "none")(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    before = tree(tmp_path)
    assert main(["lung", "analyze", *arguments, "--output", str(tmp_path / "notes.txt" / below)]) == 2
    one_sentence("output")
    assert tree(tmp_path) == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a folder that even root cannot write")
def test_a_read_only_output_is_told(tmp_path, one_sentence):
    arguments = usable("--scene", "none")(tmp_path)
    assert main(["lung", "analyze", *arguments, "--output", "/proc/result"]) == 2
    one_sentence("cannot be written")


def test_an_error_is_also_an_event(tmp_path, capsys):
    assert main(["lung", "analyze", str(tmp_path / "nowhere"), "--output", str(tmp_path / "x"), "--events", "-"]) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out.splitlines()[-1]) == {"event": "error", "message": captured.err.strip()}


def start(arguments: list[str], **options: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "ThoraxAILib", "lung", "analyze", *arguments],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


@pytest.fixture
def chest(small_chest, tmp_path) -> list[str]:
    """The path of a CT that takes some seconds to analyze."""
    write_phantom(small_chest, tmp_path / "phantom")
    return [str(tmp_path / "phantom" / CT_FILE)]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_cancelled_half_way_leaves_nothing(tmp_path, chest, number):
    before = tree(tmp_path)
    process = start([*chest, "--output", str(tmp_path / "result"), "--events", "-"])
    for line in process.stdout:  # the folder for the results exists once the image has been read
        if list(tmp_path.glob(f"{PREFIX}*")) and json.loads(line)["value"] > 0.1:
            break
    process.send_signal(number)
    _output, message = process.communicate(timeout=60)
    assert process.returncode == 130
    assert message == "Cancelled; nothing was written.\n"
    assert tree(tmp_path) == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit of the file size")
def test_a_disk_that_is_full_is_told_and_leaves_nothing(tmp_path, chest):
    import resource

    before = tree(tmp_path)
    limit = 20_000  # bytes a file may have: less than any image of the result
    process = start(
        [*chest, "--output", str(tmp_path / "result"), "--scene", "none", *CLASSICAL],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    _output, message = process.communicate(timeout=120)
    assert process.returncode == 2, message
    assert message.count("\n") == 1, message
    assert re.search("full", message)
    assert tree(tmp_path) == before


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MB, where this user may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk is not allowed here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
def test_a_disk_that_fills_up_during_the_run_is_told_and_leaves_nothing(small_disk, chest):
    process = start([*chest, "--output", str(small_disk / "result")])
    _output, message = process.communicate(timeout=120)
    assert process.returncode == 2, message
    assert message.count("\n") == 1, message
    assert re.search("full", message)
    assert tree(small_disk) == {}


def test_what_a_killed_run_left_is_gone_after_the_next_one(tmp_path, chest):
    process = start([*chest, "--output", str(tmp_path / "result"), "--scene", "none"])
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(f"{PREFIX}*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert list(tmp_path.glob(f"{PREFIX}*"))
    again = ["--output", str(tmp_path / "result"), "--scene", "none", *CLASSICAL]
    assert main(["lung", "analyze", *chest, *again]) == 0
    assert list(tmp_path.glob(f"{PREFIX}*")) == []
    assert (tmp_path / "result" / "run.json").is_file()
