"""What the panel remembers in the module's parameter node: it is saved and restored with the scene."""

from __future__ import annotations

from dataclasses import dataclass

import slicer

from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.options import Options, option


@dataclass(frozen=True)
class PanelSettings(Options):
    """What the panel keeps beside the options of the analysis."""

    save_folder: str = option("", "folder to save to")
    with_dicom: bool = option(False, "also save DICOM results")
    dicom_folder: str = option("", "folder of the DICOM images of the CT")


class Parameters:
    """The settings of the panel on one vtkMRMLScriptedModuleNode; what cannot be read there has its default.

    ``options.threshold`` is None as long as the person has not moved the slider: the detector's own operating point.
    """

    _INPUT_ROLE = "inputVolume"

    def __init__(self, node: slicer.vtkMRMLScriptedModuleNode) -> None:
        self.node = node

    @property
    def options(self) -> AnalysisOptions:
        """How to analyze."""
        return AnalysisOptions.from_node(self.node)

    @options.setter
    def options(self, options: AnalysisOptions) -> None:
        options.to_node(self.node)

    @property
    def panel(self) -> PanelSettings:
        """Where and what to save."""
        return PanelSettings.from_node(self.node)

    @panel.setter
    def panel(self, settings: PanelSettings) -> None:
        settings.to_node(self.node)

    @property
    def input_volume(self) -> slicer.vtkMRMLScalarVolumeNode | None:
        """The chosen CT."""
        return self.node.GetNodeReference(self._INPUT_ROLE)

    @input_volume.setter
    def input_volume(self, volume_node: slicer.vtkMRMLScalarVolumeNode | None) -> None:
        self.node.SetNodeReferenceID(self._INPUT_ROLE, None if volume_node is None else volume_node.GetID())
