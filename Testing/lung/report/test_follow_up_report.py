"""The report of a follow-up: scans, pairs, growth, changes and methods, and no text in it becomes a tag."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fixtures.html_pages import ATTACK, check_page, hostile
from fixtures.synthetic_chest import GEOMETRIES, chest_volume, nodule
from LungNoduleAILib.model.growth import GROWING, Growth
from LungNoduleAILib.model.pairs import MATCHED, NEW, FollowUp, Interval, Pair, ScanEntry
from LungNoduleAILib.report.follow_up import FollowUpPictures, registration_words, write_follow_up_report
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.report.slices import Picture

GROWTH = Growth(GROWING, 60.0, 1.4, 25.6, True, False, 200, 295.0, "", 5.0, 61.0, None, ("More than the band.",))
REGISTRATION = {
    "similarity": 0.91,
    "similarity_affine": 0.85,
    "regions": [{"name": "RUL", "uncertainty_mean_mm": 1.1, "uncertainty_p95_mm": 2.2, "poor_percent": 3.3}],
}
CHANGE = {
    "kind": "appeared",
    "center_ras_mm": [1.0, 2.0, 3.0],
    "diameter_mm": 6.0,
    "volume_mm3": 113.0,
    "mean_difference_hu": 700.0,
    "finding_id": "N2",
}
RUN = {
    "inputs": [{"name": "prior"}, {"name": "current"}],
    "software": {"thoraxai": "9.8.7"},
    "models": [{"role": "detector", "name": "learned", "fingerprint": "feed" * 8}],
    "options": {"days": 200},
    "stages": [{"name": "scan 1", "seconds": 4.2, "peak_mb": 900}],
    "warnings": ["Scan 2: 1 of 3 series was read, because it has the thinnest slices."],
}


@pytest.fixture(scope="module")
def volume() -> Volume:
    """A few thousand voxels of noise."""
    return chest_volume(GEOMETRIES["axial"])


@pytest.fixture(scope="module")
def follow_up(volume) -> FollowUp:
    """Two dates: one nodule that grew, one that is new."""
    before = nodule(volume, 1, (15, 8, 5), volume_mm3=200.0)
    after, new = nodule(volume, 1, (15, 8, 5), volume_mm3=320.0), nodule(volume, 2, (5, 12, 24))
    scans = (
        ScanEntry("2024-01-01", "1.2.3", "B40f", 1.25, "none", (before,)),
        ScanEntry("2024-07-19", "1.2.4", "B70f", 2.5, "", (after, new)),
    )
    grown = Pair(before.id, after.id, before.center_ras_mm, after.center_ras_mm, MATCHED, 0.97, True, growth=GROWTH)
    appeared = Pair(None, new.id, None, new.center_ras_mm, NEW, 0.9, notes=("Look at it.",))
    interval = Interval(0, 1, 200, (grown, appeared), ("Kernels differ.",), REGISTRATION, (CHANGE,))
    return FollowUp(scans, (interval,))


@pytest.fixture
def pictures(volume) -> FollowUpPictures:
    """Both scans, and one sheet."""
    sheet = Picture(np.zeros((4, 4, 3), np.uint8), np.zeros((3, 4)), 1.0)
    return FollowUpPictures(volume, volume, volume, (("Blended", sheet),))


def written(folder: Path, follow_up: FollowUp, pictures: FollowUpPictures, run: dict) -> str:
    write_follow_up_report(folder / "report.html", follow_up, pictures, run)
    return (folder / "report.html").read_text(encoding="utf-8")


def test_it_tells_scans_pairs_growth_changes_and_methods(follow_up, pictures, tmp_path):
    page = check_page(written(tmp_path, follow_up, pictures, RUN))
    for words in (
        "Chest CT follow-up: current",
        "2024-07-19",
        "Kernels differ.",
        "Scan 2: 1 of 3 series was read, because it has the thinnest slices.",
        "Pairs (2)",
        "P1: matched, growing",
        "More than the band.",
        "P2: new Look at it.",
        "Local correlation in the lungs: 0.910, 0.850 before bending.",
        "RUL 1.1 2.2 3.3",
        "current N2",
        "analyzed with ThoraxAI 9.8.7.",
        "Options: days = 200.",
    ):
        assert words in page.text
    captions = [attributes["alt"].split(",")[0] for tag, attributes in page.found if tag == "img"]
    assert captions == ["Prior", "Prior", "Current", "Prior", "Current", "Blended"]


def test_the_chart_shows_each_nodule_of_two_dates(follow_up, pictures, tmp_path):
    page = check_page(written(tmp_path, follow_up, pictures, RUN))
    (line,) = (attributes for tag, attributes in page.found if tag == "polyline")
    first, last = ([float(x) for x in point.split(",")] for point in line["points"].split())
    assert last[0] > first[0]  # later
    assert last[1] < first[1]  # larger, so nearer the top
    assert "Days since the first scan" in page.text


def test_no_text_of_the_follow_up_or_the_run_becomes_a_tag(follow_up, pictures, tmp_path):
    sheets = tuple((caption + ATTACK, picture) for caption, picture in pictures.sheets)
    attacked = hostile(follow_up)
    assert attacked.scans[0].kernel == "B40f" + ATTACK
    text = written(tmp_path, attacked, replace(pictures, sheets=sheets), hostile(RUN))
    assert "<script" not in text
    page = check_page(text)
    for words in ("current", "B70f", "Kernels differ.", "Look at it.", "RUL", "appeared", "Blended", "scan 1"):
        assert words + ATTACK in page.text


def test_without_registration_and_nodules_it_says_so(follow_up, pictures, tmp_path):
    empty = FollowUp(follow_up.scans, (Interval(0, 1, None, ()),))
    page = check_page(written(tmp_path, empty, replace(pictures, warped_prior=None, sheets=()), {}))
    for words in ("No nodule was found at either date.", "were not registered", "unnamed case"):
        assert words in page.text
    assert not any(tag == "img" for tag, _ in page.found)


def test_the_quality_of_the_registration_is_told_in_sentences_and_what_is_not_known_is_left_out():
    quality = {
        "lung_dice": 0.9974,
        "lung_dice_affine": 0.9912,
        "mean_displacement_mm": 0.11,
        "max_displacement_mm": 3.19,
        "poor_percent": 0.0,
        "min_j": 0.2,
        "regions": [],
    }
    assert registration_words(quality) == (
        "The lungs cover each other by 0.997 (Dice), by 0.991 before bending.",
        "Places moved by 0.1 mm on average, at most 3.2 mm.",
    )
    assert registration_words({"regions": []}) == ()
