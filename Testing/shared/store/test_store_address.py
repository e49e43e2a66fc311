"""Addresses of stores: what is told apart, and what is refused because it would not be safe."""

from __future__ import annotations

from pathlib import Path

import pytest

from ThoraxAILib.errors import InputError
from ThoraxAILib.store.access import PASSWORD_VARIABLE, Access, find_password
from ThoraxAILib.store.address import Address, is_remote, open_store, parse_address
from ThoraxAILib.store.folder_store import FolderStore


def test_a_dicomweb_address_gives_host_port_path_and_user() -> None:
    assert parse_address("dicomweb+https://anna@pacs.example:8443/dicom-web/") == Address(
        "dicomweb+https", "pacs.example", 8443, "dicom-web", "anna"
    )


def test_an_address_may_go_on_to_a_study_and_a_series() -> None:
    found = parse_address("dicomweb+https://h/a/b/studies/1.2/series/1.2.3")
    assert (found.path, found.study_uid, found.series_uid) == ("a/b", "1.2", "1.2.3")
    assert str(found) == "dicomweb+https://h/a/b"
    assert parse_address("dimse+tls://h:104/PACS/1.2").study_uid == "1.2"


def test_the_user_does_not_stand_in_the_address_that_is_told() -> None:
    assert "anna" not in str(parse_address("dicomweb+https://anna@h/x"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dicomweb+http://h/x", "not encrypted"),
        ("http://h/x", "not encrypted"),
        ("dicom://h:104/A", "not encrypted"),
        ("ftp://h/x", "no kind of store"),
        ("dicomweb+https:///x", "no host"),
        ("dicomweb+https://anna:secret@h/x", "password"),
        ("dicomweb+https://h:99999/x", "port"),
        ("dicomweb+https://h/x?y=1", "after ?"),
        ("dicomweb+https://h/studies/../..", "upwards"),
        ("dicomweb+https://h/studies/1.2x", "no UID"),
        ("dimse+tls://h/A", "port is missing"),
        ("dimse+tls://h:104/", "title"),
        ("dimse+tls://h:104/TOO-LONG-FOR-A-TITLE", "title"),
        ("", "empty"),
    ],
)
def test_what_is_unsafe_or_incomplete_is_refused_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        parse_address(text)
    assert "secret" not in str(refused.value)


def test_a_folder_may_go_on_to_a_study_too(tmp_path: Path) -> None:
    found = parse_address(f"{tmp_path}/studies/1.2/series/1.2.3")
    assert (found.path, found.study_uid, found.series_uid) == (str(tmp_path), "1.2", "1.2.3")
    (tmp_path / "studies" / "1.2").mkdir(parents=True)
    assert parse_address(f"{tmp_path}/studies/1.2") == Address("folder", path=f"{tmp_path}/studies/1.2")


def test_a_path_is_a_folder_and_no_address(tmp_path: Path) -> None:
    assert not is_remote(str(tmp_path))
    assert isinstance(open_store(str(tmp_path)), FolderStore)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="existing file"):
        open_store(str(tmp_path / "file"))


def test_a_password_comes_from_a_private_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text("abc\n")
    file.chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        find_password("anna", file)
    file.chmod(0o600)
    assert find_password("anna", file) == "abc"
    monkeypatch.setenv(PASSWORD_VARIABLE, "from outside")
    assert find_password("anna") == "from outside"
    assert find_password("") == ""


def test_a_password_is_not_shown_when_the_access_is_printed() -> None:
    assert "abc" not in repr(Access("anna", "abc"))
