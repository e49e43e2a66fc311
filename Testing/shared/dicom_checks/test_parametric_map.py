"""A map of importance as a DICOM Parametric Map: every value comes back at its place; a validator finds no error."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from fixtures.dicom_series_builder import SeriesPlan, write_series
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import read_volume
from ThoraxAILib.io.dicom_objects.source_images import source_images
from ThoraxAILib.io.dicom_objects.uids import NewInstance

hd = pytest.importorskip("highdicom")
OBLIQUE = (0.9659258, 0.2588190, 0.0, -0.2475, 0.92371, 0.29237)


@pytest.fixture(params=[SeriesPlan.orientation, OBLIQUE], ids=["axial", "oblique"])
def written(request, tmp_path: Path) -> tuple[Path, Volume]:
    """A map on a finer grid of its own inside a series."""
    from ThoraxAILib.io.dicom_objects.parametric_map import saliency_map

    write_series(tmp_path / "ct", SeriesPlan(count=12, rows=20, columns=24, orientation=request.param))
    ct = read_volume(tmp_path / "ct")
    finer = ct.ijk_to_ras @ np.diag([0.5, 0.5, 0.5, 1.0])
    finer[:3, 3] = ct.ras_from_kji(np.array([3.0, 4.0, 5.0]))
    importance = Volume(np.random.default_rng(2).normal(0, 3, (7, 8, 9)).astype(np.float32), finer)
    made = saliency_map(
        importance, source_images(tmp_path / "ct", ct), "a map", NewInstance(9007, "2.25.11", "2.25.12")
    )
    made.save_as(tmp_path / "map.dcm", enforce_file_format=True)
    return tmp_path / "map.dcm", importance


def test_every_value_comes_back_where_it_lay(written):
    path, importance = written
    back = hd.imread(path).get_volume(dtype=np.float32)
    index = np.array([[0, 0, 0], [6, 7, 8], [2, 5, 1]])
    ours = importance.ras_from_kji(index.astype(float)) * np.array([-1.0, -1.0, 1.0])
    theirs = np.round(back.map_reference_to_indices(ours)).astype(int)
    assert np.abs(back.map_indices_to_reference(theirs) - ours).max() < 0.01
    assert np.array_equal(back.array[tuple(theirs.T)], importance.array[tuple(index.T)])
    assert sorted(back.array.ravel()) == sorted(importance.array.ravel())


def test_it_says_what_its_numbers_are(written):
    mapping = dcmread(written[0]).SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    assert mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0].CodeValue == "130404"
    assert mapping.LUTLabel == "LOG ODDS"


def test_a_validator_of_dicom_finds_no_error(written):
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    told = subprocess.run(["dciodvfy", written[0]], capture_output=True, text=True)
    assert [line for line in (told.stdout + told.stderr).splitlines() if line.startswith("Error")] == []
