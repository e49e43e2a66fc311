"""slicer.app with a Qt event loop, and the modules it knows; scene, logics and file reading are the real ones."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets


class ModuleManager(QtCore.QObject):
    """What slicer.util and modules ask the module manager."""

    moduleAboutToBeUnloaded = QtCore.Signal(str)
    moduleLoaded = QtCore.Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.modules: dict[str, ScriptedModule] = {}

    def module(self, name: str) -> ScriptedModule | None:
        """The module of this name."""
        return self.modules.get(name)


class GuiApplication:
    """The headless application of ThoraxAILib.scene.host with the parts that panels use."""

    applicationName = "Slicer"
    majorVersion, minorVersion = 5, 12

    def __init__(self, headless: Any, qtApplication: QtWidgets.QApplication) -> None:
        self._headless, self._qtApplication = headless, qtApplication
        self._moduleManager = ModuleManager()
        self._settingsFolder = tempfile.TemporaryDirectory(prefix="harness-settings-")
        self._settings = QtCore.QSettings(f"{self._settingsFolder.name}/Slicer.ini", QtCore.QSettings.Format.IniFormat)
        self._startupHandlers: list[Callable[[], None]] = []
        self.cursors: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._headless, name)

    def moduleManager(self) -> ModuleManager:
        """The modules."""
        return self._moduleManager

    def settings(self) -> QtCore.QSettings:
        """The user's settings: a file of this session."""
        return self._settings

    userSettings = settings

    def testingEnabled(self) -> bool:
        """False: panels behave as for a person; dialogs are recorded instead of shown."""
        return False

    def processEvents(self) -> None:
        """Let Qt work through what is waiting."""
        self._qtApplication.processEvents()

    def setOverrideCursor(self, cursor: Any) -> None:
        """The wait cursor; ``cursors`` tells whether it was taken back."""
        self.cursors.append(cursor)

    def restoreOverrideCursor(self) -> None:
        """The cursor before."""
        self.cursors.pop()

    def connect(self, signature: str, slot: Callable[[], None]) -> bool:
        """Only startupCompleted() is known."""
        if signature != "startupCompleted()":
            raise ValueError(f"no such signal qSlicerApplication::{signature}")
        self._startupHandlers.append(slot)
        return True

    def completeStartup(self) -> None:
        """Tell modules that Slicer has started."""
        for handler in self._startupHandlers:
            handler()


class ScriptedModule:
    """Plays qSlicerScriptedLoadableModule: loads the module file and makes its panel on demand."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = str(path), path.stem
        self.title, self.categories, self.dependencies, self.contributors = "", [], [], []
        self.helpText = self.acknowledgementText = ""
        self._representation: Any = None
        self.pythonModule: ModuleType | None = None

    def load(self) -> None:
        """Run the module file and make the class that names the module, as Slicer does at start."""
        folder = str(Path(self.path).parent)
        if folder not in sys.path:
            sys.path.append(folder)
        spec = importlib.util.spec_from_file_location(self.name, self.path)
        self.pythonModule = sys.modules[self.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.pythonModule)
        self.instance = getattr(self.pythonModule, self.name)(self)
        setattr(slicer.modules, self.name.lower(), self)
        slicer.app.moduleManager().modules[self.name] = self

    def widgetRepresentation(self) -> Any:
        """The panel; made and set up on the first call."""
        if self._representation is None:
            self._representation = slicer.qSlicerScriptedLoadableModuleWidget()
            self._representation.setLayout(QtWidgets.QVBoxLayout())
            self._representation.setMRMLScene(slicer.mrmlScene)
            self._representation.reload = self._makeWidget
            self._makeWidget()
        return self._representation

    def _makeWidget(self) -> None:
        widget = getattr(sys.modules[self.name], f"{self.name}Widget")(self._representation)
        self._representation.setPanel(widget)
        setattr(slicer.modules, f"{self.name}Widget", widget)
        widget.setup()
        widget.enter()

    def unload(self) -> None:
        """Close the panel as Slicer does when it ends."""
        if self._representation is not None:
            self._representation.self().cleanup()
            self._representation.close()
            self._representation.deleteLater()
            self._representation = None
            delattr(slicer.modules, f"{self.name}Widget")
