"""Names Slicer looks for when it registers the module LungNoduleAI; all code lives in LungNoduleAILib."""

import sys
from pathlib import Path

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleTest

try:
    import ThoraxAILib  # noqa: F401
except ModuleNotFoundError:  # the module folder was added to Slicer from the source tree, without a build
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from LungNoduleAILib.logic.logic import LungNoduleAILogic
from LungNoduleAILib.panel.sample_data import register_sample_data
from LungNoduleAILib.panel.widget import LungNoduleAIWidget

__all__ = ["LungNoduleAI", "LungNoduleAILogic", "LungNoduleAITest", "LungNoduleAIWidget"]


class LungNoduleAI(ScriptedLoadableModule):
    """Title, category and help as Slicer shows them."""

    def __init__(self, parent: object) -> None:
        super().__init__(parent)
        self.parent.title = _("Lung Nodule AI")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        self.parent.dependencies = []
        self.parent.contributors = ["ThoraxAI contributors"]
        self.parent.helpText = _(
            "Finds, measures and lists lung nodules in a chest CT, with lungs, lobes and airways. "
            "Choose a CT or press Sample data, then Analyze. "
            "Research use only, not a medical device."
        )
        self.parent.acknowledgementText = _("Part of the ThoraxAI extension.")
        slicer.app.connect("startupCompleted()", register_sample_data)


class LungNoduleAITest(ScriptedLoadableModuleTest):
    """Self test: a small synthetic chest goes through the logic; its nodes, decision and threshold hold together."""

    def runTest(self) -> None:
        """Analyze, decide, hide, clear: each step seen on the nodes."""
        from LungNoduleAILib.synthesis.test_phantom.small_chest import make_small_chest
        from ThoraxAILib.scene.volumes import node_from_volume

        phantom = make_small_chest(seed=1, spacing_mm=(1.5, 1.5, 2.5))
        volume_node = node_from_volume(phantom.volume, "Self test CT")
        logic = LungNoduleAILogic()
        nodes = logic.analyze(volume_node)
        findings = logic.findings()
        self.delayDisplay(f"{len(findings)} findings")
        assert findings, "the planted nodules were not found"
        assert nodes.points.GetNumberOfControlPoints() == len(findings)
        assert logic.set_finding_status(findings[0].id, "accepted").status == "accepted"
        assert logic.set_threshold(1.0) == sum(finding.confidence >= 1.0 for finding in findings)
        logic.clear_result()
        assert logic.current_result() is None
        slicer.mrmlScene.RemoveNode(volume_node)
