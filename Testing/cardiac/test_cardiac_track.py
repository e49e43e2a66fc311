"""A whole cine tracked from one labeled frame: labels, volumes, fields, scores; files whole or not at all."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("torch", reason="PyTorch is an optional dependency")

from CardiacBiomechLib.analysis.track import SecondLabels, TrackOptions, track
from CardiacBiomechLib.cases.requests import TrackRequest
from CardiacBiomechLib.cases.track_files import owned_names, write_images
from CardiacBiomechLib.cine.read_cine import read_frames
from CardiacBiomechLib.cli.engine_choice import preset_line
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.motion.demons_engine import DemonsEngine
from CardiacBiomechLib.motion.instance_engine import InstanceEngine
from CardiacBiomechLib.motion.presets import PRESETS, MotionPreset
from CardiacBiomechLib.motion.volumes import dice, volume_ml
from CardiacBiomechLib.report.contour_sheet import COLORS, contour_sheet
from CardiacBiomechLib.synthesis.cine import Scanner, acquire
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from ThoraxAILib.cli.main import build_parser, main
from ThoraxAILib.errors import Cancelled
from ThoraxAILib.io.transform_files import read_field, write_labels
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.field import invert, warp_labels
from ThoraxAILib.registration.itk_images import itk_image
from ThoraxAILib.registration.options import InstanceOptions, Level

SCANNER = Scanner((9, 46, 46), (10.0, 3.0, 3.0), signal_to_noise=30.0, samples_per_slice=3)
QUICK = InstanceEngine(
    MotionPreset(
        20.0,
        InstanceOptions(
            levels=(Level(6.0, 20.0, 20, (16.0, 30.0)), Level(3.0, 12.0, 10, (12.0,))), weight=0.2, threads=1
        ),
    )
)
PHASES = np.array([0.0, 1.0, 0.4])


@pytest.fixture(scope="module")
def phantom():
    """Three frames of one cycle; the second is end-systole."""
    return acquire(Ventricle(), SCANNER, PHASES)


@pytest.fixture(scope="module")
def cine(phantom):
    """Their images."""
    return Cine(tuple(frame.image for frame in phantom), (0.0, 300.0, 500.0))


@pytest.fixture(scope="module")
def tracked(phantom, cine):
    """Tracked from the first frame by all paths, scored at end-systole."""
    return track(cine, phantom[0].labels, 0, TrackOptions(), QUICK, SecondLabels(phantom[1].labels, 1))


def test_every_frame_gets_labels_near_the_true_ones(phantom, tracked):
    np.testing.assert_array_equal(tracked.frames[0].labels.array, phantom[0].labels.array)
    for frame, truth in zip(tracked.frames, phantom, strict=True):
        overlap = [dice(frame.labels.array, truth.labels.array, value) for value in (1, 2, 3)]
        assert np.mean(overlap) > 0.8


def test_the_volume_curve_has_its_minimum_at_end_systole(phantom, tracked):
    ejection = tracked.ejection("LV")
    assert (ejection["ed_frame"], ejection["es_frame"]) == (1, 2)
    true = [volume_ml(phantom[frame].labels, 3) for frame in (0, 1)]
    assert ejection["edv_ml"] == pytest.approx(true[0])
    assert ejection["ef_percent"] == pytest.approx(100 * (true[0] - true[1]) / true[0], abs=12)
    assert ejection["ef_from_motion_percent"] == pytest.approx(ejection["ef_percent"], abs=8)


def test_fields_go_from_the_labeled_frame_to_each_frame(phantom, tracked):
    assert np.abs(tracked.frames[0].field.displacement_ras_mm).max() == 0
    pulled = warp_labels(phantom[0].labels, invert(tracked.frames[1].field))
    assert dice(pulled.array, phantom[1].labels.array, 3) > 0.85


def test_every_field_comes_with_its_quality(tracked):
    for frame in tracked.frames:
        assert frame.quality.folded_percent == 0.0
        assert frame.quality.temporal_drift_mean_mm == tracked.drift_mean_mm > 0
    assert 0 == tracked.frames[0].path_spread_mm < tracked.frames[1].path_spread_mm < 5
    assert tracked.frames[1].quality.tissue_j_mean == pytest.approx(1.0, abs=0.15)


def test_the_result_and_every_path_are_scored_where_a_second_frame_is_labeled(phantom, tracked):
    assert set(tracked.scores) == {"result", "direct", "forward", "backward", "tracked"}
    assert tracked.scores["result"]["LV"] == dice(tracked.frames[1].labels.array, phantom[1].labels.array, 3)


def test_a_single_path_costs_one_registration_per_other_frame(phantom, cine):
    calls = []

    class Counting(DemonsEngine):
        def register(self, *arguments, **options):
            calls.append(1)
            return super().register(*arguments, **options)

    found = track(cine, phantom[0].labels, 0, TrackOptions(fusion="direct"), Counting())
    assert len(calls) == len(PHASES) - 1
    assert found.drift_mean_mm is None
    assert found.frames[1].path_spread_mm is None


def test_labels_of_aligned_slices_lie_on_the_cines_own_slices():
    scanner = replace(SCANNER, slice_shift_mm=6.0)
    phantom = acquire(Ventricle(), scanner, PHASES[[0, 1]], seed=3)
    cine = Cine(tuple(frame.image for frame in phantom))
    found = track(cine, phantom[0].labels, 0, TrackOptions("direct", align_slices=True), DemonsEngine())
    assert np.abs(found.shifts.shifts_mm).max() > 2.0
    before = found.shifts.redo(found.shifts.undo(phantom[0].labels, 0), 0)
    np.testing.assert_array_equal(found.frames[0].labels.array, before.array)
    assert dice(found.frames[1].labels.array, phantom[1].labels.array, 3) > 0.75


def test_contours_are_drawn_on_every_picture(tracked, cine):
    pixels = contour_sheet(tracked, cine)
    for color in COLORS.values():
        assert (pixels == color).all(-1).sum() > 200


def test_a_cancel_leaves_no_file(phantom, cine, tmp_path):
    asked = []
    progress = Progress(lambda fraction, _text: asked.append(fraction), lambda: len(asked) >= 3)
    with pytest.raises(Cancelled), OutputFolder(tmp_path / "out", owned_names(3)):
        track(cine, phantom[0].labels, 0, TrackOptions("direct"), DemonsEngine(), progress=progress)
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_command_leaves_nothing(files, tmp_path):
    arguments = build_parser().parse_args(
        [
            "cardiac",
            "track",
            str(files / "cine.nii.gz"),
            str(files / "ed.nii.gz"),
            "--output",
            str(tmp_path / "out"),
            "--engine",
            "demons",
        ]
    )
    arguments.is_cancelled = lambda: True
    with pytest.raises(Cancelled):
        arguments.run(arguments)
    assert list(tmp_path.iterdir()) == []


def test_an_older_result_with_more_frames_leaves_nothing_behind(tracked, cine, tmp_path):
    (tmp_path / "frame09_labels.nii.gz").write_bytes(b"older")
    (tmp_path / "notes.txt").write_text("a person's own")
    with OutputFolder(tmp_path, owned_names(3)) as folder:
        write_images(tracked, cine, folder, Progress())
    assert not (tmp_path / "frame09_labels.nii.gz").exists()
    assert (tmp_path / "notes.txt").exists()


def test_inputs_that_do_not_fit_are_refused(phantom, cine, refused):
    labels = phantom[0].labels
    small = replace(labels, array=labels.array[:, :40])
    with refused("different grids"):
        track(cine, small, 0, engine=QUICK)
    with refused("second label image"):
        track(cine, labels, 0, engine=QUICK, second=SecondLabels(small, 1))
    with refused("no frame 9"):
        track(cine, labels, 0, engine=QUICK, second=SecondLabels(labels, 8))
    with refused("value 4"):
        track(cine, labels.with_array(labels.array * 2), 0, engine=QUICK)
    with refused("fusion 'simple' is not known"):
        TrackOptions(fusion="simple")


@pytest.fixture(scope="module")
def files(phantom, tmp_path_factory):
    """The cine as one 4-D file and two label images."""
    folder = tmp_path_factory.mktemp("cine")
    sitk.WriteImage(sitk.JoinSeries([itk_image(frame.image) for frame in phantom]), str(folder / "cine.nii.gz"))
    sitk.WriteImage(sitk.JoinSeries([itk_image(frame.labels) for frame in phantom]), str(folder / "all.nii.gz"))
    write_labels(phantom[0].labels, folder / "ed.nii.gz")
    write_labels(phantom[1].labels, folder / "es.nii.gz")
    return folder


@pytest.fixture(scope="module")
def result(files, tmp_path_factory):
    """What the command writes."""
    folder = tmp_path_factory.mktemp("result") / "out"
    assert (
        main(
            [
                "cardiac",
                "track",
                str(files / "cine.nii.gz"),
                str(files / "ed.nii.gz"),
                "--frame",
                "1",
                "--output",
                str(folder),
                "--engine",
                "demons",
                "--fusion",
                "direct",
                "--score-label",
                str(files / "es.nii.gz"),
                "--score-frame",
                "2",
            ]
        )
        == 0
    )
    return folder


def test_the_command_writes_labels_fields_curve_picture_and_report(result, phantom):
    names = {f"frame{n:02d}_{kind}.nii.gz" for n in range(1, 4) for kind in ("labels", "field")}
    assert {path.name for path in result.iterdir()} == names | {
        "labels.seq.nrrd",
        "volumes.csv",
        "contours.png",
        "track.json",
    }
    report = json.loads((result / "track.json").read_text())
    assert report["schema"] == "thoraxai.cardiac-track/1"
    assert (report["engine"], report["fusion"], report["labeled_frame"]) == ("demons", "direct", 1)
    assert len(report["per_frame"]) == 3
    assert report["scores_against_second_labels"]["result"]["LV"] > 0.8
    for number, labels in enumerate(read_frames(result / "labels.seq.nrrd"), start=1):
        np.testing.assert_array_equal(labels.array, read_frames(result / f"frame{number:02d}_labels.nii.gz")[0].array)
    field = read_field(result / "frame02_field.nii.gz")
    pulled = warp_labels(phantom[0].labels, invert(field))
    assert dice(pulled.array, phantom[1].labels.array, 3) > 0.8


def test_the_volume_curve_says_what_the_report_says(result):
    rows = list(csv.DictReader((result / "volumes.csv").open()))
    report = json.loads((result / "track.json").read_text())
    assert [float(row["LV_ml"]) for row in rows] == [frame["volumes_ml"]["LV"] for frame in report["per_frame"]]
    assert list(rows[0]) == ["frame", "time_ms", "LV_ml", "MYO_ml", "RV_ml", "LV_from_motion_ml", "RV_from_motion_ml"]


def test_labels_of_every_frame_are_taken_at_the_frame_asked_for(files, result, tmp_path):
    main(
        [
            "cardiac",
            "track",
            str(files / "cine.nii.gz"),
            str(files / "all.nii.gz"),
            "--output",
            str(tmp_path / "out"),
            "--engine",
            "demons",
            "--fusion",
            "direct",
        ]
    )
    again, first = (read_frames(folder / "frame02_labels.nii.gz")[0] for folder in (tmp_path / "out", result))
    np.testing.assert_array_equal(again.array, first.array)


def test_the_command_says_which_preset_was_used_and_why(files, tmp_path, capsys):
    inputs = [str(files / "cine.nii.gz"), str(files / "ed.nii.gz"), "--fusion", "direct", "--output"]
    assert main(["cardiac", "track", *inputs, str(tmp_path / "a"), "--engine", "demons"]) == 0
    assert "engine demons (has no presets)" in capsys.readouterr().out
    arguments = build_parser().parse_args(["cardiac", "track", *inputs, str(tmp_path / "b")])
    assert (
        preset_line(TrackRequest.from_arguments(arguments).engine)
        == f"engine instance, preset balanced: {PRESETS['balanced'].reason}"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--frame", "4"], "no frame 4: the cine has frames 1 to 3"),
        (["--fusion", "simple"], "fusion 'simple' is not known"),
        (["--engine", "syn"], "engine 'syn' is not known"),
        (["--score-frame", "3"], "belong together"),
        (["--labels", "mnms"], "label order 'mnms' is not known"),
        (["--threads", "0"], "at least 1"),
    ],
)
def test_bad_options_end_with_status_2_and_one_sentence(files, tmp_path, capsys, change, words):
    status = main(
        [
            "cardiac",
            "track",
            str(files / "cine.nii.gz"),
            str(files / "ed.nii.gz"),
            "--engine",
            "demons",
            "--output",
            str(tmp_path / "out"),
            *change,
        ]
    )
    error = capsys.readouterr().err.strip()
    assert status == 2
    assert words in error
    assert "\n" not in error
    assert list(tmp_path.iterdir()) == []


def test_a_label_file_that_is_none_is_refused(files, tmp_path, capsys):
    for name, words in (("none.nii.gz", "does not exist"), ("cine.nii.gz", "whole numbers|value")):
        assert (
            main(
                [
                    "cardiac",
                    "track",
                    str(files / "cine.nii.gz"),
                    str(files / name),
                    "--output",
                    str(tmp_path / "out"),
                    "--engine",
                    "demons",
                ]
            )
            == 2
        )
        error = capsys.readouterr().err
        assert any(word in error for word in words.split("|"))
    assert list(tmp_path.iterdir()) == []
