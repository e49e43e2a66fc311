"""The calibration that comes with the suite: named as what it is, for the shipped detector and for no other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from LungNoduleAILib.analysis.engines import DETECTOR, REGISTRY, choose_engines
from LungNoduleAILib.analysis.threshold import choose_threshold
from LungNoduleAILib.guarantee.calibration import SHIPPED, DetectorIdentity, calibration_file, read_calibration
from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.statistics.risk_control import least_scans


def test_it_is_that_of_the_shipped_detector():
    """A detector that is trained again fails here until it is calibrated again, see lung_synthetic_marks.py."""
    engine = REGISTRY.find(DETECTOR, "learned")
    assert read_calibration(Path("shipped")).detector == DetectorIdentity("learned", engine.fingerprint)


def test_it_says_what_it_was_made_on_and_what_it_promises():
    told = json.loads(SHIPPED.read_text(encoding="utf-8"))
    assert "synthetic" in told["data_set"]
    assert "synthetic" in told["promise"]
    assert told["scans"] >= least_scans(told["alpha"], told["bound"])
    assert told["adjusted"] <= told["alpha"]
    assert told["false_marks_per_scan"] is not None


def test_the_word_shipped_takes_its_threshold_and_any_other_word_is_a_file():
    options = AnalysisOptions(detector="learned", calibration="shipped")
    volume = Volume(np.zeros((2, 2, 2), np.int16), np.diag([-1.0, -1.0, 1.0, 1.0]))
    found = choose_threshold(options, _Detector(), volume)
    assert found.threshold == read_calibration(SHIPPED).threshold
    assert "synthetic" in found.reason
    assert calibration_file(Path("own.json")) == Path("own.json")


class _Detector:
    name = "learned"
    fingerprint = REGISTRY.find(DETECTOR, "learned").fingerprint
    operating_point = 0.5


def test_another_detector_is_refused_before_any_image_is_read(tmp_path, capsys):
    with pytest.raises(InputError, match="was made for the detector learned"):
        choose_engines(AnalysisOptions(detector="classical", anatomy="classical", calibration="shipped"))
    words = ["lung", "analyze", str(tmp_path / "none.nrrd"), "--output", str(tmp_path / "out")]
    assert main([*words, "--detector", "classical", "--anatomy", "classical", "--calibration", "shipped"]) == 2
    assert "was made for the detector learned" in capsys.readouterr().err
