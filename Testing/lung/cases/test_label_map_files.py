"""The label map on request: on the CT's grid, one value for each part, and a table that agrees with it."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from fixtures import synthetic_chest
from LungNoduleAILib.cases.label_map_files import one_layer, write_label_map
from LungNoduleAILib.model.findings import QualityNote
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.io.label_map import on_same_grid, read_label_map


@pytest.fixture(params=sorted(synthetic_chest.GEOMETRIES))
def result(request):
    return synthetic_chest.result_on(synthetic_chest.chest_volume(synthetic_chest.GEOMETRIES[request.param]))


@pytest.mark.parametrize("name", ["labels.nrrd", "labels.nii.gz"])
def test_labels_lie_where_the_ct_lies_and_are_those_of_the_result(result, name, tmp_path):
    write_label_map(tmp_path, result, name)
    stored = read_label_map(tmp_path / name)
    assert on_same_grid(stored, result.volume)
    assert np.array_equal(stored.array, one_layer(result))
    assert sitk.ReadImage(str(tmp_path / name)).GetNumberOfComponentsPerPixel() == 1


def test_the_table_counts_the_voxels_of_every_value(result, tmp_path):
    write_label_map(tmp_path, result, "labels.nrrd")
    labels = read_label_map(tmp_path / "labels.nrrd").array
    rows = list(csv.DictReader((tmp_path / "labels.csv").open(encoding="utf-8")))
    assert {int(row["value"]): int(row["voxels"]) for row in rows} == {
        int(row["value"]): int((labels == int(row["value"])).sum()) for row in rows
    }
    assert set(np.unique(labels)) - {0} <= {int(row["value"]) for row in rows}
    names = [row["name"] for row in rows]
    assert names == ["RUL", "RML", "RLL", "LUL", "LLL", "trachea and main bronchi"] + [
        finding.id for finding in result.findings.findings
    ]
    for row in rows:
        assert float(row["volume_ml"]) == pytest.approx(int(row["voxels"]) * result.volume.voxel_mm3 / 1000, abs=0.0006)


def test_a_finding_stands_over_its_lobe_and_the_first_over_the_next(result):
    first = result.findings.findings[0]
    whole = Mask((0, 0, 0), np.ones(result.labels.shape, np.uint8))
    doubled = replace(result.findings, findings=(first, replace(first, id="Nodule_99", mask=whole)))
    labels = one_layer(replace(result, findings=doubled))
    assert (labels[first.mask.slices][first.mask.array > 0] == 101).all()
    assert set(np.unique(labels)) == {101, 102}


def test_more_findings_than_a_byte_holds_are_told_apart(result):
    first = result.findings.findings[0]
    spots = tuple(
        replace(first, id=f"Nodule_{n}", mask=Mask((0, n // 16, n % 16), np.ones((1, 1, 1), np.uint8)))
        for n in range(200)
    )
    labels = one_layer(replace(result, findings=replace(result.findings, findings=spots)))
    assert labels.max() == 300


def test_where_sides_are_withheld_the_lungs_are_one(result, tmp_path):
    note = QualityNote("contradicts_orientation", "The image contradicts its orientation.", "error")
    lungs = replace(result.findings.lungs, left_ml=None, right_ml=None, quality=(note,))
    withheld = replace(
        result,
        labels=np.where((result.labels > 0) & (result.labels < 6), 1, result.labels).astype(np.uint8),
        findings=replace(result.findings, lungs=lungs),
    )
    write_label_map(tmp_path, withheld, "labels.nrrd")
    rows = list(csv.DictReader((tmp_path / "labels.csv").open(encoding="utf-8")))
    assert [row["name"] for row in rows][:2] == ["lungs", "trachea and main bronchi"]
