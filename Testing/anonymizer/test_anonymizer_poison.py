"""One file made to do harm never ends a batch: it waits by name and reason, and the others are done."""

from __future__ import annotations

import csv
import os
import stat
import struct
import sys
import time
import zlib
from dataclasses import replace

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from AnonymizerLib.bounds import worker_pool
from AnonymizerLib.bounds.worker_limits import FileLimits
from AnonymizerLib.check.token_search import FEW, found_in, holds_any_of
from AnonymizerLib.deidentify.instance import InstanceCleaner
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.objects import inflate
from AnonymizerLib.objects.dicom_file import DEFLATED, read_dicom
from AnonymizerLib.pixels import blackout
from AnonymizerLib.pixels.clean import PixelPolicy
from AnonymizerLib.pixels.regions import Box
from AnonymizerLib.profile.presets import profile_named
from AnonymizerLib.run.run import RunOptions, run
from AnonymizerLib.run.worker import WorkerSettings
from fixtures.anonymizer_studies import KEY, ct, file_bytes, save
from ThoraxAILib.errors import InputError, ThoraxAIError

on_posix = pytest.mark.skipif(os.name == "nt", reason="pipes, devices and signals of POSIX")


@pytest.fixture
def study(tmp_path):
    for number in (1, 2, 3):
        save(ct(number), tmp_path / "in" / f"good{number}.dcm")
    return tmp_path


def options(folder, name="research", jobs=1, **more):
    return RunOptions(WorkerSettings(folder / "in", folder / "out", profile_named(name), KEY), jobs, **more)


def waiting(folder) -> dict[str, str]:
    """Reason by input of what waits, as the quarantine list tells it."""
    with (folder / "out-private" / "quarantine.csv").open(encoding="utf-8") as file:
        return {row["input"]: row["reason"] for row in csv.DictReader(file) if row["status"] == "quarantined"}


def deflated(zeros: int) -> bytes:
    """A deflated instance whose pixel data unpacks to so many zeros."""
    ds = ct(9)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data = file_bytes(ds)
    end = inflate.split_meta(data)[1]
    body = zlib.decompress(data[end:], -15)
    body = body[: body.index(b"\xe0\x7f\x10\x00")] + b"\xe0\x7f\x10\x00OW\0\0" + struct.pack("<I", zeros)
    packer = zlib.compressobj(9, wbits=-15)
    parts = [packer.compress(body)]
    parts += [packer.compress(bytes(min(1 << 20, zeros - done))) for done in range(0, zeros, 1 << 20)]
    return data[:end] + b"".join(parts) + packer.flush()


def test_a_deflated_bomb_waits_by_name_and_the_others_are_done(study):
    (study / "in" / "bomb.dcm").write_bytes(deflated(300 << 20))
    assert run(options(study)).counts == {"clean": 3, "quarantined": 1}
    assert "unpacks to more than" in waiting(study)["bomb.dcm"]


def test_unpacking_stops_at_the_limit_and_not_at_the_end():
    packer = zlib.compressobj(9, wbits=-15)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    started = time.process_time()
    with pytest.raises(InputError, match="made to do harm"):
        inflate.inflated(packed, 0)
    assert time.process_time() - started < 5


def test_an_honest_deflated_file_is_read_as_it_is():
    ds = ct(4)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    file = read_dicom(file_bytes(ds))
    assert file.transfer_syntax == DEFLATED
    assert file.dataset.PixelData == ct(4).PixelData
    assert file.dataset.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID


def test_a_deflated_file_cut_off_in_the_middle_waits():
    ds = ct(4)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    with pytest.raises(InputError, match="cut off"):
        read_dicom(file_bytes(ds)[:-40])


@pytest.mark.parametrize(("rows", "frames"), [(65535, 1), (512, 1_000_000_000)])
def test_pixels_that_would_fill_the_memory_are_never_decoded(rows, frames):
    ds = ct(5)
    ds.file_meta.TransferSyntaxUID = RLELossless
    ds.Rows = ds.Columns = rows
    ds.NumberOfFrames, ds.BurnedInAnnotation = frames, "YES"
    with pytest.raises(InputError, match="MB in memory"):
        blackout.check_decodable(ds)


@on_posix
@pytest.mark.parametrize("jobs", [1, 2])
def test_pipes_devices_and_broken_links_wait_and_nothing_hangs(study, jobs):
    os.mkfifo(study / "in" / "pipe.dcm")
    (study / "in" / "endless.dcm").symlink_to("/dev/zero")
    (study / "in" / "nowhere.dcm").symlink_to("absent")
    assert run(options(study, jobs=jobs)).counts == {"clean": 3, "quarantined": 3}
    found = waiting(study)
    assert "a pipe" in found["pipe.dcm"]
    assert "a device" in found["endless.dcm"]
    assert "cannot be opened" in found["nowhere.dcm"]


def fake_tesseract(folder, monkeypatch, script: str) -> None:
    """A program that stands in for the reader of text and does harm to the process that called it."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "tesseract"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")


def save_doubtful(folder, *names: str) -> None:
    """Images that admit to burned-in text, so that they are read by OCR."""
    for number, name in enumerate(names, start=50):
        ds = ct(number)
        ds.BurnedInAnnotation = "YES"
        save(ds, folder / "in" / name)


@on_posix
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_worker_is_replaced_each_time_and_its_file_waits(study, monkeypatch, jobs):
    fake_tesseract(study, monkeypatch, "kill -9 $PPID")
    save_doubtful(study, "a_first.dcm", "good2x.dcm", "z_last.dcm")
    result = run(options(study, "teaching", jobs, is_isolated=True))
    assert result.counts == {"clean": 3, "quarantined": 3}
    assert set(waiting(study)) == {"a_first.dcm", "good2x.dcm", "z_last.dcm"}
    assert "memory ran out" in waiting(study)["z_last.dcm"]


@on_posix
def test_a_file_that_takes_too_long_is_given_up_and_the_next_is_done(study, monkeypatch):
    fake_tesseract(study, monkeypatch, "exec sleep 600")
    save_doubtful(study, "a_first.dcm")
    result = run(options(study, "teaching", is_isolated=True, limits=FileLimits(seconds=6.0)))
    assert result.counts == {"clean": 3, "quarantined": 1}
    assert "longer than" in waiting(study)["a_first.dcm"]


@pytest.mark.skipif(sys.platform != "linux", reason="the limit counts written memory on Linux only")
def test_a_file_that_needs_more_memory_than_its_share_waits(study):
    ds = ct(60)
    ds.BurnedInAnnotation = "YES"
    ds.Rows = ds.Columns = 12_000
    data = file_bytes(ds)
    head = data[: data.index(b"\xe0\x7f\x10\x00OW\0\0")] + b"\xe0\x7f\x10\x00OW\0\0" + struct.pack("<I", 288_000_000)
    with (study / "in" / "a_large.dcm").open("wb") as file:
        file.write(head)
        file.truncate(len(head) + 288_000_000)
    settings = WorkerSettings(
        study / "in",
        study / "out",
        profile_named("teaching"),
        KEY,
        PixelPolicy(boxes=(Box(0, 0, 8, 8),), use_ocr=False),
    )
    result = run(RunOptions(settings, is_isolated=True, limits=FileLimits(memory_bytes=700 << 20)))
    assert result.counts == {"clean": 3, "quarantined": 1}
    assert "more memory" in waiting(study)["a_large.dcm"]


class DiesWhenRead(dict):
    """Ends the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (3,)


def test_workers_that_cannot_even_start_are_told_in_one_sentence(study, monkeypatch):
    monkeypatch.setattr(worker_pool, "MAX_FAILED_STARTS", 1)
    settings = WorkerSettings(study / "in", study / "out", profile_named("basic"), KEY, patients=DiesWhenRead())
    with pytest.raises(ThoraxAIError, match="end while they start"):
        run(RunOptions(settings, is_isolated=True))


def references(count: int) -> bytes:
    """A key object document that refers to so many instances."""
    ds = ct(1)
    ds.SOPClassUID, ds.Modality = "1.2.840.10008.5.1.4.1.1.88.59", "KO"
    for name in ("PixelData", "Rows", "Columns", "BitsAllocated"):
        del ds[name]
    ds.CurrentRequestedProcedureEvidenceSequence = [Dataset()]
    series = Dataset()
    series.SeriesInstanceUID = "1.2.826.0.1.55.1"
    series.ReferencedSOPSequence = []
    for number in range(count):
        item = Dataset()
        item.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        item.ReferencedSOPInstanceUID = f"1.2.826.0.1.77.9.{number}"
        series.ReferencedSOPSequence.append(item)
    study = ds.CurrentRequestedProcedureEvidenceSequence[0]
    study.StudyInstanceUID, study.ReferencedSeriesSequence = ds.StudyInstanceUID, [series]
    return file_bytes(ds)


@pytest.mark.slow
def test_sixty_thousand_references_are_cleaned_and_checked_within_ten_seconds():
    data = references(60_000)

    def seconds() -> float:
        cleaner = InstanceCleaner(profile_named("research"), Identities(KEY))
        started = time.process_time()
        instance = cleaner.clean(data)
        head, pixels = instance.encoded()
        assert cleaner.check(head + bytes(pixels), instance) == []
        return time.process_time() - started

    # on a busy machine processors wait for memory, and that counts: three tries, one must do
    assert any(seconds() < 10 for _try in range(3))


def test_the_check_grows_with_the_file_and_not_with_its_square():
    def seconds(count: int) -> float:
        cleaner = InstanceCleaner(profile_named("research"), Identities(KEY))
        instance = cleaner.clean(references(count))
        # with foreign letters each size gets the closer look, not only where digits of a new UID are a date by chance
        instance.tokens = replace(instance.tokens, is_foreign=True)
        head, pixels = instance.encoded()
        started = time.process_time()
        assert cleaner.check(head + bytes(pixels), instance) == []
        return time.process_time() - started

    seconds(500)  # tables are loaded
    # four times the file is 16 times the work where it grows with the square; a busy machine may blur one try
    assert any(seconds(8000) < 8 * max(seconds(2000), 0.02) for _try in range(3))


def test_one_reference_left_among_thousands_is_found():
    cleaner = InstanceCleaner(profile_named("research"), Identities(KEY))
    instance = cleaner.clean(references(300))
    sequence = instance.file.dataset.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    sequence.ReferencedSOPSequence[250].ReferencedSOPInstanceUID = "1.2.826.0.1.77.9.250"
    head, pixels = instance.encoded()
    leaks = cleaner.check(head + bytes(pixels), instance)
    assert [leak.place for leak in leaks] == ["0040,A375/0008,1115/0008,1199/0008,1155"]


@pytest.mark.parametrize("count", [3, FEW, FEW + 1, 400])
def test_many_words_are_found_exactly_as_one_by_one(count):
    import numpy as np

    random = np.random.default_rng(count)
    alphabet = np.frombuffer(b"abc1.", np.uint8)
    data = bytes(random.choice(alphabet, 20_000))
    tokens = {bytes(random.choice(alphabet, int(size))) for size in random.integers(1, 14, count)}
    tokens |= {data[-9:], data[:12], data[5000:5030]}
    found = found_in(data, frozenset(tokens))
    assert found == {token for token in tokens if token in data}
    assert holds_any_of(data, frozenset(tokens)) is bool(found)
    absent = frozenset({b"zz%d" % number for number in range(count)})
    assert not holds_any_of(data, absent)


def test_a_word_across_two_pieces_is_found(monkeypatch):
    from AnonymizerLib.check import token_search

    monkeypatch.setattr(token_search, "PIECE", 16)
    tokens = frozenset({b"quillfeather", *(b"other%03d" % number for number in range(FEW))})
    assert found_in(b"." * 10 + b"quillfeather" + b"." * 40, tokens) == {b"quillfeather"}
