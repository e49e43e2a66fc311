"""From a map of probabilities to detections and scores; and which folders can be a nodule detector."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from LungNoduleAILib.analysis.engines import choose_engines
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.published.components import candidates_of, components_of
from LungNoduleAILib.published.nnunet_detector import fingerprint, nodule_label
from ThoraxAILib.errors import InputError, MissingDependencyError
from ThoraxAILib.networks.nnunet.model_folder import read_trained_folder

GRID = np.diag([-1.0, -1.0, 1.0, 1.0])


def test_components_that_touch_at_a_corner_are_one_and_specks_are_left_out():
    probability = np.zeros((20, 20, 20), np.float32)
    probability[2:5, 2:5, 2:5] = 0.9
    probability[5:8, 5:8, 5:8] = 0.7  # touches the first at one corner
    probability[12:15, 12:15, 12:15] = 0.3
    probability[18, 18, 18] = 0.99  # a speck of 1 mm3
    found = components_of(probability, 1.0)
    assert [(len(one.places_kji), round(one.score("max"), 2)) for one in found] == [(54, 0.9), (27, 0.3)]


def test_a_halo_of_low_probability_does_not_move_place_or_size():
    probability = np.zeros((24, 24, 24), np.float32)
    probability[4:20, 4:12, 4:12] = 0.15
    probability[6:10, 6:10, 6:10] = 0.8
    (found,) = candidates_of(probability, GRID, "max")
    assert found.center_ras_mm == pytest.approx((-7.5, -7.5, 7.5), abs=1e-5)
    assert found.diameter_mm == pytest.approx((6 * 64 / np.pi) ** (1 / 3))


def test_nothing_above_the_least_probability_is_no_detection():
    assert candidates_of(np.full((5, 5, 5), 0.09, np.float32), GRID, "max") == []


def folder_of(path: Path, labels: dict, channels: int = 1) -> Path:
    """As much of a trained model as is looked at before it runs."""
    (path / "fold_0").mkdir(parents=True)
    (path / "fold_0" / "checkpoint_final.pth").write_bytes(b"weights")
    described = {"labels": labels, "channel_names": {str(n): "CT" for n in range(channels)}}
    (path / "dataset.json").write_text(json.dumps(described), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"background": 0, "lung": 1, "lung_nodules": 2}, "lung_nodules"),
        ({"background": 0, "Tumor": 1}, "Tumor"),
        ({"background": 0, "target": 1}, "target"),
    ],
)
def test_the_nodule_is_found_by_its_name_or_is_the_only_label(tmp_path, labels, expected):
    assert nodule_label(read_trained_folder(folder_of(tmp_path / "model", labels))) == expected


@pytest.mark.parametrize(
    ("labels", "channels", "sentence"),
    [
        ({"background": 0, "a": 1, "b": 2}, 1, r"which label .* is the nodule cannot be told \(it has a, b\)"),
        ({"background": 0, "nodule": 1}, 2, "wants 2 channels, a CT has one"),
    ],
)
def test_a_model_that_is_no_nodule_detector_is_refused(tmp_path, labels, channels, sentence):
    with pytest.raises(InputError, match=f"(?i){sentence}"):
        nodule_label(read_trained_folder(folder_of(tmp_path / "model", labels, channels)))


def test_regions_are_found_by_their_order(tmp_path):
    trained = read_trained_folder(folder_of(tmp_path / "model", {"background": 0, "whole": [1, 2], "nodule": 2}))
    assert trained.has_regions
    assert trained.channel_of("nodule") == 1


def test_another_score_or_other_weights_is_another_detector(tmp_path):
    model = folder_of(tmp_path / "model", {"background": 0, "nodule": 1})
    first = fingerprint(model, "max")
    assert first != fingerprint(model, "mean")
    (model / "fold_0" / "checkpoint_final.pth").write_bytes(b"others")
    assert first != fingerprint(model, "max")


def test_an_unfinished_or_wrong_folder_is_said_before_any_image_is_read(tmp_path, monkeypatch):
    from LungNoduleAILib.published import nnunet_detector

    monkeypatch.setattr(nnunet_detector, "missing_nnunet", lambda: "")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is not the folder of a trained nnU-Net"):
        fingerprint(tmp_path / "empty")
    with pytest.raises(InputError, match="--detector-weights FOLDER"):
        fingerprint(None)
    with pytest.raises(InputError, match="takes no model of your own"):
        choose_engines(AnalysisOptions(detector="classical", detector_weights=tmp_path))


def test_without_nnunet_the_command_that_gets_it_is_said(tmp_path, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "nnunetv2" else find(name))
    model = folder_of(tmp_path / "model", {"background": 0, "nodule": 1})
    with pytest.raises(MissingDependencyError, match="pip install nnunetv2"):
        choose_engines(AnalysisOptions(detector="nnunet", detector_weights=model))


def test_the_record_of_a_run_names_the_model_without_its_path(tmp_path):
    options = AnalysisOptions(detector="nnunet", detector_weights=tmp_path / "Smith" / "model")
    assert options.recorded()["detector_weights"] == "model"
