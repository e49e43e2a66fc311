"""start(): one call that makes ``qt``, ``ctk`` and the application side of ``slicer`` importable in this process.

Patching PySide6 concerns the whole process, so panel tests run in a pytest of their own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6 import QtCore, QtGui, QtTest, QtWidgets


class Dialog(NamedTuple):
    """A message that Slicer would have shown in a window."""

    kind: str
    text: str


dialogs: list[Dialog] = []
answers = {"question": True}  # what the person says when they are asked
_started: dict[str, Any] = {}


def start() -> ModuleType:
    """The ``slicer`` package, ready for module panels; the same one on every call."""
    if not _started:
        from ThoraxAILib.scene import host

        qtApplication = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["harness"])
        slicer = host.install()
        _patchQt()
        sys.modules["qt"], sys.modules["ctk"] = _qtModule(), _ctkModule()
        _extendSlicer(slicer, qtApplication)
        _started["slicer"] = slicer
    return _started["slicer"]


def loadModule(path: Path) -> Any:
    """Load a module file as Slicer would; returns the module, its panel is ``widgetRepresentation()``."""
    from slicerharness.application import ScriptedModule

    module = ScriptedModule(path)
    module.load()
    return module


def _patchQt() -> None:
    from slicerharness import pythonqt_attributes, pythonqt_properties, pythonqt_signals

    pythonqt_properties.addProperties()
    pythonqt_signals.addStringSignals()
    pythonqt_attributes.forbidNewAttributes()


def _qtModule() -> ModuleType:
    """PythonQt's flat ``qt`` namespace."""
    from slicerharness.ui_files import QUiLoader

    module = ModuleType("qt")
    for source in (QtCore, QtGui, QtWidgets, QtTest):
        vars(module).update({name: getattr(source, name) for name in dir(source) if name.startswith("Q")})
    module.QUiLoader = QUiLoader
    return module


def _ctkModule() -> ModuleType:
    from slicerharness.widgets_ctk import CTK_WIDGETS

    module = ModuleType("ctk")
    vars(module).update(CTK_WIDGETS)
    return module


def _extendSlicer(slicer: ModuleType, qtApplication: QtWidgets.QApplication) -> None:
    from slicerharness.ui_files import QUiLoader
    from slicerharness.widgets_ctk import CTK_WIDGETS
    from slicerharness.widgets_mrml import MRML_WIDGETS

    QUiLoader.registry.update({**CTK_WIDGETS, **MRML_WIDGETS})
    vars(slicer).update(MRML_WIDGETS)
    from slicerharness import scripted_module
    from slicerharness.application import GuiApplication

    slicer.app = GuiApplication(slicer.app, qtApplication)
    bases = sys.modules["slicer.ScriptedLoadableModule"]
    for name in ("ScriptedLoadableModule", "ScriptedLoadableModuleWidget", "ScriptedLoadableModuleTest"):
        setattr(bases, name, getattr(scripted_module, name))
        bases.__all__.append(name)
    for kind in ("error", "warning", "info"):
        setattr(slicer.util, f"{kind}Display", _recorder(kind))
    slicer.util.confirmOkCancelDisplay = _ask
    slicer.util.mainWindow = lambda: None


def _recorder(kind: str) -> Any:
    def record(text: str, *_arguments: Any, **_options: Any) -> None:
        dialogs.append(Dialog(kind, text))

    return record


def _ask(text: str, *_arguments: Any, **_options: Any) -> bool:
    dialogs.append(Dialog("question", text))
    return answers["question"]
