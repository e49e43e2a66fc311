"""A person's own nnU-Net finds nodules: the probabilities are nnU-Net's own, on the grid of the CT."""

from __future__ import annotations

import contextlib
import io
import math
from pathlib import Path

import numpy as np
import pytest

from fixtures.nnunet_model import write_model
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.published.nnunet_detector import NnunetDetector
from ThoraxAILib.errors import Cancelled, InputError, ThoraxAIError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

torch = pytest.importorskip("torch")
pytest.importorskip("nnunetv2")
nib = pytest.importorskip("nibabel")

SHAPE_KJI = (14, 24, 28)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_model(tmp_path_factory.mktemp("nnunet") / "model", {"nodule": 1})


def ct(name: str) -> Volume:
    """Noise on a grid that is axial, flipped (towards right, anterior, inferior) or turned by 9 degrees."""
    affine = np.diag([-1.5, -1.5, 2.5, 1.0])
    if name == "flipped":
        affine = np.diag([1.5, 1.5, -2.5, 1.0])
    if name == "oblique":
        a = np.radians(9.0)
        affine[:3, :3] = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]) @ affine[:3, :3]
    affine[:3, 3] = 12.0, -40.0, 3.0
    return Volume(np.random.default_rng(1).normal(-400, 300, SHAPE_KJI).round().astype(np.int16), affine)


def nnunets_own(model: Path, volume: Volume, path: Path) -> np.ndarray:
    """What nnU-Net's command says of a file in LPS order, as its reader gives it back: probabilities (k, j, i)."""
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    file = path / "ct_0000.nii.gz"
    nib.save(nib.Nifti1Image(volume.array.transpose(2, 1, 0), volume.ijk_to_ras), file)
    with contextlib.redirect_stdout(io.StringIO()):
        predictor = nnUNetPredictor(device=torch.device("cpu"), allow_tqdm=False)
        predictor.initialize_from_trained_model_folder(str(model), (0,), "checkpoint_final.pth")
        ((_labels, probabilities),) = predictor.predict_from_files_sequential(
            [[str(file)]], None, save_probabilities=True
        )
    return np.asarray(probabilities[1])


SLOWER = [pytest.param(name, marks=pytest.mark.slow) for name in ("axial", "flipped")]


@pytest.mark.parametrize("name", ["oblique", *SLOWER])
def test_probabilities_are_those_of_nnunets_own_command_wherever_the_ct_lies(folder, tmp_path, name):
    volume = ct(name).in_lps_order()
    volume = volume.with_array(np.ascontiguousarray(volume.array))
    peer = nnunets_own(folder, volume, tmp_path)
    ours = NnunetDetector(weights=folder).probability(volume, Progress())
    assert np.ptp(peer) > 0.05
    np.testing.assert_allclose(ours, peer, atol=1e-5)


def test_a_model_trained_on_images_turned_to_ras_gets_them_that_way(tmp_path):
    model = write_model(tmp_path / "model", {"nodule": 1}, reader="NibabelIOWithReorient")
    volume = ct("axial")
    peer = nnunets_own(model, volume, tmp_path)  # nnU-Net gives probabilities on the turned grid
    ours = NnunetDetector(weights=model).probability(volume, Progress())
    np.testing.assert_allclose(ours, peer[:, ::-1, ::-1], atol=1e-5)


def test_a_nodule_that_the_network_sees_is_found_at_its_place(folder, monkeypatch):
    volume, center_kji = ct("oblique"), np.array([7.0, 10.0, 15.0])
    gap_mm = np.linalg.norm(
        (np.indices(SHAPE_KJI).T - center_kji).T * np.array([2.5, 1.5, 1.5])[:, None, None, None], axis=0
    )
    detector = NnunetDetector(weights=folder, score="mean")
    monkeypatch.setattr(detector._run, "probabilities", lambda *_: np.where(gap_mm < 4.6, 0.8, 0.02).astype(np.float32))
    (found,) = detector.detect(volume, Anatomy(np.zeros(SHAPE_KJI, np.uint8)), Progress())
    expected = volume.ijk_to_ras[:3, :3] @ center_kji[::-1] + volume.ijk_to_ras[:3, 3]
    np.testing.assert_allclose(found.center_ras_mm, expected, atol=1e-6)
    assert found.confidence == pytest.approx(0.8)
    assert found.diameter_mm == pytest.approx(9.2, abs=0.5)
    volume_mm3 = float((gap_mm < 4.6).sum()) * 2.5 * 1.5 * 1.5
    ball = math.pi / 6 * 4.0**3
    assert found.features["score_volume"] == pytest.approx(0.8 * volume_mm3 / (volume_mm3 + ball), rel=1e-6)


def test_it_stops_between_two_tiles_when_asked(folder):
    told: list[str] = []
    progress = Progress(lambda _value, text: told.append(text), lambda: len(told) >= 3)
    with pytest.raises(Cancelled):
        NnunetDetector(weights=folder).probability(ct("axial"), progress)
    assert [text.split(" of ")[0] for text in told] == ["Loading the nnU-Net", "Tile 1", "Tile 2"]


def test_a_card_or_processor_without_memory_is_one_sentence(folder, monkeypatch):
    detector = NnunetDetector(weights=folder)
    detector._run._loaded = detector._run._load()

    def full(*_arguments: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(detector._run._loaded, "predict_single_npy_array", full)
    with pytest.raises(ThoraxAIError, match="memory does not suffice for this nnU-Net: close other programs"):
        detector.probability(ct("axial"), Progress())


class _Harmful:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self._path,)


def test_a_checkpoint_that_would_run_code_is_not_opened(tmp_path):
    model = write_model(tmp_path / "model", {"nodule": 1}, extra={"hidden": _Harmful(tmp_path / "harm")})
    with pytest.raises(InputError, match="would run code when it is read"):
        NnunetDetector(weights=model).probability(ct("axial"), Progress())
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("damage", ["cut", "text", "other plans", "unknown trainer"])
def test_a_damaged_model_is_one_sentence(folder, tmp_path, damage):
    trainer = "nnUNetTrainerOfSomebody" if damage == "unknown trainer" else "nnUNetTrainer"
    model = write_model(tmp_path / "model", {"nodule": 1}, trainer=trainer)
    checkpoint = model / "fold_0" / "checkpoint_final.pth"
    if damage == "cut":
        checkpoint.write_bytes(checkpoint.read_bytes()[:2000])
    if damage == "text":
        checkpoint.write_text("no weights")
    if damage == "other plans":
        plans = (model / "plans.json").read_text().replace("[4, 8]", "[4, 6]")
        (model / "plans.json").write_text(plans)
    with pytest.raises(InputError, match=r"cannot be (loaded|read as weights)"):
        NnunetDetector(weights=model).probability(ct("axial"), Progress())
