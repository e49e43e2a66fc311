"""The qt.QUiLoader of the harness: .ui files with ctk and qMRML widgets; an unknown widget class is an error."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import ClassVar

from PySide6 import QtCore, QtUiTools, QtWidgets

from slicerharness import pythonqt_signals


class QUiLoader(QtUiTools.QUiLoader):
    """Makes the harness' widgets by class name, checks every property, and wires ``<connections>`` itself."""

    registry: ClassVar[dict[str, type[QtWidgets.QWidget]]] = {}

    def __init__(self, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self._made: list[QtWidgets.QWidget] = []

    def createWidget(
        self, className: str, parent: QtWidgets.QWidget | None = None, name: str = ""
    ) -> QtWidgets.QWidget:
        """Called by Qt for every widget of the file."""
        cls = self.registry.get(className)
        if cls is None:
            return super().createWidget(className, parent, name)
        widget = cls(parent)
        widget.setObjectName(name)
        self._made.append(widget)
        return widget

    def load(self, device: QtCore.QIODevice, parent: QtWidgets.QWidget | None = None) -> QtWidgets.QWidget:
        """The widget of an opened .ui file; raises RuntimeError for classes or properties nobody knows."""
        root = ElementTree.fromstring(bytes(device.readAll()))
        connections = [
            {part.tag: part.text or "" for part in entry} for entry in root.iterfind("connections/connection")
        ]
        for element in root.findall("connections"):
            root.remove(element)
        self._checkClasses(root)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(root))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        widget = super().load(buffer, parent)
        if widget is None:
            raise RuntimeError(f"Qt cannot load the .ui file: {self.errorString()}")
        named = {child.objectName(): child for child in (widget, *widget.findChildren(QtCore.QObject))}
        self._checkProperties(root, named)
        for entry in connections:
            slot = getattr(named[entry["receiver"]], entry["slot"].partition("(")[0])
            pythonqt_signals.connect(named[entry["sender"]], entry["signal"], slot)
        return widget

    def _checkClasses(self, root: ElementTree.Element) -> None:
        used = {element.get("class") for element in root.iter("widget")}
        unknown = used - set(self.registry) - set(self.availableWidgets())
        if unknown:
            raise RuntimeError(f"The .ui file uses widget classes the harness does not know: {sorted(unknown)}")

    def _checkProperties(self, root: ElementTree.Element, named: dict[str, QtCore.QObject]) -> None:
        """Qt sets unknown properties as dynamic ones without a word: find them."""
        allowed = {"SlicerParameterName"}
        for element in root.iter("widget"):
            widget = named[element.get("name")]
            for entry in element.findall("property"):
                name = entry.get("name")
                if widget.metaObject().indexOfProperty(name) < 0 and name not in allowed:
                    raise RuntimeError(
                        f"The .ui file sets property '{name}', which {element.get('class')} "
                        f"'{element.get('name')}' does not have"
                    )
