"""Run in a fresh Python: opens what saveResult wrote, with Slicer's own functions, and prints what is there as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from ThoraxAILib.scene import host

slicer = host.install()
import vtk  # noqa: E402
from vtk.util import numpy_support  # noqa: E402


def segments_of(node) -> dict:
    """Name, terminology, voxel count and center (RAS mm) of each segment, from its own labelmap."""
    return {segment_id: segment_facts(node, segment_id) for segment_id in node.GetSegmentation().GetSegmentIDs()}


def segment_facts(node, segment_id: str) -> dict:
    """What one segment says and where its voxels are."""
    segment, tag = node.GetSegmentation().GetSegment(segment_id), vtk.mutable("")
    segment.GetTag("TerminologyEntry", tag)
    image, matrix = slicer.vtkOrientedImageData(), vtk.vtkMatrix4x4()
    node.GetBinaryLabelmapRepresentation(segment_id, image)
    image.GetImageToWorldMatrix(matrix)
    extent = image.GetExtent()
    shape = [extent[axis + 1] - extent[axis] + 1 for axis in (4, 2, 0)]
    voxels = np.argwhere(numpy_support.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(shape) > 0)
    center_ijk = (voxels.mean(0) + np.array(extent[4::-2]))[::-1]
    center = slicer.util.arrayFromVTKMatrix(matrix) @ [*center_ijk, 1.0]
    return {"name": segment.GetName(), "term": str(tag), "voxels": len(voxels), "center": center[:3].tolist(),
            "color": list(segment.GetColor())}


def points_of(node) -> list:
    """Position (RAS mm), label and description of each point."""
    positions = slicer.util.arrayFromMarkupsControlPoints(node, world=True)
    return [{"position": position.tolist(), "label": node.GetNthControlPointLabel(index),
             "description": node.GetNthControlPointDescription(index),
             "selected": bool(node.GetNthControlPointSelected(index))} for index, position in enumerate(positions)]


def scene_facts(path: Path) -> dict:
    """What the Logic finds again in the reopened scene."""
    slicer.util.loadScene(str(path))
    from LungNoduleAILib.logic.logic import LungNoduleAILogic

    logic = LungNoduleAILogic()
    nodes = logic.resultNodes()
    names = [nodes.table.GetColumnName(index) for index in range(nodes.table.GetNumberOfColumns())]
    volume = logic.volumeFromNode(nodes.volume)
    return {
        "segments": segments_of(nodes.segmentation), "points": points_of(nodes.points),
        "boxes": [list(box.GetCenterWorld()) for box in nodes.boxes],
        "boxes_visible": [bool(box.GetDisplayNode().GetVisibility()) for box in nodes.boxes],
        "table": [{name: nodes.table.GetCellText(row, index) for index, name in enumerate(names)}
                  for row in range(nodes.table.GetNumberOfRows())],
        "unit": nodes.table.GetColumnUnitLabel("Mean diameter"), "findings": logic.currentResult().to_dict(),
        "options": nodes.text.GetAttribute("LungNoduleAI.run.options"), "threshold": nodes.threshold(),
        "voxel_sum": int(volume.array.sum(dtype=np.int64)), "first_voxels_ras": volume.ras_from_kji(
            np.argwhere(volume.array == volume.array.max())).tolist(),
    }


def main(folder: Path) -> None:
    """Print the facts of the three files, each opened in an empty scene."""
    facts = {"scene": scene_facts(folder / "scene.mrb")}
    slicer.mrmlScene.Clear(0)
    facts["segmentation"] = segments_of(slicer.util.loadSegmentation(str(folder / "segmentation.seg.nrrd")))
    slicer.mrmlScene.Clear(0)
    facts["points"] = points_of(slicer.util.loadMarkups(str(folder / "nodules.mrk.json")))
    print(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
