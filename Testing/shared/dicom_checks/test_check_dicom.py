"""check-dicom: faults planted into sound files are told with their attribute and without values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.anonymizer_studies import ct, save
from ThoraxAILib.cli.main import main
from ThoraxAILib.io.dicom_checks.checkers import CHECKERS, DCIODVFY, REPORT_READER, Checker, without_values

needs_dciodvfy = pytest.mark.skipif(DCIODVFY.find() is None, reason="dicom3tools is not installed")
needs_dcmqi = pytest.mark.skipif(REPORT_READER.find() is None, reason="dcmqi is not installed")


@needs_dciodvfy
def test_a_missing_attribute_is_told_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound, faulty = ct(1), ct(2)
    del faulty.ImagePositionPatient
    save(sound, tmp_path / "a.dcm")
    assert main(["check-dicom", str(tmp_path)]) == 0
    save(faulty, tmp_path / "b.dcm")
    assert main(["check-dicom", str(tmp_path)]) == 3
    told = capsys.readouterr().out
    assert "ImagePositionPatient" in told
    assert "a.dcm: dciodvfy: no error" in told


@needs_dciodvfy
def test_values_of_a_file_are_not_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faulty = ct(1)
    faulty.add_new(0x00100040, "CS", "QUILLFEATHER")  # no value of Patient's Sex
    save(faulty, tmp_path / "a.dcm")
    assert main(["check-dicom", str(tmp_path / "a.dcm")]) == 3
    told = capsys.readouterr().out.lower()
    assert "quillfeather" not in told
    assert "ottoline" not in told


@needs_dcmqi
def test_reports_and_segmentations_are_read_by_dcmqi(
    shared_data: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["check-dicom", str(shared_data("dicom/seg_sr/dcmqi/data/sr-example"))])
    told = capsys.readouterr().out
    assert "sr.dcm: dcmqi tid1500reader: no error" in told
    assert "seg.dcm: dcmqi segimage2itkimage: no error" in told


def test_what_is_not_installed_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save(ct(1), tmp_path / "a.dcm")
    monkeypatch.setattr(Checker, "find", lambda _self: None)
    assert main(["check-dicom", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert all(checker.package in told for checker in CHECKERS)


def test_a_folder_without_dicom_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("text")
    assert main(["check-dicom", str(tmp_path)]) == 2
    assert main(["check-dicom", str(tmp_path / "none")]) == 2
    assert "no DICOM file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line",
    [
        "Error - Unrecognized enumerated value <QUILL^F> for value 1 of attribute <PatientSex>",
        "Error - </PatientName(0010,0010)[1]> - Value invalid for this VR - (0x0010,0x0010) PN Name PN [1] = <QUILL^F>",
    ],
)
def test_lines_of_dciodvfy_lose_their_values(line: str) -> None:
    assert "QUILL" not in without_values(line)
