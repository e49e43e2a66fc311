"""LungNoduleAILogic: chest CT analysis in terms of MRML nodes, the same in desktop Slicer and in plain Python.

In plain Python call ``ThoraxAILib.scene.host.install()`` before importing this file. No Qt, no dialogs: errors are
raised as ThoraxAIError with one sentence.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from LungNoduleAILib.model.findings import Finding, Findings
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.scene import finding_markups as marks
from LungNoduleAILib.scene import result_nodes
from LungNoduleAILib.scene.result_nodes import ResultNodes
from LungNoduleAILib.scene.saving import saveResult
from LungNoduleAILib.scene.table import setStatusCells
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.run_record import RUN_FILE
from ThoraxAILib.scene.volumes import volumeFromNode, writeVolume

logger = logging.getLogger(__name__)
CURRENT_RESULT = "LungNoduleAI.currentResult"


class LungNoduleAILogic(ScriptedLoadableModuleLogic):
    """Analyze a chest CT and show, review and save what was found.

    The methods work on the current result: the one shown last, or chosen by selectVolume.
    """

    # Volumes in

    def volumeFromNode(self, volumeNode) -> Volume:
        """The image of a volume node in the world (RAS mm), without copying; raises InputError when it has none."""
        return volumeFromNode(volumeNode)

    def exportVolume(self, volumeNode, path: Path | str) -> Path:
        """Write a volume node, placed in the world, as uncompressed NRRD for a worker; raises OutputError."""
        return writeVolume(volumeNode, Path(path))

    def analyze(
        self, volumeNode, options: AnalysisOptions | None = None, onProgress: Callable[[float, str], None] | None = None
    ) -> ResultNodes:
        """Run the analysis in this process and show its result; for scripts (panels use a child process).

        ``onProgress`` gets a fraction (0..1) and a sentence, and may raise Cancelled to stop.
        """
        from LungNoduleAILib.analysis.analyze import analyze
        from LungNoduleAILib.analysis.engines import choose_engines
        from ThoraxAILib.jobs.progress import Progress
        from ThoraxAILib.jobs.run_record import software
        from ThoraxAILib.jobs.stages import Stages

        options, stages = options or AnalysisOptions(), Stages()
        engines = choose_engines(options)
        result = analyze(volumeFromNode(volumeNode), options, Progress(onProgress), stages, engines)
        run = {
            "command": "LungNoduleAILogic.analyze",
            "options": options.to_dict(),
            "software": software(),
            "models": [vars(model) for model in engines.models()],
            "device": {"name": engines.device, "reason": engines.device_reason},
            "stages": stages.entries,
        }
        return self.showResult(volumeNode, result, run)

    # Results in

    def showResult(self, volumeNode, result: AnalysisResult, run: dict | None = None) -> ResultNodes:
        """Make the nodes of a result beside ``volumeNode``, instead of an older result of the same volume.

        ``run`` is the content of run.json. Raises ValueError when the result does not fit the volume.
        """
        shape = volumeFromNode(volumeNode).array.shape
        if result.labels.shape != shape:
            raise ValueError(f"labels of shape {result.labels.shape} do not fit a volume of shape {shape}")
        for text in result_nodes.resultTexts():
            older = result_nodes.resultNodesOf(text)
            if older is not None and older.volume is volumeNode:
                result_nodes.removeResultNodes(older)
        nodes = result_nodes.createResultNodes(volumeNode, result, run)
        self.getParameterNode().SetNodeReferenceID(CURRENT_RESULT, nodes.text.GetID())
        self.setThreshold(0.0)
        return nodes

    def loadResult(self, directory: Path | str, volumeNode) -> ResultNodes:
        """Show what a worker wrote to a folder (findings.json, arrays.npz, run.json) for ``volumeNode``."""
        directory, volume = Path(directory), volumeFromNode(volumeNode)
        try:
            result = AnalysisResult.load(directory, volume)
            runFile = directory / RUN_FILE
            run = json.loads(runFile.read_text(encoding="utf-8")) if runFile.is_file() else None
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"The folder holds no result that fits the selected volume ({error}): analyze it again."
            ) from error
        if volume.identity.series_uid:  # the worker saw an exported file, which does not tell its series
            findings = replace(result.findings, series_uid=volume.identity.series_uid)
            result = replace(result, findings=findings)
        return self.showResult(volumeNode, result, run)

    # The current result

    def resultNodes(self) -> ResultNodes | None:
        """The nodes of the current result, also after the scene was saved and reopened; None without one."""
        current = self.getParameterNode().GetNodeReference(CURRENT_RESULT)
        texts = result_nodes.resultTexts()
        if current in texts:
            return result_nodes.resultNodesOf(current)
        return result_nodes.resultNodesOf(texts[-1]) if texts else None

    def currentResult(self) -> Findings | None:
        """Lungs, findings with decisions, and removed candidates of the current result; None without one."""
        nodes = self.resultNodes()
        return None if nodes is None else nodes.findings()

    def selectVolume(self, volumeNode) -> ResultNodes | None:
        """Make the result of ``volumeNode`` the current one; None (and no change) when it has none."""
        for text in result_nodes.resultTexts():
            nodes = result_nodes.resultNodesOf(text)
            if nodes is not None and nodes.volume is volumeNode:
                self.getParameterNode().SetNodeReferenceID(CURRENT_RESULT, text.GetID())
                return nodes
        return None

    def findings(self) -> tuple[Finding, ...]:
        """Findings of the current result in table order; empty without one."""
        result = self.currentResult()
        return () if result is None else result.findings

    def clearResult(self) -> None:
        """Remove the nodes of the current result; the volume stays."""
        nodes = self.resultNodes()
        if nodes is not None:
            result_nodes.removeResultNodes(nodes)

    # Review

    def setFindingStatus(self, findingId: str, status: str, reason: str = "") -> Finding:
        """Record the reader's decision on a finding in every node; raises ValueError for an unknown id or status."""
        nodes, index = self._find(findingId)
        result = nodes.findings()
        changed = result.findings[index].with_status(status, reason)
        findings = (*result.findings[:index], changed, *result.findings[index + 1 :])
        nodes.setFindings(replace(result, findings=findings))
        setStatusCells(nodes.table, index, changed)
        marks.showFinding(nodes, index, changed, nodes.threshold())
        return changed

    def jumpToFinding(self, findingId: str) -> Finding:
        """Center every slice view on a finding and mark its box; raises ValueError for an unknown id."""
        nodes, index = self._find(findingId)
        finding = nodes.findings().findings[index]
        for sliceNode in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            sliceNode.JumpSliceByCentering(*finding.center_ras_mm)
        marks.highlightBox(nodes.boxes, findingId)
        return finding

    def setThreshold(self, confidence: float) -> int:
        """Show only findings of at least this confidence (0..1); returns how many there are."""
        nodes = self.resultNodes()
        if nodes is None:
            return 0
        nodes.setThreshold(confidence)
        findings = nodes.findings().findings
        for index, finding in enumerate(findings):
            marks.showFinding(nodes, index, finding, confidence)
        return sum(finding.confidence >= confidence for finding in findings)

    def show3D(self, show: bool) -> None:
        """Make and show the surfaces of all segments, or hide and drop them."""
        nodes = self.resultNodes()
        if nodes is None:
            return
        if show:
            nodes.segmentation.CreateClosedSurfaceRepresentation()
        else:
            nodes.segmentation.RemoveClosedSurfaceRepresentation()
        nodes.segmentation.GetDisplayNode().SetVisibility3D(show)

    # Results out

    def saveResult(self, directory: Path | str) -> tuple[Path, ...]:
        """Write scene.mrb, segmentation.seg.nrrd and nodules.mrk.json to an existing folder, all or none of them.

        Raises InputError without a result, OutputError when the folder cannot be written.
        """
        nodes = self.resultNodes()
        if nodes is None:
            raise InputError("There is no result to save: analyze a volume first.")
        return saveResult(Path(directory), nodes)

    def _find(self, findingId: str) -> tuple[ResultNodes, int]:
        nodes = self.resultNodes()
        ids = [] if nodes is None else [finding.id for finding in nodes.findings().findings]
        if nodes is None or findingId not in ids:
            raise ValueError(f"there is no finding {findingId!r} in the current result")
        return nodes, ids.index(findingId)
