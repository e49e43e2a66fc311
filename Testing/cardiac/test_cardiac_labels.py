"""Labels that do not lie on the heart, are numbered differently, or belong to another frame are told, not carried."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from CardiacBiomechLib.analysis.track import TrackOptions, track
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.model.heart_labels import ACDC, HeartLabels, heart_labels, keep_parts
from CardiacBiomechLib.model.label_fit import MIRRORS, check_labels_on_image, label_fit
from CardiacBiomechLib.motion.demons_engine import DemonsEngine
from CardiacBiomechLib.motion.propagate import propagate
from CardiacBiomechLib.motion.volumes import ejection_from_labels
from CardiacBiomechLib.synthesis.cine import Scanner, acquire
from CardiacBiomechLib.synthesis.groups import draw
from ThoraxAILib.io import read_volume

SCANNER = Scanner(shape_kji=(8, 64, 64), spacing_kji_mm=(10.0, 2.8, 2.8), samples_per_slice=1, organs=0.5)


@pytest.fixture(scope="module")
def frames():
    """End-diastole and end-systole of a phantom, off the middle of its image."""
    moved = Scanner(**{**vars(SCANNER), "center_ras_mm": (14.0, 9.0, -14.0)})
    return acquire(draw("NOR", np.random.default_rng(1)), moved, np.array([0.0, 1.0]), seed=1)


def renumbered(labels, table):
    return labels.with_array(np.array(table, dtype=np.int32)[labels.array])


def test_labels_on_their_heart_are_accepted(frames):
    for frame in frames:
        check_labels_on_image(frame.image, frame.labels, ACDC)
        fit = label_fit(frame.image.array, frame.labels.array, ACDC)
        assert fit.lv > 0.95
        assert fit.rv > 0.95


@pytest.mark.parametrize("name", list(MIRRORS))
def test_mirrored_or_reversed_labels_are_refused_with_what_was_found(frames, refused, name):
    turned = frames[0].labels.with_array(np.ascontiguousarray(MIRRORS[name](frames[0].labels.array)))
    with refused("does not lie on the heart"):
        propagate(frames[0].image, turned, frames[1].image, DemonsEngine())


def test_labels_beside_the_heart_are_refused(frames, refused):
    moved = frames[0].labels.with_array(np.roll(frames[0].labels.array, (0, 18, -18), (0, 1, 2)))
    with refused("does not lie on the heart"):
        check_labels_on_image(frames[0].image, moved, ACDC)


@pytest.mark.parametrize(
    ("table", "parts"),
    [
        ((0, 1, 2, 3), HeartLabels(1, 2, 3)),
        ((0, 3, 2, 1), HeartLabels(3, 2, 1)),
        ((0, 3, 1, 2), HeartLabels(3, 1, 2)),
        ((0, 2, 3, 1), HeartLabels(2, 3, 1)),
    ],
)
def test_every_numbering_of_three_parts_is_told_by_which_label_encloses_which(frames, table, parts):
    assert heart_labels(renumbered(frames[0].labels, table)) == parts


@pytest.mark.parametrize("order", ["acdc", "ukbb"])
def test_an_order_that_the_enclosed_label_contradicts_is_refused_with_the_right_remedy(frames, refused, order):
    with refused("use --labels lv=2,myo=1,rv=3"):
        heart_labels(renumbered(frames[0].labels, (0, 3, 1, 2)), order)


def test_an_acdc_label_called_ukbb_is_refused(frames, refused):
    with refused("use --labels auto or acdc"):
        heart_labels(frames[0].labels, "ukbb")


def test_any_values_can_be_named_by_a_mapping_and_others_are_background(frames):
    labels = renumbered(frames[0].labels, (0, 600, 205, 500))
    labels.array[0, 0, 0] = 420
    parts = heart_labels(labels, "lv=500,myo=205,rv=600")
    assert parts == HeartLabels(600, 205, 500)
    assert set(np.unique(keep_parts(labels, parts).array)) == {0, 205, 500, 600}


def test_other_values_without_a_mapping_are_refused_with_the_way_to_name_them(frames, refused):
    with refused("--labels lv=...,myo=...,rv=..."):
        heart_labels(renumbered(frames[0].labels, (0, 600, 205, 500)))


@pytest.mark.parametrize("order", ["lv=1", "lv=1,myo=1", "lv=a,myo=2", "lv=0,myo=2", "heart=3,lv=1,myo=2", "acdc2"])
def test_a_mapping_that_cannot_be_used_is_refused(refused, order):
    with refused("label"):
        TrackOptions(order=order)


def test_labels_carried_from_end_systole_give_no_negative_ejection(frames):
    ejection = ejection_from_labels(frames[1].labels, frames[0].labels, 3)
    assert ejection.ef_percent > 0
    assert ejection.edv_ml > ejection.esv_ml


def test_labels_of_another_frame_are_told(frames, refused):
    cine = Cine((frames[0].image, frames[1].image), whole_cycle=False)
    with refused("they fit frame 1 clearly better"):
        track(cine, frames[0].labels, 1, TrackOptions(fusion="direct"), DemonsEngine())


def test_frames_that_close_no_cycle_are_not_chained_round_it(frames, refused):
    cine = Cine((frames[0].image, frames[1].image), whole_cycle=False)
    with refused("do not cover one whole heart cycle"):
        track(cine, frames[0].labels, 0, TrackOptions(), DemonsEngine())


def test_every_real_label_is_accepted_and_every_mirrored_one_refused(shared_data, refused):
    for folder in sorted(shared_data("cardiac/acdc_dev15").glob("patient*"))[::3]:
        for path in sorted(folder.glob("*_gt.nii.gz")):
            image = read_volume(Path(str(path).replace("_gt", "")), modalities=("MR",))
            labels = read_volume(path, modalities=("MR",))
            check_labels_on_image(image, labels, ACDC)
            for mirror in MIRRORS.values():
                with refused("does not lie on the heart"):
                    check_labels_on_image(image, labels.with_array(mirror(labels.array)), ACDC)
