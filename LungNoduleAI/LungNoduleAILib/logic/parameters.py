"""What the panel remembers, typed, in the module's parameter node: it is saved and restored with the scene."""

from __future__ import annotations

from typing import Any

import slicer


class _Setting:
    """A text or number of the parameter node; the type of ``default`` decides, unreadable text counts as absent."""

    def __init__(self, default: str | float) -> None:
        self._default = default

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, parameters: Parameters | None, _owner: type) -> Any:
        if parameters is None:
            return self
        text = parameters.node.GetParameter(self._name)
        try:
            return type(self._default)(text) if text else self._default
        except ValueError:
            return self._default

    def __set__(self, parameters: Parameters, value: str | float) -> None:
        parameters.node.SetParameter(self._name, str(value))


class Parameters:
    """The settings of the panel on one vtkMRMLScriptedModuleNode.

    ``threshold`` is negative as long as the person has not moved the slider: the detector's own operating point.
    """

    _INPUT_ROLE = "inputVolume"

    detector = _Setting("auto")
    anatomy = _Setting("auto")
    threshold = _Setting(-1.0)
    device = _Setting("auto")
    saveFolder = _Setting("")

    def __init__(self, node: slicer.vtkMRMLScriptedModuleNode) -> None:
        self.node = node

    @property
    def inputVolume(self) -> slicer.vtkMRMLScalarVolumeNode | None:
        """The chosen CT."""
        return self.node.GetNodeReference(self._INPUT_ROLE)

    @inputVolume.setter
    def inputVolume(self, volumeNode: slicer.vtkMRMLScalarVolumeNode | None) -> None:
        self.node.SetNodeReferenceID(self._INPUT_ROLE, None if volumeNode is None else volumeNode.GetID())
