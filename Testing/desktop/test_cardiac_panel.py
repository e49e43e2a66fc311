"""The panel of CardiacBiomech: every control used as a person would, on a small phantom."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import test_cardiac_panel_practice
from panel_driver import click, control_names, texts_of

from CardiacBiomechLib.synthesis.cine import Scanner, acquire
from CardiacBiomechLib.synthesis.groups import draw
from ThoraxAILib.io.transform_files import write_labels
from ThoraxAILib.registration.itk_images import itk_image

used: set[str] = set()


def uses(*names: str) -> Callable:
    """Marks a test as the one that uses these controls."""
    used.update(names)
    return lambda test: test


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A cine of two frames and the labels of its first."""
    import SimpleITK as sitk

    folder = tmp_path_factory.mktemp("heart")
    scanner = Scanner(shape_kji=(9, 48, 48), spacing_kji_mm=(10.0, 3.2, 3.2), samples_per_slice=1)
    frames = acquire(draw("NOR", np.random.default_rng(1)), scanner, np.array([0.0, 1.0]), 1)
    sitk.WriteImage(sitk.JoinSeries([itk_image(frame.image) for frame in frames]), str(folder / "cine.nii.gz"))
    write_labels(frames[0].labels, folder / "ed.nii.gz")
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> dict[tuple, Path]:
    """Copies of results by what was asked: the same question is not computed a second time."""
    return {}


@pytest.fixture
def panel(open_module, monkeypatch, finished, tmp_path_factory) -> Any:
    """The panel, whose job runs the same command in this process, or brings what it has written before."""
    from ThoraxAILib.cli.main import main

    widget = open_module("CardiacBiomech")
    widget.asked = []
    monkeypatch.setattr(widget.logic, "study_job", lambda request: request)

    def run(request, on_success, _text):
        widget.asked.append(request)
        question = tuple(replace(request, output=Path("result")).to_argv())
        carried = "edited" in " ".join(question)  # labels of the folder itself, another file in every test
        if question not in finished or carried:
            assert main(["cardiac", "analyze", *request.to_argv()]) == 0
            finished[question] = shutil.copytree(request.output, tmp_path_factory.mktemp("kept") / "result")
        else:
            shutil.copytree(finished[question], request.output)
        widget.job_panel.statusLabel.text = on_success(request)

    monkeypatch.setattr(widget.job_panel, "run", run)
    return widget


@pytest.fixture
def chosen(panel, files, tmp_path) -> Any:
    """The panel with exam, labels and folder chosen, and the quick engine."""
    ui = panel.ui
    ui.studyEdit.setCurrentPath(str(files / "cine.nii.gz"))
    ui.labelEdit.setCurrentPath(str(files / "ed.nii.gz"))
    ui.outputEdit.setCurrentPath(str(tmp_path / "out"))
    ui.motionComboBox.setCurrentIndex(ui.motionComboBox.findData("demons"))
    return panel


def test_nothing_can_be_run_before_exam_and_folder_are_chosen(panel, files, tmp_path):
    assert not panel.ui.analyzeButton.enabled
    assert "exam" in panel.ui.analyzeButton.toolTip
    panel.ui.studyEdit.setCurrentPath(str(files / "cine.nii.gz"))
    assert "folder" in panel.ui.analyzeButton.toolTip
    panel.ui.outputEdit.setCurrentPath(str(tmp_path))
    assert panel.ui.analyzeButton.enabled


@uses("dicomCheckBox")
def test_dicom_results_are_asked_for_where_they_are_wanted(chosen):
    assert not chosen.request().with_dicom
    click(chosen.ui.dicomCheckBox)
    assert chosen.request().with_dicom
    assert "--dicom" in chosen.request().to_argv()


@uses("heightSpinBox", "weightSpinBox", "sexComboBox", "surfaceComboBox", "orderEdit", "edSpinBox", "esSpinBox")
@uses("diagnosisModelEdit")
@uses("septumSpinBox", "strainCheckBox", "longAxisCheckBox", "segmenterComboBox", "presetComboBox", "deviceComboBox")
def test_every_setting_is_asked_of_the_command(chosen):
    ui = chosen.ui
    default = chosen.request()
    assert default.person.height_cm is None
    assert default.person.sex is None
    ui.heightSpinBox.value, ui.weightSpinBox.value = 172, 70
    ui.sexComboBox.setCurrentIndex(ui.sexComboBox.findData("female"))
    ui.surfaceComboBox.setCurrentIndex(ui.surfaceComboBox.findData("dubois"))
    ui.orderEdit.text = "acdc"
    ui.edSpinBox.value, ui.esSpinBox.value = 1, 2
    ui.septumSpinBox.value = 12.0
    click(ui.strainCheckBox)
    click(ui.longAxisCheckBox)
    ui.presetComboBox.setCurrentIndex(ui.presetComboBox.findData("strain"))
    ui.deviceComboBox.setCurrentIndex(ui.deviceComboBox.findData("cpu"))
    ui.segmenterComboBox.setCurrentIndex(ui.segmenterComboBox.findData("auto"))
    assert default.diagnosis_model is None
    ui.diagnosisModelEdit.setCurrentPath("model")
    asked = chosen.request()
    assert asked.diagnosis_model == chosen.practice._model() == Path("model")
    assert (asked.person.height_cm, asked.person.weight_kg, asked.person.sex) == (172.0, 70.0, "female")
    assert asked.person.body_surface == "dubois"
    assert (asked.options.order, asked.options.ed_frame, asked.options.es_frame) == ("acdc", 1, 2)
    assert asked.options.septum_degrees == 12.0
    assert not asked.options.strain
    assert not asked.options.long_axis
    assert (asked.engines.preset, asked.engines.device, asked.engines.motion) == ("strain", "cpu", "demons")


@uses("studyEdit", "labelEdit", "frameSpinBox", "outputEdit", "motionComboBox", "analyzeButton", "qualityList")
@uses("diagnosisList")
def test_the_diagnosis_is_shown_with_its_reasons(chosen, files):
    click(chosen.ui.analyzeButton)
    ui = chosen.ui
    assert "diagnosis, by a model trained on" in ui.diagnosisLabel.text
    told = [ui.diagnosisList.item(row).text() for row in range(ui.diagnosisList.count)]
    assert any("ejection fraction" in sentence for sentence in told)
    assert "published group definitions" in told[-1]


@uses("segmentsTable", "stiffnessTable", "showSceneButton", "playButton", "carryAgainButton", "reportButton")
def test_an_exam_is_analyzed_shown_beating_edited_and_carried_again(chosen, slicer_app, monkeypatch):
    ui = chosen.ui
    assert not ui.showSceneButton.enabled
    click(ui.analyzeButton)
    assert "EF" in ui.summaryLabel.text
    said = [ui.qualityList.item(row).text().split(":")[0] for row in range(ui.qualityList.count)]
    severities = [word for word in said if word in ("Error", "Warning", "Note")]
    assert severities
    assert severities == sorted(severities, key=("Error", "Warning", "Note").index)
    assert len(texts_of(ui.segmentsTable, 0)) == 16
    assert texts_of(ui.stiffnessTable, 0)[:2] == ["anterior", "anteroseptal"]
    assert all("to" in text for text in texts_of(ui.stiffnessTable, 1))
    assert "singular value ratio" in ui.stiffnessTable.toolTip
    assert "relative stiffness, virtual fields" in ui.stiffnessLabel.text
    click(ui.showSceneButton)
    browser = chosen._browser
    assert browser.GetNumberOfItems() == 2
    assert browser.GetNumberOfSynchronizedSequenceNodes(True) == 4
    assert ui.insertionsButton.enabled
    (wall,) = [node for node in slicer_app.util.getNodesByClass("vtkMRMLModelNode") if "wall" in node.GetName()]
    assert wall.GetDisplayNode().GetColorNode() is not None
    click(ui.playButton)
    assert browser.GetPlaybackActive()
    click(ui.playButton)
    assert not browser.GetPlaybackActive()
    browser.SetSelectedItemNumber(0)
    click(ui.carryAgainButton)
    assert chosen.asked[-1].label.name == "edited.nii.gz"
    assert chosen.asked[-1].frame == 1
    opened = []
    monkeypatch.setattr("qt.QDesktopServices.openUrl", lambda url: opened.append(url))
    click(ui.reportButton)
    assert len(opened) == 1
    slicer_app.mrmlScene.Clear(0)
    assert not ui.playButton.enabled


@uses("insertionsButton", "anteriorEdit", "inferiorEdit")
def test_insertion_points_moved_in_the_scene_are_asked_of_the_command(chosen, slicer_app):
    ui = chosen.ui
    click(ui.analyzeButton)
    click(ui.showSceneButton)
    (points,) = [
        node
        for node in slicer_app.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
        if node.GetNthControlPointLabel(0) == "anterior insertion"
    ]
    assert not points.GetNthControlPointLocked(0)
    place = np.add(points.GetNthControlPointPositionWorld(0), (2.0, 0.0, 0.0))
    points.SetNthControlPointPositionWorld(0, *place)
    click(ui.insertionsButton)
    assert chosen.asked[-1].options.anterior_insertion_ras_mm == pytest.approx(tuple(place), abs=0.1)
    found = chosen.logic.read_result(chosen._result)
    assert found["methods"]["septum"].startswith("half way between the insertion points")
    ui.anteriorEdit.text = "1, 2"
    click(ui.analyzeButton)
    assert len(chosen.asked) == 2


@uses("beforeEdit", "afterEdit", "comparisonEdit", "compareButton", "comparisonTable", "comparisonPageButton")
def test_two_dates_are_compared_and_a_folder_without_a_result_is_told(chosen, tmp_path, monkeypatch):
    from slicerharness import session

    click(chosen.ui.analyzeButton)
    section = chosen.compare
    section.widget.collapsed = False
    assert not section.compareButton.enabled
    section.beforeEdit.setCurrentPath(str(tmp_path / "out"))
    section.afterEdit.setCurrentPath(str(tmp_path))
    section.outputEdit.setCurrentPath(str(tmp_path / "change"))
    click(section.compareButton)
    assert "analyze an exam first" in str(session.dialogs[-1])
    assert not section.pageButton.enabled
    section.afterEdit.setCurrentPath(str(tmp_path / "out"))
    click(section.compareButton)
    assert "was given as both dates" in str(session.dialogs[-1])
    shutil.copytree(tmp_path / "out", tmp_path / "later")
    section.afterEdit.setCurrentPath(str(tmp_path / "later"))
    click(section.compareButton)
    fraction = texts_of(section.table, 0).index("LV EF, %")
    assert texts_of(section.table, 3)[fraction] == "+0"
    assert texts_of(section.table, 5)[fraction] == "within what readers differ"
    assert (tmp_path / "change" / "comparison.csv").is_file()
    opened = []
    monkeypatch.setattr("qt.QDesktopServices.openUrl", lambda url: opened.append(url))
    click(section.pageButton)
    assert len(opened) == 1


def test_a_result_that_lies_in_the_folder_is_shown_again(chosen, files, tmp_path):
    click(chosen.ui.analyzeButton)
    chosen.ui.outputEdit.setCurrentPath("")
    assert not chosen.ui.reportButton.enabled
    chosen.ui.outputEdit.setCurrentPath(str(tmp_path / "out"))
    assert chosen.ui.reportButton.enabled


def test_a_wrong_label_order_is_told(chosen, slicer_app):
    from slicerharness import session

    chosen.ui.orderEdit.text = "lv=1"
    click(chosen.ui.analyzeButton)
    assert "lv and myo" in str(session.dialogs[-1])
    assert chosen.asked == []


def test_no_control_is_without_a_test(panel):
    sections = {name for name in control_names(panel.parent) if name.endswith("Section")}
    job = {"jobCancelButton", "jobLogBox"}
    assert control_names(panel.parent) - sections - job <= used | test_cardiac_panel_practice.used
