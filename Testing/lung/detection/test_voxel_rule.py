"""The lung filter of the report's study, for comparison: in voxels, with what the rule in mm says beside it."""

from __future__ import annotations

import numpy as np
import pytest

from LungNoduleAILib.detection.lung_filter import filter_by_voxel_rule, filter_candidates
from LungNoduleAILib.detection.voxel_rule import is_far_from_lung, reach_voxels
from LungNoduleAILib.model.anatomy import AIRWAY, RLL, Anatomy
from LungNoduleAILib.model.candidates import Candidate
from ThoraxAILib.image.volume import Volume


@pytest.fixture
def chest() -> tuple[Volume, Anatomy]:
    """100 x 100 x 60 voxels of 0.7 x 0.7 x 3 mm; lung in columns 40 to 49, trachea in column 80."""
    labels = np.zeros((60, 100, 100), np.uint8)
    labels[20:40, 30:60, 40:50] = RLL
    labels[:, :, 80] = AIRWAY
    return Volume(np.zeros(labels.shape, np.int16), np.diag([-0.7, -0.7, 3.0, 1.0])), Anatomy(labels)


def at(volume: Volume, k: int, j: int, i: int, confidence: float = 0.9) -> Candidate:
    return Candidate(tuple(volume.ras_from_kji(np.array([k, j, i], float))), 4.0, confidence)


def test_it_looks_a_twentieth_of_each_axis_and_one_voxel_more():
    assert reach_voxels((300, 512, 512)) == (16, 26, 26)
    assert reach_voxels((60, 100, 100)) == (4, 6, 6)


@pytest.mark.parametrize(("i", "is_far"), [(45, False), (55, False), (56, True), (34, False), (33, True), (80, True)])
def test_any_lung_voxel_within_reach_keeps_a_candidate_and_the_trachea_does_not(chest, i, is_far):
    volume, anatomy = chest
    assert is_far_from_lung(at(volume, 30, 45, i), volume, anatomy) is is_far


def test_outside_of_the_image_nothing_is_near(chest):
    volume, anatomy = chest
    assert is_far_from_lung(at(volume, -50, -50, 300), volume, anatomy)


def test_both_lists_are_kept_where_the_two_rules_disagree(chest):
    volume, anatomy = chest
    inside, only_voxels, far = at(volume, 30, 45, 45), at(volume, 43, 45, 45), at(volume, 30, 45, 90)
    only_mm, faint = at(volume, 30, 45, 57), at(volume, 30, 45, 45, 0.1)
    candidates = [inside, only_voxels, far, only_mm, faint]
    kept, removed, only = filter_by_voxel_rule(candidates, volume, anatomy, 0.5, 5.0)
    assert kept == [inside, only_voxels]
    assert [one.reason.partition("; ")[2] for one in removed] == [
        "the rule in mm removes it too",
        "the rule in mm keeps it",
        "",
    ]
    assert "6 x 6 x 4 voxels" in removed[0].reason
    assert "below the threshold" in removed[2].reason
    assert only.startswith("(")
    assert "outside the lungs" in only
    by_mm, _ = filter_candidates(candidates, volume, anatomy, 0.5, 5.0)
    assert by_mm == [inside, only_mm]
