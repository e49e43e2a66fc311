"""Table nodes whose columns carry name, unit and description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import slicer
import vtk

from ThoraxAILib.scene.names import unusedName


@dataclass(frozen=True)
class Column:
    """One column; numbers make a numeric column, anything else text (None is an empty cell)."""

    name: str
    values: Sequence[float | str | None]
    unit: str = ""
    description: str = ""
    numeric: bool = True


def tableNode(name: str, columns: list[Column]):
    """A new table node, locked against typing, with one row per value."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", unusedName(name))
    for column in columns:
        array = vtk.vtkDoubleArray() if column.numeric else vtk.vtkStringArray()
        array.SetName(column.name)
        for value in column.values:
            array.InsertNextValue(float(value) if column.numeric else "" if value is None else str(value))
        node.AddColumn(array)
        node.SetColumnUnitLabel(column.name, column.unit)
        node.SetColumnDescription(column.name, column.description)
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetLocked(True)
    return node


def setCell(node, row: int, column: str, text: str) -> None:
    """Write one text cell of a row."""
    node.GetTable().GetColumnByName(column).SetValue(row, text)
    node.GetTable().Modified()
    node.Modified()
