"""Two runs into one output, and a journal that was damaged: nothing is destroyed, and a resumed run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from AnonymizerLib.profile.presets import profile_named
from AnonymizerLib.run.journal import Entry, Journal
from AnonymizerLib.run.run import RunOptions, run
from AnonymizerLib.run.run_lock import RunLock
from AnonymizerLib.run.worker import WorkerSettings
from fixtures.anonymizer_studies import KEY, ct, save
from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.jobs.outputs.private_files import make_private_folder

HOLD_THE_LOCK = """
import sys, time
from pathlib import Path
from AnonymizerLib.run.run_lock import RunLock
with RunLock(Path(sys.argv[1]), Path(sys.argv[2])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def study(tmp_path):
    for number in range(1, 7):
        save(ct(number), tmp_path / "in" / f"{number}.dcm")
    return tmp_path


def options(folder, private: Path | None = None):
    settings = WorkerSettings(folder / "in", folder / "out", profile_named("research"), KEY)
    return RunOptions(settings, private=private)


def outputs(folder):
    return sorted((folder / "out").rglob("*.dcm"))


def state(folder) -> dict[str, tuple[int, int]]:
    """Size and time of change of everything in a folder."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
    }


def test_a_second_run_is_refused_in_one_sentence_and_touches_nothing(study):
    run(options(study))
    (study / "out" / ".unfinished").mkdir()
    (study / "out" / ".unfinished" / "theirs.part").write_bytes(b"half")
    before = state(study)
    with RunLock(study / "out", study / "out-private"), pytest.raises(InputError, match="Another run is writing"):
        run(options(study))
    assert state(study) == before


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be locked there")
def test_another_private_folder_does_not_get_around_the_lock(study):
    run(options(study))
    (study / "elsewhere").mkdir()
    (study / "elsewhere" / "journal.jsonl").write_bytes((study / "out-private" / "journal.jsonl").read_bytes())
    with RunLock(study / "out", study / "out-private"), pytest.raises(InputError, match="Another run is writing"):
        run(options(study, study / "elsewhere"))


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_the_lock_of_a_killed_run_is_gone(study):
    run(options(study))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK, str(study / "out"), str(study / "out-private")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(InputError, match="Another run"):
        run(options(study))
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    assert run(options(study)).counts == {"clean": 6}


def test_three_commands_at_once_leave_one_whole_result_that_can_be_resumed(study):
    environment = {**os.environ, "THORAXAI_KEY_PASSWORD": "correct horse"}
    command = [
        sys.executable,
        "-m",
        "ThoraxAILib",
        "anonymize",
        str(study / "in"),
        str(study / "out"),
        "--key",
        str(study / "project.key"),
    ]
    subprocess.run([*command[:5], str(study / "first"), *command[6:]], env=environment, check=True, capture_output=True)
    children = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    told = [(*child.communicate(timeout=120), child.returncode) for child in children]
    assert {status for _, _, status in told} <= {0, 2}
    assert 0 in {status for _, _, status in told}
    for _, error, status in told:
        if status == 2:
            assert "Another run is writing into 'out'" in error
            assert error.count("\n") == 1
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "6 clean" in again.stdout


@pytest.mark.parametrize(
    "tail",
    [
        b'{"source": "half',
        b"\0" * 700,
        b'{"source": "5.dcm", "status"}\n',
        b"\0\0\0\n",
        b'{"source": "5.dcm", "size": "x", "modified_ns": 1, "status": "clean"}\n',
    ],
)
def test_a_damaged_last_line_is_cut_off_with_a_note_and_the_run_goes_on(study, tail):
    run(options(study))
    journal = study / "out-private" / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole + tail)
    result = run(options(study))
    assert "last line of the journal" in result.note
    assert result.counts == {"clean": 6}
    assert journal.read_bytes().startswith(whole)
    assert tail not in journal.read_bytes()


def test_a_journal_cut_anywhere_is_resumed_and_gives_the_same_result(study):
    run(options(study))
    journal = study / "out-private" / "journal.jsonl"
    whole, names = journal.read_bytes(), outputs(study)
    manifest = (study / "out" / "report" / "manifest.jsonl").read_bytes()
    for end in range(1, len(whole), max(len(whole) // 12, 1)):
        journal.write_bytes(whole[:end])
        assert run(options(study)).counts == {"clean": 6}
        assert outputs(study) == names
        assert (study / "out" / "report" / "manifest.jsonl").read_bytes() == manifest


@pytest.mark.parametrize(
    "damage", [b"{{{\n", b"[1, 2]\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n", b'{"source": "1.dcm"}\n']
)
def test_damage_inside_the_journal_is_one_sentence_and_the_journal_stays(study, damage):
    run(options(study))
    journal = study / "out-private" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    damaged = b"".join([*lines[:2], damage, *lines[2:]])
    journal.write_bytes(damaged)
    with pytest.raises(InputError, match="damaged in line 3"):
        run(options(study))
    assert journal.read_bytes() == damaged


def test_an_output_that_was_lost_is_made_again(study):
    run(options(study))
    lost, emptied = outputs(study)[:2]
    content = lost.read_bytes()
    lost.unlink()
    emptied.write_bytes(b"")
    result = run(options(study))
    assert lost.read_bytes() == content
    assert result.counts["clean"] == 5  # the emptied one is not overwritten without a word
    assert result.counts["quarantined"] == 1


def test_a_full_private_disk_is_told_with_an_option_the_command_has(tmp_path, monkeypatch):
    make_private_folder(tmp_path / "private")
    journal = Journal(tmp_path / "private" / "journal.jsonl", "settings")

    def full(_descriptor, _data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("AnonymizerLib.run.journal.os.write", full)
    with pytest.raises(OutputError, match=r"private folder is full: free some space.*same command") as raised:
        journal.add(Entry("a.dcm", 1, 1, "quarantined", "why"))
    assert "--output" not in str(raised.value)
    monkeypatch.undo()
    journal.close()


@pytest.mark.skipif(os.name == "nt", reason="file modes of POSIX")
def test_what_names_inputs_is_readable_by_its_owner_only(study):
    (study / "out-private").mkdir(mode=0o755)
    ds = ct(9)
    ds.BurnedInAnnotation = "YES"
    save(ds, study / "in" / "9.dcm")
    run(options(study))
    assert (study / "out-private").stat().st_mode & 0o777 == 0o700
    for path in (study / "out-private").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path.name


@pytest.mark.skipif(os.name == "nt", reason="file modes of POSIX")
def test_a_private_folder_of_an_earlier_version_is_closed_too(study):
    run(options(study))
    os.chmod(study / "out-private", 0o755)
    os.chmod(study / "out-private" / "journal.jsonl", 0o644)
    run(options(study))
    assert (study / "out-private").stat().st_mode & 0o777 == 0o700
    assert (study / "out-private" / "journal.jsonl").stat().st_mode & 0o777 == 0o600


def test_the_journal_is_written_to_the_disk_again_and_again(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("AnonymizerLib.run.journal.os.fsync", synced.append)
    journal = Journal(tmp_path / "private" / "journal.jsonl", "settings")
    now = time.monotonic()
    for second in range(1, 5):
        monkeypatch.setattr("AnonymizerLib.run.journal.time.monotonic", lambda second=second: now + 2 * second)
        journal.add(Entry(f"{second}.dcm", 1, 1, "skipped", "why"))
    assert len(synced) == 5
    journal.close()
