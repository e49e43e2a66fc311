"""Nothing is left out in silence: folders that cannot be entered are named, and what is not all there is not clean."""

from __future__ import annotations

import csv
import os
import shutil
import struct
import subprocess
import sys

import pytest
from pydicom.dataset import Dataset

from AnonymizerLib.deidentify.instance import InstanceCleaner, Refused, refusal_of
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.profile.presets import PRESETS, profile_named
from AnonymizerLib.run.audit import audit
from AnonymizerLib.run.run import RunOptions, run
from AnonymizerLib.run.worker import WorkerSettings
from fixtures.anonymizer_studies import KEY, ct, file_bytes, save
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.parse_errors import parse_errors

# root may read everything: without these two rights it is a user like any other
AS_A_USER = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.fixture
def study(tmp_path):
    for number in (1, 2):
        save(ct(number), tmp_path / "in" / f"{number}.dcm")
    return tmp_path


def options(folder):
    return RunOptions(WorkerSettings(folder / "in", folder / "out", profile_named("research"), KEY))


def listed(folder) -> dict[str, str]:
    with (folder / "out-private" / "quarantine.csv").open(encoding="utf-8") as file:
        return {row["input"]: row["reason"] for row in csv.DictReader(file)}


@pytest.mark.skipif(os.name == "nt" or (os.geteuid() == 0 and not shutil.which("setpriv")), reason="rights of POSIX")
def test_a_folder_without_the_right_to_read_it_is_named_and_changes_the_exit_status(study):
    save(ct(3), study / "in" / "hidden" / "3.dcm")
    os.chmod(study / "in" / "hidden", 0)
    done = subprocess.run(
        [
            *(AS_A_USER if os.geteuid() == 0 else []),
            sys.executable,
            "-m",
            "ThoraxAILib",
            "anonymize",
            str(study / "in"),
            str(study / "out"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    os.chmod(study / "in" / "hidden", 0o755)
    assert done.returncode == 3, done.stderr
    assert "2 clean, 1 in quarantine" in done.stdout
    assert "hidden" not in done.stdout + done.stderr
    assert "cannot be opened (Permission denied)" in listed(study)["hidden/"]


def test_a_folder_that_cannot_be_listed_waits_until_it_can(study, monkeypatch):
    save(ct(3), study / "in" / "hidden" / "3.dcm")
    real = os.scandir

    def refusing(path):
        if str(path).endswith("hidden"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    result = run(options(study))
    assert (result.counts, result.has_quarantined) == ({"clean": 2, "quarantined": 1}, True)
    assert set(listed(study)) == {"hidden/"}
    monkeypatch.undo()
    assert run(options(study)).counts == {"clean": 3}
    assert listed(study) == {}


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_linked_folder_is_named_and_not_followed(study):
    save(ct(3), study / "elsewhere" / "3.dcm")
    (study / "in" / "link").symlink_to(study / "elsewhere")
    (study / "in" / "loop").symlink_to(study / "in")
    assert run(options(study)).counts == {"clean": 2, "quarantined": 2}
    assert "link to a folder" in listed(study)["link/"]
    assert "loop/" in listed(study)
    assert main(["anonymize", str(study / "in"), str(study / "again")]) == 3


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_the_check_says_that_it_did_not_compare_everything(study):
    run(options(study))
    assert audit(study / "out", study / "in", profile_named("research")).problems == []
    save(ct(3), study / "elsewhere" / "3.dcm")
    (study / "in" / "link").symlink_to(study / "elsewhere")
    assert "was not compared" in audit(study / "out", study / "in", profile_named("research")).problems[0]
    (study / "in" / "link").unlink()
    (study / "out" / "link").symlink_to(study / "elsewhere")
    assert "was not looked at" in audit(study / "out", study / "in", profile_named("research")).problems[0]


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_the_check_does_not_wait_for_pipes(study):
    run(options(study))
    os.mkfifo(study / "in" / "pipe")
    os.mkfifo(study / "out" / "pipe")
    found = audit(study / "out", study / "in", profile_named("research"))
    assert found.problems == ["pipe: It is not a file but a pipe."]
    assert found.unreadable_inputs == 1


def test_an_input_that_waited_and_was_taken_away_is_forgotten(study):
    (study / "in" / "half.dcm").write_bytes(file_bytes(ct(5))[:400])
    assert run(options(study)).counts == {"clean": 2, "quarantined": 1}
    (study / "in" / "half.dcm").unlink()
    assert run(options(study)).counts == {"clean": 2}
    assert listed(study) == {}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_file_names_that_are_no_text_are_listed_and_break_nothing(study):
    with open(os.fsencode(study / "in") + b"/\xff=cmd\n.dcm", "wb") as file:
        file.write(b"no DICOM")
    assert run(options(study)).counts == {"clean": 2, "skipped": 1}
    assert list(listed(study)) == ["\\udcff=cmd\n.dcm"]


def test_a_file_name_is_no_formula_in_the_quarantine_list(study):
    (study / "in" / "=cmd|' C calc'!A0").write_bytes(b"no DICOM")
    run(options(study))
    assert list(listed(study)) == ["'=cmd|' C calc'!A0"]


def attempt(data: bytes, name: str = "research") -> str:
    """Why some bytes give no clean file; empty when they do."""
    cleaner = InstanceCleaner(profile_named(name), Identities(KEY))
    try:
        instance = cleaner.clean(data)
        head, pixels = instance.encoded()
        cleaner.check(head + bytes(pixels), instance)
    except (Refused, *parse_errors()) as error:
        return refusal_of(error)[1]
    return ""


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_length_that_swallows_the_rest_of_the_file_is_not_clean(name):
    data = file_bytes(ct())
    place = data.index(b"\x18\x00\x60\x00DS")  # KVP, before study and pixels
    for vr, length in ((b"UT\0\0", 0xFFFFFFF0), (b"OB\0\0", len(data)), (b"UN\0\0", 0x7FFFFFF0)):
        damaged = data[: place + 4] + vr + struct.pack("<I", length) + data[place + 8 :]
        assert "leads beyond its end" in attempt(damaged, name)


def test_a_length_that_swallows_only_its_neighbors_up_to_the_pixels_is_not_clean():
    data = file_bytes(ct())
    place, study = data.index(b"\x18\x00\x60\x00DS"), data.index(b"\x28\x00\x02\x00US")
    size = study - (place + 12)
    damaged = data[: place + 4] + b"UN\0\0" + struct.pack("<I", size) + data[place + 12 :]
    assert "lacks its Study" in attempt(damaged)


def test_a_damaged_length_inside_a_sequence_is_not_clean():
    ds = ct()
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.826.0.1.77.9"
    ds.ReferencedImageSequence = [item]
    data = file_bytes(ds)
    place = data.rindex(b"\x08\x00\x55\x11UI")
    damaged = data[: place + 6] + struct.pack("<H", 60_000) + data[place + 8 :]
    assert "leads beyond its end" in attempt(damaged)
    assert attempt(data) == ""


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "PixelData"])
def test_an_image_that_lacks_what_no_image_lacks_is_not_clean(keyword):
    ds = ct()
    del ds[keyword]
    assert "lacks its" in attempt(file_bytes(ds)) or "without pixel data" in attempt(file_bytes(ds))


def test_pixel_data_shorter_than_its_rows_say_is_not_clean():
    ds = ct()
    ds.PixelData = ds.PixelData[:-64]
    assert "shorter than its rows" in attempt(file_bytes(ds))
    ds = ct()
    ds.NumberOfFrames = 2
    assert "shorter than its rows" in attempt(file_bytes(ds))


def report_document() -> bytes:
    """A structured report with a few lines, without pixels."""
    ds = ct()
    for name in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"):
        del ds[name]
    ds.SOPClassUID, ds.Modality, ds.ValueType = "1.2.840.10008.5.1.4.1.1.88.11", "SR", "CONTAINER"
    ds.ContentSequence = [Dataset(), Dataset()]
    for item in ds.ContentSequence:
        item.ValueType, item.TextValue, item.RelationshipType = "TEXT", "lung", "CONTAINS"
    ds.PresentationLUTShape = "IDENTITY"
    return file_bytes(ds)


def test_a_report_cut_off_within_an_element_is_never_clean():
    data = report_document()
    assert attempt(data) == ""
    start = data.index(b"\x08\x00\x05\x00") if b"\x08\x00\x05\x00" in data else data.index(b"\x08\x00\x08\x00")
    whole_elements = {len(data)} | {
        data.index(struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr)
        for tag, vr in ((0x0040A040, b"CS"), (0x0040A730, b"SQ"), (0x20500020, b"CS"))
    }
    for end in range(start + 200, len(data), 7):
        if end not in whole_elements and not _is_between_elements(data, end):
            assert attempt(data[:end]), end


def _is_between_elements(data: bytes, end: int) -> bool:
    """Whether the cut falls between two elements at the root, where nothing tells that more was to come."""
    from AnonymizerLib.objects.dicom_file import start_of_attributes, tags_at_root

    return tags_at_root(data[:end], start_of_attributes(data), False, True) is not None


def test_reading_a_folder_that_cannot_be_opened_at_all_is_one_sentence(study, monkeypatch):
    def refusing(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(InputError, match=r"'in' cannot be opened \(Permission denied\)"):
        run(options(study))
