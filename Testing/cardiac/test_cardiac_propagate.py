"""Labels carried by motion on phantoms: overlap with the truth, label order kept, and one sentence for bad input."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is an optional dependency")

from CardiacBiomechLib.model.heart_labels import ACDC, UK_BIOBANK, heart_labels
from CardiacBiomechLib.motion.demons_engine import DemonsEngine
from CardiacBiomechLib.motion.engines import make_engine
from CardiacBiomechLib.motion.instance_engine import InstanceEngine
from CardiacBiomechLib.motion.presets import MotionPreset
from CardiacBiomechLib.motion.propagate import propagate
from CardiacBiomechLib.motion.region import Region
from CardiacBiomechLib.motion.volumes import dice
from CardiacBiomechLib.synthesis.cine import Scanner, acquire, true_field
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from fixtures.formats import check_format
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import Cancelled
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.transform_files import read_field, write_image, write_labels
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.options import InstanceOptions, Level

HEART = Ventricle()
SCANNER = Scanner((12, 72, 72), (8.0, 2.0, 2.0), texture=0.0, signal_to_noise=30.0, samples_per_slice=3)
QUICK = InstanceEngine(
    MotionPreset(
        20.0,
        InstanceOptions(
            levels=(Level(6.0, 24.0, 40, (16.0, 30.0)), Level(3.0, 12.0, 30, (10.0, 20.0))), weight=0.2, threads=1
        ),
    )
)


@pytest.fixture(scope="module")
def frames():
    """End-diastole and end-systole of one phantom."""
    return acquire(HEART, SCANNER, np.array([0.0, 1.0]))


@pytest.fixture(scope="module")
def carried(frames):
    """End-diastolic labels carried to end-systole."""
    still, moved = frames
    return propagate(still.image, still.labels, moved.image, QUICK)


def test_end_diastolic_labels_land_on_the_end_systolic_heart(frames, carried):
    before = [dice(frames[0].labels.array, frames[1].labels.array, value) for value in (1, 2, 3)]
    after = [dice(carried.labels.array, frames[1].labels.array, value) for value in (1, 2, 3)]
    assert np.mean(after) > 0.85 > np.mean(before) + 0.1
    assert carried.labels.array.dtype == frames[0].labels.array.dtype


def test_the_report_states_quality_and_both_ejection_fractions(carried):
    report = carried.as_json()
    assert report["quality"]["folded_percent"] == 0.0
    assert 0.85 < report["quality"]["tissue_j_mean"] < 1.15
    assert report["quality"]["inverse_consistency_mean_mm"] < 0.5
    for source in ("from_labels", "from_motion"):
        assert 45 < report["ejection"]["LV"][source]["ef_percent"] < 70
    json.dumps(report, allow_nan=False)


def test_motion_is_lagrangian_from_the_labeled_frame(frames, carried):
    truth = true_field(HEART, SCANNER.grid())
    wall = frames[0].labels.array == 2
    error = np.linalg.norm(carried.motion.displacement_ras_mm - truth.displacement_ras_mm, axis=-1)[wall].mean()
    assert error < 0.5 * np.linalg.norm(truth.displacement_ras_mm, axis=-1)[wall].mean()


def test_uk_biobank_order_is_recognized_and_kept(frames, carried):
    swap = np.array([0, 3, 2, 1], np.uint8)
    still, moved = frames
    labels = still.labels.with_array(swap[still.labels.array])
    assert heart_labels(labels) == UK_BIOBANK
    assert heart_labels(still.labels) == ACDC
    result = propagate(still.image, labels, moved.image, QUICK)
    np.testing.assert_array_equal(result.labels.array, swap[carried.labels.array])


def test_a_heart_without_a_labeled_right_ventricle_is_enough(frames):
    left = frames[0].labels.with_array(np.where(frames[0].labels.array == 1, 0, frames[0].labels.array))
    assert heart_labels(left).rv is None
    report = propagate(frames[0].image, left, frames[1].image, QUICK).as_json()
    assert list(report["ejection"]) == ["LV"]


def test_demons_carries_labels_without_tissue(frames):
    result = propagate(frames[0].image, frames[0].labels, frames[1].image, DemonsEngine())
    assert np.mean([dice(result.labels.array, frames[1].labels.array, value) for value in (2, 3)]) > 0.8


def test_the_field_outside_the_region_fades_to_nothing(carried, frames):
    region = Region.around(frames[0].labels, margin_mm=4.0)
    inner = Field(np.ones((*region.grid.shape_kji, 3), np.float32), region.grid)
    whole = region.extend(inner).displacement_ras_mm
    assert (whole[region.box] == 1.0).all()
    assert np.abs(whole[:, 0, 0]).max() < 0.2
    assert region.grid.matches(Grid.of(region.cut(frames[0].image)))


def test_a_cancel_stops_the_propagation(frames):
    with pytest.raises(Cancelled):
        propagate(frames[0].image, frames[0].labels, frames[1].image, QUICK, progress=Progress(None, lambda: True))


def bad_inputs(frames) -> dict[str, tuple[Volume, Volume, Volume, str]]:
    """(labeled, labels, other, words of the sentence) by name."""
    image, labels, other = frames[0].image, frames[0].labels, frames[1].image
    grid = Grid.of(image)
    other_grid = Grid(grid.shape_kji, grid.ijk_to_ras @ np.diag([1.0, 1.0, 1.2, 1.0]))
    holed, four = image.array.copy(), labels.array.copy()
    holed[3, 3, 3], four[5, 5, 5] = np.nan, 4
    without_wall = np.where(labels.array == 2, 0, labels.array)
    without_cavity = np.where(labels.array == 3, 0, labels.array)
    one = Grid((1, *grid.shape_kji[1:]), grid.ijk_to_ras)
    return {
        "different grids": (image, labels, other_grid.volume(other.array), "different grids"),
        "labels on another grid": (image, other_grid.volume(labels.array), other, "different grids"),
        "label missing": (image, labels.with_array(without_wall), other, "no voxel with label 2"),
        "cavity missing": (image, labels.with_array(without_cavity), other, "enclosed|no voxel with label 3"),
        "empty labels": (image, labels.with_array(0 * labels.array), other, "present: none"),
        "label 4": (image, labels.with_array(four), other, "value 4"),
        "half labels": (image, labels.with_array(labels.array * 0.5), other, "not whole numbers"),
        "one slice": (
            one.volume(image.array[:1]),
            one.volume(labels.array[:1]),
            one.volume(other.array[:1]),
            "single slice",
        ),
        "NaN": (image.with_array(holed), labels, other, "NaN"),
        "constant image": (image, labels, other.with_array(np.full_like(other.array, 7.0)), "same value 7"),
    }


@pytest.mark.parametrize(
    "name",
    [
        "different grids",
        "labels on another grid",
        "label missing",
        "cavity missing",
        "empty labels",
        "label 4",
        "half labels",
        "one slice",
        "NaN",
        "constant image",
    ],
)
def test_bad_input_is_refused_in_one_sentence(frames, refused, name):
    labeled, labels, other, words = bad_inputs(frames)[name]
    with refused(words):
        propagate(labeled, labels, other, QUICK)


def test_unknown_names_are_refused(frames, refused):
    with refused("motion engine 'syn' is not known"):
        make_engine("syn")
    with refused("preset named fast"):
        make_engine("instance", "fast")
    with refused("label order 'mnms' is not known"):
        heart_labels(frames[0].labels, "mnms")
    with refused("no voxel with label 3"):
        heart_labels(
            frames[0].labels.with_array(np.where(frames[0].labels.array == 3, 0, frames[0].labels.array)), "acdc"
        )


@pytest.fixture(scope="module")
def files(frames, tmp_path_factory):
    """The two frames and the first one's labels as NIfTI files."""
    folder = tmp_path_factory.mktemp("frames")
    write_image(frames[0].image, folder / "ed.nii.gz")
    write_image(frames[1].image, folder / "es.nii.gz")
    write_labels(frames[0].labels, folder / "ed_gt.nii.gz")
    return folder


def test_the_command_writes_labels_field_and_report(files, tmp_path, frames):
    status = main(
        [
            "cardiac",
            "propagate",
            *(str(files / name) for name in ("ed.nii.gz", "ed_gt.nii.gz", "es.nii.gz")),
            "--output",
            str(tmp_path / "es_gt.nrrd"),
            "--field",
            str(tmp_path / "field.h5"),
            "--report",
            str(tmp_path / "report.json"),
            "--engine",
            "demons",
        ]
    )
    assert status == 0
    report = json.loads((tmp_path / "report.json").read_text())
    check_format(report, "cardiac-propagation")
    assert report["engine"] == "demons"
    assert report["labels"] == {"LV": 3, "MYO": 2, "RV": 1}
    assert read_field(tmp_path / "field.h5").grid.matches(Grid.of(frames[1].image))
    assert {path.name for path in tmp_path.iterdir()} == {"es_gt.nrrd", "field.h5", "report.json"}


def test_the_register_command_writes_image_and_report(files, tmp_path, frames):
    inputs = [str(files / name) for name in ("ed.nii.gz", "es.nii.gz")]
    outputs = ["--output", str(tmp_path / "warped.nrrd"), "--report", str(tmp_path / "report.json")]
    assert main(["cardiac", "register", *inputs, *outputs, "--engine", "demons"]) == 0
    check_format(tmp_path / "report.json", "cardiac-registration")
    assert {path.name for path in tmp_path.iterdir()} == {"warped.nrrd", "report.json"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--engine", "syn"], "motion engine 'syn' is not known"),
        (["--labels", "mnms"], "label order"),
        (["--output", "labels.png"], "no ending"),
        (["--threads", "0"], "at least 1"),
    ],
)
def test_bad_options_end_with_status_2_and_one_sentence(files, tmp_path, capsys, monkeypatch, change, words):
    monkeypatch.chdir(tmp_path)
    inputs = [str(files / name) for name in ("ed.nii.gz", "ed_gt.nii.gz", "es.nii.gz")]
    output = [] if change[0] == "--output" else ["--output", "labels.nii.gz"]
    assert main(["cardiac", "propagate", *inputs, *output, *change]) == 2
    error = capsys.readouterr().err.strip()
    assert words in error
    assert "\n" not in error
    assert list(tmp_path.iterdir()) == []


def test_swapped_image_and_label_end_with_one_sentence(files, tmp_path, capsys):
    inputs = [str(files / name) for name in ("ed_gt.nii.gz", "ed.nii.gz", "es.nii.gz")]
    assert main(["cardiac", "propagate", *inputs, "--output", str(tmp_path / "out.nii.gz")]) == 2
    assert "whole numbers" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
