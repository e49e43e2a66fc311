"""An analyzed study in Slicer's scene: frames, segmentations, motion and wall models beat together in one browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
import vtk
from vtk.util import numpy_support

from CardiacBiomechLib.analysis.study import StudyResult
from CardiacBiomechLib.model.heart_labels import HeartLabels
from CardiacBiomechLib.scene.bulls_eye_node import bulls_eye_node
from CardiacBiomechLib.scene.colors import STRAIN_NAME, color_by_strain
from CardiacBiomechLib.scene.frame_sequences import add_sequence
from CardiacBiomechLib.scene.insertion_points import insertion_nodes
from CardiacBiomechLib.scene.study_plots import curve_nodes
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.field import Field
from ThoraxAILib.scene.files.saving import write_scene
from ThoraxAILib.scene.labels.layers import Layer, Segment
from ThoraxAILib.scene.labels.terminology import ANATOMICAL_STRUCTURE, Code, Term
from ThoraxAILib.scene.segments import segmentation_from_layers
from ThoraxAILib.scene.tables import Column, table_node
from ThoraxAILib.scene.volumes import node_from_volume

LEFT_CAVITY = Term(ANATOMICAL_STRUCTURE, Code("87878005", "Left ventricle of heart"))
WALL = Term(ANATOMICAL_STRUCTURE, Code("74281007", "Myocardium"))
RIGHT_CAVITY = Term(ANATOMICAL_STRUCTURE, Code("53085002", "Right ventricle of heart"))


def study_nodes(name: str, result: StudyResult, bulls_eyes: np.ndarray | None = None) -> list:
    """Return new nodes of a study; the browser is the first one. ``bulls_eyes`` is their picture (rows, columns, 3)."""
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", f"{name} beating")
    browser.SetPlaybackRateFps(max(1.0, _rate(result)))
    made = [browser]
    made.append(_add(browser, f"{name} cine", result, lambda frame: _image(result, frame)))
    made.append(_add(browser, f"{name} segmentation", result, lambda frame: _segmentation(result, frame)))
    if result.motion is not None:
        fields = result.motion.fields
        made.append(_add(browser, f"{name} motion", result, lambda frame: _transform(fields[frame])))
        made.append(_add(browser, f"{name} wall", result, lambda frame: _wall_model(result, frame, fields[frame])))
    if bulls_eyes is not None:
        made.append(bulls_eye_node(name, bulls_eyes))
    made += [_segment_table(name, result), *curve_nodes(name, result), *insertion_nodes(name, result)]
    browser.SetSelectedItemNumber(0)
    return made


def write_study_scene(path: Path, name: str, result: StudyResult, bulls_eyes: np.ndarray | None = None) -> None:
    """Write the scene of a study as a Slicer bundle and empty it again; raises OutputError."""
    study_nodes(name, result, bulls_eyes)
    try:
        write_scene(path)
    finally:
        slicer.mrmlScene.Clear(0)


def _rate(result: StudyResult) -> float:
    times = result.study.times_ms
    return 1000.0 * (len(times) - 1) / (times[-1] - times[0]) if times and times[-1] > times[0] else 20.0


def _add(browser, name: str, result: StudyResult, make):
    """Return a new sequence of nodes, one per frame, that the browser plays in step with the others."""
    return add_sequence(browser, name, result.study.frames, result.study.times_ms, make)


def _image(result: StudyResult, frame: int):
    return node_from_volume(result.cine.frames[frame], "cine")


def _segmentation(result: StudyResult, frame: int):
    image = node_from_volume(result.cine.frames[frame], "reference")
    labels = result.labels[frame].array
    parts = result.parts.parts()
    compact = np.zeros(labels.shape, np.uint8)
    for value, part in enumerate(("RV", "MYO", "LV"), start=1):
        if part in parts:
            compact[labels == parts[part]] = value
    segments = {
        1: Segment("RV", "Right ventricle", RIGHT_CAVITY, (0.31, 0.55, 1.0)),
        2: Segment("MYO", "Wall of left ventricle", WALL, (0.27, 0.78, 0.35)),
        3: Segment("LV", "Left ventricle", LEFT_CAVITY, (0.90, 0.24, 0.24)),
    }
    node = segmentation_from_layers("segmentation", image, [Layer(compact, segments)])
    slicer.mrmlScene.RemoveNode(image)
    return node


def _transform(field: Field):
    """Return the motion to a frame as a grid transform; it moves what was loaded at end-diastole."""
    grid = vtk.vtkImageData()
    grid.SetDimensions(*field.grid.shape_kji[::-1])
    axes = field.grid.ijk_to_ras[:3, :3]
    spacing = np.linalg.norm(axes, axis=0)
    grid.SetOrigin(*field.grid.ijk_to_ras[:3, 3])
    grid.SetSpacing(*spacing)
    values = np.ascontiguousarray(field.displacement_ras_mm.reshape(-1, 3), dtype=np.float64)
    grid.GetPointData().SetScalars(numpy_support.numpy_to_vtk(values, deep=True))
    transform = slicer.vtkOrientedGridTransform()
    direction = vtk.vtkMatrix4x4()
    for row in range(3):
        for column in range(3):
            direction.SetElement(row, column, axes[row, column] / spacing[column])
    transform.SetGridDirectionMatrix(direction)
    transform.SetDisplacementGridData(grid)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLGridTransformNode", "motion")
    node.SetAndObserveTransformToParent(transform)
    return node


def _wall_model(result: StudyResult, frame: int, field: Field):
    """Return the surface of the wall at end-diastole, moved to a frame and colored by circumferential strain there."""
    ed = result.study.ed_frame - 1
    surface = _surface(result.labels[ed], result.parts)
    points = numpy_support.vtk_to_numpy(surface.GetPoints().GetData()).astype(float)
    moved = points + field.at(points)
    segment = np.clip(result.axes.segment_of(points), 1, 16)
    strain = result.wall[frame].strain[1][segment - 1]
    target = vtk.vtkPoints()
    target.SetData(numpy_support.numpy_to_vtk(moved.astype(np.float32), deep=True))
    surface.SetPoints(target)
    surface = _with_normals(surface)
    scalars = numpy_support.numpy_to_vtk(np.nan_to_num(strain).astype(np.float32), deep=True)
    scalars.SetName(STRAIN_NAME)
    surface.GetPointData().SetScalars(scalars)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "wall")
    node.SetAndObservePolyData(surface)
    node.CreateDefaultDisplayNodes()
    color_by_strain(node.GetDisplayNode())
    return node


def _surface(labels: Volume, parts: HeartLabels):
    """Return the smooth surface of the wall in RAS mm."""
    inside = np.pad((labels.array == parts.myocardium).astype(np.float32), 1)
    image = vtk.vtkImageData()
    image.SetDimensions(*inside.shape[::-1])
    image.GetPointData().SetScalars(numpy_support.numpy_to_vtk(inside.ravel(), deep=True))
    contour = vtk.vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, 0.5)
    smooth = vtk.vtkWindowedSincPolyDataFilter()
    smooth.SetInputConnection(contour.GetOutputPort())
    smooth.SetNumberOfIterations(20)
    smooth.SetPassBand(0.1)
    smooth.Update()
    surface = vtk.vtkPolyData()
    surface.DeepCopy(smooth.GetOutput())
    index = numpy_support.vtk_to_numpy(surface.GetPoints().GetData())[:, ::-1] - 1.0
    points = vtk.vtkPoints()
    points.SetData(numpy_support.numpy_to_vtk(labels.ras_from_kji(index).astype(np.float32), deep=True))
    surface.SetPoints(points)
    return surface


def _with_normals(surface):
    """Return a surface whose normals are those of its points as they lie now; without them it is drawn black."""
    surface.GetPointData().RemoveArray("Normals")  # of the grid; they would be kept
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputData(surface)
    normals.SplittingOff()
    normals.AutoOrientNormalsOn()
    normals.Update()
    found = vtk.vtkPolyData()
    found.DeepCopy(normals.GetOutput())
    return found


def _segment_table(name: str, result: StudyResult):
    rows = result.study.segments
    columns = [
        Column("segment", [str(row.number) for row in rows], numeric=False),
        Column("name", [row.name for row in rows], numeric=False),
        Column("thickness at end-diastole", [row.thickness_ed_mm for row in rows], "mm"),
        Column("thickness at end-systole", [row.thickness_es_mm for row in rows], "mm"),
        Column("peak circumferential strain", [row.peak["circumferential"] for row in rows], "", "Green-Lagrange"),
        Column("peak radial strain", [row.peak["radial"] for row in rows], "", "Green-Lagrange"),
        Column(
            "apparent stiffness index", [row.stiffness and row.stiffness[0] for row in rows], "", "relative, mean 1"
        ),
    ]
    return table_node(f"{name} segments", columns)
