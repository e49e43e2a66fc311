"""TotalSegmentator runs as a program of its own: what goes in, what comes back, and what is said when it fails.

A stand-in takes its place, so that nothing of 1.5 GB is needed; the slow test runs the real one, with random weights.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from fixtures import stand_in_totalsegmentator as stand_in
from fixtures.nnunet_model import write_model
from LungNoduleAILib.analysis.engines import choose_anatomy, choose_engines
from LungNoduleAILib.model.anatomy import AORTA, RML
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.published.totalsegmentator import (
    COARSE_TASK,
    LUNGS_TASK,
    NODULES_TASK,
    TotalSegmentatorAnatomy,
    TotalSegmentatorNodules,
)
from ThoraxAILib.errors import Cancelled, InputError, MissingDependencyError, ThoraxAIError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.totalsegmentator import installed
from ThoraxAILib.networks.totalsegmentator.run import segment

SHAPE_KJI = (30, 60, 80)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")


@pytest.fixture
def there(tmp_path, monkeypatch) -> Path:
    """The program and its weights are on this computer."""
    monkeypatch.setenv(installed.PYTHON_VARIABLE, str(stand_in.install(tmp_path / "environment")))
    folder = stand_in.weights(tmp_path / "weights", (297, 298, 913, *installed.WHOLE))
    monkeypatch.setenv(installed.WEIGHTS_VARIABLE, str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return tmp_path


def ct(name: str = "oblique") -> Volume:
    """A lung and a bright ball on an axial, flipped or turned grid."""
    affine = np.diag([-4.0, -4.0, 5.0, 1.0])
    if name == "flipped":
        affine = np.diag([4.0, 4.0, -5.0, 1.0])
    if name == "oblique":
        a = np.radians(9.0)
        affine[:3, :3] = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]) @ affine[:3, :3]
    affine[:3, 3] = 12.0, -40.0, 3.0
    array = np.full(SHAPE_KJI, 40, np.int16)
    array[5:25, 15:45, 10:35] = -850
    array[12:15, 24:27, 60:63] = 500
    return Volume(array, affine)


@pytest.mark.parametrize("name", ["axial", "flipped", "oblique"])
def test_what_it_finds_lies_where_it_lies_in_the_ct(there, name):
    volume = ct(name)
    found = segment(volume, COARSE_TASK, "cpu", Progress())
    assert (found.names[13], found.names[52]) == ("lung_middle_lobe_right", "aorta")
    np.testing.assert_array_equal(found.labels == 13, volume.array == -850)
    np.testing.assert_array_equal(found.labels == 52, volume.array == 500)


def test_its_structures_become_lobes_and_keep_their_names(there):
    volume = ct("axial").in_lps_order()
    anatomy = TotalSegmentatorAnatomy(tasks=(COARSE_TASK,)).segment(volume, Progress())
    assert set(np.unique(anatomy.labels)) == {0, RML}
    assert anatomy.structures[13, 25, 61] == AORTA
    assert anatomy.named.names[anatomy.named.labels[13, 25, 61]] == "aorta"


def test_only_the_structures_asked_for_are_looked_for(there):
    found = segment(ct(), LUNGS_TASK, "cpu", Progress())
    assert set(np.unique(found.labels)) == {0, 13}


@pytest.mark.parametrize("name", ["flipped", "oblique"])
def test_a_nodule_is_found_at_its_place_with_its_probability(there, name):
    volume = ct(name)
    (found,) = TotalSegmentatorNodules().detect(volume, None, Progress())
    expected = volume.ijk_to_ras[:3, :3] @ np.array([61.0, 25.0, 13.0]) + volume.ijk_to_ras[:3, 3]
    np.testing.assert_allclose(found.center_ras_mm, expected, atol=1e-3)
    assert found.confidence == pytest.approx(0.75, abs=1e-3)


@pytest.mark.parametrize(
    ("mode", "error", "sentence"),
    [
        ("memory", ThoraxAIError, "memory does not suffice"),
        ("fault", ThoraxAIError, r"TotalSegmentator stopped \(ValueError\)"),
        ("other grid", InputError, "answered on another grid"),
    ],
)
def test_a_failure_is_one_sentence_without_paths_and_leaves_nothing(there, monkeypatch, mode, error, sentence):
    monkeypatch.setenv("STAND_IN_MODE", mode)
    with pytest.raises(error, match=sentence) as raised:
        segment(ct(), COARSE_TASK, "cpu", Progress())
    assert "jane" not in str(raised.value)
    assert list((there / "temporary").iterdir()) == []


def test_a_cancel_ends_the_program_and_leaves_nothing(there, monkeypatch):
    sign = there / "sign"
    monkeypatch.setenv("STAND_IN_MODE", "wait")
    monkeypatch.setenv("STAND_IN_SIGN", str(sign))
    with pytest.raises(Cancelled):
        segment(ct(), COARSE_TASK, "cpu", Progress(is_cancelled=sign.is_file))
    deadline = time.monotonic() + 5
    while _runs(int(sign.read_text() or 0)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(int(sign.read_text()))
    assert list((there / "temporary").iterdir()) == []


def _runs(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_without_program_or_weights_the_command_that_gets_them_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv(installed.PYTHON_VARIABLE, str(tmp_path / "no python"))
    with pytest.raises(MissingDependencyError, match="pip install TotalSegmentator"):
        choose_anatomy("totalsegmentator")
    monkeypatch.setenv(installed.PYTHON_VARIABLE, str(stand_in.install(tmp_path / "environment")))
    monkeypatch.setenv(installed.WEIGHTS_VARIABLE, str(tmp_path))
    with pytest.raises(MissingDependencyError, match="totalseg_download_weights -t lung_nodules"):
        choose_engines(AnalysisOptions(detector="totalsegmentator"))


def test_other_weights_or_another_score_is_another_detector(there):
    first = TotalSegmentatorNodules().fingerprint
    assert first != TotalSegmentatorNodules(score="mean").fingerprint
    (model,) = (there / "weights").glob("Dataset913_*/*/fold_0/checkpoint_final.pth")
    model.write_bytes(b"others")
    installed._hash_of.cache_clear()
    assert first != TotalSegmentatorNodules().fingerprint


def has_the_real_one(python: str) -> bool:
    """Whether a Python has TotalSegmentator and nnU-Net."""
    words = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ('totalsegmentator', 'nnunetv2'))))"
    return subprocess.run([python, "-c", words], check=False, capture_output=True).returncode == 0


@pytest.mark.slow
def test_the_real_program_answers_on_the_grid_of_the_ct(tmp_path, monkeypatch):
    python = os.environ.get(installed.PYTHON_VARIABLE, sys.executable)
    if not has_the_real_one(python) or importlib.util.find_spec("nnunetv2") is None:
        pytest.skip(f"TotalSegmentator is not installed (name the Python that has it with {installed.PYTHON_VARIABLE})")
    trainers = {
        298: ("nnUNetTrainer_4000epochs_NoMirroring", 117, 6.0, 10),  # finds a lobe everywhere
        913: ("nnUNetTrainer_MOSAIC_1k_QuarterLR_NoMirroring", 2, 1.5, 2),  # finds a nodule everywhere
    }
    for number, (trainer, count, spacing, favored) in trainers.items():
        labels = {f"structure_{value}": value for value in range(1, count + 1)}
        write_model(
            tmp_path / f"Dataset{number:03d}_{_NAMES[number]}" / f"{trainer}__nnUNetPlans__3d_fullres",
            labels,
            "NibabelIOWithReorient",
            spacing_kji_mm=(spacing,) * 3,
            patch_kji=(32, 32, 32),
            favored=favored,
        )
    monkeypatch.setenv(installed.WEIGHTS_VARIABLE, str(tmp_path))
    monkeypatch.setenv(installed.PYTHON_VARIABLE, python)
    volume = Volume(ct().array[:20, :24, :28], ct().ijk_to_ras)
    found = segment(volume, NODULES_TASK, "cpu", Progress())
    assert found.labels.shape == volume.array.shape
    assert (found.labels == 2).mean() > 0.2
    by_label = np.argwhere(found.labels == 2).mean(axis=0)[::-1]
    by_probability = np.argwhere(found.probability > 0.5).mean(axis=0)[::-1]
    places = (
        volume.ijk_to_ras[:3, :3] @ by_label + volume.ijk_to_ras[:3, 3],
        found.probability_ijk_to_ras[:3, :3] @ by_probability + found.probability_ijk_to_ras[:3, 3],
    )
    np.testing.assert_allclose(*places, atol=5.0)


_NAMES = {298: "TotalSegmentator_total_6mm_1559subj", 913: "lung_nodules"}
