"""Labels through a whole cine: paths, fusion, drift; and slices put back in line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is an optional dependency")

from CardiacBiomechLib.model.heart_labels import ACDC
from CardiacBiomechLib.motion.cine_motion import carry_labels, estimate_motion, propagate_through
from CardiacBiomechLib.motion.fusion import METHODS, Candidate, fuse
from CardiacBiomechLib.motion.instance_engine import InstanceEngine
from CardiacBiomechLib.motion.presets import MotionPreset
from CardiacBiomechLib.motion.slice_alignment import measure_slice_shifts
from CardiacBiomechLib.motion.volumes import dice
from CardiacBiomechLib.synthesis.cine import Scanner, acquire
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from ThoraxAILib.registration.options import InstanceOptions, Level

SCANNER = Scanner((9, 56, 56), (10.0, 2.5, 2.5), signal_to_noise=30.0, samples_per_slice=3)
QUICK = InstanceEngine(
    MotionPreset(
        20.0,
        InstanceOptions(
            levels=(Level(5.0, 20.0, 25, (16.0, 30.0)), Level(2.5, 12.0, 15, (12.0,))), weight=0.2, threads=1
        ),
    )
)


@pytest.fixture(scope="module")
def cine():
    """Five frames of one cycle; the third is near end-systole."""
    return acquire(Ventricle(), SCANNER, np.array([0.0, 0.45, 0.95, 0.5, 0.15]))


@pytest.fixture(scope="module")
def motion(cine):
    """All paths from the first frame."""
    return estimate_motion([frame.image for frame in cine], cine[0].labels, 0, QUICK, targets=(0, 2))


def overlap(labels: np.ndarray, truth: np.ndarray) -> float:
    """Mean Dice of the three parts."""
    return float(np.mean([dice(labels, truth, value) for value in (1, 2, 3)]))


def test_every_path_carries_the_labels_to_end_systole(cine, motion):
    images = [frame.image for frame in cine]
    truth = motion.region.cut(cine[2].labels).array
    before = overlap(motion.region.cut(cine[0].labels).array, truth)
    for candidate in carry_labels(motion, images, cine[0].labels, 2):
        assert overlap(candidate.labels, truth) > before + 0.1, candidate.name
    fused = propagate_through(motion, images, cine[0].labels, 2)
    assert overlap(fused.array, cine[2].labels.array) > 0.8
    assert fused.array.shape == cine[0].labels.array.shape


def test_the_labeled_frame_keeps_its_labels(cine, motion):
    images = [frame.image for frame in cine]
    kept = propagate_through(motion, images, cine[0].labels, 0, "majority")
    np.testing.assert_array_equal(kept.array, cine[0].labels.array)


def test_the_cycle_closes_within_half_a_slice(motion):
    assert 0.0 < motion.drift_mean_mm < 5.0


def test_a_cine_that_cannot_be_used_is_refused(cine, refused):
    images = [frame.image for frame in cine]
    with refused("1 frame"):
        estimate_motion(images[:1], cine[0].labels, 0, QUICK)
    with refused("no frame 10"):
        estimate_motion(images, cine[0].labels, 9, QUICK)
    broken = [*images[:2], images[2].with_array(np.full_like(images[2].array, 1.0))]
    with refused("frame 3 of the cine"):
        estimate_motion(broken, cine[0].labels, 0, QUICK)


def noisy_candidates(truth: np.ndarray, image: np.ndarray) -> list[Candidate]:
    """Three candidates: two that are wrong in different places, where their warped image is wrong too."""
    random = np.random.default_rng(0)
    candidates = []
    for number in range(3):
        labels, warped = truth.copy(), image.copy()
        wrong = np.zeros(truth.shape, bool)
        wrong[:, 12 * number : 12 * number + 12, :] = True
        labels[wrong] = np.roll(truth, 6, axis=2)[wrong]
        warped[wrong] = random.standard_normal(int(wrong.sum()))
        candidates.append(Candidate(f"path {number}", labels, warped))
    return candidates


@pytest.mark.parametrize("method", METHODS)
def test_fusion_is_better_than_its_candidates(method):
    truth = np.zeros((3, 40, 40), np.uint8)
    truth[:, 8:32, 8:32], truth[:, 14:26, 14:26] = 2, 3
    image = truth + 0.05 * np.random.default_rng(1).standard_normal(truth.shape)
    candidates = noisy_candidates(truth, image)
    fused = fuse(candidates, image, method)
    scores = [np.mean([dice(c.labels, truth, value) for value in (2, 3)]) for c in candidates]
    assert np.mean([dice(fused, truth, value) for value in (2, 3)]) > max(scores)
    assert fused.dtype == truth.dtype


def test_local_weights_let_one_good_candidate_win_against_two_bad_ones():
    truth = np.zeros((2, 30, 30), np.uint8)
    truth[:, 8:22, 8:22] = 3
    image = truth + 0.05 * np.random.default_rng(1).standard_normal(truth.shape)
    wrong = np.roll(truth, 8, axis=1)
    bad = Candidate("bad", wrong, np.roll(image, 8, axis=1))
    candidates = [bad, Candidate("good", truth, image), bad]
    assert dice(fuse(candidates, image), truth, 3) > 0.95
    assert dice(fuse(candidates, image, "majority"), truth, 3) < 0.6


def test_unknown_fusion_and_nothing_to_fuse_are_refused(refused):
    with refused("label fusion named simple"):
        fuse([], np.zeros((1, 2, 2)), "simple")
    with refused("nothing to fuse"):
        fuse([], np.zeros((1, 2, 2)))


def test_shifted_slices_are_put_back_in_line():
    fine = Scanner((12, 90, 90), (8.0, 1.6, 1.6), samples_per_slice=1, signal_to_noise=40.0)
    straight = acquire(Ventricle(), fine, np.array([0.0]), seed=4)[0]
    shifted = acquire(Ventricle(), replace(fine, slice_shift_mm=3.0), np.array([0.0]), seed=4)[0]
    found = measure_slice_shifts(shifted.labels, ACDC)
    still = measure_slice_shifts(straight.labels, ACDC)
    rms = [float(np.sqrt((shifts.shifts_mm[shifts.measured] ** 2).mean())) for shifts in (found, still)]
    assert rms[1] < 0.3 < 1.0 < rms[0]
    after = overlap(found.undo(shifted.labels, 0).array, straight.labels.array)
    assert after > overlap(shifted.labels.array, straight.labels.array) + 0.01
    left = measure_slice_shifts(found.undo(shifted.labels, 0), ACDC)
    assert float(np.sqrt((left.shifts_mm[left.measured] ** 2).mean())) < 0.6 * rms[0]


def test_too_few_slices_cannot_be_aligned(refused):
    labels = acquire(Ventricle(), replace(SCANNER, shape_kji=(4, 56, 56)), np.array([0.0]))[0].labels
    with refused("5 are needed"):
        measure_slice_shifts(labels, ACDC)
