"""``thoraxai.track``: volumes and ejection at hand, the files of the command, and a sequence in the scene."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is an optional dependency")

import thoraxai
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.synthesis.cine import Scanner, acquire
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from fixtures.formats import check_format
from ThoraxAILib.cli.main import main
from ThoraxAILib.io.transform_files import write_labels
from ThoraxAILib.registration.itk_images import itk_image

SCANNER = Scanner((9, 46, 46), (10.0, 3.0, 3.0), signal_to_noise=30.0, samples_per_slice=3)
OPTIONS = {"engine": "demons", "fusion": "direct"}


@pytest.fixture(scope="module")
def phantom():
    """Two frames: end-diastole and end-systole."""
    return acquire(Ventricle(), SCANNER, np.array([0.0, 1.0]))


@pytest.fixture(scope="module")
def files(phantom, tmp_path_factory) -> tuple[Path, Path]:
    """The cine and the labels of its first frame on disk."""
    import SimpleITK as sitk

    folder = tmp_path_factory.mktemp("cine")
    sitk.WriteImage(sitk.JoinSeries([itk_image(frame.image) for frame in phantom]), str(folder / "cine.nii.gz"))
    write_labels(phantom[0].labels, folder / "labels.nii.gz")
    return folder / "cine.nii.gz", folder / "labels.nii.gz"


@pytest.fixture(scope="module")
def tracked(phantom) -> thoraxai.TrackedCine:
    """Tracked from memory, scored at end-systole."""
    cine = Cine(tuple(frame.image for frame in phantom))
    return thoraxai.track(cine, phantom[0].labels, second_labels=phantom[1].labels, second_frame=2, **OPTIONS)


def test_volumes_and_ejection_are_at_hand(tracked):
    assert tracked.volumes_ml["LV"].shape == (2,)
    assert tracked.ejection["LV"]["es_frame"] == 2
    assert 20 < tracked.ejection["LV"]["ef_percent"] < 80
    assert tracked.result.scores["result"]["LV"] > 0.6
    assert repr(tracked).startswith("<Tracked cine of 2 frames: LV EF ")


def test_saving_writes_what_the_command_writes(files, tmp_path):
    arguments = ["--engine", "demons", "--fusion", "direct"]
    assert main(["cardiac", "track", *map(str, files), "--output", str(tmp_path / "command"), *arguments]) == 0
    saved = thoraxai.track(*files, **OPTIONS).save(tmp_path / "saved")
    assert {path.name for path in saved.iterdir()} == {path.name for path in (tmp_path / "command").iterdir()}
    ours, theirs = (json.loads((folder / "track.json").read_text()) for folder in (saved, tmp_path / "command"))
    check_format(ours, "cardiac-track")
    assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}


def test_scores_are_written_as_documented(tracked, tmp_path):
    check_format(tracked.save(tmp_path / "out") / "track.json", "cardiac-track")


def test_the_labels_become_a_sequence(slicer, tracked):
    sequence = tracked.to_scene()
    assert sequence.GetNumberOfDataNodes() == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fusio": "direct"}, "perhaps fusion is meant"),
        ({"fusion": "best"}, "label fusion 'best' is not known"),
        ({"second_frame": 2}, "belong together"),
        ({"threads": 0}, "at least 1"),
        ({"engine": "magic"}, "engine 'magic' is not known"),
    ],
)
def test_wrong_options_are_told_before_any_work(files, changes, words):
    with pytest.raises(thoraxai.InputError, match=words):
        thoraxai.track(*files, **changes)
