"""The panel of Anonymizer: every control used as a person would, on files and scenes with invented people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from panel_driver import click, control_names, texts_of, wait_for

from fixtures.anonymizer_studies import ct, save

used: set[str] = set()


def uses(*names: str) -> Callable:
    """Marks a test as the one that uses these controls."""
    used.update(names)
    return lambda test: test


@pytest.fixture
def panel(open_module) -> Any:
    return open_module("Anonymizer")


@pytest.fixture
def study(tmp_path) -> Path:
    """Three slices and an image that admits to burned-in text."""
    for number in range(1, 4):
        save(ct(number, size=64), tmp_path / "in" / f"{number}.dcm")
    doubtful = ct(4, size=64)
    doubtful.BurnedInAnnotation = "YES"
    save(doubtful, tmp_path / "in" / "4.dcm")
    return tmp_path


@pytest.fixture
def chosen(panel, study) -> Any:
    """The panel with input and output chosen."""
    panel.ui.inputFolderEdit.setCurrentPath(str(study / "in"))
    panel.ui.outputFolderEdit.setCurrentPath(str(study / "out"))
    return panel


def run_to_end(panel: Any) -> None:
    click(panel.ui.runButton)
    wait_for(lambda: not panel.job_panel.is_running)


def shown_names(panel: Any) -> list[str]:
    return texts_of(panel.ui.tagTable, 0)


def tick(panel: Any, words: str, on: bool = True) -> None:
    """Tick the option whose text holds the words."""
    import qt

    options = panel.ui.optionsList
    (item,) = [options.item(row) for row in range(options.count) if words in options.item(row).text()]
    item.setCheckState(qt.Qt.Checked if on else qt.Qt.Unchecked)


def test_nothing_can_be_run_before_input_and_output_are_chosen(panel, study):
    assert not panel.ui.runButton.enabled
    assert "DICOM files" in panel.ui.runButton.toolTip
    panel.ui.inputFolderEdit.setCurrentPath(str(study / "in"))
    assert "result" in panel.ui.runButton.toolTip
    panel.ui.outputFolderEdit.setCurrentPath(str(study / "out"))
    assert panel.ui.runButton.enabled


@uses("inputFolderEdit", "tagTable")
def test_the_preview_shows_before_and_after(chosen):
    names = shown_names(chosen)
    row = names.index("Patient's Name")
    assert chosen.ui.tagTable.item(row, 1).text() == "Quillfeather^Ottoline"
    assert chosen.ui.tagTable.item(row, 2).text().startswith("P-")
    assert chosen.ui.tagTable.item(row, 3).text() == "pseudonym"
    assert "Rows" not in names


@uses("changedCheckBox", "filterEdit")
def test_the_preview_can_show_everything_and_be_filtered(chosen):
    few = chosen.ui.tagTable.rowCount
    click(chosen.ui.changedCheckBox)
    assert chosen.ui.tagTable.rowCount > few
    chosen.ui.filterEdit.text = "study d"
    assert set(shown_names(chosen)) == {"Study Date", "Study Description"}
    assert "2 of" in chosen.ui.previewLabel.text


@uses("fileSpinBox", "imageSection")
def test_another_file_of_the_folder_is_shown(chosen):
    assert chosen.ui.fileCountLabel.text == "of 4"
    click(chosen.ui.changedCheckBox)
    chosen.ui.filterEdit.text = "Instance Number"
    chosen.ui.imageSection.click()
    chosen.ui.fileSpinBox.value = 3
    assert texts_of(chosen.ui.tagTable, 1) == ["3"]
    assert not chosen.ui.imageLabel.pixmap.isNull()


@uses("profileComboBox", "optionsList")
def test_profile_and_options_change_the_preview(chosen):
    chosen.ui.filterEdit.text = "Study Date"
    assert texts_of(chosen.ui.tagTable, 2) == [""]
    chosen.ui.profileComboBox.setCurrentIndex(1)
    assert texts_of(chosen.ui.tagTable, 3) == ["C date"]
    tick(chosen, "modified-dates", on=False)
    tick(chosen, "full-dates")
    chosen.ui.changedCheckBox.checked = False
    assert texts_of(chosen.ui.tagTable, 2) == ["20240229"]
    assert "original dates are kept" in chosen.ui.promiseLabel.text


def test_contradicting_options_are_told_and_nothing_is_shown(chosen):
    tick(chosen, "modified-dates")
    tick(chosen, "full-dates")
    assert "contradict" in chosen.ui.previewLabel.text
    assert chosen.ui.tagTable.rowCount == 0


@uses("rulesEdit")
def test_own_rules_reach_the_preview_and_mistakes_are_told_with_their_line(chosen, study):
    rules = study / "rules.yaml"
    rules.write_text("replace:\n  StationName: Scanner A\n")
    chosen.ui.filterEdit.text = "Station"
    chosen.ui.rulesEdit.setCurrentPath(str(rules))
    assert texts_of(chosen.ui.tagTable, 2) == ["Scanner A"]
    wrong = study / "wrong.yaml"
    wrong.write_text("keep:\n  - StationNme\n")
    chosen.ui.rulesEdit.setCurrentPath(str(wrong))
    assert "line 2" in chosen.ui.previewLabel.text


@uses("keyEdit", "passwordEdit")
def test_a_key_needs_its_password_and_makes_the_result_pseudonymous(chosen, study):
    assert "anonymous as far as" in chosen.ui.promiseLabel.text
    chosen.ui.keyEdit.setCurrentPath(str(study / "project.key"))
    assert "pseudonymous" in chosen.ui.promiseLabel.text
    assert "password" in chosen.ui.runButton.toolTip
    chosen.ui.passwordEdit.text = "correct horse"
    run_to_end(chosen)
    assert (study / "project.key").is_file()
    assert "pseudonymous" in chosen.ui.resultLabel.text


@uses("runButton", "jobsSpinBox", "outputFolderEdit", "jobLogSection", "jobLogBox")
def test_a_run_ends_with_counts_a_report_and_the_quarantine_list(chosen, study):
    chosen.ui.jobsSpinBox.value = 1
    run_to_end(chosen)
    assert chosen.job_panel.statusLabel.text == "3 clean, 1 in quarantine, 0 left out."
    assert len(list((study / "out").rglob("*.dcm"))) == 3
    assert texts_of(chosen.ui.quarantineTable, 1) == ["4.dcm"]
    assert "burned-in" in texts_of(chosen.ui.quarantineTable, 0)[0]


@uses("reportButton", "quarantineSection")
def test_the_report_opens_after_a_run_only(chosen, monkeypatch):
    import qt

    opened = []
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    assert not chosen.ui.reportButton.enabled
    run_to_end(chosen)
    click(chosen.ui.reportButton)
    assert opened[0].endswith("report.html")
    chosen.ui.quarantineSection.click()


@uses("quarantineTable", "showQuarantinedButton")
def test_a_waiting_file_is_shown_in_the_preview(chosen):
    assert not chosen.ui.showQuarantinedButton.enabled
    run_to_end(chosen)
    chosen.ui.quarantineTable.selectRow(0)
    click(chosen.ui.showQuarantinedButton)
    assert chosen.ui.fileSpinBox.value == 4
    assert not chosen.ui.imageSection.collapsed


@uses(
    "leftSpinBox", "topSpinBox", "widthSpinBox", "heightSpinBox", "addRegionButton", "regionsList", "removeRegionButton"
)
def test_regions_are_added_removed_and_blanked(chosen, study):
    chosen.ui.imageSection.collapsed = False
    for name, value in (("left", 4), ("top", 6), ("width", 20), ("height", 10)):
        getattr(chosen.ui, f"{name}SpinBox").value = value
    click(chosen.ui.addRegionButton)
    chosen.ui.leftSpinBox.value = 40
    click(chosen.ui.addRegionButton)
    chosen.ui.regionsList.setCurrentRow(1)
    click(chosen.ui.removeRegionButton)
    assert [chosen.ui.regionsList.item(row).text() for row in range(chosen.ui.regionsList.count)] == ["4, 6, 20, 10"]
    run_to_end(chosen)
    assert chosen.job_panel.statusLabel.text == "4 clean, 0 in quarantine, 0 left out."
    from pydicom import dcmread

    datasets = [dcmread(path) for path in (study / "out").rglob("*.dcm")]
    (blanked,) = [ds for ds in datasets if ds.get("BurnedInAnnotation") == "NO"]
    assert (blanked.pixel_array[6:16, 4:24] == 0).all()
    assert blanked.pixel_array[20:].any()


@uses("acceptPixelsCheckBox")
def test_looked_at_images_may_pass(chosen):
    chosen.ui.imageSection.collapsed = False
    click(chosen.ui.acceptPixelsCheckBox)
    run_to_end(chosen)
    assert chosen.job_panel.statusLabel.text == "4 clean, 0 in quarantine, 0 left out."


@uses("readTextButton")
def test_reading_text_adds_its_regions_or_says_what_is_missing(chosen, monkeypatch, slicer_app):
    from slicerharness import session

    from AnonymizerLib.letters import ocr
    from AnonymizerLib.profile.regions import Box

    chosen.ui.imageSection.collapsed = False
    monkeypatch.setattr(ocr, "find_text", lambda frame: [Box(1, 2, 3, 4)])
    click(chosen.ui.readTextButton)
    assert chosen.ui.regionsList.item(0).text() == "1, 2, 3, 4"
    monkeypatch.undo()
    monkeypatch.setattr("shutil.which", lambda name: None)
    click(chosen.ui.readTextButton)
    assert any("tesseract" in str(dialog) for dialog in session.dialogs)


@uses("approveFacesCheckBox", "showFacesButton")
def test_faces_are_shown_and_approved(chosen, study, monkeypatch):
    import qt

    opened = []
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    chosen.ui.imageSection.collapsed = False
    assert not chosen.ui.showFacesButton.enabled
    (study / "out-private" / "faces").mkdir(parents=True)
    (study / "out-private" / "faces" / "A.png").write_bytes(b"")
    click(chosen.ui.approveFacesCheckBox)
    chosen.on_settings_changed()
    click(chosen.ui.showFacesButton)
    assert opened[0].endswith("A.png")
    assert chosen._request().how.approve_faces


@uses("jobCancelButton")
def test_a_run_can_be_cancelled(chosen, study):
    for number in range(5, 400):
        save(ct(number, size=64), study / "in" / f"{number}.dcm")
    chosen.on_input_folder_changed(str(study / "in"))
    click(chosen.ui.runButton)
    assert not chosen.ui.runButton.enabled
    wait_for(lambda: chosen.job_panel.progressBar.value > 0)
    click(chosen.job_panel.cancelButton)
    wait_for(lambda: not chosen.job_panel.is_running)
    assert "Cancelled" in chosen.job_panel.statusLabel.text
    assert not (study / "out" / ".unfinished").exists()


def test_a_run_that_is_refused_says_why(chosen, study):
    save(ct(1), study / "out" / "theirs.dcm")
    run_to_end(chosen)
    assert "not empty" in chosen.job_panel.statusLabel.text


@uses("volumeSelector")
def test_a_loaded_volume_leads_to_the_folder_of_its_files(panel, study, slicer_app):
    volume = slicer_app.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    panel.ui.volumeSelector.setCurrentNode(volume)
    assert "not known" in panel.ui.previewLabel.text
    loaded = slicer_app.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT 2")
    storage = slicer_app.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(study / "in" / "1.dcm"))
    loaded.SetAndObserveStorageNodeID(storage.GetID())
    panel.ui.volumeSelector.setCurrentNode(loaded)
    assert panel.ui.inputFolderEdit.currentPath == str(study / "in")


@uses("scrubSceneButton")
def test_the_open_scene_is_scrubbed_after_a_question(panel, slicer_app, monkeypatch):
    node = slicer_app.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", "Text")
    node.SetAttribute("DICOM.PatientName", "Quillfeather^Ottoline")
    monkeypatch.setattr(slicer_app.util, "confirmOkCancelDisplay", lambda *_: False)
    click(panel.ui.scrubSceneButton)
    assert node.GetAttribute("DICOM.PatientName") is not None
    monkeypatch.setattr(slicer_app.util, "confirmOkCancelDisplay", lambda *_: True)
    click(panel.ui.scrubSceneButton)
    assert node.GetAttribute("DICOM.PatientName") is None
    assert "Scene scrubbed" in panel.ui.sceneLabel.text
    slicer_app.mrmlScene.Clear(0)
    assert "Saved scenes" in panel.ui.sceneLabel.text


@uses("inputSection", "profileSection", "previewSection", "runSection", "sceneSection")
@pytest.mark.parametrize("name", ["inputSection", "profileSection", "previewSection", "runSection", "sceneSection"])
def test_sections_fold(panel, name):
    section = getattr(panel.ui, name)
    before = section.collapsed
    section.click()
    assert section.collapsed != before


def test_every_control_is_used_by_a_test(panel):
    of_sending = {panel.upload.widget.name} | control_names(panel.upload.widget)  # test_upload_panel.py uses them
    assert control_names(panel.parent) - of_sending == used
