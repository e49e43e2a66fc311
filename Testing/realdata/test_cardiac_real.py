"""Labels carried from end-diastole to end-systole on real patients, scored against the true end-systolic labels."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is an optional dependency")

from cardiac_acdc import Patient, load_patient, scores
from cardiac_cine import rasterize, read_zipped

from CardiacBiomechLib.cine.read_cine import read_cine
from CardiacBiomechLib.model.heart_labels import ACDC, heart_labels
from CardiacBiomechLib.motion.cascade_engine import SHIPPED_WEIGHTS
from CardiacBiomechLib.motion.engines import make_engine
from CardiacBiomechLib.motion.propagate import propagate
from CardiacBiomechLib.motion.volumes import volume_ml
from fixtures.formats import check_format
from ThoraxAILib.cli.main import main
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import read_volume

FEW = ("patient007", "patient044", "patient070")


def carried(patient: Patient, engine_name: str = "instance") -> list[float]:
    """Dice of LV, MYO and RV at end-systole."""
    result = propagate(patient.images[0], patient.labels[0], patient.images[1], make_engine(engine_name))
    assert result.quality.folded_percent < 0.5
    return scores(result, patient.labels[1])


@pytest.mark.slow
def test_labels_of_three_patients_are_carried_to_end_systole(shared_data):
    patients = [load_patient(shared_data(f"cardiac/acdc_dev15/{name}")) for name in FEW]
    assert np.mean([carried(patient) for patient in patients]) > 0.79


@pytest.mark.slow
def test_mean_dice_of_fifteen_patients_is_at_least_080(shared_data):
    folders = sorted(shared_data("cardiac/acdc_dev15").glob("patient*"))
    assert np.mean([carried(load_patient(folder)) for folder in folders]) >= 0.80


@pytest.mark.slow
@pytest.mark.skipif(not SHIPPED_WEIGHTS.is_file(), reason="no trained cascade in this checkout")
def test_a_cascade_that_never_saw_a_patient_helps_on_real_ones(shared_data):
    for name in FEW:
        patient = load_patient(shared_data(f"cardiac/acdc_dev15/{name}"))
        still = np.mean(
            [
                2
                * ((patient.labels[0].array == v) & (patient.labels[1].array == v)).sum()
                / ((patient.labels[0].array == v).sum() + (patient.labels[1].array == v).sum())
                for v in (1, 2, 3)
            ]
        )
        assert np.mean(carried(patient, "cascade")) > still


def test_every_patients_label_order_is_recognized(shared_data):
    for folder in sorted(shared_data("cardiac/acdc_dev15").glob("patient*")):
        assert {heart_labels(labels) for labels in load_patient(folder).labels} == {ACDC}


def test_the_command_on_a_real_patient(shared_data, tmp_path):
    folder = shared_data("cardiac/acdc_dev15/patient070")
    names = ("patient070_frame01.nii.gz", "patient070_frame01_gt.nii.gz", "patient070_frame10.nii.gz")
    status = main(
        [
            "cardiac",
            "propagate",
            *(str(folder / name) for name in names),
            "--output",
            str(tmp_path / "es.nii.gz"),
            "--field",
            str(tmp_path / "field.nii.gz"),
            "--report",
            str(tmp_path / "report.json"),
            "--threads",
            "1",
        ]
    )
    assert status == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert 30 < report["ejection"]["LV"]["from_labels"]["ef_percent"] < 80
    written = read_volume(tmp_path / "es.nii.gz", modalities=("MR",))
    assert set(np.unique(written.array)) == {0, 1, 2, 3}


def test_a_real_dicom_cine_is_stacked_by_position_and_time(shared_data):
    frames = read_zipped(shared_data("cardiac/bivme_patient1_SAX_6x25_dicom.zip"))
    assert len(frames) == 25
    assert frames[0].spacing_kji_mm[0] == pytest.approx(17.7, abs=0.1)
    labels: Volume = rasterize(shared_data("cardiac/bivme_ref/GPFile_000.txt"), Grid.of(frames[0]))
    assert volume_ml(labels, 3) == pytest.approx(170, rel=0.1)


def test_long_axis_views_alone_are_no_short_axis_cine(shared_data, refused):
    with refused("slice positions"):
        read_cine(shared_data("cardiac/bivme_patient1_LAX_Se6_4ch_Se8_2ch_dicom.zip"))


@pytest.mark.slow
def test_an_exam_of_two_archives_is_read_segmented_and_measured_without_help(shared_data, tmp_path):
    import shutil

    exam = tmp_path / "exam"
    exam.mkdir()
    for name in ("SAX_6x25", "LAX_Se6_4ch_Se8_2ch"):
        shutil.copy(shared_data(f"cardiac/bivme_patient1_{name}_dicom.zip"), exam)
    assert main(["cardiac", "analyze", str(exam), "--output", str(tmp_path / "out"), "--scene", "none"]) == 0
    found = json.loads((tmp_path / "out" / "cardiac.json").read_text())
    assert "17.7 mm apart" in found["source"]
    assert found["ed_frame"] == 1
    assert 8 <= found["es_frame"] <= 11
    assert 50 < found["lv"]["ef_percent"] < 65
    assert found["lv"]["edv_ml"] == pytest.approx(170, rel=0.1)  # of the fitted model
    assert -0.25 < found["long_axis"]["global_longitudinal_strain"] < -0.10
    check_format(found, "cardiac")
