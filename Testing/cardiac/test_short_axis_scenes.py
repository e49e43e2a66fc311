"""Synthetic short-axis scenes: exact labels, the same for a seed, and a training that goes on to the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from CardiacBiomechLib.model.heart_classes import LV, MYOCARDIUM, NEIGHBOR, RV
from CardiacBiomechLib.synthesis.short_axis.appearance import draw_brightness, draw_sample
from CardiacBiomechLib.synthesis.short_axis.noise import smooth_noise
from CardiacBiomechLib.synthesis.short_axis.scene import Scene, make_scene, render
from CardiacBiomechLib.synthesis.short_axis.shapes import GROUPS, draw_shape
from CardiacBiomechLib.synthesis.short_axis.tissues import LABEL_OF, Tissue


@pytest.fixture(scope="module")
def scene() -> Scene:
    """One scene."""
    return make_scene(11)


@pytest.mark.parametrize("group", list(GROUPS))
def test_the_cavity_is_enclosed_by_wall_below_the_valve_in_every_group(group):
    random = np.random.default_rng(3)
    scene = render(draw_shape(random, group, 0.0), random)
    labels = LABEL_OF[scene.codes]
    assert {RV, MYOCARDIUM, LV, NEIGHBOR} <= set(np.unique(labels))
    for k in range(int(scene.apex_plane) + 2, int(scene.base_plane) - 6):
        cavity = labels[k] == LV
        beside = binary_dilation(cavity) & ~cavity
        assert (labels[k][beside] == MYOCARDIUM).all()


def test_end_systole_is_smaller_and_thicker_than_end_diastole():
    shapes = [[draw_shape(np.random.default_rng(seed), "NOR", phase) for phase in (0.0, 1.0)] for seed in range(8)]
    for diastole, systole in shapes:
        assert systole.length_mm < diastole.length_mm
        assert systole.epi_mm - systole.wall_mm < diastole.epi_mm - diastole.wall_mm
        assert systole.wall_mm > diastole.wall_mm


def test_a_scene_and_a_sample_are_the_same_for_the_same_seed(scene):
    np.testing.assert_array_equal(scene.codes, make_scene(11).codes)
    one, other = (draw_sample(scene, np.random.default_rng(5), 64) for _ in range(2))
    np.testing.assert_array_equal(one.image, other.image)
    assert one.image.shape == (3, 64, 64)
    assert one.labels.shape == (64, 64)


def test_blood_and_wall_differ_however_the_contrast_falls():
    means = np.array([draw_brightness(np.random.default_rng(seed))[0] for seed in range(60)])
    assert (np.abs(means[:, Tissue.LEFT_BLOOD] - means[:, Tissue.WALL]) > 0.2).mean() > 0.95
    assert means[:, Tissue.FAT].std() > 0.2


def test_noise_has_unit_variance_and_the_grain_asked_for():
    fine, coarse = (smooth_noise((80, 80), np.random.default_rng(0), grain, (1.0, 1.0)) for grain in (3.0, 20.0))
    assert fine.std() == pytest.approx(1.0, abs=0.01)
    assert np.abs(np.diff(coarse)).mean() < 0.5 * np.abs(np.diff(fine)).mean()


def test_a_training_that_was_stopped_ends_with_the_same_weights(tmp_path):
    pytest.importorskip("torch", reason="PyTorch is an optional dependency")
    from CardiacBiomechLib.segmentation.slice_network import SliceNetworkSettings
    from CardiacBiomechLib.training.options import SegmentationTrainingOptions
    from CardiacBiomechLib.training.segmentation_training import SegmentationTraining

    settings = SliceNetworkSettings(channels=(8, 8))
    options = SegmentationTrainingOptions(steps=3, batch=2, scenes=1)

    class Stopped(Exception):
        pass

    def stop_after_two(fraction: float, _text: str) -> None:
        if fraction > 0.5:
            raise Stopped

    from ThoraxAILib.jobs.progress import Progress

    whole = SegmentationTraining(tmp_path / "whole", options, settings)
    whole.run()
    stopped = SegmentationTraining(tmp_path / "stopped", options, settings)
    with pytest.raises(Stopped):
        stopped.run(Progress(stop_after_two))
    stopped.save()
    again = SegmentationTraining(tmp_path / "stopped", options, settings)
    assert again.step == 2
    again.finish(tmp_path / "weights.pt")
    for name, weight in whole.learners["network"].kept_weights.items():
        assert (weight == again.learners["network"].kept_weights[name]).all()
    assert (tmp_path / "weights.pt").is_file()
