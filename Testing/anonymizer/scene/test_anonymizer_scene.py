"""A scene full of identifiers, scrubbed: nothing of the person is left, every node is, and the bundle opens again."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from ThoraxAILib.errors import InputError

WORDS = (b"quillfeather", b"ottoline", b"mrn-4711", b"19510407", b"brackenbury", b"1.2.826.0.1.77.4")


@pytest.fixture
def personal(slicer, tmp_path):
    """A scene as a DICOM import with some work on top would leave it."""
    from ThoraxAILib.scene.hierarchy import subject_hierarchy

    volume = slicer.util.addVolumeFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5), name="CT Quillfeather 2024")
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.826.0.1.77.4.1 1.2.826.0.1.77.4.2")
    volume.SetAttribute("DICOM.PatientName", "Quillfeather^Ottoline")
    volume.SetAttribute("Custom.source", str(tmp_path / "MRN-4711" / "ct"))
    volume.SetAttribute("Custom.kernel", "B70f")
    volume.SetDescription("of Ottoline")
    hierarchy = subject_hierarchy()
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Quillfeather^Ottoline (MRN-4711)")
    for name, value in (
        ("PatientName", "Quillfeather^Ottoline"),
        ("PatientID", "MRN-4711"),
        ("PatientBirthDate", "19510407"),
        ("ReferringPhysicianName", "Brackenbury^Lucius"),
    ):
        hierarchy.SetItemAttribute(patient, f"DICOM.{name}", value)
    study = hierarchy.CreateStudyItem(patient, "Study of 2024-02-29")
    hierarchy.SetItemUID(study, "DICOM", "1.2.826.0.1.77.4")
    hierarchy.CreateItem(study, volume)
    points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Points MRN-4711")
    points.AddControlPoint(1.0, 2.0, 3.0, "Ottoline 1")
    points.SetNthControlPointDescription(0, "asked by Brackenbury")
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Lung")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.GetSegmentation().AddEmptySegment("Segment_1", "Quillfeather tumor")
    text = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", "Report")
    text.SetText("Mrs Quillfeather was seen on 19510407.")
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "Table")
    column = table.AddColumn()
    column.SetName("who")
    column.InsertNextValue("MRN-4711")
    column.InsertNextValue("solid")
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "Sequence")
    sequence.SetDataNodeAtValue(volume, "0")
    return slicer


def everything(bundle: Path) -> bytes:
    with zipfile.ZipFile(bundle) as archive:
        return b"\n".join(entry.filename.encode() + archive.read(entry) for entry in archive.infolist()).lower()


def test_the_saved_scene_leaks_before_and_not_after(personal, tmp_path):
    from AnonymizerLib.scene.bundle import scrub_bundle
    from ThoraxAILib.scene.files.saving import write_scene

    source, target = tmp_path / "before.mrb", tmp_path / "after.mrb"
    write_scene(source)
    assert all(word in everything(source) for word in WORDS[:4])
    report = scrub_bundle(source, target)
    assert [word for word in WORDS if word in everything(target)] == []
    assert str(tmp_path).encode().lower() not in everything(target)
    assert report.counts["attributes"] >= 3


def test_every_node_opens_again_with_its_data(personal, tmp_path):
    from AnonymizerLib.scene.bundle import scrub_bundle
    from ThoraxAILib.scene.files.saving import write_scene

    kinds = (
        "vtkMRMLScalarVolumeNode",
        "vtkMRMLMarkupsFiducialNode",
        "vtkMRMLSegmentationNode",
        "vtkMRMLTextNode",
        "vtkMRMLTableNode",
        "vtkMRMLSequenceNode",
    )
    scene = personal.mrmlScene
    before = {kind: scene.GetNumberOfNodesByClass(kind) for kind in kinds}
    write_scene(tmp_path / "before.mrb")
    scrub_bundle(tmp_path / "before.mrb", tmp_path / "after.mrb")
    scene.Clear(0)
    personal.util.loadScene(str(tmp_path / "after.mrb"))
    assert {kind: scene.GetNumberOfNodesByClass(kind) for kind in kinds} == before
    volume = scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    assert (personal.util.arrayFromVolume(volume) == np.arange(60).reshape(3, 4, 5)).all()
    points = scene.GetFirstNodeByClass("vtkMRMLMarkupsFiducialNode")
    assert tuple(points.GetNthControlPointPosition(0)) == (1.0, 2.0, 3.0)
    table = scene.GetFirstNodeByClass("vtkMRMLTableNode")
    assert [table.GetCellText(row, 0) for row in range(2)] == ["removed", "solid"]


def test_harmless_names_and_attributes_stay(personal):
    from AnonymizerLib.logic.logic import AnonymizerLogic

    report = AnonymizerLogic().scrub_scene()
    scene = personal.mrmlScene
    assert report.left == []
    assert scene.GetFirstNodeByName("Lung") is not None
    volume = scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    assert volume.GetAttribute("Custom.kernel") == "B70f"
    assert volume.GetAttribute("Custom.source") is None
    assert volume.GetDescription() in (None, "")


def test_scrubbing_twice_changes_nothing_more(personal):
    from AnonymizerLib.logic.logic import AnonymizerLogic

    AnonymizerLogic().scrub_scene()
    assert not AnonymizerLogic().scrub_scene().counts


@pytest.mark.parametrize("name", ["absent.mrb", "note.txt"])
def test_what_is_no_scene_is_refused(slicer, tmp_path, name):
    from AnonymizerLib.scene.bundle import scrub_bundle

    (tmp_path / "note.txt").write_text("x")
    with pytest.raises(InputError, match="not a saved scene"):
        scrub_bundle(tmp_path / name, tmp_path / "out.mrb")
