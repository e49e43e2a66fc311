"""Sending in Anonymizer's panel: every control used as a person would, into a folder and into a real Orthanc."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from panel_driver import click, control_names, wait_for

from AnonymizerLib.logic.upload_queue import DONE, FAILED, PAUSED, STATES, WAITING
from fixtures.anonymized_folders import anonymized_folder
from fixtures.anonymizer_studies import ct, save
from ThoraxAILib.store.address import open_store

STUDY = "1.2.826.0.1.99"
CONTROLS = {
    "uploadSection",
    "uploadFolderEdit",
    "storeAddressEdit",
    "storeUserEdit",
    "storePasswordEdit",
    "storeAuthorityEdit",
    "addUploadButton",
    "uploadTable",
    "sendButton",
    "retryUploadButton",
    "removeUploadButton",
    "checkLogButton",
    "uploadStudiesTable",
    "uploadCancelButton",
    "uploadLogSection",
    "uploadLogBox",
}


@pytest.fixture
def open_panel(open_module, tmp_path, monkeypatch) -> Callable[[], Any]:
    """Opens the panel with a queue of its own."""
    from AnonymizerLib.panel.upload_section import UploadSection

    monkeypatch.setattr(UploadSection, "queue_file", lambda _self: tmp_path / "settings" / "uploads.json")
    return lambda: open_module("Anonymizer")


@pytest.fixture
def section(open_panel) -> Any:
    found = open_panel().upload
    found.widget.collapsed = False
    return found


@pytest.fixture
def folder(tmp_path) -> Path:
    return anonymized_folder(tmp_path / "out", STUDY)


def put(section: Any, folder: Path, address: str) -> None:
    section.folderEdit.setCurrentPath(str(folder))
    section.addressEdit.setText(address)
    click(section.addButton)


def send(section: Any) -> None:
    click(section.sendButton)
    wait_for(lambda: not section.job_panel.is_running)


def states(section: Any) -> list[str]:
    return [order.state for order in section.queue.orders]


def study_row(section: Any) -> list[str]:
    table = section.studiesTable
    return [table.item(0, column).text() for column in range(table.columnCount)]


def test_buttons_that_cannot_work_say_why(section, folder):
    assert "Choose a folder" in section.addButton.toolTip
    section.folderEdit.setCurrentPath(str(folder))
    assert "address" in section.addButton.toolTip
    for button in (section.sendButton, section.retryButton, section.removeButton, section.logButton):
        assert not button.enabled
        assert button.toolTip


def test_a_folder_is_sent_and_its_studies_are_shown(section, folder, tmp_path):
    put(section, folder, str(tmp_path / "store"))
    assert states(section) == [WAITING]
    send(section)
    assert states(section) == [DONE]
    assert study_row(section) == [STUDY, "12", "12", "in the store"]
    assert "Everything is in the store" in section.job_panel.statusLabel.text


def test_a_folder_that_cannot_be_sent_is_told_where_the_button_is(section, folder, tmp_path):
    (tmp_path / "plain").mkdir()
    put(section, tmp_path / "plain", str(tmp_path / "store"))
    assert "manifest" in section.messageLabel.text
    put(section, folder, "http://host/dicom-web")
    assert "not encrypted" in section.messageLabel.text
    assert states(section) == []


def test_a_changed_file_fails_with_its_reason_and_goes_once_more_when_mended(section, folder, tmp_path):
    path = next(folder.rglob("*.dcm"))
    right = path.read_bytes()
    path.write_bytes(right[:-1])
    put(section, folder, str(tmp_path / "store"))
    send(section)
    assert states(section) == [FAILED]
    assert "1 of 12 files are not in the store" in section.job_panel.statusLabel.text
    section.queueTable.clearSelection()
    section.queueTable.selectRow(0)
    assert "1 of 12 files are not in the store" in section.messageLabel.text
    assert study_row(section)[1:] == ["12", "11", "1 refused"]
    path.write_bytes(right)
    click(section.retryButton)
    wait_for(lambda: not section.job_panel.is_running)
    assert states(section) == [DONE]


def test_sending_is_paused_and_goes_on_in_the_next_session(section, folder, tmp_path):
    other = anonymized_folder(tmp_path / "other", f"{STUDY}.7")
    put(section, folder, "dicomweb+https://127.0.0.1:9/dicom-web")  # nobody answers there: it waits with patience
    put(section, other, str(tmp_path / "store"))
    click(section.sendButton)
    wait_for(lambda: "does not answer" in section.job_panel.statusLabel.text)
    assert not section.sendButton.enabled
    click(section.job_panel.cancelButton)
    wait_for(lambda: not section.job_panel.is_running)
    assert states(section) == [PAUSED, WAITING]
    assert "Send goes on" in section.job_panel.statusLabel.text
    section.close()
    assert [order.state for order in type(section)().queue.orders] == [PAUSED, WAITING]


def test_a_panel_that_closes_while_sending_leaves_a_paused_order(section, folder):
    put(section, folder, "dicomweb+https://127.0.0.1:9/dicom-web")
    click(section.sendButton)
    section.close()
    assert states(section) == [PAUSED]


def test_an_order_is_removed_and_its_log_is_checked(section, folder, tmp_path):
    put(section, folder, str(tmp_path / "store"))
    send(section)
    section.queueTable.selectRow(0)
    click(section.logButton)
    assert "as it was written" in section.messageLabel.text
    log = section.queue.orders[0].private_folder / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b"begun", b"begum"))
    click(section.logButton)
    assert "as it was written" not in section.messageLabel.text
    assert section.messageLabel.text
    click(section.removeButton)
    assert states(section) == []
    assert section.queueTable.rowCount == 0


def test_a_user_without_a_password_is_asked_for_it_and_with_it_everything_arrives_in_orthanc(section, folder, server):
    section.userEdit.setText("uploader")
    section.authorityEdit.setCurrentPath(str(server.files.authority))
    put(section, folder, server.address)
    click(section.sendButton)
    assert "password" in section.messageLabel.text
    assert states(section) == [PAUSED]
    section.passwordEdit.setText(server.passwords["uploader"])
    send(section)
    assert states(section) == [DONE]
    store = open_store(server.address, server.access())
    assert len(store.instances(STUDY)) == 12
    assert server.passwords["uploader"] not in section.queue_file().read_text()


def test_what_was_just_de_identified_is_proposed(open_panel, tmp_path):
    save(ct(1, size=32), tmp_path / "in" / "1.dcm")
    panel = open_panel()
    panel.ui.inputFolderEdit.setCurrentPath(str(tmp_path / "in"))
    panel.ui.outputFolderEdit.setCurrentPath(str(tmp_path / "shared"))
    click(panel.ui.runButton)
    wait_for(lambda: not panel.job_panel.is_running)
    assert panel.upload.folderEdit.currentPath == str(tmp_path / "shared")


def test_the_section_folds_and_every_control_is_one_of_those_used_here(section):
    section.widget.click()
    assert section.widget.collapsed
    assert {section.widget.name} | control_names(section.widget) == CONTROLS


def test_every_state_of_an_order_has_its_word(slicer_app):
    from AnonymizerLib.panel.upload_section import STATE_WORDS

    assert set(STATE_WORDS) == set(STATES)
