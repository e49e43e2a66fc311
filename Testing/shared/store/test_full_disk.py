"""On a full disk nothing half-written stays, one sentence says so, and with more room everything goes on."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from fixtures import listener_on_small_disk
from fixtures.anonymized_folders import anonymized_folder
from fixtures.small_disk import on_small_disk
from ThoraxAILib.store.folder_store import FolderStore
from ThoraxAILib.store.upload.upload import FolderToSend, upload

STUDY = "1.2.826.0.1.87"
pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "ThoraxAILib"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three megabytes as the Anonymizer leaves them."""
    return anonymized_folder(tmp_path / "out", STUDY, size=360)


def test_a_fetch_onto_a_full_disk_leaves_nothing_and_works_with_more_room(folder: Path, tmp_path: Path) -> None:
    store, disk = tmp_path / "store", tmp_path / "disk"
    upload(FolderToSend(folder), FolderStore(store))
    fetch = [*COMMAND, "fetch", f"{store}/studies/{STUDY}", "--output", str(disk / "back")]
    look = ["find", str(disk), "-type", "f"]
    first, left, _, second, there = on_small_disk(disk, 2, fetch, look, ["more", "20"], fetch, look)
    assert first.returncode != 0
    assert "full" in first.stdout
    assert "Traceback" not in first.stdout
    assert left.stdout == ""
    assert second.returncode == 0
    assert there.stdout.count(".dcm") == 12


def test_an_upload_into_a_full_disk_goes_on_with_more_room(folder: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    send = [*COMMAND, "upload", str(folder), "--to", str(disk / "store")]
    look = ["find", str(disk), "-type", "f"]
    first, left, _, second, there = on_small_disk(disk, 2, send, look, ["more", "20"], send, look)
    assert first.returncode != 0
    assert "full" in first.stdout
    assert "Traceback" not in first.stdout
    assert 0 < left.stdout.count(".dcm") < 12
    assert ".part" not in left.stdout
    assert second.returncode == 0
    assert "12 verified" in second.stdout
    assert there.stdout.count(".dcm") == 12


def test_an_upload_whose_journal_has_no_room_sends_nothing_and_says_so(folder: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    send = [*COMMAND, "upload", str(folder), "--to", str(tmp_path / "store"), "--private", str(disk / "private")]
    fill = ["dd", "if=/dev/zero", f"of={disk / 'ballast'}", "bs=4k"]
    _, first, _, second = on_small_disk(disk, 1, fill, send, ["more", "20"], send)
    assert first.returncode != 0
    assert "free some space" in first.stdout
    assert "Traceback" not in first.stdout
    assert second.returncode == 0
    assert len(FolderStore(tmp_path / "store").instances(STUDY)) == 12


def test_a_listener_on_a_full_disk_keeps_all_it_acknowledged_and_refuses_the_rest(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    script = Path(listener_on_small_disk.__file__)
    run = ["env", f"PYTHONPATH={script.parents[1]}", sys.executable, str(script), str(disk)]
    full, _, roomy = on_small_disk(disk, 2, run, ["more", "20"], run)
    first, second = (json.loads(one.stdout.splitlines()[-1]) for one in (full, roomy))
    assert first["refused"]
    assert sorted(first["taken"]) == first["kept"]
    assert first["parts"] == []
    assert second["refused"] == []
    assert len(second["kept"]) == listener_on_small_disk.COUNT
