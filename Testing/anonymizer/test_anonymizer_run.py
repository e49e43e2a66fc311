"""Runs over folders: several processes, resume after kill -9, collisions, what the report says and never says."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from pydicom import dcmread

from AnonymizerLib.profile.presets import PRESETS, profile_named
from AnonymizerLib.run.audit import audit
from AnonymizerLib.run.run import RunOptions, run
from AnonymizerLib.run.worker import UNFINISHED, WorkerSettings
from fixtures.anonymizer_studies import KEY, OTHER_KEY, ct, profile, save
from ThoraxAILib.errors import Cancelled, InputError
from ThoraxAILib.jobs.progress import Progress

IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from fixtures.anonymizer_studies import KEY
from AnonymizerLib.profile.presets import PRESETS, profile_named
from AnonymizerLib.run.run import RunOptions, run
from AnonymizerLib.run.worker import WorkerSettings
if __name__ == "__main__":
    folder = Path(sys.argv[2])
    run(RunOptions(WorkerSettings(folder / "in", folder / "out", profile_named("research"), KEY), int(sys.argv[3])))
"""


@pytest.fixture
def study(tmp_path):
    """Two patients, one with two studies, twelve instances."""
    for number in range(1, 5):
        save(ct(number), tmp_path / "in" / "a" / f"{number}.dcm")
        save(ct(number, date="20250301", study="1.2.826.0.1.83"), tmp_path / "in" / "b" / f"{number}.dcm")
        save(
            ct(number, patient="MRN-9", name="Thistlewood^Percival", study="1.2.826.0.1.84"),
            tmp_path / "in" / "c" / f"{number}.dcm",
        )
    return tmp_path


def options(folder, name="research", key=KEY, jobs=1):
    return RunOptions(WorkerSettings(folder / "in", folder / "out", profile_named(name), key), jobs)


def outputs(folder):
    return sorted(folder.rglob("*.dcm"))


@pytest.mark.parametrize("name", PRESETS)
def test_plain_files_are_clean_in_every_profile(study, name):
    """A fault of ours that looks like a broken file quarantines everything, and every test of leaks would pass."""
    assert run(options(study, name)).counts == {"clean": 12}


def test_a_run_keeps_patients_and_studies_apart_and_together(study):
    result = run(options(study))
    datasets = [dcmread(path) for path in outputs(study / "out")]
    assert result.counts == {"clean": 12}
    assert len({ds.PatientID for ds in datasets}) == 2
    assert len({ds.StudyInstanceUID for ds in datasets}) == 3
    assert len({ds.SOPInstanceUID for ds in datasets}) == 12
    for ds in datasets:
        assert (ds.PatientIdentityRemoved, ds.LongitudinalTemporalInformationModified) == ("YES", "MODIFIED")
        assert {item.CodeValue for item in ds.DeidentificationMethodCodeSequence} == {
            "113100",
            "113104",
            "113105",
            "113107",
            "113108",
            "113111",
        }


def test_pixels_geometry_and_values_stay_byte_for_byte(study):
    run(options(study, "basic"))
    originals = {ct(number).PixelData for number in range(1, 5)}
    for path in outputs(study / "out"):
        ds, source = dcmread(path), ct()
        assert ds.PixelData in originals
        for keyword in (
            "Rows",
            "PixelSpacing",
            "ImageOrientationPatient",
            "RescaleIntercept",
            "KVP",
            "ConvolutionKernel",
            "SliceThickness",
        ):
            assert ds[keyword].value == source[keyword].value


def test_preamble_and_meta_information_are_made_anew(study):
    path = next((study / "in").rglob("*.dcm"))
    data = bytearray(path.read_bytes())
    data[:20] = b"Quillfeather was here"[:20]
    path.write_bytes(data)
    run(options(study))
    for output in outputs(study / "out"):
        ds = dcmread(output)
        assert ds.preamble == bytes(128)
        assert ds.file_meta.ImplementationVersionName == "THORAXAI_ANON"
        assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
        assert set(ds.file_meta.keys()) == {
            0x00020000,
            0x00020001,
            0x00020002,
            0x00020003,
            0x00020010,
            0x00020012,
            0x00020013,
        }


def test_several_processes_give_the_same_bytes_as_one(study):
    run(options(study))
    one = {path.relative_to(study / "out"): path.read_bytes() for path in outputs(study / "out")}
    os.rename(study / "out", study / "first")
    os.rename(study / "out-private", study / "first-private")
    run(options(study, jobs=2))
    assert {path.relative_to(study / "out"): path.read_bytes() for path in outputs(study / "out")} == one


def test_the_audit_finds_nothing_in_a_clean_output_and_everything_in_a_copy_of_the_input(study):
    run(options(study))
    assert audit(study / "out", study / "in", profile_named("research")).problems == []
    found = audit(study / "in", study / "in", profile_named("research"))
    assert len(found.problems) >= 12


def test_the_report_says_what_was_done_without_any_original_value(study):
    result = run(options(study))
    folder = study / "out" / "report"
    everything = b"".join(path.read_bytes() for path in folder.iterdir()).lower()
    for word in (
        b"quillfeather",
        b"mrn-4711",
        b"19510407",
        b"mosswood",
        b"1.2.826.0.1.77",
        b"thistlewood",
        b"20250301",
    ):
        assert word not in everything
    rows = list(csv.DictReader((folder / "report.csv").open(encoding="utf-8")))
    assert {"Patient's Name", "Study Date", "Institution Name"} <= {row["attribute"] for row in rows}
    manifest = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    assert len(manifest) == 12
    assert result.summary.linkage.patients == 2
    assert "pseudonymous" not in result.report.read_text(encoding="utf-8")


def test_a_second_run_does_nothing_again_and_takes_up_new_files(study):
    run(options(study))
    before = {path: path.stat().st_mtime_ns for path in outputs(study / "out")}
    save(ct(9), study / "in" / "a" / "9.dcm")
    result = run(options(study))
    assert result.counts == {"clean": 13}
    assert all(path.stat().st_mtime_ns == before[path] for path in before)


@pytest.mark.parametrize(("name", "key"), [("basic", KEY), ("research", OTHER_KEY)])
def test_an_output_is_never_continued_with_other_settings(study, name, key):
    run(options(study))
    with pytest.raises(InputError, match="another key, profile or options"):
        run(options(study, name, key))


def test_an_output_folder_with_foreign_files_is_refused(study):
    save(ct(), study / "out" / "theirs.dcm")
    with pytest.raises(InputError, match="not empty"):
        run(options(study))


@pytest.mark.parametrize("output", ["in", "in/out", "."])
def test_output_and_input_must_not_overlap(study, output):
    settings = WorkerSettings(study / "in", study / output, profile(), KEY)
    with pytest.raises(InputError, match="overlap"):
        run(RunOptions(settings))


def test_two_different_files_with_one_uid_do_not_replace_each_other(study):
    save(ct(1, size=32), study / "in" / "z" / "again.dcm")
    save(ct(1), study / "in" / "z" / "copy.dcm")
    result = run(options(study))
    assert result.counts == {"clean": 13, "quarantined": 1}
    assert len(outputs(study / "out")) == 12


def test_bad_files_wait_and_the_rest_goes_on(study):
    good = (study / "in" / "a" / "1.dcm").read_bytes()
    (study / "in" / "cut.dcm").write_bytes(good[:-100])
    (study / "in" / "half.dcm").write_bytes(good[:300])
    (study / "in" / "note.txt").write_text("Quillfeather")
    result = run(options(study))
    assert (result.counts["clean"], result.counts["quarantined"], result.counts["skipped"]) == (12, 2, 1)
    assert result.has_quarantined


def test_a_cancelled_run_leaves_finished_files_only(study):
    def stop_after_three(_fraction, text):
        if text.startswith("3 of"):
            raise Cancelled("Cancelled by the user.")

    with pytest.raises(Cancelled):
        run(options(study), Progress(stop_after_three))
    assert not (study / "out" / UNFINISHED).exists()
    assert len(outputs(study / "out")) == 3
    assert run(options(study)).counts == {"clean": 12}


@pytest.mark.parametrize("jobs", [1, 2])
def test_after_kill_9_no_half_file_is_left_and_a_rerun_finishes_the_rest(tmp_path, jobs):
    for number in range(1, 241):
        save(ct(number, size=64), tmp_path / "in" / f"{number}.dcm")
    script = tmp_path / "killed.py"
    script.write_text(IN_ANOTHER_PROCESS)
    helpers = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    child = subprocess.Popen([sys.executable, str(script), helpers, str(tmp_path), str(jobs)])
    deadline = time.monotonic() + 60
    while len(outputs(tmp_path / "out")) < 10 and time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.002)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    early = outputs(tmp_path / "out")
    assert 10 <= len(early) < 240
    for path in early:
        assert len(dcmread(path).PixelData) == 64 * 64 * 2
    result = run(options(tmp_path, jobs=1))
    assert result.counts == {"clean": 240}
    assert len(outputs(tmp_path / "out")) == 240
    assert not (tmp_path / "out" / UNFINISHED).exists()
