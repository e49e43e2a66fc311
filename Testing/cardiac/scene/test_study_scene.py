"""A study in the scene: everything beats together, curves are charts, insertion points can be moved."""

from __future__ import annotations

import numpy as np
import pytest

from CardiacBiomechLib.analysis.study import GivenLabels, analyze_study
from CardiacBiomechLib.analysis.study_options import StudyOptions
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.motion.demons_engine import DemonsEngine
from CardiacBiomechLib.synthesis.cine import Scanner, acquire, phase_curve
from CardiacBiomechLib.synthesis.groups import draw
from fixtures.formats import check_format

FRAMES = 8


@pytest.fixture(scope="module")
def result():
    """A coarse phantom of eight frames with true labels."""
    scanner = Scanner(shape_kji=(8, 36, 36), spacing_kji_mm=(12.0, 4.0, 4.0), samples_per_slice=1)
    frames = acquire(draw("NOR", np.random.default_rng(1)), scanner, phase_curve(FRAMES), 1)
    cine = Cine(tuple(frame.image for frame in frames), tuple(100.0 * n for n in range(FRAMES)))
    given = GivenLabels(tuple(frame.labels for frame in frames), 0)
    return analyze_study(cine, StudyOptions(), engine=DemonsEngine(), given=given)


@pytest.fixture
def nodes(slicer, result):
    """The nodes of the study in an empty scene."""
    from CardiacBiomechLib.scene.study_scene import study_nodes

    return study_nodes("heart", result)


def test_a_study_with_curves_is_as_its_schema_says(result):
    check_format(result.study.to_dict(), "cardiac")


def test_frames_segmentation_motion_and_wall_beat_in_one_browser(nodes):
    assert nodes[0].GetNumberOfSynchronizedSequenceNodes(True) == 4
    assert nodes[0].GetNumberOfItems() == FRAMES


def test_the_bulls_eyes_are_an_image_that_comes_back_from_the_saved_scene(slicer, result, tmp_path):
    import vtk

    from CardiacBiomechLib.report.bulls_eye import bulls_eye_sheet
    from CardiacBiomechLib.scene.study_scene import write_study_scene

    pixels = bulls_eye_sheet(result.study)
    write_study_scene(tmp_path / "scene.mrb", "heart", result, pixels)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    (node,) = slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode")
    assert node.GetName() == "heart bull's-eyes"
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(node)[0], pixels)
    directions = vtk.vtkMatrix4x4()
    node.GetIJKToRASDirectionMatrix(directions)
    assert [directions.GetElement(0, 0), directions.GetElement(1, 1)] == [-1.0, -1.0]  # as it hangs on a wall


def test_volumes_and_strain_are_charts_over_the_columns_of_one_table(nodes, slicer, result):
    charts = slicer.util.getNodesByClass("vtkMRMLPlotChartNode")
    assert [chart.GetNumberOfPlotSeriesNodes() for chart in charts] == [2, 2]
    volumes = charts[0].GetNthPlotSeriesNode(0)
    table = volumes.GetTableNode().GetTable()
    column = table.GetColumnByName(volumes.GetYColumnName())
    found = [column.GetValue(row) for row in range(table.GetNumberOfRows())]
    assert found == pytest.approx(list(result.study.lv.curve_ml))
    assert table.GetColumnByName("time").GetValue(1) == 100.0


def test_insertion_points_can_be_moved_and_are_read_where_they_lie(nodes, slicer, result):
    from CardiacBiomechLib.scene.insertion_points import shown_insertions

    node = nodes[-1]
    anterior, _ = shown_insertions()
    assert anterior == pytest.approx(result.study.insertions_ras_mm[0])
    assert not node.GetLocked()
    node.SetNthControlPointPositionWorld(1, 1.0, 2.0, 3.0)
    assert shown_insertions() == (anterior, (1.0, 2.0, 3.0))
    slicer.mrmlScene.RemoveNode(node)
    assert shown_insertions() is None


def test_normals_of_the_wall_point_out_of_it_in_every_frame(nodes):
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    (sequence,) = [node for node in nodes if node is not None and node.GetName() == "heart wall"]
    for frame in (0, 3):
        surface = sequence.GetNthDataNode(frame).GetPolyData()
        fresh = vtk.vtkPolyDataNormals()
        bare = vtk.vtkPolyData()
        bare.DeepCopy(surface)
        bare.GetPointData().RemoveArray("Normals")
        fresh.SetInputData(bare)
        fresh.SplittingOff()
        fresh.AutoOrientNormalsOn()
        fresh.Update()
        expected = vtk_to_numpy(fresh.GetOutput().GetPointData().GetNormals())
        found = vtk_to_numpy(surface.GetPointData().GetNormals())
        assert (np.einsum("ij,ij->i", expected, found) > 0.9).all()
