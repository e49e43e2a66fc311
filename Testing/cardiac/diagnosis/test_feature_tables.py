"""Features have names and units, the published table is read in ours, and what cannot be meant is refused."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from CardiacBiomechLib.cine.acdc import read_patient
from CardiacBiomechLib.diagnosis.features.catalog import CATALOG, PUBLISHED, PUBLISHED_NAMES, VERSION
from CardiacBiomechLib.diagnosis.features.from_labels import label_features
from CardiacBiomechLib.diagnosis.features.from_study import features_section, study_features
from CardiacBiomechLib.diagnosis.features.measure import motion_features, thickness_features
from CardiacBiomechLib.diagnosis.features.published_thickness import canny_edges
from CardiacBiomechLib.diagnosis.features.table import read_table, write_table
from CardiacBiomechLib.mechanics.aha import heart_axes
from CardiacBiomechLib.model.heart_labels import ACDC
from CardiacBiomechLib.synthesis.anatomy import labels_at
from CardiacBiomechLib.synthesis.cine import Scanner, true_field
from CardiacBiomechLib.synthesis.ventricle import Infarct, Ventricle
from fixtures.heart_tables import heart_table
from ThoraxAILib.errors import InputError

SCANNER = Scanner((10, 72, 72), (8.0, 2.0, 2.0))
EXACT, ROUNDED = 1e-9, 0.01


def labels_of(heart: Ventricle, phase: float):
    """True labels of a phantom heart at a phase."""
    grid = SCANNER.grid()
    return grid.volume(labels_at(heart, heart.at_phase(phase).inverse(grid.centers_ras_mm())))


def write(path, head, *rows):
    """A CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def test_the_twenty_published_features_are_those_of_the_published_table_on_readers_labels(shared_data):
    with (shared_data("cardiac/tables/khened_features_74.csv")).open(encoding="utf-8") as file:
        published = {row["Name"]: row for row in csv.DictReader(file)}
    patients = sorted(shared_data("cardiac/acdc_dev15").glob("patient*"))
    assert len(patients) == 15
    for folder in patients[::4]:
        patient = read_patient(folder)
        found = label_features(patient.labels[patient.ed], patient.labels[patient.es], ACDC)
        for header, (name, factor) in PUBLISHED.items():
            assert found[name] == pytest.approx(float(published[folder.name][header]) * factor, rel=ROUNDED)


def test_edges_of_a_square_lie_on_its_border():
    square = np.zeros((12, 14), dtype=bool)
    square[3:9, 4:10] = True
    edges = canny_edges(square)
    assert edges[3, 5:9].all()
    assert not edges[5:7, 6:8].any()
    assert not canny_edges(np.zeros((8, 8), dtype=bool)).any()


def test_a_published_table_is_read_in_our_units(tmp_path):
    path = write(tmp_path / "t.csv", ["Name", "ED[vol(LV)]", "EF(LV)", "GROUP"], ["a", "120000", "0.25", "DCM"])
    table = read_table(path)
    assert table.features == ("lv_edv_ml", "lv_ef_percent")
    np.testing.assert_allclose(table.values, [[120.0, 25.0]])
    assert (table.names, table.groups) == (("a",), ("DCM",))


def test_a_table_that_was_written_is_read_back(tmp_path):
    table = heart_table(3, noise=2)
    table.values[1, 2] = np.nan
    write_table(table, tmp_path / "t.csv")
    back = read_table(tmp_path / "t.csv")
    np.testing.assert_array_equal(back.values, table.values)
    assert (back.names, back.features, back.groups) == (table.names, table.features, table.groups)


@pytest.mark.parametrize(
    ("head", "row", "said"),
    [
        (["Name", "ED[vol(LV)]"], ["a", "120"], "mm3"),
        (["Name", "EF(LV)"], ["a", "55"], "fraction"),
        (["study", "lv_ef_percent"], ["a", "0.55"], "percent"),
        (["study", "lv_edv_ml"], ["a", "120000"], "no heart"),
        (["study", "lv_edv_mm3"], ["a", "120000"], "another unit"),
        (["lv_edv_ml"], ["120"], "names no study"),
        (["Name", "study", "lv_edv_ml"], ["a", "b", "120"], "keep one"),
        (["study", "lv_edv_ml", "lv_edv_ml"], ["a", "120", "120"], "twice"),
        (["study", "lv_edv_ml"], ["a", "much"], "no number"),
        (["study", "lv_edv_ml"], ["a", "inf"], "finite"),
        (["study", "lv_edv_ml", "feature_version"], ["a", "120", "thoraxai.cardiac-features/0"], "version"),
        (["study", "note"], ["a", "words"], "no column of numbers"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, head, row, said):
    with pytest.raises(InputError, match=said):
        read_table(write(tmp_path / "t.csv", head, row))


def test_names_are_unique_and_the_twenty_are_among_them():
    assert len(PUBLISHED_NAMES) == len(set(PUBLISHED_NAMES)) == 20
    assert set(PUBLISHED_NAMES) <= set(CATALOG)


def test_an_infarct_moves_least_and_is_stiffest_in_its_own_sector():
    heart = Ventricle(infarct=Infarct((0.0, 1.0, 0.0), 45.0, 0.1), longitudinal_stretch=1.0, torsion_rad_per_mm=0.0)
    labels = labels_of(heart, 0.0)
    axes = heart_axes(labels, ACDC)
    found = motion_features(labels, ACDC, axes, true_field(heart, SCANNER.grid()))
    assert set(found) <= set(CATALOG)
    stiffness = {name: value for name, value in found.items() if name.startswith("stiffness_")}
    assert len(stiffness) == 6
    shear = {name: value for name, value in found.items() if name.startswith("shear_es_") and name.endswith("_mean")}
    assert max(stiffness, key=stiffness.get).removeprefix("stiffness_") in min(shear, key=shear.get)
    for region in ("anterior", "inferolateral"):
        assert found[f"shear_ed_{region}_mean"] > 0.0


def test_regions_may_be_aha_segments():
    heart = Ventricle()
    both = labels_of(heart, 0.0), labels_of(heart, 1.0)
    axes = heart_axes(both[0], ACDC)
    found = thickness_features(both, ACDC, axes, "aha")
    assert set(found) <= set(CATALOG)
    assert sum(name.startswith("thickness_ed_segment") and name.endswith("_mean_mm") for name in found) == 16
    assert found["thickness_es_segment07_mean_mm"] > found["thickness_ed_segment07_mean_mm"]


def test_an_older_study_gives_volumes_and_another_version_is_refused():
    old = {
        "lv": {"edv_ml": 120.0, "esv_ml": 50.0, "ef_percent": 58.3, "mass_g": 105.0},
        "rv": {"edv_ml": 100.0, "esv_ml": 40.0, "ef_percent": 60.0},
        "indices": {"surface_m2": 1.9},
    }
    found = study_features(old)
    assert found["wall_edv_ml"] == pytest.approx(100.0)
    assert found["lv_rv_edv_ratio"] == pytest.approx(1.2)
    new = {"features": features_section({"lv_edv_ml": 123.456789, "rv_edv_ml": float("nan")})}
    assert study_features(new) == {"lv_edv_ml": 123.45679}
    with pytest.raises(InputError, match=VERSION):
        study_features({"features": {"version": "other", "values": {}}})
