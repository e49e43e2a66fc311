"""Encrypted archives: only the recipient opens them, age itself reads them, and a changed byte is found."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fixtures.anonymized_folders import anonymized_folder
from fixtures.anonymizer_studies import ct, save
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError
from ThoraxAILib.store.upload.sealed import seal, unseal
from ThoraxAILib.store.upload.upload import CHANGED, FolderToSend

pyrage = pytest.importorskip("pyrage")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four files, as the Anonymizer leaves them."""
    return anonymized_folder(tmp_path / "out", "1.2.826.0.1.44", 4)


@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, str]:
    """A key file, and its public key."""
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(f"# made for the test\n{identity}\n")
    return tmp_path / "key.txt", str(identity.to_public())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_recipient_gets_back_what_was_sealed(folder: Path, key: tuple, tmp_path: Path, capsys) -> None:
    archive = tmp_path / "a.tar.age"
    assert main(["seal", str(folder), "--recipient", key[1], "--output", str(archive)]) == 0
    assert b"DICM" not in archive.read_bytes()
    assert main(["unseal", str(archive), "--identity", str(key[0]), "--output", str(tmp_path / "back")]) == 0
    assert contents(tmp_path / "back") == contents(folder)
    assert "4 files" in capsys.readouterr().out


def test_age_itself_opens_the_archive(folder: Path, key: tuple, tmp_path: Path) -> None:
    if shutil.which("age") is None:
        pytest.skip("age is not installed")
    seal(FolderToSend(folder), tmp_path / "a.tar.age", [key[1]])
    opened = subprocess.run(["age", "-d", "-i", key[0], tmp_path / "a.tar.age"], check=True, capture_output=True)
    (tmp_path / "by_age").mkdir()
    subprocess.run(["tar", "x", "-C", tmp_path / "by_age"], input=opened.stdout, check=True)
    assert contents(tmp_path / "by_age") == contents(folder)


def test_another_key_and_a_changed_byte_are_refused(folder: Path, key: tuple, tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.age"
    seal(FolderToSend(folder), archive, [key[1]])
    other = tmp_path / "other.txt"
    other.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    with pytest.raises(InputError, match="another key"):
        unseal(archive, other, tmp_path / "back")
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    with pytest.raises(InputError, match="was changed"):
        unseal(archive, key[0], tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_what_an_upload_refuses_is_not_sealed(folder: Path, key: tuple, tmp_path: Path) -> None:
    path = next((folder / "THX-ABCD").glob("*.dcm"))
    path.write_bytes(path.read_bytes() + b"\0\0")
    assert seal(FolderToSend(folder), tmp_path / "a.tar.age", [key[1]]).refused == (CHANGED,)
    save(ct(), folder / "raw.dcm")
    with pytest.raises(InputError, match="not in the Anonymizer's manifest"):
        seal(FolderToSend(folder), tmp_path / "b.tar.age", [key[1]])
    assert not (tmp_path / "b.tar.age").exists()


@pytest.mark.parametrize("recipients", [[], ["age1wrong"], ["AGE-SECRET-KEY-1"]])
def test_an_archive_that_nobody_could_open_is_not_written(folder: Path, tmp_path: Path, recipients: list[str]) -> None:
    with pytest.raises(InputError, match="age1"):
        seal(FolderToSend(folder), tmp_path / "a.tar.age", recipients)
