"""Insertion points of the right ventricle as points a person can move, and where they lie after that."""

from __future__ import annotations

import slicer

from CardiacBiomechLib.analysis.study import StudyResult
from ThoraxAILib.scene.markups import LabeledPoint, points_node

Point = tuple[float, float, float]
ANTERIOR, INFERIOR = "anterior insertion", "inferior insertion"
COLOR, DIMMED = (1.0, 0.80, 0.10), (0.70, 0.55, 0.10)


def insertion_nodes(name: str, result: StudyResult) -> list:
    """Return the new point list of a study's insertion points in a list, which is empty when there are none."""
    found = result.study.insertions_ras_mm
    if found is None:
        return []
    text = "Where the right ventricle meets the wall at end-diastole; move it to turn the segments"
    points = [
        LabeledPoint((point[0], point[1], point[2]), label, text)
        for label, point in zip((ANTERIOR, INFERIOR), found, strict=True)
    ]
    node = points_node(f"{name} insertion points", points, COLOR, DIMMED)
    node.SetLocked(False)
    for index in range(len(points)):
        node.SetNthControlPointLocked(index, False)
    return [node]


def shown_insertions() -> tuple[Point, Point] | None:
    """Return the anterior and inferior point (RAS mm) of the newest such point list in the scene, None without one."""
    for node in reversed(slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")):
        places = {node.GetNthControlPointLabel(n): n for n in range(node.GetNumberOfControlPoints())}
        if {ANTERIOR, INFERIOR} <= set(places):
            return _place(node, places[ANTERIOR]), _place(node, places[INFERIOR])
    return None


def _place(node, index: int) -> Point:
    x, y, z = node.GetNthControlPointPositionWorld(index)
    return float(x), float(y), float(z)
