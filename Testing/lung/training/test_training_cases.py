"""LUNA16, LIDC and MSD-style folders give the nodules that were put into them, in RAS, whatever the form."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fixtures import training_folders as folders
from LungNoduleAILib.datasets.lidc_consensus import nodule_type, pixels_within
from LungNoduleAILib.datasets.lidc_xml import Outline, Reading, read_lidc_xml
from LungNoduleAILib.datasets.open import load_training_cases, open_training_data
from LungNoduleAILib.datasets.training_case import TrainingCase

UID = "1.2.826.0.1.3680043.10.1.501"
PIXEL, STEP = 0.8, 2.0
BALL = (-5.0, -15.0, 112.0, 9.2)
SECOND = (5.0, -10.0, 120.0, 6.0)


def to_ras(point) -> tuple[float, float, float]:
    return -point[0], -point[1], point[2]


def only_case(path, **options) -> TrainingCase:
    cases = list(load_training_cases(path, **options))
    assert len(cases) == 1
    return cases[0]


def test_luna_nodules_are_those_of_the_table_in_ras(tmp_path):
    folder = folders.write_luna(
        tmp_path, {"1.2.3": [BALL, SECOND], "1.2.4": []}, excluded=[("1.2.3", (0.0, 0.0, 104.0, -1.0))]
    )
    data = open_training_data(folder)
    assert (data.kind, data.names, data.problems) == ("LUNA16", ("1.2.3", "1.2.4"), ())
    case = data.load("1.2.3")
    assert [nodule.center_ras_mm for nodule in case.nodules] == [to_ras(BALL), to_ras(SECOND)]
    assert [nodule.diameter_mm for nodule in case.nodules] == [9.2, 6.0]
    assert [(place.center_ras_mm, place.diameter_mm) for place in case.ignored] == [((0.0, 0.0, 104.0), None)]
    assert data.load("1.2.4").nodules == ()


def test_luna_positions_hit_the_nodule_in_the_image(tmp_path):
    case = only_case(folders.write_luna(tmp_path, {"1.2.3": [BALL]}))
    place = np.rint(case.volume.kji_from_ras(np.array(case.nodules[0].center_ras_mm))).astype(int)
    assert case.volume.array[tuple(place)] == folders.NODULE
    assert case.volume.array[0, 0, folders.WALL] == folders.AIR


def test_a_case_without_outlines_gets_a_ball_of_the_diameter_and_its_box(tmp_path):
    case = only_case(folders.write_luna(tmp_path, {"1.2.3": [BALL]}))
    assert case.mask is None
    assert np.array_equal(case.label_mask(), folders.ball_labels([BALL]))
    center = np.array(to_ras(BALL))
    wanted = np.stack([center - 4.6, center + 4.6], axis=1).ravel()
    assert case.boxes_ras_mm()[0] == pytest.approx(wanted)


def test_luna_tables_in_their_archive_folder_and_lung_masks_are_recognized(tmp_path):
    folders.write_luna(tmp_path, {"1.2.3": [BALL]}, tables="CSVFILES")
    folders.write_image(tmp_path / "seg-lungs-LUNA16" / "1.2.3.mhd", np.ones(folders.SHAPE, np.int16))
    data = open_training_data(tmp_path)
    assert data.names == ("1.2.3",)
    assert data.load("1.2.3").volume.array.min() == folders.AIR


def test_luna_problems_and_notes_are_told(tmp_path):
    folder = folders.write_luna(tmp_path, {"1.2.3": [BALL]})
    with (folder / "annotations.csv").open("a") as table:
        table.write("1.2.3,900,0,0,5\n9.9.9,0,0,0,5\n")
    data = open_training_data(folder)
    assert data.problems == ("The table names nodules in 1 scans that are not in this folder.",)
    case = data.load("1.2.3")
    assert len(case.nodules) == 1
    assert "1 of 2 nodules lie outside the image and were left out." in case.notes


def test_msd_parts_of_the_nodule_label_are_nodules(tmp_path):
    case = only_case(folders.write_msd(tmp_path, {"lung_001": [BALL, SECOND, (8.0, -28.2, 104.5, 1.0)]}))
    drawn = folders.ball_labels([BALL, SECOND])
    voxel = float(np.prod(folders.SPACING))
    assert len(case.nodules) == 2
    by_size = sorted(case.nodules, key=lambda nodule: -nodule.volume_mm3)
    for number, nodule in enumerate(by_size, start=1):
        where = folders.positions_lps()[drawn == number].mean(axis=0)
        assert nodule.center_ras_mm == pytest.approx(to_ras(where), abs=1e-4)
        assert nodule.volume_mm3 == pytest.approx((drawn == number).sum() * voxel, rel=1e-5)
        assert nodule.diameter_mm == nodule.equivalent_diameter_mm
    assert np.array_equal(case.mask > 0, drawn > 0)
    assert "1 parts of the label map are smaller than 3 mm and were left out." in case.notes


def test_a_box_of_a_mask_includes_the_faces_of_its_voxels(tmp_path):
    case = only_case(folders.write_msd(tmp_path, {"lung_001": [BALL]}))
    places = folders.positions_lps()[folders.ball_labels([BALL]) == 1]
    half = np.array(folders.SPACING) / 2
    low, high = places.min(axis=0) - half, places.max(axis=0) + half
    wanted = [-high[0], -low[0], -high[1], -low[1], low[2], high[2]]
    assert case.boxes_ras_mm()[0] == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"0": "background", "1": "cancer"}, 1),
        ({"background": 0, "lung": 2, "nodule": 1}, 1),
        ({"background": 0, "anything": 1}, 1),
        ({"background": 0, "lung": [1, 2], "tumor": 2}, 0),
    ],
)
def test_msd_and_nnunet_labels_are_understood(tmp_path, labels, expected):
    assert len(only_case(folders.write_msd(tmp_path, {"a": [BALL]}, labels)).nodules) == expected


def test_nnunet_raw_folders_without_a_list_are_read(tmp_path):
    folders.write_msd(tmp_path, {"a": [BALL], "b": []})
    for name in "ab":
        (tmp_path / "imagesTr" / f"{name}.nii.gz").rename(tmp_path / "imagesTr" / f"{name}_0000.nii.gz")
    (tmp_path / "imagesTr" / "._a_0000.nii.gz").write_bytes(b"metadata of another system")
    content = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, "nodule": 1},
        "numTraining": 2,
        "file_ending": ".nii.gz",
    }
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    assert [(case.name, len(case.nodules)) for case in load_training_cases(tmp_path)] == [("a", 1), ("b", 0)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "cannot be read as JSON"),
        ("{", "cannot be read as JSON"),
        ("{}", "names no labels"),
        ('{"labels": {"background": 0, "lung": 1, "heart": 2}}', "None of the labels"),
        ('{"labels": {"background": 0, "nodule": 1.5e}}', "cannot be read as JSON"),
        ('{"labels": {"background": 0, "nodule": null}}', "no whole numbers"),
    ],
)
def test_damaged_dataset_files_are_refused(tmp_path, refused, content, words):
    (tmp_path / "imagesTr").mkdir()
    (tmp_path / "dataset.json").write_text(content)
    with refused(words):
        open_training_data(tmp_path)


def test_image_and_label_map_on_different_grids_are_refused(tmp_path, refused):
    folders.write_msd(tmp_path, {"a": [BALL]})
    folders.write_image(tmp_path / "labelsTr" / "a.nii.gz", folders.ball_labels([BALL]), (0.0, 0.0, 0.0))
    with refused("different grids"):
        only_case(tmp_path)


def lidc_center(discs, z) -> np.ndarray:
    """RAS mm of the middle of discs on the series of write_lidc."""
    pixels = np.array([(x, y, z[disc[0]]) for disc in discs for x, y in folders.disc_pixels(disc)], dtype=float)
    x, y = pixels[:, 0] - 21.5, pixels[:, 1] - 19.5
    return np.array([-(x * PIXEL).mean(), -(y * PIXEL).mean(), pixels[:, 2].mean()])


DISCS = [(4, 15.0, 12.0, 3.0), (5, 15.0, 12.0, 4.0), (6, 15.0, 12.0, 3.0)]


def test_lidc_outlines_of_enough_readers_become_a_nodule(tmp_path, dicom_series):
    z = folders.slice_positions(dicom_series)
    drawn = folders.nodule_xml(DISCS, z)
    other = folders.nodule_xml([(8, 30.0, 25.0, 3.0)], z)
    small, none = folders.small_nodule_xml(35, 8, z[2]), folders.non_nodule_xml(5, 33, z[9])
    readers = [[drawn, other], [drawn, small], [drawn, none], []]
    folders.write_lidc(tmp_path / "scan", UID, readers, dicom_series)
    case = only_case(tmp_path)
    assert case.name == UID
    (nodule,) = case.nodules
    voxels = sum(len(folders.disc_pixels(disc)) for disc in DISCS)
    assert nodule.volume_mm3 == pytest.approx(voxels * PIXEL * PIXEL * STEP)
    assert nodule.center_ras_mm == pytest.approx(lidc_center(DISCS, z), abs=1e-4)
    assert nodule.diameter_mm == pytest.approx(10 * PIXEL)  # the first pixels outside a disc of radius 4 are 10 apart
    assert (nodule.readers, nodule.type) == (3, "solid")
    assert (case.mask > 0).sum() == voxels
    reasons = {place.reason: place for place in case.ignored}
    assert set(reasons) == {"drawn by 1 of the readers", "nodule below 3 mm", "marked as no nodule"}
    assert reasons["nodule below 3 mm"].center_ras_mm == pytest.approx((-(35 - 21.5) * PIXEL, (19.5 - 8) * PIXEL, z[2]))


def test_the_number_of_readers_who_must_agree_can_be_chosen(tmp_path, dicom_series):
    z = folders.slice_positions(dicom_series)
    drawn, other = folders.nodule_xml(DISCS, z), folders.nodule_xml([(8, 30.0, 25.0, 3.0)], z)
    folders.write_lidc(tmp_path, UID, [[drawn, other], [drawn], [], []], dicom_series)
    assert [len(only_case(tmp_path, least_readers=n).nodules) for n in (1, 2, 3)] == [2, 1, 0]


def test_the_mask_is_what_half_of_the_readers_cover_and_overlapping_drawings_are_one_nodule(tmp_path, dicom_series):
    z = folders.slice_positions(dicom_series)
    small, large = [(5, 15.0, 12.0, 2.0)], [(5, 15.0, 12.0, 6.0)]  # outlines more than a pixel apart
    readers = [[folders.nodule_xml(discs, z)] for discs in (small, small, large, large)]
    folders.write_lidc(tmp_path, UID, readers, dicom_series)
    case = only_case(tmp_path)
    assert [nodule.readers for nodule in case.nodules] == [4]
    assert (case.mask > 0).sum() == len(folders.disc_pixels(large[0]))
    assert case.nodules[0].diameter_mm == pytest.approx((6 + 6 + 14 + 14) / 4 * PIXEL)


def test_two_nodules_of_the_same_reader_close_together_stay_two(tmp_path, dicom_series):
    z = folders.slice_positions(dicom_series)
    left, right = [(5, 15.0, 12.0, 3.0)], [(5, 23.0, 12.0, 3.0)]  # their outlines share a pixel
    both = [folders.nodule_xml(left, z), folders.nodule_xml(right, z)]
    folders.write_lidc(tmp_path, UID, [both, both, both, both], dicom_series)
    case = only_case(tmp_path)
    assert [nodule.readers for nodule in case.nodules] == [4, 4]


def test_holes_are_not_part_of_the_nodule(tmp_path, dicom_series):
    z = folders.slice_positions(dicom_series)
    disc, hole = (5, 15.0, 12.0, 6.0), (5, 15.0, 12.0, 2.0)
    readers = [[folders.nodule_xml([disc], z, holes=[hole])]] * 3
    folders.write_lidc(tmp_path, UID, readers, dicom_series)
    assert (only_case(tmp_path).mask > 0).sum() == len(folders.disc_pixels(disc)) - len(folders.disc_pixels(hole))


def test_lidc_images_are_found_elsewhere_in_the_folder_and_missing_ones_are_told(tmp_path, dicom_series, refused):
    z = folders.slice_positions(dicom_series)
    readers = [[folders.nodule_xml(DISCS, z)]] * 3
    folders.write_lidc(tmp_path / "images" / "scan", UID, readers, dicom_series, tmp_path / "xml")
    assert len(only_case(tmp_path).nodules) == 1
    with refused("are not in the folder"):
        only_case(tmp_path / "xml")


def test_outlines_outside_the_image_are_left_out_and_noted(tmp_path, dicom_series):
    z = folders.slice_positions(dicom_series)
    outside = folders.nodule_xml([(0, 15.0, 12.0, 3.0)], [z[0] - 60.0])
    folders.write_lidc(tmp_path, UID, [[outside, folders.nodule_xml(DISCS, z)]] * 3, dicom_series)
    case = only_case(tmp_path)
    assert len(case.nodules) == 1
    assert "3 of 6 outlines lie outside the image and were left out." in case.notes


def test_damaged_xml_is_a_problem_of_the_folder_and_repeated_series_are_told(tmp_path, dicom_series):
    z = folders.slice_positions(dicom_series)
    folders.write_lidc(tmp_path / "scan", UID, [[folders.nodule_xml(DISCS, z)]] * 3, dicom_series)
    (tmp_path / "scan" / "other.xml").write_text("<LidcReadMessage><readingSession>")
    (tmp_path / "scan" / "settings.xml").write_text("<settings/>")
    (tmp_path / "scan" / "again.xml").write_bytes((tmp_path / "scan" / "501.xml").read_bytes())
    data = open_training_data(tmp_path)
    assert data.names == (UID,)
    assert len(data.problems) == 2
    assert "describes a series that another XML file describes already" in data.problems[0]
    assert "'other.xml' cannot be read as an XML file of LIDC" in data.problems[1]
    assert len(data.load(UID).nodules) == 1


def test_an_outline_holds_the_pixels_inside_but_not_its_own():
    for radius in (1.0, 2.5, 4.0, 7.3):
        disc = (0, 20.0, 20.0, radius)
        outline = Outline(0.0, np.array(folders.outline_of(disc), dtype=float), True)
        assert {(x, y) for y, x in pixels_within(outline)} == folders.disc_pixels(disc)


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        ([(5, 6), (5, 6), (4, 6)], "solid"),
        ([(1, 6), (2, 6)], "ground-glass"),
        ([(3, 6), (2, 6), (5, 6)], "part-solid"),
        ([(5, 3), (5, 3), (5, 6)], "calcified"),
        ([(5, 3), (5, 6), (5, 6)], "solid"),
        ([(None, None)], None),
    ],
)
def test_types_follow_the_median_rating(ratings, expected):
    assert nodule_type([Reading(n, (), *rating) for n, rating in enumerate(ratings)]) == expected


def test_xml_of_other_kinds_is_refused(tmp_path, refused):
    path = tmp_path / "x.xml"
    path.write_text("<IdriReadMessage><SeriesInstanceUid>1</SeriesInstanceUid></IdriReadMessage>")
    with refused("no XML file of LIDC's CT readings"):
        read_lidc_xml(path)


def test_outlines_without_ratings_and_marks_without_a_place_are_no_nodules(tmp_path, dicom_series):
    z = folders.slice_positions(dicom_series)
    unrated = folders.nodule_xml(DISCS, z).replace("<texture>5</texture>", "<texture>0</texture>")
    nowhere = "<nonNodule><nonNoduleID>x</nonNoduleID></nonNodule><unblindedReadNodule/>"
    folders.write_lidc(tmp_path, UID, [[unrated, nowhere]] * 3, dicom_series)
    case = only_case(tmp_path)
    assert case.nodules == ()
    assert [place.reason for place in case.ignored] == ["outlined without ratings"] * 3
    assert case.ignored[0].center_ras_mm == pytest.approx(lidc_center(DISCS, z), abs=0.05)


def test_folders_without_annotations_and_odd_readers_are_refused(tmp_path, refused):
    with refused("holds no annotations this program reads"):
        open_training_data(tmp_path)
    with refused("is no folder"):
        open_training_data(tmp_path / "none")
    with refused("Between 1 and 4 readers"):
        open_training_data(tmp_path, least_readers=5)


def test_a_case_that_cannot_be_read_is_told_and_the_others_go_on(tmp_path):
    folders.write_luna(tmp_path, {"1.2.3": [BALL], "1.2.4": [SECOND]})
    (tmp_path / "subset0" / "1.2.3.mhd").write_text("ObjectType = Image\n")
    told = []
    cases = list(load_training_cases(tmp_path, on_problem=lambda name, error: told.append((name, str(error)))))
    assert [case.name for case in cases] == ["1.2.4"]
    assert told[0][0] == "1.2.3"
    assert "cannot be read" in told[0][1]
