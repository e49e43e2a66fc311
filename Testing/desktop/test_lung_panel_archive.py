"""LungNoduleAI panel: a study of a store is opened, its results go back beside it, and results of others come in."""

from __future__ import annotations

from pathlib import Path

import pytest
from panel_driver import click, uses, wait_for

from fixtures.dicom_documents import STUDY_UID, lung_result, measured, write_ct, write_lung_documents
from ThoraxAILib.store.folder_store import FolderStore
from ThoraxAILib.store.instance import read_instance

pytest.importorskip("highdicom")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """A folder as a store, with one CT."""
    write_ct(tmp_path / "ct")
    made = FolderStore(tmp_path / "store")
    made.send([read_instance(path.read_bytes()) for path in (tmp_path / "ct").iterdir()])
    return made


@uses("archiveSection", "archiveAddressEdit", "archiveUserEdit", "archivePasswordEdit", "archiveAuthorityEdit")
@uses("archivePatientEdit", "listStudiesButton", "archiveStudiesTable", "openStudyButton", "sendResultsButton")
def test_a_study_is_opened_from_a_store_and_its_results_go_back(panel, store):
    archive = panel.archive
    archive.widget.collapsed = False
    assert not archive.listButton.enabled
    archive.addressEdit.text = str(store.folder)
    archive.patientEdit.text = "nobody"
    click(archive.listButton)
    assert archive.studiesTable.rowCount == 0
    assert "no such study" in archive.messageLabel.text
    archive.patientEdit.text = "P-1"
    click(archive.listButton)
    assert [archive.studiesTable.item(0, column).text() for column in (1, 3)] == ["P-1", "24"]
    assert not archive.openButton.enabled
    archive.studiesTable.selectRow(0)
    click(archive.openButton)
    wait_for(lambda: not panel.job_panel.is_running)
    node = panel.ui.inputSelector.currentNode()
    assert node is not None, panel.job_panel.statusLabel.text
    assert not archive.sendButton.enabled
    volume = panel.logic.volume_from_node(node)
    panel.logic.show_result(node, lung_result(volume, measured(volume)))
    panel._show_result()
    click(archive.sendButton)
    assert "6 DICOM results" in archive.messageLabel.text or "5 DICOM results" in archive.messageLabel.text
    modalities = {file.modality for file in store.retrieve(STUDY_UID)}
    assert {"CT", "SEG", "SR", "KO", "PR"} <= modalities
    before = store.instances(STUDY_UID)
    click(archive.sendButton)
    assert store.instances(STUDY_UID) == before


def test_a_user_without_a_password_is_told(panel, refused):
    archive = panel.archive
    archive.addressEdit.text, archive.userEdit.text = "dicomweb+https://localhost:1/x", "anna"
    with refused("password"):
        archive.archive().studies()


@uses("othersResultsButton")
def test_results_of_other_programs_become_findings_of_the_chosen_ct(panel, tmp_path, monkeypatch):
    import qt

    from ThoraxAILib.scene.volumes import node_from_volume

    panel.archive.widget.collapsed = False
    made = write_lung_documents(tmp_path)
    node = node_from_volume(made.volume, "CT")
    panel.ui.inputSelector.setCurrentNode(node)
    files = [str(tmp_path / name) for name in ("nodules.seg.dcm", "measurements.sr.dcm", "anatomy.seg.dcm")]
    monkeypatch.setattr(qt.QFileDialog, "getOpenFileNames", lambda *_: files)
    click(panel.archive.othersButton)
    assert {"Nodule_01", "Nodule_02", "Mass_01"} <= {finding.id for finding in panel.logic.findings()}
    assert "findings of other programs" in panel.archive.messageLabel.text
    assert "Right upper lobe" in panel.archive.messageLabel.text
