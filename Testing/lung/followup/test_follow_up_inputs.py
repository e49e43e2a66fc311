"""Two dates as people have them: a scan in an archive, a DICOMDIR, or among several series, and what is said of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from LungNoduleAILib.cases.requests import FollowUpRequest
from LungNoduleAILib.cases.two_dates import follow_up_case
from ThoraxAILib.io import read_volume
from ThoraxAILib.jobs.progress import Progress


class Recorded(Exception):
    """Ends a follow-up as soon as its scans are read and their record is made."""


@pytest.fixture
def recorded(monkeypatch, tmp_path):
    """Return what a follow-up reads: its volumes and the record of them."""
    made = follow_up_case.follow_up_record

    def stop(request, engines, volumes, names, started):
        raise Recorded(volumes, made(request, engines, volumes, names, started))

    monkeypatch.setattr(follow_up_case, "follow_up_record", stop)

    def read(*inputs: Path):
        with pytest.raises(Recorded) as found:
            follow_up_case.follow_up_case(FollowUpRequest(inputs, tmp_path / "out"), Progress())
        return found.value.args

    return read


def dated(date: str):
    def change(dataset, k: int) -> None:
        dataset.StudyDate, dataset.StudyInstanceUID = date, f"1.2.{date}"
        if k == 0:
            dataset.PixelData = bytes(len(dataset.PixelData))  # so that the scans differ

    return change


@pytest.mark.parametrize("form", ["zip", "gztar", "DICOMDIR", "folder of a zip"])
def test_both_dates_are_read_out_of_what_holds_them(tmp_path, dicom_series, recorded, form):
    given = []
    for name, change in (("prior", dated("20230101")), ("now", None)):
        dicom_series.write_series(tmp_path / name / "IMAGES", change=change)
        if form == "DICOMDIR":
            path = tmp_path / name / "DICOMDIR"
            path.write_bytes(b"\0" * 128 + b"DICM" + b"\0" * 20)
        else:
            folder = tmp_path / f"given {name}"
            kind = "gztar" if form == "gztar" else "zip"
            path = Path(shutil.make_archive(str(folder / name), kind, tmp_path / name))
            path = folder if form == "folder of a zip" else path
        given.append(path)
    volumes, record = recorded(*given)
    for volume, name in zip(volumes, ("prior", "now"), strict=True):
        np.testing.assert_array_equal(volume.array, read_volume(tmp_path / name).array)
    assert len({source.name for source in record.inputs}) == 2


def test_which_series_of_a_date_was_read_is_recorded_with_its_scan(tmp_path, dicom_series, recorded):
    def sharp(dataset, k: int) -> None:
        dated("20230101")(dataset, k)
        dataset.SeriesInstanceUID, dataset.SeriesNumber, dataset.ConvolutionKernel = "1.2.77", 7, "B70f"

    dicom_series.write_series(tmp_path / "prior", change=dated("20230101"))
    dicom_series.write_series(tmp_path / "prior", change=sharp, prefix="sharp")
    dicom_series.write_series(tmp_path / "now")
    _volumes, record = recorded(tmp_path / "prior", tmp_path / "now")
    assert record.warnings
    assert all(text.startswith("Scan 1: ") for text in record.warnings)
    assert any("series" in text for text in record.warnings)
