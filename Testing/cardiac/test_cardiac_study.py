"""A cine exam from files to cardiac.json: volumes, mass, strain, verdicts, tables, scene; batches and ACDC folders."""

from __future__ import annotations

import csv
import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacBiomechLib.analysis import function, verdicts
from CardiacBiomechLib.analysis.normal import normal_ranges
from CardiacBiomechLib.analysis.seen_labels import as_seen, reading_of
from CardiacBiomechLib.analysis.study import GivenLabels, analyze_study
from CardiacBiomechLib.analysis.study_options import StudyOptions
from CardiacBiomechLib.cases.study_batch import gather_studies
from CardiacBiomechLib.cine.acdc import read_info, read_patient
from CardiacBiomechLib.mechanics.aha import heart_axes
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.model.heart_labels import ACDC
from CardiacBiomechLib.model.person import Person
from CardiacBiomechLib.model.study import Chamber
from CardiacBiomechLib.motion.demons_engine import DemonsEngine
from CardiacBiomechLib.report.bulls_eye import Measure, bulls_eye, written
from CardiacBiomechLib.synthesis.cine import Scanner, acquire
from CardiacBiomechLib.synthesis.groups import draw
from fixtures.formats import check_format
from ThoraxAILib.cli.main import main
from ThoraxAILib.io.transform_files import write_labels
from ThoraxAILib.registration.itk_images import itk_image

SCANNER = Scanner(shape_kji=(16, 64, 64), spacing_kji_mm=(8.0, 2.8, 2.8), samples_per_slice=2)


@pytest.fixture(scope="module")
def heart():
    """The ventricle of a healthy phantom."""
    return draw("NOR", np.random.default_rng(1))


@pytest.fixture(scope="module")
def frames(heart):
    """End-diastole and end-systole with their true labels."""
    return acquire(heart, SCANNER, np.array([0.0, 1.0]), 1)


@pytest.fixture(scope="module")
def cine(frames):
    """Both images."""
    return Cine(tuple(frame.image for frame in frames), (0.0, 300.0), whole_cycle=False)


@pytest.fixture(scope="module")
def given(frames):
    """True labels of both frames."""
    return GivenLabels(tuple(frame.labels for frame in frames), 0)


@pytest.fixture(scope="module")
def result(cine, given):
    """The study of true labels, with motion."""
    return analyze_study(cine, StudyOptions(), Person(170.0, 70.0, "male"), DemonsEngine(), given=given)


@pytest.fixture(scope="module")
def files(frames, tmp_path_factory):
    """The cine as a 4-D file with 150 ms between frames, and the labels of its first frame."""
    folder = tmp_path_factory.mktemp("study")
    sitk.WriteImage(sitk.JoinSeries([itk_image(frame.image) for frame in frames]), str(folder / "cine.nii.gz"))
    write_labels(frames[0].labels, folder / "ed.nii.gz")
    return folder


def fine_volumes(heart, phase: float) -> dict[int, float]:
    """True volumes in mL below the base on a fine grid."""
    from CardiacBiomechLib.synthesis.anatomy import labels_at
    from ThoraxAILib.image.grid import Grid

    grid = Grid.around(np.array([0.0, 0.0, -14.0]), (2.0, 2.0, 2.0), (68, 68, 65))
    labels = labels_at(heart, heart.at_phase(phase).inverse(grid.centers_ras_mm()))
    return {value: float((labels == value).sum()) * 8.0 / 1000.0 for value in (1, 2, 3)}


def test_ejection_fraction_and_mass_of_true_labels_on_eight_mm_slices_are_those_of_the_heart(result, heart):
    diastole, systole = fine_volumes(heart, 0.0), fine_volumes(heart, 1.0)
    true = 100.0 * (1.0 - systole[3] / diastole[3])
    assert result.study.lv.ef_percent == pytest.approx(true, abs=2.0)
    assert result.study.mass_g == pytest.approx(1.05 * diastole[2], rel=0.05)
    assert (result.study.ed_frame, result.study.es_frame) == (1, 2)


@pytest.mark.slow
def test_labels_of_one_frame_are_carried_and_fitted_to_the_blood_that_is_seen(cine, frames, heart):
    one = GivenLabels((frames[0].labels,), 0)
    found = analyze_study(cine, StudyOptions(), engine=DemonsEngine(), given=one).study
    diastole, systole = fine_volumes(heart, 0.0), fine_volumes(heart, 1.0)
    assert found.lv.ef_percent == pytest.approx(100.0 * (1.0 - systole[3] / diastole[3]), abs=10.0)
    assert "carried-labels" in [verdict.code for verdict in found.quality]
    assert found.methods["labels"] == "carried"


def test_the_json_has_the_stated_schema_and_names_what_it_measured(result):
    found = json.loads(json.dumps(result.study.to_dict(), allow_nan=False))
    check_format(found, "cardiac")
    assert found["schema"] == "thoraxai.cardiac/1"
    assert set(found["lv"]) >= {"edv_ml", "esv_ml", "ef_percent", "mass_g"}
    assert set(found["rv"]) >= {"edv_ml", "esv_ml", "ef_percent"}
    assert [row["segment"] for row in found["segments"]] == list(range(1, 17))
    assert "Green-Lagrange" in found["strain"]["definition"]
    assert found["strain"]["circumferential"]["peak"] < -0.05
    assert "curve_ml" not in found["lv"]  # two frames are no curve
    assert found["indices"]["surface_m2"] == pytest.approx(1.82, abs=0.01)
    assert found["normal_ranges"]["lv_ef_percent"]["low"] == pytest.approx(57.2)


def test_normal_ranges_need_a_sex_and_say_on_which_side_a_value_lies():
    lv = Chamber(250.0, 200.0, (250.0, 200.0))
    assert normal_ranges(lv, None, 100.0, {}, Person()) == {}
    found = normal_ranges(lv, None, 100.0, {}, Person(sex="male"))
    assert found["lv_edv_ml"]["verdict"] == "high"
    assert found["lv_ef_percent"]["verdict"] == "low"


def test_frames_can_be_named_and_the_same_frame_is_refused(cine, given, refused):
    found = analyze_study(cine, StudyOptions(ed_frame=1, es_frame=2, strain=False), given=given, engine=DemonsEngine())
    assert (found.study.ed_frame, found.study.es_frame) == (1, 2)
    assert found.study.strain == {}
    with refused("cannot be both"):
        analyze_study(cine, StudyOptions(ed_frame=2, es_frame=2), given=given, engine=DemonsEngine())


def test_without_labels_and_segmenter_the_way_out_is_said(cine, refused):
    with refused("--label FILE --frame N"):
        analyze_study(cine, engine=DemonsEngine())


def test_a_slice_counts_for_its_part_below_the_valve_plane(frames):
    labels = [frame.labels for frame in frames]
    axes = heart_axes(labels[0], ACDC)
    share = function.share_below_plane(labels, axes, np.array([0.0, 12.0]))
    first, second = axes.slices[:2]
    assert share[0].min() == 1.0
    assert share[1, first] == 0.0
    assert share[1, second] == pytest.approx(0.5)
    volumes = function.slice_volumes(labels, ACDC, share, "long-axis")
    whole = function.slice_volumes(labels, ACDC, np.ones_like(share), "labels")
    assert volumes.lv_ml[0] == whole.lv_ml[0]
    assert volumes.lv_ml[1] < whole.lv_ml[1]


def test_a_slice_of_the_atrium_without_muscle_around_it_does_not_count(frames):
    labels = [frames[0].labels, frames[0].labels]
    axes = heart_axes(labels[0], ACDC)
    atrium = frames[0].image.array.copy()
    blood = np.median(atrium[labels[0].array == 3])
    atrium[axes.slices[0]][labels[0].array[axes.slices[0]] == 2] = blood
    images = [frames[0].image, frames[0].image.with_array(atrium)]
    counts, muscle = function.share_with_muscle(images, labels, ACDC, axes)
    assert counts[0].min() == 1.0
    assert counts[1, axes.slices[0]] == 0.0
    assert muscle[1, axes.slices[0]] < 0.5
    assert counts[1].sum() == counts[0].sum() - 1


def test_labels_seen_on_their_own_frame_stay_what_they_are(frames):
    image, labels = frames[0].image, frames[0].labels
    seen = as_seen(image, labels, ACDC, reading_of(image, labels, ACDC))
    for value in (1, 3):
        assert (seen.array == value).sum() == pytest.approx((labels.array == value).sum(), rel=0.12)


def test_a_cavity_that_was_carried_too_large_shrinks_to_its_blood(frames):
    image, true = frames[1].image, frames[1].labels
    carried = frames[0].labels  # as if nothing had moved
    seen = as_seen(image, carried, ACDC, reading_of(frames[0].image, frames[0].labels, ACDC))
    over = [abs(int((one.array == 3).sum()) - int((true.array == 3).sum())) for one in (carried, seen)]
    assert over[1] < 0.25 * over[0]


def test_verdicts_tell_what_speaks_against_the_numbers():
    lv, rv = Chamber(150.0, 60.0, (150.0, 60.0)), Chamber(150.0, 110.0, (150.0, 110.0))
    assert [v.code for v in verdicts.stroke_verdict(lv, rv)] == ["stroke-mismatch"]
    assert verdicts.stroke_verdict(lv, replace(rv, esv_ml=58.0)) == []
    codes = [v.code for v in verdicts.slice_verdicts(5, 17.7, True, False)]
    assert codes == ["missing-base", "few-slices"]
    assert [v.code for v in verdicts.motion_verdicts(0.5, 0.1, 1.0, 0.0)] == ["poor-motion"]
    assert [v.code for v in verdicts.motion_verdicts(0.0, 0.1, 1.0, 0.4)] == ["wall-volume"]
    assert verdicts.motion_verdicts(0.0, 0.1, 1.0, 0.1) == []
    assert [v.code for v in verdicts.disagreement_verdict(60.0, 45.0)] == ["labels-and-motion"]
    open_ended = replace(lv, ef_range_percent=(45.0, 62.0))
    assert "between 45 and 62 %" in verdicts.range_verdict("left", open_ended)[0].text


def test_a_wall_drawn_by_the_suites_network_is_said_to_be_too_large(cine, given):
    class Drawn:
        """Gives the true labels under the name of the suite's network."""

        name = "learned"

        def segment(self, frames, progress):
            return given.labels

    notes = {
        name: {verdict.code: verdict.text for verdict in study.study.quality}
        for name, study in {
            "drawn": analyze_study(cine, StudyOptions(strain=False), segmenter=Drawn()),
            "given": analyze_study(cine, StudyOptions(strain=False), given=given),
        }.items()
    }
    assert "too large" in notes["drawn"]["drawn-wall"]
    assert "drawn-wall" not in notes["given"]


def test_what_a_verdict_says_of_the_drawn_wall_is_what_was_measured():
    from validation.rows import read_measured

    (row,) = (row for row in read_measured().rows if row.id == "heart.seg.volume.myo.ed")
    assert pytest.approx(float(row.value), abs=0.005) == verdicts.DRAWN_WALL


def test_the_bulls_eye_has_anterior_up_and_the_septum_at_the_left(result):
    rows = [replace(row, thickness_ed_mm=0.0) for row in result.study.segments]
    rows[0] = replace(rows[0], thickness_ed_mm=20.0)  # basal anterior
    rows[2] = replace(rows[2], thickness_ed_mm=20.0)  # basal inferoseptal
    pixels = bulls_eye(rows, Measure("test", lambda row: row.thickness_ed_mm, (0.0, 20.0), 0, False)).pixels
    dark = np.argwhere((pixels == (8, 81, 156)).all(-1)) - np.array([212, 190])
    top = dark[np.abs(dark[:, 1]) < 60]
    left = dark[dark[:, 1] < -100]
    assert len(top) > 500
    assert (top[:, 0] < -100).all()
    assert len(left) > 500
    assert (left[:, 0] > -5).all()


def run(files, output, *more) -> dict:
    command = ["cardiac", "analyze", str(files / "cine.nii.gz"), "--label", str(files / "ed.nii.gz")]
    assert main([*command, "--output", str(output), "--motion", "demons", "--scene", "none", *more]) == 0
    return json.loads((output / "cardiac.json").read_text())


def test_what_rounds_to_nothing_is_written_without_a_minus():
    assert [written(-0.04, 0), written(-0.04, 2), written(-9.6, 0)] == ["0", "-0.04", "-10"]


def test_the_command_writes_its_files_and_resumes(files, tmp_path, capsys):
    found = run(files, tmp_path / "out", "--height-cm", "170", "--weight-kg", "70", "--sex", "female")
    check_format(found, "cardiac")
    assert found["diagnosis"]["model"]["trained_on"] == "synthetic_hearts.csv"
    assert found["diagnosis"]["contributions"][0]["sentence"] in (tmp_path / "out" / "report.html").read_text()
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        "cardiac.json", "segments.csv", "volumes.csv", "labels.seq.nrrd", "contours.png", "bulls_eyes.png",
        "report.html", "run.json", "frame01_field.nii.gz", "frame02_field.nii.gz",
    }  # fmt: skip
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["options"]["person"]["sex"] == "female"
    assert record["options"]["engines"]["motion"] == "demons" == record["models"][0]["name"]
    with (tmp_path / "out" / "segments.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16
    assert "peak_circumferential_green_lagrange" in rows[0]
    report = (tmp_path / "out" / "report.html").read_text()
    assert "Research use only" in report
    for verdict in found["quality"]:
        assert verdict["text"][:30] in report
    stamp = (tmp_path / "out" / "run.json").stat().st_mtime_ns
    run(files, tmp_path / "out", "--height-cm", "170", "--weight-kg", "70", "--sex", "female", "--resume")
    assert (tmp_path / "out" / "run.json").stat().st_mtime_ns == stamp
    assert "kept from an earlier run" in capsys.readouterr().out


@pytest.fixture
def cohort(frames, tmp_path):
    """A folder with one ACDC patient, and one whose labels are mirrored."""
    for number, flip in ((7, False), (8, True)):
        name = f"patient{number:03d}"
        folder = tmp_path / "training" / name
        folder.mkdir(parents=True)
        for index, frame in zip((1, 11), frames, strict=True):
            labels = frame.labels.with_array(np.roll(frame.labels.array, 20, 2)) if flip else frame.labels
            sitk.WriteImage(itk_image(frame.image), str(folder / f"{name}_frame{index:02d}.nii.gz"))
            write_labels(labels, folder / f"{name}_frame{index:02d}_gt.nii.gz")
        (folder / "Info.cfg").write_bytes(
            b"ES: 11\r\nED: 1\r\nGroup: NOR\r\nHeight: 170.0\r\nWeight: 70.0\r\nNbFrame: 30\r\n"
        )
    return tmp_path / "training"


def test_a_patient_of_acdc_tells_frames_group_and_size(cohort):
    patient = read_patient(cohort / "patient007")
    assert (patient.ed, patient.es, patient.group) == (0, 1, "NOR")
    assert (patient.height_cm, patient.weight_kg) == (170.0, 70.0)
    assert sorted(patient.labels) == [0, 1]
    assert [case.name for case in gather_studies([cohort])] == ["patient007", "patient008"]


def test_info_without_a_frame_is_refused(cohort, refused):
    (cohort / "patient007" / "Info.cfg").write_text("ED: 1\n")
    with refused("does not name frame ES"):
        read_info(cohort / "patient007")


def test_a_folder_of_patients_becomes_one_table_and_a_bad_one_does_not_stop_the_others(cohort, tmp_path, capsys):
    command = ["cardiac", "analyze", str(cohort), "--readers-labels", "--no-strain", "--scene", "none", "--jobs", "2"]
    status = main([*command, "--output", str(tmp_path / "out")])
    assert status == 2
    with (tmp_path / "out" / "index.csv").open() as file:
        rows = {row["study"]: row for row in csv.DictReader(file)}
    assert rows["patient007"]["status"] == "done"
    assert rows["patient007"]["group"] == "NOR"
    assert float(rows["patient007"]["lv_ef_percent"]) > 40
    assert rows["patient008"]["status"] == "failed"
    assert "does not lie on the heart" in rows["patient008"]["message"]


def test_far_apart_slices_give_a_range_and_a_cine_begins_at_end_diastole(frames):
    from CardiacBiomechLib.analysis.measures import _with_range

    by_slice = np.array([[40.0, 60.0, 20.0], [20.0, 30.0, 10.0]])
    ranged = _with_range(Chamber(120.0, 60.0, (120.0, 60.0)), by_slice, np.ones((2, 3)), 1)
    assert ranged.ef_range_percent == pytest.approx((100 * (1 - 70 / 120), 100 * (1 - 50 / 120)))
    three = GivenLabels(tuple(frames[index].labels for index in (0, 1, 0)), 0)
    images = Cine(tuple(frames[index].image for index in (0, 1, 0)), whole_cycle=False)
    found = analyze_study(images, StudyOptions(strain=False), given=three, engine=DemonsEngine()).study
    assert (found.ed_frame, found.es_frame) == (1, 2)


def test_each_shard_of_a_cohort_takes_its_part_and_writes_its_own_table(cohort, tmp_path, capsys):
    command = ["cardiac", "analyze", str(cohort), "--readers-labels", "--no-strain", "--scene", "none"]
    assert main([*command, "--shard", "1/2", "--output", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.endswith("1 study: 1 done.\n")
    with (tmp_path / "out" / "index-1-of-2.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["study"], row["path"]) for row in rows] == [("patient007", str(cohort / "patient007"))]


def test_a_cohort_is_told_in_two_tables_each_with_its_own_person_and_resumed_without_a_process(
    cohort, tmp_path, monkeypatch, capsys
):
    shutil.rmtree(cohort / "patient008")
    shutil.copytree(cohort / "patient007", cohort / "second")
    persons = tmp_path / "persons.csv"
    persons.write_text("study,sex,height_cm,weight_kg\nsecond,female,160,\n")
    command = ["cardiac", "analyze", str(cohort), "--readers-labels", "--no-strain", "--scene", "none"]
    command += ["--persons", str(persons), "--output", str(tmp_path / "out")]
    assert main(command) == 0
    asked = [
        json.loads((tmp_path / "out" / name / "run.json").read_text())["options"]["person"]
        for name in ("patient007", "second")
    ]
    assert [(person["sex"], person["height_cm"], person["weight_kg"]) for person in asked] == [
        (None, 170.0, 70.0),
        ("female", 160, 70.0),
    ]
    with (tmp_path / "out" / "segments.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["study"] for row in rows] == ["patient007"] * 16 + ["second"] * 16
    assert {row["series"] for row in rows} == {"Frames 1 and 11 of an ACDC folder."}

    def no_process(*_arguments):
        raise AssertionError("a process was started")

    monkeypatch.setattr("ThoraxAILib.jobs.serving.child_batch.WarmWorkers.job", no_process)
    assert main([*command, "--resume"]) == 0
    assert "2 studies: 2 resumed" in capsys.readouterr().out
    with (tmp_path / "out" / "index.csv").open() as file:
        again = list(csv.DictReader(file))
    assert [(row["status"], row["series"]) for row in again] == [("resumed", "Frames 1 and 11 of an ACDC folder.")] * 2
    os.utime(cohort / "second" / "Info.cfg")
    with pytest.raises(AssertionError, match="a process was started"):
        main([*command, "--resume"])
    with pytest.raises(AssertionError, match="a process was started"):
        main([*command, "--resume", "--sex", "male"])


def test_a_row_for_a_study_that_was_not_given_is_told(cohort, tmp_path, capsys):
    (tmp_path / "persons.csv").write_text("study,sex\nnobody,male\n")
    command = ["cardiac", "analyze", str(cohort), "--persons", str(tmp_path / "persons.csv")]
    assert main([*command, "--output", str(tmp_path / "out")]) == 2
    assert "'nobody', which is none of the 2 cases" in capsys.readouterr().err


def test_totals_name_how_the_studies_ended_and_a_contradicted_result_is_not_done():
    from CardiacBiomechLib.cases.study_tables import _contradicted, totals

    verdict = {"code": "labels_off_heart", "severity": "error", "text": "The labels do not lie on the heart."}
    assert _contradicted({"quality": [{**verdict, "severity": "warning"}]}) == {}
    told = _contradicted({"quality": [verdict]})
    assert told == {"status": "labels off heart", "message": "The labels do not lie on the heart."}
    rows = [{"status": "failed"}, told, {"status": "done"}, {"status": "resumed"}, {"status": "done"}]
    assert totals(rows) == "5 studies: 2 done, 1 resumed, 1 labels off heart, 1 failed"
