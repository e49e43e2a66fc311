"""The queue of uploads: it outlives the program, holds no password, and every order can go on where it was."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from AnonymizerLib.logic.upload_queue import (
    DONE,
    FAILED,
    PAUSED,
    SENDING,
    WAITING,
    UploadOrder,
    UploadQueue,
    upload_job,
)
from fixtures.anonymized_folders import anonymized_folder
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.child_job import SUCCEEDED, ChildJob
from ThoraxAILib.store.access import PASSWORD_VARIABLE

STUDY = "1.2.826.0.1.99"


@pytest.fixture
def order(tmp_path: Path) -> UploadOrder:
    """A folder of twelve files that goes into another folder."""
    return UploadOrder(str(anonymized_folder(tmp_path / "out", STUDY)), str(tmp_path / "store"))


@pytest.fixture
def queue(tmp_path: Path) -> UploadQueue:
    return UploadQueue(tmp_path / "settings" / "uploads.json")


def again(tmp_path: Path) -> UploadQueue:
    """The queue as the next session finds it."""
    return UploadQueue(tmp_path / "settings" / "uploads.json")


def ended(job: ChildJob) -> ChildJob:
    job.start()
    deadline = time.monotonic() + 60
    while not job.is_finished and time.monotonic() < deadline:
        job.poll()
        time.sleep(0.01)
    return job


def test_an_order_is_kept_for_the_next_session(queue, order, tmp_path):
    assert queue.add(order) == 0
    assert again(tmp_path).orders == [order]


def test_what_was_being_sent_when_the_session_ended_is_paused(queue, order, tmp_path):
    queue.mark(queue.add(order), SENDING)
    assert [one.state for one in again(tmp_path).orders] == [PAUSED]


def test_paused_orders_wait_again_and_failed_ones_do_not(queue, order):
    queue.add(order)
    queue.mark(0, FAILED, "The store does not answer.")
    queue.resume()
    assert (queue.next_place(), queue.orders[0].state) == (None, FAILED)
    queue.mark(0, PAUSED)
    queue.resume()
    assert (queue.next_place(), queue.orders[0].state) == (0, WAITING)


def test_the_same_folder_does_not_wait_twice_for_one_store(queue, order):
    queue.add(order)
    with pytest.raises(InputError, match="already"):
        queue.add(order)


def test_an_order_that_cannot_be_sent_is_refused_at_once(queue, order, tmp_path):
    (tmp_path / "plain").mkdir()
    with pytest.raises(InputError, match="manifest"):
        queue.add(UploadOrder(str(tmp_path / "plain"), order.address))
    with pytest.raises(InputError, match="not encrypted"):
        queue.add(UploadOrder(order.folder, "http://host/dicom-web"))
    assert queue.orders == []


def test_an_order_being_sent_cannot_be_removed_and_any_other_can(queue, order, tmp_path):
    queue.mark(queue.add(order), SENDING)
    with pytest.raises(InputError, match="pause"):
        queue.remove(0)
    queue.mark(0, DONE)
    queue.remove(0)
    assert again(tmp_path).orders == []


@pytest.mark.parametrize(
    "content", ["{", "[1]", '{"a": 1}', '[{"folder": "x"}]', "[" * 100_000, '[{"folder": 3, "address": "x"}]']
)
def test_a_damaged_queue_is_put_aside_and_never_written_over(tmp_path, order, content):
    file = tmp_path / "settings" / "uploads.json"
    file.parent.mkdir()
    file.write_text(content)
    queue = again(tmp_path)
    assert queue.orders == []
    queue.add(order)
    assert (file.parent / "uploads.json.damaged").read_text() == content


def test_the_job_sends_and_the_state_of_each_study_can_be_read(queue, order):
    assert order.studies() == []
    assert ended(upload_job(order)).state == SUCCEEDED
    (study,) = order.studies()
    assert (study.study_uid, study.files, study.verified, study.failed) == (STUDY, 12, 12, 0)


def test_a_job_that_leaves_files_behind_says_how_many_and_why(order):
    path = next(Path(order.folder).rglob("*.dcm"))
    path.write_bytes(path.read_bytes()[:-1])
    job = ended(upload_job(order))
    assert job.failure is not None
    assert job.failure.message.startswith("1 of 12 files are not in the store as they should be: 1 x the file is not")
    (study,) = order.studies()
    assert (study.verified, study.failed) == (11, 1)


def test_a_password_goes_through_the_environment_only(order, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "of another store")
    asked = UploadOrder(order.folder, "dicomweb+https://host/dicom-web", "ann", "/etc/ca.pem")
    with pytest.raises(InputError, match="password"):
        upload_job(asked)
    job = upload_job(asked, "secret", {})
    assert "secret" not in " ".join(job.command)
    assert job._environment == {PASSWORD_VARIABLE: "secret"}
    assert job.command[-4:] == ("--user", "ann", "--ca", "/etc/ca.pem")
    assert PASSWORD_VARIABLE not in upload_job(order)._environment


def test_the_queue_file_holds_no_password_and_is_private(queue, order, tmp_path):
    queue.add(order)
    file = tmp_path / "settings" / "uploads.json"
    assert set(json.loads(file.read_text())[0]) == {"folder", "address", "user", "authority", "state", "message"}
    assert file.stat().st_mode & 0o077 == 0
