"""MONAI's published detector: the same boxes as its own bundle, wherever the CT lies; weights of others are bounded."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ThoraxAILib.errors import Cancelled, InputError, MissingDependencyError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

pytest.importorskip("torch")
pytest.importorskip("monai")
nib = pytest.importorskip("nibabel")

SMALL_PATCH = (48, 48, 24)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    from fixtures.monai_bundle import write_bundle

    return write_bundle(tmp_path_factory.mktemp("bundle") / "lung_nodule_ct_detection", least_score=0.0)


@pytest.fixture(scope="module")
def tiled_bundle(tmp_path_factory) -> Path:
    from fixtures.monai_bundle import write_bundle

    return write_bundle(tmp_path_factory.mktemp("tiled") / "lung_nodule_ct_detection", SMALL_PATCH, 0.0)


def affine_of(name: str) -> np.ndarray:
    """A matrix to RAS mm: axes along the body, turned about two axes, or with every axis the other way round."""
    affine = np.diag([-0.8, -0.8, 1.6, 1.0])
    if name == "flipped":
        affine = np.diag([0.8, 0.8, -1.6, 1.0])
    if name == "oblique":
        a, b = np.radians(11.0), np.radians(-7.0)
        about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
        about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
        affine[:3, :3] = about_z @ about_x @ affine[:3, :3]
    affine[:3, 3] = 31.0, -12.5, 47.25
    return affine


def chest_like(affine: np.ndarray, shape_ijk: tuple[int, int, int] = (52, 46, 20)) -> Volume:
    """Noise with some balls in it; what it is does not matter to random weights."""
    generator = np.random.default_rng(3)
    array = generator.normal(-750, 80, shape_ijk)
    for center in ((20, 14, 8), (34, 30, 12)):
        grid = np.indices(shape_ijk) - np.array(center)[:, None, None, None]
        array[(grid**2).sum(0) < 20] = 40
    return Volume(np.ascontiguousarray(np.round(array).astype(np.int16).transpose(2, 1, 0)), affine)


def saved(volume: Volume, path: Path) -> Path:
    nib.save(nib.Nifti1Image(volume.array.transpose(2, 1, 0), volume.ijk_to_ras), path)
    return path


def compare(volume: Volume, bundle: Path, patch: tuple[int, int, int], tmp_path: Path) -> None:
    from fixtures.monai_bundle import run_bundle
    from LungNoduleAILib.published.monai_detector import MonaiRetinaNet

    path = saved(volume, tmp_path / "ct.nii")
    peers, peer_scores = run_bundle(bundle, path, patch)
    stored = replace(volume, ijk_to_ras=nib.load(path).affine)  # a NIfTI file keeps the matrix in single precision
    detector = MonaiRetinaNet(weights=bundle / "models" / "model.pt", patch=patch, least_score=0.0)
    found = detector.detect(stored.in_lps_order(), None, Progress())
    assert len(found) == len(peers) > 20
    np.testing.assert_allclose([one.confidence for one in found], peer_scores, atol=1e-3)
    ours_lps = np.array([one.center_ras_mm for one in found]) * (-1, -1, 1)
    for center, score in zip(ours_lps, (one.confidence for one in found), strict=True):
        near = np.abs(peers[:, :3] - center).max(axis=1) < 0.01
        assert np.abs(peer_scores[near] - score).min(initial=1.0) < 1e-3


SLOWER = [pytest.param(name, marks=pytest.mark.slow) for name in ("axial", "flipped")]


@pytest.mark.parametrize("name", ["oblique", *SLOWER])
def test_boxes_are_those_of_monais_own_bundle_wherever_the_ct_lies(bundle, name, tmp_path):
    from fixtures.monai_bundle import PATCH

    compare(chest_like(affine_of(name)), bundle, PATCH, tmp_path)


@pytest.mark.slow
def test_boxes_found_in_tiles_are_those_of_the_bundle(tiled_bundle, tmp_path):
    compare(chest_like(affine_of("axial"), (70, 60, 20)), tiled_bundle, SMALL_PATCH, tmp_path)


@pytest.mark.slow
def test_sides_of_an_axial_box_are_those_of_the_bundle(bundle, tmp_path):
    from fixtures.monai_bundle import PATCH, run_bundle
    from LungNoduleAILib.published.monai_detector import MonaiRetinaNet

    volume = chest_like(affine_of("axial"))
    peers, scores = run_bundle(bundle, saved(volume, tmp_path / "ct.nii"), PATCH)
    best = MonaiRetinaNet(weights=bundle / "models" / "model.pt", least_score=0.0).detect(volume, None, Progress())[0]
    sides = [best.features[name] for name in ("width_mm", "height_mm", "depth_mm")]
    np.testing.assert_allclose(sides, peers[np.argmax(scores), 3:], atol=0.01)
    assert best.diameter_mm == pytest.approx(np.mean(sides))


def test_it_stops_between_two_tiles_when_asked(tiled_bundle):
    from LungNoduleAILib.published.monai_detector import MonaiRetinaNet

    told: list[str] = []
    detector = MonaiRetinaNet(weights=tiled_bundle / "models" / "model.pt", patch=SMALL_PATCH)
    progress = Progress(lambda _value, text: told.append(text), lambda: len(told) >= 3)
    with pytest.raises(Cancelled):
        detector.detect(chest_like(affine_of("axial"), (70, 60, 20)), None, progress)
    assert [text.split(" of ")[0] for text in told] == ["Preparing the image", "Tile 1", "Tile 2"]


def test_without_its_weights_it_names_the_command_that_gets_them(tmp_path, monkeypatch):
    from LungNoduleAILib.analysis.engines import REGISTRY

    monkeypatch.setenv("THORAXAI_MODELS", str(tmp_path))
    with pytest.raises(MissingDependencyError, match="thoraxai models get lung_nodule_ct_detection"):
        REGISTRY.choose("detector", "monai-retinanet")


def test_automatic_choice_never_takes_a_network_of_others(bundle, tmp_path, monkeypatch):
    from LungNoduleAILib.analysis.engines import REGISTRY
    from ThoraxAILib.networks.published.catalog import find_published
    from ThoraxAILib.networks.published.transfer import add_model

    monkeypatch.setenv("THORAXAI_MODELS", str(tmp_path))
    add_model(find_published("lung_nodule_ct_detection"), bundle, are_other_weights=True)
    assert REGISTRY.choose("detector")[0].name == "learned"
    engine, _ = REGISTRY.choose("detector", "monai-retinanet")
    assert engine.make("cpu").fingerprint == engine.fingerprint != "none"


@pytest.mark.parametrize("kind", ["text", "cut", "other network", "code"])
def test_a_file_that_is_no_weights_of_it_is_one_sentence(bundle, tmp_path, kind):
    import torch

    from LungNoduleAILib.published.monai_detector import MonaiRetinaNet

    path = tmp_path / "model.pt"
    if kind == "text":
        path.write_text("no weights")
    elif kind == "cut":
        shutil.copyfile(bundle / "models" / "model.pt", path)
        with path.open("r+b") as file:
            file.truncate(1 << 20)
    elif kind == "other network":
        torch.save(torch.nn.Linear(3, 3).state_dict(), path)
    else:
        torch.save({"model": _Harmful(tmp_path / "harm")}, path)
    with pytest.raises(InputError, match=r"model\.pt"):
        MonaiRetinaNet(weights=path)
    assert not (tmp_path / "harm").exists()


class _Harmful:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self._path,)
