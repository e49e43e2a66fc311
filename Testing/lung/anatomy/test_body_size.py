"""Chests of any size: a child's lungs are a verdict, not a refusal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from LungNoduleAILib.anatomy.body_size import body_size_mm, segment_any_size
from LungNoduleAILib.anatomy.classical import ClassicalSegmenter
from LungNoduleAILib.synthesis.test_phantom.small_chest import make_small_chest
from ThoraxAILib.jobs.progress import Progress


@pytest.fixture(scope="module")
def phantom():
    return make_small_chest(seed=2, spacing_mm=(3.0, 3.0, 3.0))


@pytest.mark.parametrize("scale", [0.55, 0.45])
def test_lungs_of_a_small_body_are_found_with_the_volume_they_have(phantom, scale):
    volume = phantom.volume.in_lps_order()
    small = replace(volume, ijk_to_ras=np.diag([scale, scale, scale, 1.0]) @ volume.ijk_to_ras)
    anatomy = segment_any_size(ClassicalSegmenter(), small, Progress())
    found_ml = float(anatomy.lungs.sum()) * small.voxel_mm3 / 1000
    assert found_ml == pytest.approx((phantom.left_lung_ml + phantom.right_lung_ml) * scale**3, rel=0.15)
    assert {note.code for note in anatomy.quality} & {"small_body", "volume_out_of_range"}
    assert body_size_mm(small) == pytest.approx(scale * body_size_mm(volume), rel=0.1)


def test_an_adult_of_whom_no_lungs_are_seen_stays_without(phantom):
    volume = phantom.volume.in_lps_order()
    airless = volume.with_array(np.where(volume.array < -300, 30, volume.array).astype(np.int16))
    assert not segment_any_size(ClassicalSegmenter(), airless, Progress()).lungs.any()
