"""A heart that nobody labeled: the view of the network, what is known of every heart, engines, files and commands."""

from __future__ import annotations

import importlib.util
import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacBiomechLib.cine.read_cine import read_cine
from CardiacBiomechLib.model.heart_classes import LV, MYOCARDIUM, RV
from CardiacBiomechLib.motion.volumes import dice
from CardiacBiomechLib.segmentation.constraints import constrained
from CardiacBiomechLib.segmentation.engines import SegmenterOptions
from CardiacBiomechLib.segmentation.nnunet import NnunetSegmenter, heart_values, renumbered
from CardiacBiomechLib.segmentation.view import View
from CardiacBiomechLib.synthesis.cine import Scanner, acquire
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from fixtures.formats import check_format
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError, MissingDependencyError
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.networks.nnunet.model_folder import read_trained_folder
from ThoraxAILib.registration.itk_images import itk_image

SPACING = (8.0, 1.5, 1.5)
SCANNER = Scanner((9, 80, 84), (10.0, 2.0, 2.0), signal_to_noise=30.0, samples_per_slice=3, organs=0.6)


def rings(slices: int = 5, size: int = 64) -> np.ndarray:
    """A left ventricle of circles with a right one beside it."""
    j, i = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    plane = np.zeros((size, size), np.uint8)
    plane[np.hypot(j - 32, i - 24) < 16] = RV
    plane[np.hypot(j - 32, i - 36) < 16] = MYOCARDIUM
    plane[np.hypot(j - 32, i - 36) < 10] = LV
    return np.repeat(plane[None], slices, axis=0)


@pytest.fixture(scope="module")
def phantom():
    """End-diastole and end-systole of a phantom with a right ventricle to the left of the image."""
    return acquire(Ventricle(), SCANNER, np.array([0.0, 1.0]))


def test_every_way_to_store_a_slice_is_seen_the_same_and_comes_back():
    stored = Grid.centered((3, 40, 30), (8.0, 1.0, 1.5)).volume(np.random.default_rng(0).random((3, 40, 30)))
    seen = View.of(stored, 2.0).pixels(stored.array)
    for swap, flip_j, flip_i in product((False, True), repeat=3):
        array, matrix = stored.array, stored.ijk_to_ras.copy()
        if flip_i:
            array, matrix[:, 0] = array[..., ::-1], -matrix[:, 0]
        if flip_j:
            array, matrix[:, 1] = array[:, ::-1], -matrix[:, 1]
        if swap:
            array, matrix = np.swapaxes(array, 1, 2), matrix[:, [1, 0, 2, 3]]
        frame = type(stored)(np.ascontiguousarray(array), matrix, "MR")
        view = View.of(frame, 2.0)
        np.testing.assert_allclose(view.pixels(frame.array), seen, atol=1e-5)
        smooth = np.broadcast_to(np.linspace(0.0, 1.0, 40)[None, :, None], (3, 40, 30))
        back = View.of(stored, 1.0).back(View.of(stored, 1.0).pixels(smooth))
        np.testing.assert_allclose(back, smooth, atol=0.03)
        assert view.back(view.pixels(frame.array)).shape == frame.array.shape


def test_labels_that_keep_the_rules_stay_as_they_are():
    np.testing.assert_array_equal(constrained(rings(), SPACING), rings())


def test_a_broken_wall_is_closed_and_holes_in_the_cavity_are_filled():
    labels = rings()
    labels[2, 30:34, 44:54] = 0  # a gap through the wall
    labels[2, 30:33, 34:37] = 0  # a hole in the cavity
    mended = constrained(labels, SPACING)
    assert (mended[2, 30:33, 34:37] == LV).all()
    assert mended[2, 32, 48] == MYOCARDIUM
    cavity = mended[2] == LV
    beyond = np.zeros_like(cavity)
    for shift, axis in product((-1, 1), (0, 1)):
        beyond |= np.roll(cavity, shift, axis)
    assert set(np.unique(mended[2][beyond & ~cavity])) == {MYOCARDIUM}


def test_what_lies_apart_from_the_heart_is_dropped():
    labels = rings(7)
    labels[1] = 0  # a gap between slices: what lies beyond it goes too
    labels[3, 2:8, 2:8] = LV
    labels[3, 56:62, 2:8] = RV
    cleaned = constrained(labels, SPACING)
    assert not cleaned[:2].any()
    np.testing.assert_array_equal(cleaned[3], rings()[0])


def test_blood_without_a_wall_lies_above_the_valve():
    labels = rings()
    labels[0][labels[0] == MYOCARDIUM] = 0
    labels[0, 20, 36] = MYOCARDIUM
    assert not np.isin(constrained(labels, SPACING)[0], (LV, MYOCARDIUM)).any()


def test_the_shipped_network_finds_the_phantom_that_it_never_saw(phantom):
    pytest.importorskip("torch", reason="PyTorch is an optional dependency")
    chosen = SegmenterOptions(segmenter_device="cpu").choose()
    from ThoraxAILib.jobs.progress import Progress

    frames = [frame.image for frame in phantom]
    found = chosen.made.segment(frames, Progress())
    assert [labels.array.shape for labels in found] == [frame.array.shape for frame in frames]
    assert dice(found[0].array, phantom[0].labels.array, LV) > 0.8
    assert chosen.made.device == "cpu"
    volumes = [float((labels.array == LV).sum()) for labels in found]
    assert volumes[1] < 0.8 * volumes[0]


def test_an_image_without_a_heart_is_refused_in_one_sentence():
    pytest.importorskip("torch", reason="PyTorch is an optional dependency")
    from ThoraxAILib.jobs.progress import Progress

    noise = np.random.default_rng(1).random((4, 64, 64)).astype(np.float32)
    with pytest.raises(InputError, match=r"^No heart was found in the image: give .*\.$"):
        SegmenterOptions(segmenter_device="cpu").choose().made.segment(
            [Grid.centered((4, 64, 64), (10.0, 2.0, 2.0)).volume(noise)], Progress()
        )


@pytest.fixture(scope="module")
def cine_file(phantom, tmp_path_factory) -> Path:
    """The phantom as a 4-D file."""
    path = tmp_path_factory.mktemp("cine") / "cine.nii.gz"
    sitk.WriteImage(sitk.JoinSeries([itk_image(frame.image) for frame in phantom]), str(path))
    return path


def test_the_command_writes_the_labels_of_a_cine_and_of_one_frame(cine_file, tmp_path, capsys):
    pytest.importorskip("torch", reason="PyTorch is an optional dependency")
    import thoraxai

    base = ["cardiac", "segment", str(cine_file), "--segmenter-device", "cpu"]
    assert main([*base, "--output", str(tmp_path / "all.nii.gz"), "--report", str(tmp_path / "all.json")]) == 0
    assert "2 frames written" in capsys.readouterr().out
    assert main([*base, "--output", str(tmp_path / "second.nrrd"), "--frame", "2"]) == 0
    every = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "all.nii.gz")))
    alone = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "second.nrrd")))
    kept = alone != RV  # the right ventricle of a cine is judged by all of its frames
    np.testing.assert_array_equal(every[1][kept], alone[kept])
    assert set(np.unique(every[1][~kept])) <= {0, RV}
    report = json.loads((tmp_path / "all.json").read_text())
    heart = thoraxai.segment_heart(cine_file, segmenter_device="cpu")
    assert heart.to_dict() == report
    check_format(report, "cardiac-segmentation")
    assert report["frames"] == [1, 2]
    assert report["volumes_ml"]["LV"][0] == pytest.approx(float((every[0] == LV).sum()) * 0.04, rel=1e-3)
    assert heart.save(tmp_path / "python.seq.nrrd").is_file()
    assert thoraxai.segment_heart(read_cine(cine_file), 1, segmenter_device="cpu").frames == [1]


def test_a_file_that_cannot_hold_the_frames_is_refused_before_the_work(cine_file, tmp_path, capsys):
    pytest.importorskip("torch", reason="PyTorch is an optional dependency")
    assert main(["cardiac", "segment", str(cine_file), "--output", str(tmp_path / "labels.mha")]) == 2
    assert "cannot hold the labels of 2 frames" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_weights_are_recorded_by_name_only(tmp_path):
    options = SegmenterOptions(segmenter_weights=tmp_path / "own.pt")
    assert options.recorded()["segmenter_weights"] == "own.pt"
    with pytest.raises(InputError, match="heart segmenter 'atlas' is not known: choose one of auto, learned, nnunet"):
        SegmenterOptions(segmenter="atlas").choose()


def model_folder(folder: Path, labels: dict[str, int], channels: int = 1) -> Path:
    """The folder of a trained nnU-Net, as far as it is looked at before it runs."""
    (folder / "fold_0").mkdir(parents=True)
    (folder / "fold_0" / "checkpoint_final.pth").write_bytes(b"weights")
    names = {str(channel): "MRI" for channel in range(channels)}
    (folder / "dataset.json").write_text(json.dumps({"labels": labels, "channel_names": names}), encoding="utf-8")
    return folder


def test_the_labels_of_an_nnunet_are_found_by_their_names(tmp_path):
    values = heart_values(read_trained_folder(model_folder(tmp_path, {"background": 0, "LV": 1, "MYO": 2, "RV": 3})))
    assert values == {1: LV, 2: MYOCARDIUM, 3: RV}
    np.testing.assert_array_equal(renumbered(np.array([0, 1, 2, 3]), values), [0, LV, MYOCARDIUM, RV])


@pytest.mark.parametrize(
    ("labels", "channels", "sentence"),
    [
        ({"background": 0, "LV": 1, "wall": 2, "RV": 3}, 1, r"No label of the nnU-Net is called MYO .*rename"),
        ({"background": 0, "LV": 1, "MYO": 2, "RV": 3}, 2, "wants 2 channels, a cine has one"),
    ],
)
def test_an_nnunet_that_does_not_fit_is_refused(tmp_path, labels, channels, sentence):
    with pytest.raises(InputError, match=sentence):
        heart_values(read_trained_folder(model_folder(tmp_path, labels, channels)))


def test_a_folder_that_is_no_nnunet_or_no_nnunet_at_all_is_said(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="is not the folder of a trained nnU-Net"):
        NnunetSegmenter(weights=tmp_path)
    with pytest.raises(InputError, match="give it with --segmenter-weights FOLDER"):
        NnunetSegmenter()
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "nnunetv2" else find(name))
    with pytest.raises(MissingDependencyError, match="nnU-Net is not installed"):
        SegmenterOptions(segmenter="nnunet", segmenter_weights=tmp_path).choose()
