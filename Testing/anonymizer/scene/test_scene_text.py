"""Text in scenes that no DICOM attribute repeats: labels, segments, cells, attributes, views, charts, parameters."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

OTHERS = (b"oyelaran", b"vukovic", b"stmary", b"11.06.1944", b"482 913 075")


@pytest.fixture
def written(slicer):
    """A scene in which people have typed, without a single DICOM attribute."""
    from ThoraxAILib.scene.hierarchy import subject_hierarchy

    scene = slicer.mrmlScene
    volume = slicer.util.addVolumeFromArray(np.zeros((3, 3, 3), np.int16), name="Lung CT")
    volume.SetAttribute("remark", "Oyelaran called by Dr Vukovic")
    volume.SetAttribute("Reader", "vukovic@stmary.example")
    volume.SetAttribute("Vukovic", "1")
    volume.SetAttribute("LungMask", "vtkMRMLLabelMapVolumeNode1")
    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Points")
    points.AddControlPoint(1.0, 2.0, 3.0, "Oyelaran 1")
    points.AddControlPoint(1.0, 2.0, 4.0, "Nodule 2")
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Lung")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.GetSegmentation().AddEmptySegment("Segment_1", "Oyelaran lesion")
    segmentation.GetSegmentation().AddEmptySegment("Segment_2", "Left upper lobe")
    table = scene.AddNewNodeByClass("vtkMRMLTableNode", "Table")
    column = table.AddColumn()
    column.SetName("Oyelaran")
    for cell in ("born 11.06.1944", "482 913 075", "12.5", "nodule"):
        column.InsertNextValue(cell)
    text = scene.AddNewNodeByClass("vtkMRMLTextNode", "Text")
    text.SetText("seen by Vukovic")
    view = scene.AddNewNodeByClass("vtkMRMLViewNode", "View of Oyelaran")
    view.SetLayoutName("Extra")
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "Vukovic series")
    sequence.SetDataNodeAtValue(volume, "0")
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", "Chart")
    chart.SetTitle("Growth in Oyelaran")
    parameters = scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "Parameters")
    parameters.SetParameter("reader", "Vukovic")
    parameters.SetParameter("threshold", "0.5")
    hierarchy = subject_hierarchy()
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Oyelaran 11.06.1944")
    hierarchy.SetItemAttribute(folder, "asked", "Dr Vukovic")
    return slicer


def test_no_typed_name_is_left_in_the_written_scene(written, tmp_path):
    from AnonymizerLib.scene.bundle import scrub_bundle
    from ThoraxAILib.scene.files.saving import write_scene

    write_scene(tmp_path / "before.mrb")
    scrub_bundle(tmp_path / "before.mrb", tmp_path / "after.mrb")
    contents = []
    for name in ("before", "after"):
        with zipfile.ZipFile(tmp_path / f"{name}.mrb") as archive:
            parts = (entry.filename.encode() + archive.read(entry) for entry in archive.infolist())
            contents.append(b"\n".join(parts).lower().replace(b"%20", b" "))
    assert [word for word in OTHERS if word in contents[0]] == list(OTHERS)
    assert [word for word in OTHERS if word in contents[1]] == []


def test_what_names_nobody_stays_where_it_was(written):
    from AnonymizerLib.logic.logic import AnonymizerLogic

    AnonymizerLogic().scrub_scene()
    scene = written.mrmlScene
    volume = scene.GetFirstNodeByName("Lung CT")
    points = scene.GetFirstNodeByName("Points")
    segmentation = scene.GetFirstNodeByName("Lung").GetSegmentation()
    table = scene.GetFirstNodeByClass("vtkMRMLTableNode")
    parameters = scene.GetFirstNodeByName("Parameters")
    assert volume.GetAttribute("LungMask") == "vtkMRMLLabelMapVolumeNode1"
    assert [points.GetNthControlPointLabel(index) for index in range(2)] == ["1", "Nodule 2"]
    assert [segmentation.GetNthSegment(index).GetName() for index in range(2)] == ["Segment 1", "Left upper lobe"]
    assert [table.GetCellText(row, 0) for row in range(4)] == ["removed", "removed", "12.5", "nodule"]
    assert (parameters.GetParameter("threshold"), parameters.GetParameter("reader")) == ("0.5", "")


def test_an_open_scene_file_is_told_to_be_saved_as_a_bundle(tmp_path, capsys):
    from ThoraxAILib.cli.main import main

    (tmp_path / "x.mrml").write_text("<MRML/>", encoding="utf-8")
    assert main(["anonymize", str(tmp_path / "x.mrml"), str(tmp_path / "out.mrb")]) == 2
    assert "save it with all its data as .mrb" in capsys.readouterr().err
    assert not (tmp_path / "out.mrb").exists()
