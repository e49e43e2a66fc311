"""Upload and its drills: what may go arrives once and unchanged, whatever happens on the way; nothing else is sent."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.anonymized_folders import anonymized_folder, manifest_lines, write_manifest
from fixtures.anonymizer_studies import ct, save
from fixtures.store_server import web_server, written
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.store.access import PASSWORD_VARIABLE, Access
from ThoraxAILib.store.address import open_store
from ThoraxAILib.store.fetch import fetch
from ThoraxAILib.store.folder_store import FolderStore
from ThoraxAILib.store.instance import Instance
from ThoraxAILib.store.server.certificates import Authority
from ThoraxAILib.store.server.local_server import LocalServer
from ThoraxAILib.store.store import Store, StoreError, StoreUnreachable
from ThoraxAILib.store.upload import upload as module
from ThoraxAILib.store.upload.audit_log import verify_log
from ThoraxAILib.store.upload.journal import CONFLICT, REFUSED, VERIFIED
from ThoraxAILib.store.upload.upload import FolderToSend, upload

STUDY = "1.2.826.0.1.99"


class CountingStore(FolderStore):
    """A store that counts what it is sent, and is unreachable as often as it is told to be."""

    def __init__(self, folder: Path, failures: int = 0) -> None:
        super().__init__(folder)
        self.received: list[str] = []
        self.failures = failures

    def send(self, files) -> dict[str, str]:
        if self.failures:
            self.failures -= 1
            raise StoreUnreachable("The store does not answer.")
        self.received += [file.sop_uid for file in files]
        return super().send(files)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve files in two series, as the Anonymizer leaves them."""
    return anonymized_folder(tmp_path / "out", STUDY)


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    """An empty store."""
    return CountingStore(tmp_path / "store")


def files_of(folder: Path) -> list[Path]:
    return sorted((folder / "THX-ABCD").glob("*.dcm"))


def test_everything_arrives_and_is_compared(folder: Path, store: CountingStore) -> None:
    result = upload(FolderToSend(folder, batch_bytes=3000), store)
    assert result.is_complete
    assert result.counts == {VERIFIED: 12}
    assert {file.sha256 for file in store.retrieve(STUDY)} == {line["sha256"] for line in manifest_lines(folder)}
    assert verify_log(result.log)


def test_a_second_upload_sends_nothing(folder: Path, store: CountingStore) -> None:
    upload(FolderToSend(folder), store)
    again = upload(FolderToSend(folder), store)
    assert (again.sent_files, again.is_complete, len(store.received)) == (0, True, 12)


def test_what_the_store_has_already_is_compared_and_not_sent(folder: Path, store: CountingStore, tmp_path) -> None:
    upload(FolderToSend(folder), store)
    other = upload(FolderToSend(folder, tmp_path / "another-private"), store)
    assert (other.sent_files, other.counts) == (0, {VERIFIED: 12})


def test_what_the_store_lost_since_is_sent_again(folder: Path, store: CountingStore) -> None:
    upload(FolderToSend(folder), store)
    next(store.folder.rglob("*.dcm")).unlink()
    again = upload(FolderToSend(folder), store)
    assert (again.sent_files, again.is_complete) == (1, True)


def test_a_file_with_one_changed_byte_is_not_sent(folder: Path, store: CountingStore) -> None:
    path = files_of(folder)[3]
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)
    result = upload(FolderToSend(folder), store)
    assert result.counts == {VERIFIED: 11, REFUSED: 1}
    assert result.reasons[REFUSED, module.CHANGED] == 1
    assert manifest_lines(folder)[3]["sop_instance"] not in store.received


def test_a_file_that_was_not_anonymized_stops_everything_before_anything_is_sent(
    folder: Path, store: CountingStore, capsys: pytest.CaptureFixture[str]
) -> None:
    save(ct(), folder / "THX-ABCD" / "Quillfeather.dcm")
    assert main(["upload", str(folder), "--to", str(store.folder)]) == 2
    told = capsys.readouterr().err
    assert "not in the Anonymizer's manifest" in told
    assert "Quillfeather" not in told
    assert not store.folder.exists()
    private = folder.with_name("out-private")
    assert "Quillfeather" in (private / "not_in_manifest.txt").read_text()
    assert "Quillfeather" not in (private / "audit.jsonl").read_text()


def test_a_file_in_the_manifest_that_keeps_its_identity_is_refused(folder: Path, store: CountingStore) -> None:
    import hashlib

    lines = manifest_lines(folder)
    path = save(ct(1, study=STUDY), folder / lines[0]["path"])
    lines[0]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    write_manifest(folder, lines)
    result = upload(FolderToSend(folder), store)
    assert result.reasons[REFUSED, module.NOT_ANONYMIZED] == 1
    assert lines[0]["sop_instance"] not in store.received


@pytest.mark.parametrize(
    "change", [{"path": "../secret.dcm"}, {"path": "/etc/passwd"}, {"sha256": "x"}, {"study": "../.."}, {"series": 3}]
)
def test_a_manifest_that_leads_elsewhere_is_refused(folder: Path, store: CountingStore, change: dict) -> None:
    write_manifest(folder, [line | change for line in manifest_lines(folder)])
    with pytest.raises(InputError, match="damaged"):
        upload(FolderToSend(folder), store)


def test_a_folder_that_the_anonymizer_did_not_make_is_refused(tmp_path: Path, store: CountingStore) -> None:
    save(ct(), tmp_path / "raw" / "a.dcm")
    with pytest.raises(InputError, match="no manifest"):
        upload(FolderToSend(tmp_path / "raw"), store)


def test_another_content_under_the_same_uid_is_told(folder: Path, tmp_path: Path, store: CountingStore) -> None:
    upload(FolderToSend(folder), store)
    other = anonymized_folder(tmp_path / "other", STUDY, size=17)
    result = upload(FolderToSend(other), store)
    assert result.counts == {CONFLICT: 12}
    assert result.reasons[CONFLICT, module.OTHER_CONTENT] == 12


def test_a_store_that_changes_what_it_keeps_is_found_out(folder: Path, tmp_path: Path) -> None:
    class Changing(CountingStore):
        def retrieve(self, study_uid: str, series_uid: str = "", sop_uid: str = "") -> Iterator[Instance]:
            for number, file in enumerate(super().retrieve(study_uid, series_uid, sop_uid)):
                from dataclasses import replace

                yield replace(file, data=file.data[:-2] + b"\x01\x02") if number == 2 else file

    result = upload(FolderToSend(folder), Changing(tmp_path / "store"))
    assert result.counts == {VERIFIED: 10, CONFLICT: 2}


def test_a_store_that_is_away_for_a_moment_is_asked_again(folder: Path, tmp_path: Path) -> None:
    store = CountingStore(tmp_path / "store", failures=2)
    result = upload(FolderToSend(folder, patience_seconds=30), store)
    assert result.is_complete
    assert len(store.received) == len(set(store.received)) == 12


def test_a_store_that_stays_away_is_told_and_the_next_start_goes_on(folder: Path, tmp_path: Path) -> None:
    store = CountingStore(tmp_path / "store", failures=100)
    with pytest.raises(StoreUnreachable):
        upload(FolderToSend(folder, patience_seconds=0.1), store)
    store.failures = 0
    assert upload(FolderToSend(folder), store).is_complete


def test_two_uploads_of_a_folder_at_the_same_time_are_refused(folder: Path, store: CountingStore) -> None:
    class Nested(CountingStore):
        def send(self, files) -> dict[str, str]:
            with pytest.raises(InputError, match="Another upload"):
                upload(FolderToSend(folder), self)
            return super().send(files)

    assert upload(FolderToSend(folder), Nested(store.folder)).is_complete


def test_a_full_disk_is_told_and_leaves_nothing(
    folder: Path, store: CountingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(FolderToSend(folder), store)

    def full(*_words: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="full"):
        fetch(store, STUDY, "", tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()
    with pytest.raises(OutputError, match="full"):
        CountingStore(tmp_path / "full").send(list(store.retrieve(STUDY)))
    assert not list((tmp_path / "full").rglob("*.dcm"))


def test_what_is_fetched_is_what_was_sent(folder: Path, store: CountingStore, tmp_path: Path) -> None:
    upload(FolderToSend(folder), store)
    found = fetch(store, STUDY, "", tmp_path / "fetched")
    back = {path.read_bytes() for path in (tmp_path / "fetched").rglob("*.dcm")}
    assert back == {path.read_bytes() for path in files_of(folder)}
    assert found.files == 12
    with pytest.raises(InputError, match="no such study"):
        fetch(store, "1.2.3", "", tmp_path / "nothing")


def test_the_log_and_the_journal_name_no_patient_and_no_path(folder: Path, store: CountingStore) -> None:
    upload(FolderToSend(folder), store)
    for path in folder.with_name("out-private").iterdir():
        assert b"THX-ABCD" not in path.read_bytes(), path.name
        assert path.stat().st_mode & 0o077 == 0, path.name


def uploader(server: LocalServer, folder: Path, *more: str) -> subprocess.Popen:
    words = [sys.executable, "-m", "ThoraxAILib", "upload", str(folder), "--to", server.address, "--user", "uploader"]
    words += ["--ca", str(server.files.authority), "--events", str(folder.parent / "events.jsonl"), *more]
    environment = {**os.environ, PASSWORD_VARIABLE: server.passwords["uploader"]}
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_an_upload_killed_half_way_goes_on_and_nothing_is_lost_or_doubled(server: LocalServer, tmp_path: Path) -> None:
    study = f"{STUDY}.1"
    folder = anonymized_folder(tmp_path / "out", study, count=240, per_series=40, size=300)
    store = open_store(server.address, server.access())
    process = uploader(server, folder)
    while process.poll() is None and len(store.instances(study)) < 40:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = len(store.instances(study))
    assert 0 < before < 240
    process = uploader(server, folder)
    told, error = process.communicate()
    assert process.returncode == 0, error
    assert "240 verified" in told
    (entry,) = (entry for entry in store.studies() if entry.study_uid == study)
    assert entry.instances == 240
    assert verify_log(folder.with_name("out-private") / "audit.jsonl")


def test_a_server_that_restarts_meanwhile_gets_everything(tmp_path: Path) -> None:
    from ThoraxAILib.store.server.local_server import missing_programs

    if missing_programs():
        pytest.skip("Orthanc is not installed")
    folder = anonymized_folder(tmp_path / "out", f"{STUDY}.2", count=60, per_series=10)
    with LocalServer(tmp_path / "server") as server:
        store = open_store(server.address, server.access())
        server.stop()
        starter = threading.Timer(2.0, server.start)
        starter.start()
        result = upload(FolderToSend(folder, batch_bytes=5000, patience_seconds=120), store)
        starter.join()
        assert result.counts == {VERIFIED: 60}


def test_an_upload_by_dimse_is_compared_by_its_data_sets(server: LocalServer, tmp_path: Path) -> None:
    folder = anonymized_folder(tmp_path / "out", f"{STUDY}.3")
    store: Store = open_store(server.dimse_address, server.access())
    result = upload(FolderToSend(folder), store)
    assert result.counts == {VERIFIED: 12}
    assert upload(FolderToSend(folder), store).sent_files == 0


def test_nothing_is_sent_to_a_server_of_a_wrong_authority(server: LocalServer, authority: Authority, tmp_path) -> None:
    folder = anonymized_folder(tmp_path / "out", f"{STUDY}.4")
    access = Access("uploader", server.passwords["uploader"], written(authority, tmp_path))
    with pytest.raises(StoreError, match="nothing was sent"):
        upload(FolderToSend(folder), open_store(server.address, access))
    assert not open_store(server.address, server.access()).instances(f"{STUDY}.4")


def test_a_slow_server_that_breaks_off_is_asked_again(authority: Authority, tmp_path: Path) -> None:
    folder = anonymized_folder(tmp_path / "out", f"{STUDY}.5", count=2, per_series=2)
    asked: list[str] = []

    def answer(method: str, path: str, _body: bytes) -> tuple[int, dict[str, str], bytes]:
        asked.append(method)
        time.sleep(0.05)
        if len(asked) < 3:
            return 503, {}, b""
        if method == "GET" and "/series/" in path:
            return 200, {"Content-Type": "multipart/related; boundary=x"}, b"--x\r\n\r\nhalf a fi"
        return 200, {}, b"[]"

    with web_server(authority.issue(tmp_path, "server", ("localhost",)), answer) as port:
        store = open_store(f"dicomweb+https://localhost:{port}/x", Access("a", "b", written(authority, tmp_path)))
        with pytest.raises(StoreUnreachable, match="breaks off"):
            upload(FolderToSend(folder, patience_seconds=3), store)
    assert asked.count("POST") == 1


def test_what_the_anonymizer_writes_can_be_uploaded_and_fetched(
    server: LocalServer, tmp_path: Path, monkeypatch
) -> None:
    for number in range(1, 4):
        save(ct(number, size=64), tmp_path / "in" / f"{number}.dcm")
    assert main(["anonymize", str(tmp_path / "in"), str(tmp_path / "out")]) == 0
    monkeypatch.setenv(PASSWORD_VARIABLE, server.passwords["uploader"])
    words = ["--user", "uploader", "--ca", str(server.files.authority)]
    assert main(["upload", str(tmp_path / "out"), "--to", server.address, *words]) == 0
    study = manifest_lines(tmp_path / "out")[0]["study"]
    assert main(["fetch", f"{server.address}/studies/{study}", "--output", str(tmp_path / "back"), *words]) == 0
    assert len(list((tmp_path / "back").rglob("*.dcm"))) == 3
