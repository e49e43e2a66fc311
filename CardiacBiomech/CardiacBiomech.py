"""Names Slicer looks for when it registers the module CardiacBiomech; all code lives in CardiacBiomechLib."""

import sys
from pathlib import Path

from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleTest

try:
    import ThoraxAILib  # noqa: F401
except ModuleNotFoundError:  # the module folder was added to Slicer from the source tree, without a build
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from CardiacBiomechLib.logic.logic import CardiacBiomechLogic
from CardiacBiomechLib.panel.widget import CardiacBiomechWidget

__all__ = ["CardiacBiomech", "CardiacBiomechLogic", "CardiacBiomechTest", "CardiacBiomechWidget"]


class CardiacBiomech(ScriptedLoadableModule):
    """Title, category and help as Slicer shows them."""

    def __init__(self, parent: object) -> None:
        super().__init__(parent)
        self.parent.title = _("Cardiac Biomechanics")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Cardiac")]
        self.parent.dependencies = []
        self.parent.contributors = ["ThoraxAI contributors"]
        self.parent.helpText = _(
            "Motion, strain and biomechanics of the heart from short-axis cine MRI. "
            "Research use only, not a medical device."
        )
        self.parent.acknowledgementText = _("Part of the ThoraxAI extension.")


class CardiacBiomechTest(ScriptedLoadableModuleTest):
    """Self test: the panel opens and says what the module is for."""

    def runTest(self) -> None:
        """The panel shows its statement of purpose and the research-use notice."""
        import slicer

        ui = slicer.util.getModuleWidget("CardiacBiomech").ui
        assert ui.purposeLabel.text
        assert "Research use only" in ui.researchUseLabel.text
