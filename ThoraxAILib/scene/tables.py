"""Table nodes whose columns carry name, unit and description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import slicer
import vtk

from ThoraxAILib.scene.names import unused_name


@dataclass(frozen=True)
class Column:
    """One column; numbers make a numeric column, anything else text (None is an empty cell)."""

    name: str
    values: Sequence[float | str | None]
    unit: str = ""
    description: str = ""
    numeric: bool = True


def table_node(name: str, columns: list[Column]):
    """Return a new table node, locked against typing, with one row per value."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", unused_name(name))
    fill_table(node, columns)
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetLocked(True)
    return node


def fill_table(node, columns: list[Column]) -> None:
    """Give a table node these columns instead of those it had."""
    node.RemoveAllColumns()
    for column in columns:
        array = vtk.vtkDoubleArray() if column.numeric else vtk.vtkStringArray()
        array.SetName(column.name)
        for value in column.values:
            array.InsertNextValue(_cell(value, column.numeric))
        node.AddColumn(array)
        node.SetColumnUnitLabel(column.name, column.unit)
        node.SetColumnDescription(column.name, column.description)


def _cell(value: float | str | None, numeric: bool) -> float | str:
    """Return a value as VTK stores it; an empty cell among numbers is NaN."""
    if numeric:
        return float("nan") if value is None else float(value)
    return "" if value is None else str(value)
