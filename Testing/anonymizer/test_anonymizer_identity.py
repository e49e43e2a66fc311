"""Keyed identities: equal in every process, different under another key, intervals exact, key store tight."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from AnonymizerLib.identity.identities import Identities, read_patient_table
from AnonymizerLib.identity.key_store import destroy_key, load_key, save_key
from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.identity.promise import promise_of
from AnonymizerLib.objects.dicom_file import read_dicom
from AnonymizerLib.profile.presets import profile_named
from fixtures.anonymizer_studies import KEY, OTHER_KEY, ct, engine, file_bytes
from ThoraxAILib.errors import InputError, OutputError

ELSEWHERE = """
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.identity.project_key import ProjectKey
it = Identities(ProjectKey(bytes(range(32)), "TESTKEY"))
print(it.uid("1.2.3.4.5"), it.patient("MRN-4711"), it.days_back("MRN-4711"))
"""


def test_another_process_with_the_same_key_gives_the_same_replacements():
    done = subprocess.run([sys.executable, "-c", ELSEWHERE], capture_output=True, text=True, check=True)
    here = Identities(KEY)
    expected = (here.uid("1.2.3.4.5"), here.patient("MRN-4711"), str(here.days_back("MRN-4711")))
    assert tuple(done.stdout.split()) == expected


def test_another_key_gives_other_replacements():
    one, other = Identities(KEY), Identities(OTHER_KEY)
    assert one.uid("1.2.3.4.5") != other.uid("1.2.3.4.5")
    assert one.patient("MRN-4711") != other.patient("MRN-4711")


def test_new_uids_are_valid_and_uids_of_the_standard_stay():
    new = Identities(KEY).uid("1.2.3.4.5")
    assert new.startswith("2.25.")
    assert len(new) <= 44
    assert not new.split(".")[2].startswith("0")
    assert Identities(KEY).uid("1.2.840.10008.1.2.1") == "1.2.840.10008.1.2.1"


def test_many_uids_get_different_replacements():
    identities = Identities(KEY)
    assert len({identities.uid(f"1.2.3.{number}") for number in range(60_000)}) == 60_000


@pytest.mark.parametrize(
    ("first", "second"),
    [("20240228", "20240301"), ("20231231", "20240101"), ("19991231", "20240229"), ("20240310", "20240310")],
)
def test_follow_up_intervals_stay_exact_to_the_day(first, second):
    moved = [read_dicom(file_bytes(ct(date=date))) for date in (first, second)]
    for file in moved:
        engine("modified-dates").clean(file.dataset)
    days = [datetime.datetime.strptime(file.dataset.StudyDate, "%Y%m%d") for file in moved]
    given = [datetime.datetime.strptime(date, "%Y%m%d") for date in (first, second)]
    assert days[1] - days[0] == given[1] - given[0]
    assert days[0] < given[0]


def test_date_times_lose_their_zone_and_keep_their_time_of_day():
    moved = Identities(KEY).shifted_datetime("20240229101112.5+0200", "MRN-4711")
    assert moved[8:] == "101112.5"
    assert moved[:8] == Identities(KEY).shifted_date("20240229", "MRN-4711")


@pytest.mark.parametrize("value", ["", "2024", "20241399", "yesterday", "00010101"])
def test_a_date_that_cannot_be_moved_is_given_up(value):
    assert Identities(KEY).shifted_date(value, "MRN-4711") == ""


def test_patients_without_an_id_do_not_collapse_into_one():
    names = []
    for study in ("1.2.826.0.1.81", "1.2.826.0.1.82"):
        file = read_dicom(file_bytes(ct(patient="", study=study)))
        names.append(Identities(KEY).patient(engine().clean(file.dataset).subject))
    assert names[0] != names[1]


def test_a_key_opens_with_its_password_only_and_is_readable_by_its_owner_only(tmp_path):
    path = tmp_path / "keys" / "project.key"
    save_key(KEY, path, "eight letters")
    assert load_key(path, "eight letters").secret == KEY.secret
    assert load_key(path, "eight letters").is_stored
    assert path.stat().st_mode & 0o077 == 0
    assert KEY.secret.hex() not in path.read_text()
    with pytest.raises(InputError, match="password is wrong"):
        load_key(path, "eight letterz")


@pytest.mark.parametrize("field", ["secret", "nonce", "salt", "project_id"])
def test_a_changed_key_file_opens_nothing(tmp_path, field):
    path = tmp_path / "project.key"
    save_key(KEY, path, "eight letters")
    header = json.loads(path.read_text())
    header[field] = ("B" if header[field][0] != "B" else "C") + header[field][1:]
    path.write_text(json.dumps(header))
    with pytest.raises(InputError, match="was changed"):
        load_key(path, "eight letters")


def key_with(path: Path, **fields: object) -> Path:
    """A saved key whose header says something else; None takes a field out."""
    save_key(KEY, path, "eight letters")
    header = {**json.loads(path.read_text()), **fields}
    path.write_text(json.dumps({name: value for name, value in header.items() if value is not None}))
    return path


@pytest.mark.parametrize(
    "fields",
    [
        {"nonce": ""},
        {"nonce": "AA=="},
        {"nonce": 5},
        {"nonce": None},
        {"salt": "no base64!"},
        {"salt": None},
        {"secret": []},
        {"secret": None},
        {"n": 12345},
        {"n": 2**40},
        {"n": "many"},
        {"n": True},
        {"r": 2**30},
        {"p": 2**30},
        {"p": -1},
        {"r": None},
        {"n": 1.5},
    ],
)
def test_a_damaged_key_file_is_one_sentence_and_takes_no_memory(tmp_path, fields):
    with pytest.raises(InputError, match=r"project\.key") as raised:
        load_key(key_with(tmp_path / "project.key", **fields), "eight letters")
    assert str(raised.value).count(".") <= 2


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000,
        b'{"format":' * 50_000,
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"5",
        b'{"format": ["x"]}',
        b" " * 100_000,
    ],
)
def test_a_file_that_is_no_key_is_one_sentence_and_is_never_destroyed(tmp_path, content):
    path = tmp_path / "other.json"
    path.write_bytes(content)
    for attempt in (lambda: load_key(path, "eight letters"), lambda: destroy_key(path)):
        with pytest.raises(InputError, match="is not a project key"):
            attempt()
    assert path.read_bytes() == content


def test_a_key_that_cannot_be_opened_is_not_called_no_key(tmp_path, monkeypatch):
    save_key(KEY, tmp_path / "project.key", "eight letters")

    def refusing(_path, *_arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refusing)
    for attempt in (
        lambda: load_key(tmp_path / "project.key", "eight letters"),
        lambda: destroy_key(tmp_path / "project.key"),
    ):
        with pytest.raises(InputError, match=r"cannot be opened \(Permission denied\)"):
            attempt()


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_pipe_or_folder_as_key_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(InputError, match="is not a project key"):
            load_key(path, "eight letters")


def test_a_password_that_is_no_text_works_like_any_other(tmp_path):
    save_key(KEY, tmp_path / "project.key", "eight\udcff letters")
    assert load_key(tmp_path / "project.key", "eight\udcff letters").secret == KEY.secret


def test_a_key_that_cannot_be_written_whole_leaves_nothing(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("AnonymizerLib.identity.key_store.os.fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        save_key(KEY, tmp_path / "project.key", "eight letters")
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_never_overwritten_and_needs_a_real_password(tmp_path):
    path = tmp_path / "project.key"
    with pytest.raises(InputError, match="fewer than 8"):
        save_key(KEY, path, "short")
    save_key(KEY, path, "eight letters")
    with pytest.raises(InputError, match="already exists"):
        save_key(OTHER_KEY, path, "eight letters")


def test_a_destroyed_key_is_gone(tmp_path):
    path = tmp_path / "project.key"
    save_key(KEY, path, "eight letters")
    destroy_key(path)
    assert not path.exists()


def test_the_secret_is_not_shown():
    assert KEY.secret.hex() not in repr(KEY)
    assert repr(bytes(range(32))) not in repr(KEY)


def test_a_patient_table_gives_the_pseudonyms(tmp_path):
    table = tmp_path / "patients.csv"
    table.write_text("MRN-4711,Case 1\nMRN-4712,Case 2\n", encoding="utf-8")
    assert Identities(KEY, read_patient_table(table)).patient("MRN-4711") == "Case 1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,X\nb,X\n", "row 2: this pseudonym"),
        ("a\n", "row 1: two columns"),
        ("a,\0\n" + "x" * 200_000, "row 1|cannot be read"),
    ],
)
def test_a_wrong_patient_table_is_refused_with_its_row(tmp_path, text, words):
    table = tmp_path / "patients.csv"
    table.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_patient_table(table)


def test_only_a_thrown_away_key_without_kept_identity_may_be_called_anonymous():
    throw_away, kept = ProjectKey.new(), ProjectKey(b"k" * 32, "P", is_stored=True)
    assert not promise_of(profile_named("research"), throw_away).is_pseudonymous
    assert promise_of(profile_named("research"), kept).is_pseudonymous
    assert promise_of(profile_named("basic", ["full-dates"]), throw_away).is_pseudonymous
    assert promise_of(profile_named("basic"), throw_away, has_patient_table=True).is_pseudonymous
