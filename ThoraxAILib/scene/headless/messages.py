"""VTK's messages as log records instead of lines on stdout and stderr (plain Python only)."""

from __future__ import annotations

import logging

import vtk


def sendToLogging() -> None:
    """From now on every VTK message is a record of the logger ``vtk``; information is logged at debug level."""
    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)
    window = vtk.vtkOutputWindow.GetInstance()
    window.SetDisplayModeToNever()
    window.AddObserver("MessageEvent", _record)


def _record(_window: object, _event: str, text: str) -> None:
    level = logging.DEBUG
    if text.startswith("ERROR"):
        level = logging.ERROR
    elif text.lower().startswith(("warning", "generic warning")):
        level = logging.WARNING
    logging.getLogger("vtk").log(level, "%s", " ".join(text.split()))


vars(_record)["CallDataType"] = vtk.VTK_STRING  # how VTK passes the text
