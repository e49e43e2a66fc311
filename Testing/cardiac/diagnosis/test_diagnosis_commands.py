"""The commands: a table becomes a model, a model gives a table of answers, and what does not fit is refused."""

from __future__ import annotations

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest

from CardiacBiomechLib.cases.feature_rows import rows_to_classify
from CardiacBiomechLib.diagnosis.features.from_study import features_section
from CardiacBiomechLib.diagnosis.features.table import write_table
from CardiacBiomechLib.model.study import SCHEMA
from fixtures.heart_tables import FEATURES, heart_table
from ThoraxAILib.cli.main import main
from ThoraxAILib.jobs.progress import Progress

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    """A model that the command trained."""
    folder = tmp_path_factory.mktemp("diagnosis")
    write_table(heart_table(), folder / "t.csv")
    assert main(["cardiac", "train", str(folder / "t.csv"), "--output", str(folder / "model")]) == 0
    return folder / "model"


def answers(path):
    """Rows of a table of answers."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_is_classified_with_the_probability_of_every_group(model_folder, tmp_path):
    write_table(heart_table(5, seed=8), tmp_path / "new.csv")
    command = ["cardiac", "classify", str(tmp_path / "new.csv"), "--model", str(model_folder)]
    assert main([*command, "--output", str(tmp_path / "p.csv")]) == 0
    rows = answers(tmp_path / "p.csv")
    head = ["study", "diagnosis", "probability_DCM", "probability_HCM", "probability_NOR", "probability_RV"]
    assert list(rows[0]) == head
    for row in rows:
        shares = {name.removeprefix("probability_"): float(row[name]) for name in head[2:]}
        assert sum(shares.values()) == pytest.approx(1.0, abs=1e-5)
        assert row["diagnosis"] == max(shares, key=shares.get)
    right = sum(row["diagnosis"] == group for row, group in zip(rows, heart_table(5, seed=8).groups, strict=True))
    assert right >= 18


def test_a_study_is_classified_from_its_result(model_folder, tmp_path):
    results = tmp_path / "results"
    (results / "case7").mkdir(parents=True)
    values = dict(zip(FEATURES, (18.0, 290.0, 150.0, 40.0, 8.0, 150.0), strict=True))
    content = {"schema": SCHEMA, "features": features_section(values)}
    (results / "case7" / "cardiac.json").write_text(json.dumps(content), encoding="utf-8")
    for given in ("case7/cardiac.json", "case7", "."):
        command = ["cardiac", "classify", str(results / given), "--model", str(model_folder)]
        assert main([*command, "--output", str(tmp_path / "p.csv")]) == 0
        (row,) = answers(tmp_path / "p.csv")
        assert (row["study"], row["diagnosis"]) == ("case7", "DCM")


def test_a_row_without_a_feature_is_named_not_classified(model_folder, tmp_path):
    table = heart_table(2)
    table.values[0, :] = np.nan
    table.values[0, 0] = 50.0
    write_table(table, tmp_path / "t.csv")
    command = ["cardiac", "classify", str(tmp_path / "t.csv"), "--model", str(model_folder)]
    assert main([*command, "--output", str(tmp_path / "p.csv")]) == 0
    rows = answers(tmp_path / "p.csv")
    assert rows[0]["diagnosis"] == "not classified"
    assert rows[0]["probability_DCM"] == ""
    assert rows[1]["diagnosis"] == "DCM"


@pytest.mark.parametrize(
    ("head", "row", "said"),
    [
        (["study", "lv_edv_mm3"], ["a", "120000"], "unit"),
        (["study", "rv_edv_ml"], ["a", "120"], "needs"),
    ],
)
def test_features_of_another_unit_or_missing_ones_are_refused(model_folder, tmp_path, capsys, head, row, said):
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, row])
    command = ["cardiac", "classify", str(tmp_path / "t.csv"), "--model", str(model_folder)]
    assert main([*command, "--output", str(tmp_path / "p.csv")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "p.csv").exists()


@pytest.mark.parametrize(
    ("needed", "strain", "regions"),
    [
        (("lv_ef_percent",), False, "sectors"),
        (("lv_ef_percent", "motion_inferior_mean_mm"), True, "sectors"),
        (("thickness_ed_segment05_mean_mm",), False, "aha"),
        (None, True, "sectors"),
    ],
)
def test_an_exam_is_analyzed_by_what_the_features_of_the_model_need(monkeypatch, tmp_path, needed, strain, regions):
    asked = []

    def analyzed(request, *_rest):
        asked.append(request)
        return SimpleNamespace(result={"features": features_section({"lv_ef_percent": 55.0})})

    monkeypatch.setattr("CardiacBiomechLib.cases.study_case.analyze_study_case", analyzed)
    table = rows_to_classify(tmp_path, Progress(), needed)
    assert table.names == (tmp_path.name,)
    assert [(request.options.strain, request.options.regions) for request in asked] == [(strain, regions)]


@pytest.mark.slow
def test_a_dicom_archive_becomes_a_diagnosis_with_its_reasons_in_one_command(shared_data, tmp_path, capsys):
    pytest.importorskip("torch")
    exam = shared_data("cardiac/bivme_patient1_SAX_6x25_dicom.zip")
    assert main(["cardiac", "classify", str(exam), "--output", str(tmp_path / "p.csv")]) == 0
    (row,) = answers(tmp_path / "p.csv")
    assert row["diagnosis"] in ("DCM", "HCM", "MINF", "NOR", "RV")
    assert "published group definitions" in capsys.readouterr().out


def test_acdc_patients_train_a_model_in_one_command(shared_data, tmp_path, capsys):
    patients = shared_data("cardiac/acdc_dev15")
    assert main(["cardiac", "features", str(patients / "patient070"), "--output", str(tmp_path / "f.csv")]) == 0
    assert answers(tmp_path / "f.csv")[0]["diagnosis"] == "NOR"
    assert main(["cardiac", "train", str(patients), "--output", str(tmp_path / "m")]) == 2
    assert "5 are needed" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()
