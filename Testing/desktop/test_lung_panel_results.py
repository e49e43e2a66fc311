"""LungNoduleAI panel: 3D, report, saving, methods, and results that come and go with the scene."""

from __future__ import annotations

import json
from pathlib import Path

import chest
import pytest
from panel_driver import click, texts_of, uses


@uses("show3DButton", "resultsSection")
def test_show_3d_makes_and_hides_surfaces(analyzed):
    segmentation = analyzed.logic.result_nodes().segmentation
    click(analyzed.ui.show3DButton)
    assert segmentation.GetSegmentation().ContainsRepresentation("Closed surface")
    assert segmentation.GetDisplayNode().GetVisibility3D()
    click(analyzed.ui.show3DButton)
    assert not segmentation.GetDisplayNode().GetVisibility3D()
    analyzed.ui.resultsSection.click()
    assert analyzed.ui.resultsSection.collapsed


@uses("reportButton")
def test_the_report_is_written_as_the_result_stands_and_opened(analyzed, monkeypatch):
    import qt

    opened = []
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", lambda url: opened.append(Path(url.toLocalFile())))
    analyzed.logic.set_finding_status("N2", "rejected", "crossing vessel")
    click(analyzed.ui.reportButton)
    assert "crossing vessel" in opened[0].read_text(encoding="utf-8")
    analyzed.cleanup()
    assert not opened[0].exists()


@uses("clearButton")
def test_clear_removes_the_result_and_keeps_the_ct(analyzed, ct, slicer_app):
    click(analyzed.ui.clearButton)
    assert analyzed.logic.current_result() is None
    assert analyzed.findingsTable.table.rowCount == 0
    assert slicer_app.mrmlScene.GetNodeByID(ct.GetID()) is ct
    for button in (analyzed.ui.clearButton, analyzed.ui.reportButton, analyzed.ui.show3DButton):
        assert not button.enabled
        assert "no result" in button.toolTip


@uses("saveFolderEdit", "saveButton")
def test_save_writes_every_file_with_the_decisions(analyzed, tmp_path):
    import ctk

    assert "Choose the folder" in analyzed.ui.saveButton.toolTip
    assert analyzed.ui.saveFolderEdit.filters == ctk.ctkPathLineEdit.Dirs
    analyzed.logic.set_finding_status("N2", "rejected", "vessel")
    target = tmp_path / "results"
    analyzed.ui.saveFolderEdit.setCurrentPath(str(target))
    click(analyzed.ui.saveButton)
    assert {path.name for path in target.iterdir()} == {
        "scene.mrb",
        "segmentation.seg.nrrd",
        "nodules.mrk.json",
        "findings.json",
        "findings.csv",
        "report.html",
        "report.pdf",
        "report.txt",
        "run.json",
    }
    saved = json.loads((target / "findings.json").read_text())
    assert [finding["status"] for finding in saved["findings"]] == ["unreviewed", "rejected", "unreviewed"]
    assert "scene.mrb" in analyzed.ui.savedLabel.text


def test_saving_where_it_is_impossible_is_told(analyzed, tmp_path):
    from slicerharness import session

    (tmp_path / "file").write_text("")
    analyzed.ui.saveFolderEdit.setCurrentPath(str(tmp_path / "file"))
    click(analyzed.ui.saveButton)
    assert "is a file" in session.dialogs[-1].text
    analyzed.ui.saveFolderEdit.setCurrentPath(str(tmp_path / "no" / "such"))
    click(analyzed.ui.saveButton)
    assert "cannot be made" in session.dialogs[-1].text
    assert analyzed.ui.savedLabel.text == ""


@uses("copyTextButton")
def test_the_report_goes_to_the_clipboard_as_text_with_the_review(analyzed):
    import qt

    analyzed.logic.set_finding_status("N2", "rejected", "vessel crossing")
    click(analyzed.ui.copyTextButton)
    text = qt.QApplication.clipboard().text()
    assert text.index("IMPRESSION") < text.index("FINDINGS") < text.index("REJECTED")
    assert "vessel crossing" in text
    assert "on the clipboard" in analyzed.ui.savedLabel.text
    analyzed.ui.inputSelector.setCurrentNode(None)
    assert not analyzed.ui.copyTextButton.enabled


@uses("methodsText", "methodsSection")
def test_methods_and_run_record_can_be_read(analyzed):
    analyzed.ui.methodsSection.click()
    assert not analyzed.ui.methodsSection.collapsed
    text = analyzed.ui.methodsText.plainText
    assert "Lungs by a classical method." in text
    assert "threshold = 0.5" in text
    assert "{" not in text
    analyzed.findingsTable.decide("accepted")
    analyzed.ui.inputSelector.setCurrentNode(None)
    analyzed.ui.inputSelector.setCurrentNode(analyzed.logic.result_nodes().volume)
    assert "N3 accepted" in analyzed.ui.methodsText.plainText


def test_deleting_a_result_node_by_hand_empties_the_panel(analyzed, slicer_app):
    slicer_app.mrmlScene.RemoveNode(analyzed.logic.result_nodes().text)
    assert analyzed.findingsTable.table.rowCount == 0
    assert not analyzed.ui.clearButton.enabled


def test_a_second_volume_has_no_result_until_it_is_analyzed(analyzed, ct):
    from ThoraxAILib.scene.volumes import node_from_volume

    analyzed.ui.inputSelector.setCurrentNode(node_from_volume(chest.chest_volume(), "CT 2"))
    assert analyzed.findingsTable.table.rowCount == 0
    analyzed.ui.inputSelector.setCurrentNode(ct)
    assert analyzed.findingsTable.table.rowCount == 3
    assert analyzed.ui.reportButton.enabled


def test_a_saved_scene_brings_settings_and_result_back(analyzed, slicer_app, tmp_path):
    analyzed.ui.thresholdSlider.value = 0.7
    analyzed.logic.set_finding_status("N3", "accepted")
    scene = tmp_path / "scene.mrb"
    assert slicer_app.util.saveScene(str(scene))
    slicer_app.mrmlScene.Clear(0)
    assert analyzed.findingsTable.table.rowCount == 0
    slicer_app.util.loadScene(str(scene))
    assert analyzed.ui.thresholdSlider.value == 0.7
    assert analyzed.ui.inputSelector.currentNode().GetName() == "CT"
    assert texts_of(analyzed.findingsTable.table, 0) == ["N3", "N1"]
    assert texts_of(analyzed.findingsTable.table, 7) == ["Accepted", "Open"]


def test_reload_builds_a_fresh_panel(reloading, analyzed, slicer_app):
    analyzed.onReload()
    fresh = slicer_app.util.getModuleWidget("LungNoduleAI")
    assert type(fresh) is not type(analyzed)
    assert fresh.findingsTable.table.rowCount == 3


@pytest.fixture(scope="module")
def dicom_folder(tmp_path_factory):
    """A small CT series as files."""
    from fixtures.dicom_series_builder import SeriesPlan, write_series

    def complete(dataset, _k: int) -> None:
        dataset.PatientName, dataset.PatientID, dataset.PatientSex = "Doe^Jane", "P-1", "F"
        dataset.PatientBirthDate, dataset.StudyTime, dataset.StudyID = "", "101500", "1"
        dataset.AccessionNumber, dataset.ReferringPhysicianName, dataset.PositionReferenceIndicator = "", "", ""

    folder = tmp_path_factory.mktemp("ct")
    write_series(folder, SeriesPlan(count=24, rows=32, columns=32), complete)
    return folder


@pytest.fixture
def of_dicom(panel, dicom_folder, red_slice):
    """The panel with a result of that series."""
    from ThoraxAILib.io import read_volume
    from ThoraxAILib.scene.volumes import node_from_volume, volume_from_node

    node = node_from_volume(read_volume(dicom_folder), "CT")
    volume = volume_from_node(node)
    panel.logic.show_result(node, chest.chest_result(volume))
    panel.ui.inputSelector.setCurrentNode(node)
    return panel


@uses("dicomCheckBox", "dicomFolderEdit")
def test_dicom_results_are_saved_beside_the_others_when_they_are_wanted(of_dicom, dicom_folder, tmp_path):
    from pydicom import dcmread
    from slicerharness import session

    pytest.importorskip("highdicom")
    ui = of_dicom.ui
    ui.saveFolderEdit.setCurrentPath(str(tmp_path / "saved"))
    assert "Check the box" in ui.dicomFolderEdit.toolTip
    ui.dicomCheckBox.checked = True
    click(ui.saveButton)  # nobody said where the images are, and there is no database here
    assert "choose their folder under Advanced" in session.dialogs[-1].text
    assert not list((tmp_path / "saved").iterdir())
    ui.dicomFolderEdit.setCurrentPath(str(dicom_folder))
    click(ui.saveButton)
    reports = [dcmread(tmp_path / "saved" / name) for name in ("nodules.seg.dcm", "measurements.sr.dcm")]
    assert [report.Modality for report in reports] == ["SEG", "SR"]
    assert [segment.SegmentLabel for segment in reports[0].SegmentSequence] == ["N1", "N2", "N3"]
    assert "measurements.sr.dcm" in ui.savedLabel.text


def test_slicers_database_tells_where_the_images_lie(of_dicom, dicom_folder, monkeypatch, slicer_app):
    from types import SimpleNamespace

    from LungNoduleAILib.logic.dicom_files import images_of

    files = sorted(path for path in dicom_folder.rglob("*") if path.is_file())
    known = {f"1.{number}": str(path) for number, path in enumerate(files)}
    database = SimpleNamespace(fileForInstance=known.get, instanceValue=lambda *_: "")
    monkeypatch.setattr(slicer_app, "dicomDatabase", database, raising=False)
    node = of_dicom.logic.review.nodes().volume
    node.SetAttribute("DICOM.instanceUIDs", " ".join(known))
    assert images_of(node) == files
