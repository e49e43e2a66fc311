"""What a segmenter saw corrects carried labels: its own offset is taken off, slices the base left are emptied."""

from __future__ import annotations

import numpy as np
import pytest

from CardiacBiomechLib.analysis import carry as carrying
from CardiacBiomechLib.analysis.carry import carry
from CardiacBiomechLib.model.heart_labels import ACDC
from CardiacBiomechLib.motion.demons_engine import DemonsEngine
from CardiacBiomechLib.motion.guidance import Seen, contour_offset_mm, corrected, slices_left, trust
from CardiacBiomechLib.synthesis.cine import Scanner, acquire
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.grid import Grid

LEFT = (ACDC.lv, ACDC.myocardium)
GRID = Grid.centered((4, 60, 60), (8.0, 1.0, 1.0))
SCANNER = Scanner((9, 46, 46), (10.0, 3.0, 3.0), signal_to_noise=30.0, samples_per_slice=3)


def ring(inner_mm: float, outer_mm: float) -> np.ndarray:
    """A left ventricle of two circles in every slice."""
    j, i = np.meshgrid(np.arange(60) - 29.5, np.arange(60) - 29.5, indexing="ij")
    distance = np.hypot(j, i)
    plane = np.where(distance < inner_mm, ACDC.lv, np.where(distance < outer_mm, ACDC.myocardium, 0)).astype(np.uint8)
    return np.repeat(plane[None], 4, axis=0)


def radius(labels: np.ndarray, values: tuple[int, ...]) -> float:
    return float(np.sqrt(np.isin(labels[1], values).sum() / np.pi))


def test_the_offset_of_a_contour_is_measured_in_millimeters():
    given, seen = ring(12, 20) > 0, ring(12, 23) > 0
    assert contour_offset_mm(given, seen, np.array([1.0, 1.0])) == pytest.approx(3.0, abs=0.5)
    assert contour_offset_mm(given, given, np.array([1.0, 1.0])) == pytest.approx(0.0, abs=0.5)


def test_half_of_the_way_to_what_was_seen_is_gone_after_the_segmenter_s_own_offset():
    given, carried = ring(16, 25), GRID.volume(ring(14, 25))
    seen = Seen(ring(17, 27), ring(9, 25))  # draws the cavity 1 mm and the border 2 mm too large in both frames
    found, left = corrected(carried, given, seen, ACDC)
    assert left == []
    assert radius(found.array, (ACDC.lv,)) == pytest.approx((14 + 8) / 2, abs=0.6)
    assert radius(found.array, (ACDC.lv, ACDC.myocardium)) == pytest.approx((25 + 23) / 2, abs=0.6)


def test_a_segmenter_is_believed_as_far_as_it_agrees_with_the_given_labels():
    assert trust(ring(12, 20) > 0, ring(12, 20) > 0) == 1.0
    assert trust(ring(12, 20) > 0, ring(5, 9) > 0) == 0.0
    assert 0.0 < trust(ring(12, 20) > 0, ring(12, 15) > 0) < 1.0


def test_a_slice_that_the_base_has_left_is_emptied_and_a_gap_is_not():
    after = ring(9, 20)
    after[0] = 0
    gap = ring(9, 20)
    gap[2] = 0
    assert slices_left(Seen(ring(12, 20), after), LEFT) == [0]
    assert slices_left(Seen(ring(12, 20), gap), LEFT) == []
    found, left = corrected(GRID.volume(ring(12, 20)), ring(12, 20), Seen(ring(12, 20), after), ACDC)
    assert left == [0]
    assert not found.array[0].any()
    assert found.array[1].any()


def test_a_slice_that_the_right_ventricle_alone_has_left_keeps_the_left_one():
    heart = ring(12, 20)
    heart[:, :6] = ACDC.rv
    after = heart.copy()
    after[0][after[0] == ACDC.rv] = 0
    found, left = corrected(GRID.volume(heart), heart, Seen(heart, after), ACDC)
    assert left == []
    assert not (found.array[0] == ACDC.rv).any()
    assert (found.array[1] == ACDC.rv).any()
    assert (found.array[0] == ACDC.lv).any()


class Segmenter:
    """Answers with labels it was given."""

    def __init__(self, labels) -> None:
        self.labels, self.name, self.fingerprint, self.device = labels, "made", "made-1", "cpu"

    def segment(self, _frames, _progress):
        return self.labels


class Choice:
    """Stands for the options of a segmenter."""

    def __init__(self, labels) -> None:
        self.made = Segmenter(labels)

    def choose(self):
        return self

    def model(self, role):
        return type("Model", (), {"role": role})()


def test_a_segmenter_that_sees_the_heart_brings_the_volume_nearer_to_the_truth():
    still, moved = acquire(Ventricle(), SCANNER, np.array([0.0, 1.0]))
    engine = DemonsEngine()
    alone = carry(still.image, still.labels, moved.image, engine, guide="none")
    helped = carry(still.image, still.labels, moved.image, engine, segmenter=Choice((still.labels, moved.labels)))
    assert (alone.used, helped.used) == (False, True)
    true = float((moved.labels.array == ACDC.lv).sum())
    errors = [abs(float((g.propagation.labels.array == ACDC.lv).sum()) - true) for g in (alone, helped)]
    assert errors[1] < errors[0]


def test_without_agreement_the_motion_goes_alone_and_says_why():
    still, moved = acquire(Ventricle(), SCANNER, np.array([0.0, 1.0]))
    wrong = Choice((still.labels.with_array(np.roll(still.labels.array, 15, 1)), moved.labels))
    found = carry(still.image, still.labels, moved.image, DemonsEngine(), segmenter=wrong)
    assert not found.used
    assert "agree too little" in found.as_json(carrying.AUTO)["guide"]["reason"]
    with pytest.raises(InputError, match="check the labels, or use --guide none"):
        carry(still.image, still.labels, moved.image, DemonsEngine(), guide="segmentation", segmenter=wrong)
