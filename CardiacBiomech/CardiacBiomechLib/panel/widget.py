"""The panel of CardiacBiomech: it says what the module is for and names its commands; it computes nothing yet."""

from __future__ import annotations

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget

from ThoraxAILib.panels.reload import forget_packages


class CardiacBiomechWidget(ScriptedLoadableModuleWidget):
    """Shows Resources/UI/CardiacBiomech.ui."""

    def setup(self) -> None:
        """Build the panel; called once, when the module is first opened."""
        super().setup()
        panel = slicer.util.loadUI(self.resourcePath("UI/CardiacBiomech.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)

    def onReload(self) -> None:
        """Reload the Lib packages together with the module file."""
        forget_packages("CardiacBiomechLib", "ThoraxAILib")
        super().onReload()
