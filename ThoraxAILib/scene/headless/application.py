"""The part of ``slicer.app`` that scene code touches, for plain Python; anything else is an AttributeError."""

from __future__ import annotations

import atexit
import tempfile

from ThoraxAILib.scene.headless.io_manager import CoreIOManager


class Application:
    """Stands in for the desktop application; owns a temporary folder that is removed when Python ends."""

    def __init__(self, applicationLogic) -> None:
        self._applicationLogic = applicationLogic
        self._ioManager = CoreIOManager()
        self._kept: list[object] = []
        folder = tempfile.TemporaryDirectory(prefix="thoraxai-scene-")
        atexit.register(folder.cleanup)
        self.temporaryPath = folder.name

    def keepAlive(self, *objects: object) -> None:
        """Hold VTK objects that the scene only points to."""
        self._kept.extend(objects)

    def applicationLogic(self):
        """Return the vtkSlicerApplicationLogic."""
        return self._applicationLogic

    def coreIOManager(self) -> CoreIOManager:
        """Return what slicer.util reads and writes files with."""
        return self._ioManager

    ioManager = coreIOManager

    def testingEnabled(self) -> bool:
        """Whether Slicer was started with --testing."""
        return False

    def processEvents(self) -> None:
        """There is no event loop."""

    def setOverrideCursor(self, *_cursor: object) -> None:
        """There is no cursor."""

    def restoreOverrideCursor(self) -> None:
        """There is no cursor."""

    def translate(self, _context: str, text: str) -> str:
        """English as written."""
        return text

    def connect(self, *_signal: object) -> bool:
        """There are no signals."""
        return True

    def layoutManager(self) -> None:
        """There are no views."""
        return None
