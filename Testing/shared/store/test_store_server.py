"""Objects in a real Orthanc: they come back byte by byte, over DICOMweb and DIMSE, to those who may have them."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from dicomweb_client import DICOMwebClient
from pydicom import dcmread

from fixtures.anonymizer_studies import ct, file_bytes
from fixtures.store_server import web_server, written
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError
from ThoraxAILib.store.access import Access
from ThoraxAILib.store.address import open_store
from ThoraxAILib.store.folder_store import FolderStore
from ThoraxAILib.store.instance import Instance, data_set_start, read_instance
from ThoraxAILib.store.server.certificates import Authority
from ThoraxAILib.store.server.local_server import LocalServer
from ThoraxAILib.store.store import Store, StoreError, StoreUnreachable

HOST = ("localhost",)


def study(uid: str, count: int = 6, syntax_implicit: bool = False) -> list[Instance]:
    return [
        read_instance(file_bytes(ct(n, patient=f"P{uid[-3:]}", study=uid), implicit=syntax_implicit))
        for n in range(1, count + 1)
    ]


def trusting(authority: Authority, folder: Path) -> Access:
    return Access("anna", "secret", written(authority, folder))


@pytest.fixture(params=["folder", "dicomweb", "dimse"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each kind of store, the remote ones being a real server."""
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    server: LocalServer = request.getfixturevalue("server")
    return open_store(server.address if request.param == "dicomweb" else server.dimse_address, server.access())


def test_what_is_sent_is_listed_and_comes_back(store: Store, tmp_path: Path) -> None:
    kind = ("FolderStore", "DicomwebStore", "DimseStore").index(type(store).__name__)
    files = study(f"1.2.826.0.1.88.{kind}")
    assert store.instances(files[0].study_uid) == frozenset()
    assert store.send(files) == {}
    assert store.instances(files[0].study_uid) == {file.sop_uid for file in files}
    (entry,) = store.studies(patient_id=files[0].patient_id)
    assert (entry.study_uid, entry.instances, entry.modalities) == (files[0].study_uid, 6, ("CT",))
    back = {file.sop_uid: file for file in store.retrieve(files[0].study_uid, files[0].series_uid)}
    assert {uid: file.data_set_sha256 for uid, file in back.items()} == {f.sop_uid: f.data_set_sha256 for f in files}
    if store.keeps_files:
        assert {uid: file.sha256 for uid, file in back.items()} == {file.sop_uid: file.sha256 for file in files}
    (one,) = store.retrieve(files[0].study_uid, files[0].series_uid, files[2].sop_uid)
    assert one.sop_uid == files[2].sop_uid
    assert list(store.retrieve("1.2.3.4.5")) == []


def test_a_transfer_syntax_is_not_changed_on_the_way(server: LocalServer) -> None:
    files = study("1.2.826.0.1.88.77", 2, syntax_implicit=True)
    for address in (server.address, server.dimse_address):
        store = open_store(address, server.access())
        store.send(files)
        back = {file.sop_uid: file for file in store.retrieve(files[0].study_uid)}
        assert {file.transfer_syntax for file in back.values()} == {"1.2.840.10008.1.2"}
        assert back[files[0].sop_uid].data_set_sha256 == files[0].data_set_sha256


@pytest.mark.parametrize("name", ["segmentations/liver.dcm", "sr-example/seg.dcm", "sr-example/sr.dcm"])
def test_segmentations_and_reports_of_others_come_back_byte_by_byte(
    server: LocalServer, shared_data: Callable[[str], Path], name: str
) -> None:
    file = read_instance(shared_data(f"dicom/seg_sr/dcmqi/data/{name}").read_bytes())
    store = open_store(server.address, server.access())
    assert store.send([file]) == {}
    (back,) = store.retrieve(file.study_uid, file.series_uid, file.sop_uid)
    assert back.data == file.data


def test_another_client_finds_and_reads_what_was_sent(server: LocalServer) -> None:
    files = study("1.2.826.0.1.88.99", 3)
    open_store(server.address, server.access()).send(files)
    session = requests.Session()
    session.trust_env = False  # REQUESTS_CA_BUNDLE of the machine would take the place of ``verify``
    session.auth = ("reviewer", server.passwords["reviewer"])
    session.verify = str(server.files.authority)
    client = DICOMwebClient(f"https://localhost:{server.ports.https}/dicom-web", session=session)
    back = client.retrieve_series(files[0].study_uid, files[0].series_uid)
    assert sorted(ds.SOPInstanceUID for ds in back) == sorted(file.sop_uid for file in files)
    assert back[0].pixel_array.shape == (16, 16)


def test_a_reader_may_look_but_not_send(server: LocalServer) -> None:
    reviewer = open_store(server.address, server.access("reviewer"))
    assert reviewer.studies() is not None
    with pytest.raises(StoreError, match="403"):
        reviewer.send(study("1.2.826.0.1.88.55", 1))


def test_a_sender_cannot_remove(server: LocalServer) -> None:
    files = study("1.2.826.0.1.88.56", 1)
    open_store(server.address, server.access()).send(files)
    address = f"https://localhost:{server.ports.https}/dicom-web/studies/{files[0].study_uid}"
    for user, status in (("uploader", 403), ("reviewer", 403), ("nobody", 401)):
        with requests.Session() as session:
            session.trust_env = False
            session.auth, session.verify = (user, server.passwords.get(user, "")), str(server.files.authority)
            assert session.delete(address, timeout=20).status_code == status


def test_a_wrong_password_is_told(server: LocalServer) -> None:
    with pytest.raises(StoreError, match="user and password"):
        open_store(server.address, replace(server.access(), password="wrong")).studies()


def test_a_caller_without_certificate_is_refused_by_dimse(server: LocalServer) -> None:
    with pytest.raises(StoreError):
        open_store(server.dimse_address, replace(server.access(), certificate=None, key=None)).studies()


def test_a_caller_nobody_knows_is_refused_by_dimse(server: LocalServer) -> None:
    with pytest.raises(StoreError, match="does not know"):
        open_store(server.dimse_address, replace(server.access(), calling="STRANGER")).instances("1.2")


@pytest.mark.parametrize("kind", ["address", "dimse_address"])
def test_a_server_of_another_authority_gets_nothing(
    server: LocalServer, authority: Authority, tmp_path: Path, kind: str
) -> None:
    wrong = replace(server.access(), authority=written(authority, tmp_path))
    with pytest.raises(StoreError, match="nothing was sent"):
        open_store(getattr(server, kind), wrong).send(study("1.2.826.0.1.88.57", 1))


@pytest.mark.parametrize(
    ("hosts", "days", "words"), [(HOST, (-20, -10), "expired"), (("elsewhere.example",), (0, 10), "another host")]
)
def test_an_expired_or_foreign_certificate_is_not_trusted(
    authority: Authority, tmp_path: Path, hosts: tuple[str, ...], days: tuple[int, int], words: str
) -> None:
    received: list[bytes] = []

    def take(_method: str, _path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        received.append(body)
        return 200, {}, b"{}"

    with web_server(authority.issue(tmp_path, "bad", hosts, *days), take) as port:
        store = open_store(f"dicomweb+https://localhost:{port}/x", trusting(authority, tmp_path))
        with pytest.raises(StoreError, match=words):
            store.send(study("1.2.826.0.1.88.58", 1))
    assert received == []


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ((302, {"Location": "https://example.org/"}, b""), StoreError, "another address"),
        ((200, {}, b"<html>Log in</html>"), StoreError, "no DICOM JSON"),
        ((200, {}, b'{"a": 1}'), StoreError, "no list"),
        ((200, {}, b"[" * 100_000), StoreError, "no DICOM JSON"),
        ((503, {}, b""), StoreUnreachable, "busy"),
        ((413, {}, b""), StoreError, "size"),
    ],
)
def test_answers_that_are_none_are_told_in_one_sentence(
    authority: Authority, tmp_path: Path, answer: tuple, kind: type, words: str
) -> None:
    files = authority.issue(tmp_path, "server", HOST)
    with web_server(files, lambda *_asked: answer) as port:
        store = open_store(f"dicomweb+https://localhost:{port}/x", trusting(authority, tmp_path))
        with pytest.raises(kind, match=words):
            store.studies()


def test_an_answer_with_uids_that_are_paths_is_left_out(authority: Authority, tmp_path: Path) -> None:
    item = {"0020000D": {"vr": "UI", "Value": ["../../etc"]}, "00080018": {"vr": "UI", "Value": ["1.2/../3"]}}
    answer = (200, {}, json.dumps([item, {"0020000D": {"Value": [{}]}}, {"0020000D": 3}]).encode())
    with web_server(authority.issue(tmp_path, "server", HOST), lambda *_asked: answer) as port:
        store = open_store(f"dicomweb+https://localhost:{port}/x", trusting(authority, tmp_path))
        assert store.studies() == []
        assert store.instances("1.2") == frozenset()


def test_nobody_at_the_port_is_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(StoreUnreachable, match="does not answer"):
            open_store(f"dicomweb+https://127.0.0.1:{unused.getsockname()[1]}/x").studies()


def test_images_survive_a_restart_of_the_server(tmp_path: Path) -> None:
    from ThoraxAILib.store.server.local_server import missing_programs

    if missing_programs():
        pytest.skip("Orthanc is not installed")
    files = study("1.2.826.0.1.88.60", 2)
    with LocalServer(tmp_path / "server") as first:
        open_store(first.address, first.access()).send(files)
        password = first.passwords["uploader"]
    with LocalServer(tmp_path / "server") as second:
        assert second.passwords["uploader"] == password
        back = open_store(second.address, second.access()).retrieve(files[0].study_uid)
        assert {file.sha256 for file in back} == {file.sha256 for file in files}


def test_serve_starts_a_server_says_what_to_add_and_stops(server: LocalServer, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ThoraxAILib", "serve", str(tmp_path / "served")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[1]
        passwords = json.loads((tmp_path / "served" / "accounts.json").read_text())
        access = Access("reviewer", passwords["reviewer"], tmp_path / "served" / "authority.crt.pem")
        assert open_store(address, access).studies() == []
        process.send_signal(signal.SIGINT)
        told = process.stdout.read()
        assert process.wait(60) == 0
    assert "A hospital must add" in told
    assert not any(password in told for password in passwords.values())


def test_secrets_of_the_server_are_private(server: LocalServer) -> None:
    for file in (server.files.accounts, server.files.orthanc, server.files.key, server.client.key):
        assert file.stat().st_mode & 0o077 == 0, file.name
    assert server.files.folder.stat().st_mode & 0o077 == 0


def test_a_port_in_use_is_told(server: LocalServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(tmp_path / "x"), "--port", str(server.ports.https)]) == 2
    assert "used by another program" in capsys.readouterr().err
    assert main(["serve", str(tmp_path / "x"), "--port", "0"]) == 2


def test_the_data_set_begins_where_pydicom_says(tmp_path: Path) -> None:
    data = file_bytes(ct())
    path = tmp_path / "a.dcm"
    path.write_bytes(data)
    with path.open("rb") as file:
        from pydicom.filereader import _read_file_meta_info, read_preamble

        read_preamble(file, force=False)
        _read_file_meta_info(file)
        assert data_set_start(data) == file.tell()
    assert dcmread(path).SOPInstanceUID == read_instance(data).sop_uid


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("data", [b"", b"x" * 500, b"\0" * 128 + b"DICM", b"\0" * 128 + b"DICM" + b"\x02\x00" * 50])
def test_what_is_no_dicom_file_is_no_instance(data: bytes) -> None:
    with pytest.raises(InputError, match="DICOM file"):
        read_instance(data)
