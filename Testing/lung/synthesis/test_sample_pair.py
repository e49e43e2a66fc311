"""The sample pair: each fate is there, dates and kernel travel in the files, and nothing but the nodules differs."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from LungNoduleAILib.followup.growth.assessment import assess_growth
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.synthesis.truth import write_phantom
from LungNoduleAILib.synthesis.two_dates.sample_pair import DAYS, SamplePair, make_sample_pair
from ThoraxAILib.image.volume import SeriesIdentity
from ThoraxAILib.io import read_volume
from ThoraxAILib.io.kept_identity import from_header, to_header


@pytest.fixture(scope="module")
def pair() -> SamplePair:
    return make_sample_pair(1, (6.0, 6.0, 6.0))


def test_every_fate_is_planted_with_its_sizes(pair):
    told = {entry["id"]: entry for entry in pair.truth()}
    assert {entry["fate"] for entry in told.values()} == {"grown", "stable", "new", "resolved"}
    for entry in told.values():
        if entry["fate"] == "new":
            assert entry["prior_volume_mm3"] is None
        elif entry["fate"] == "resolved":
            assert entry["current_volume_mm3"] is None
        else:
            grown = entry["current_volume_mm3"] / entry["prior_volume_mm3"] - 1
            assert 100 * grown == pytest.approx(entry["volume_change_percent"], abs=0.2)
            assert (grown > 0.25) == (entry["fate"] == "grown")
    json.dumps(pair.truth())


def test_both_dates_hold_what_the_truth_says_and_share_no_noise(pair):
    prior, current = ({nodule.id for nodule in scan.nodules} for scan in (pair.prior, pair.current))
    fates = {entry["id"]: entry["fate"] for entry in pair.truth()}
    assert prior - current == {name for name, fate in fates.items() if fate == "resolved"}
    assert current - prior == {name for name, fate in fates.items() if fate == "new"}
    difference = pair.current.volume.array.astype(float) - pair.prior.volume.array
    assert np.median(np.abs(difference)) > 5


def test_the_date_of_a_scan_travels_in_its_file(pair, tmp_path):
    dates = []
    for scan, name in ((pair.prior, "prior"), (pair.current, "current")):
        write_phantom(scan, tmp_path / name)
        identity = read_volume(tmp_path / name / "ct.nrrd").identity
        assert identity.kernel == "phantom"
        assert identity.slice_thickness_mm == 6
        dates.append(identity.study_date)
    assert dates == ["20240115", "20240713"]
    assert DAYS == 180


@pytest.mark.parametrize(
    ("entry", "kept"),
    [
        ({"study_date": "20240230x"}, ""),
        ({"study_date": "20240115"}, "20240115"),
        ({"study_date": "x" * 500, "slice_thickness_mm": "-1"}, ""),
    ],
)
def test_a_header_that_is_no_date_is_left_out(entry, kept):
    told = from_header({f"ThoraxAI.{name}": text for name, text in entry.items()}, SeriesIdentity(series_uid="1.2"))
    assert told == SeriesIdentity(series_uid="1.2", study_date=kept)


def test_what_goes_into_a_header_comes_back():
    identity = SeriesIdentity("1.2", study_date="20240115", kernel="B40f", slice_thickness_mm=1.5, manufacturer="Maker")
    assert from_header(to_header(identity), SeriesIdentity(series_uid="1.2")) == identity


def test_diameter_and_volume_that_disagree_are_not_called_stable():
    prior = Finding("A", (0, 0, 0), 55.5, 60.0, 51.0, 59200.0, "solid", 0.0, 60.0, None, None, 1.0)
    current = replace(prior, mean_diameter_mm=47.5, volume_mm3=61000.0)
    growth = assess_growth(prior, current, 90)
    assert growth.growth == "indeterminate"
    assert "disagree" in growth.reasons[0]
    assert assess_growth(prior, replace(prior, volume_mm3=61000.0), 90).growth == "stable"
