"""Real files of many makers and encodings: none crashes, each comes out clean or waits with a reason."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest

from AnonymizerLib.deidentify.instance import InstanceCleaner
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.letters import ocr
from AnonymizerLib.objects.dicom_file import read_dicom
from AnonymizerLib.pixels.blackout import pixel_dataset
from AnonymizerLib.pixels.clean import PixelPolicy
from AnonymizerLib.pixels.editor import PixelEditor
from AnonymizerLib.profile.options import Option, Profile
from AnonymizerLib.profile.presets import PRESETS, profile_named
from AnonymizerLib.profile.regions import Box
from AnonymizerLib.run.audit import audit
from AnonymizerLib.run.run import RunOptions, run
from AnonymizerLib.run.summary import latest_records
from AnonymizerLib.run.worker import WorkerSettings

KEY = ProjectKey(b"r" * 32, "REAL")
PYDICOM_DATA = Path(pydicom.__file__).parent / "data"


def cleaned(source: Path, folder: Path, name: str, **policy: object) -> tuple[Counter, list[dict]]:
    """Counts and journal lines of a run over a folder."""
    settings = WorkerSettings(source, folder / "out", profile_named(name), KEY, PixelPolicy(**policy))
    result = run(RunOptions(settings))
    return result.counts, [record for record in latest_records(result.private / "journal.jsonl") if "source" in record]


def problems(folder: Path, source: Path, name: str) -> list[str]:
    """What the audit of a run finds, each output compared with its own input."""
    found = audit(folder / "out", source, profile_named(name), journal=folder / "out-private" / "journal.jsonl")
    assert found.is_paired
    return found.problems


@pytest.mark.parametrize("name", ["basic", "research", "strict"])
def test_every_shared_file_is_clean_or_waits_with_a_reason(shared_data, tmp_path, name):
    source = shared_data("dicom")
    counts, records = cleaned(source, tmp_path, name)
    assert counts["clean"] > 25
    assert all(record["status"] == "clean" or record["reason"].endswith((".", ")")) for record in records)
    assert problems(tmp_path, source, name) == []


@pytest.mark.parametrize("name", list(PRESETS))
def test_every_test_file_of_pydicom_is_clean_or_waits_with_a_reason(tmp_path, name):
    for folder in ("test_files", "charset_files"):
        shutil.copytree(PYDICOM_DATA / folder, tmp_path / "in" / folder)
    counts, records = cleaned(tmp_path / "in", tmp_path, name, use_ocr=False)
    assert counts["clean"] >= 40
    without_pixels = [record for record in records if "without pixel data" in record.get("reason", "")]
    assert len(without_pixels) > 45  # most are images of which pydicom ships the header alone
    assert sum(counts.values()) == len(records) > 150
    assert all(record["status"] == "clean" or len(record["reason"]) > 10 for record in records)


def test_every_output_is_read_by_pydicom_with_the_pixels_of_its_input(tmp_path):
    shutil.copytree(PYDICOM_DATA / "test_files", tmp_path / "in")
    _, records = cleaned(tmp_path / "in", tmp_path, "basic", accept_doubtful=True)
    compared = 0
    for record in (record for record in records if record["status"] == "clean"):
        ds = pydicom.dcmread(tmp_path / "out" / record["output"])
        source = pydicom.dcmread(tmp_path / "in" / record["source"], force=True)
        assert ds.PatientIdentityRemoved == "YES"
        if "PixelData" in source:
            assert "PixelData" in ds, record["source"]
            if source.file_meta.TransferSyntaxUID.is_compressed:
                assert _decoded(source) == _decoded(ds), record["source"]
            else:
                assert source.PixelData[: len(ds.PixelData)] == ds.PixelData
            compared += 1
    assert compared > 60


def _decoded(ds: pydicom.Dataset) -> bytes:
    """The pixels of a data set; nothing where pydicom cannot decode them either."""
    try:
        return ds.pixel_array.tobytes()
    except (RuntimeError, NotImplementedError, AttributeError, ValueError, KeyError):
        return b""


@pytest.mark.parametrize("name", ["research", "longitudinal"])
def test_a_real_ct_series_stays_whole(shared_data, tmp_path, name):
    source = shared_data("ct/C3N-00247")
    counts, records = cleaned(source, tmp_path, name)
    assert counts == {"clean": len(records)}
    first = records[0]
    before, after = pydicom.dcmread(source / first["source"]), pydicom.dcmread(tmp_path / "out" / first["output"])
    for keyword in (
        "PixelSpacing",
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "RescaleIntercept",
        "KVP",
        "ConvolutionKernel",
        "SliceThickness",
        "PixelData",
        "WindowCenter",
        "SeriesDescription",
    ):
        assert before[keyword].value == after[keyword].value
    assert problems(tmp_path, source, name) == []


def burned_in(shared_data):
    boxes = json.loads(shared_data("dicom/burned_in/ground_truth.json").read_text())
    (listed,) = boxes.values()
    return shared_data("dicom/burned_in/2_ORIGINAL.dcm"), [
        Box(**{key: box[key] for key in ("left", "top", "width", "height")}) for box in listed
    ]


def test_the_known_regions_of_a_real_image_are_blanked_and_no_other_pixel_changes(shared_data):
    path, boxes = burned_in(shared_data)
    file = read_dicom(path.read_bytes())
    before = np.array(pixel_dataset(file).pixel_array)
    editor = PixelEditor(file)
    editor.blank(boxes)
    editor.finish()
    after = np.array(pixel_dataset(file).pixel_array)
    inside = np.zeros(before.shape[:2], bool)
    for box in boxes:
        inside[box.top : box.top + box.height, box.left : box.left + box.width] = True
    assert (after[~inside] == before[~inside]).all()
    assert len(np.unique(after[inside])) == 1
    assert len(np.unique(before[inside])) > 1


@pytest.mark.skipif(not ocr.is_available(), reason="tesseract is not installed")
def test_ocr_covers_the_known_regions_of_a_real_image(shared_data):
    path, boxes = burned_in(shared_data)
    cleaner = InstanceCleaner(
        Profile(frozenset({Option.CLEAN_PIXELS})), Identities(KEY), PixelPolicy(accept_doubtful=True)
    )
    before = np.array(pixel_dataset(read_dicom(path.read_bytes())).pixel_array)
    after = np.array(pixel_dataset(cleaner.clean(path.read_bytes()).file).pixel_array)
    changed = (before != after).reshape(*before.shape[:2], -1).any(axis=2)
    covered = [
        box
        for box in boxes
        if (changed | (before.reshape(*before.shape[:2], -1).max(axis=2) < 60))[
            box.top : box.top + box.height, box.left : box.left + box.width
        ].mean()
        > 0.95
    ]
    assert len(covered) >= len(boxes) - 1


@pytest.mark.parametrize("name", ["pseudo_phi", "charset", "objects"])
def test_nothing_of_the_invented_identities_is_left(shared_data, tmp_path, name):
    source = shared_data(f"dicom/{name}")
    counts, _ = cleaned(source, tmp_path, "research", accept_doubtful=True)
    assert counts["clean"] >= 5
    assert problems(tmp_path, source, "research") == []
