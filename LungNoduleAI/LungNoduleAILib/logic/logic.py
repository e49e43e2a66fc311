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
from LungNoduleAILib.scene.saving import save_result
from LungNoduleAILib.scene.table import set_status_cells
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.run_record import RUN_FILE
from ThoraxAILib.scene.volumes import volume_from_node, write_volume

logger = logging.getLogger(__name__)
CURRENT_RESULT = "LungNoduleAI.currentResult"


class LungNoduleAILogic(ScriptedLoadableModuleLogic):
    """Analyze a chest CT and show, review and save what was found.

    The methods work on the current result: the one shown last, or chosen by select_volume.
    """

    # Volumes in

    def volume_from_node(self, volume_node) -> Volume:
        """Return image of a volume node in the world (RAS mm), without copying; raises InputError when it has none."""
        return volume_from_node(volume_node)

    def export_volume(self, volume_node, path: Path | str) -> Path:
        """Write a volume node, placed in the world, as uncompressed NRRD for a worker; raises OutputError."""
        return write_volume(volume_node, Path(path))

    def analyze(
        self,
        volume_node,
        options: AnalysisOptions | None = None,
        on_progress: Callable[[float, str], None] | None = None,
    ) -> ResultNodes:
        """Run the analysis in this process and show its result; for scripts (panels use a child process).

        ``on_progress`` gets a fraction (0..1) and a sentence, and may raise Cancelled to stop.
        """
        from LungNoduleAILib.analysis.analyze import analyze
        from LungNoduleAILib.analysis.engines import choose_engines
        from ThoraxAILib.jobs.progress import Progress
        from ThoraxAILib.jobs.run_record import software
        from ThoraxAILib.jobs.stages import Stages

        options, stages = options or AnalysisOptions(), Stages()
        engines = choose_engines(options)
        result = analyze(volume_from_node(volume_node), options, Progress(on_progress), stages, engines)
        run = {
            "command": "LungNoduleAILogic.analyze",
            "options": options.to_dict(),
            "software": software(),
            "models": [vars(model) for model in engines.models()],
            "device": {"name": engines.device, "reason": engines.device_reason},
            "stages": stages.entries,
        }
        return self.show_result(volume_node, result, run)

    # Results in

    def show_result(self, volume_node, result: AnalysisResult, run: dict | None = None) -> ResultNodes:
        """Make the nodes of a result beside ``volume_node``, instead of an older result of the same volume.

        ``run`` is the content of run.json. Raises ValueError when the result does not fit the volume.
        """
        shape = volume_from_node(volume_node).array.shape
        if result.labels.shape != shape:
            raise ValueError(f"labels of shape {result.labels.shape} do not fit a volume of shape {shape}")
        for text in result_nodes.result_texts():
            older = result_nodes.result_nodes_of(text)
            if older is not None and older.volume is volume_node:
                result_nodes.remove_result_nodes(older)
        nodes = result_nodes.create_result_nodes(volume_node, result, run)
        self.getParameterNode().SetNodeReferenceID(CURRENT_RESULT, nodes.text.GetID())
        self.set_threshold(0.0)
        return nodes

    def load_result(self, directory: Path | str, volume_node) -> ResultNodes:
        """Show what a worker wrote to a folder (findings.json, arrays.npz, run.json) for ``volume_node``."""
        directory, volume = Path(directory), volume_from_node(volume_node)
        try:
            result = AnalysisResult.load(directory, volume)
            run_file = directory / RUN_FILE
            run = json.loads(run_file.read_text(encoding="utf-8")) if run_file.is_file() else None
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"The folder holds no result that fits the selected volume ({error}): analyze it again."
            ) from error
        if volume.identity.series_uid:  # the worker saw an exported file, which does not tell its series
            findings = replace(result.findings, series_uid=volume.identity.series_uid)
            result = replace(result, findings=findings)
        return self.show_result(volume_node, result, run)

    # The current result

    def result_nodes(self) -> ResultNodes | None:
        """Return the nodes of the current result, also after the scene was saved and reopened; None without one."""
        current = self.getParameterNode().GetNodeReference(CURRENT_RESULT)
        texts = result_nodes.result_texts()
        if current in texts:
            return result_nodes.result_nodes_of(current)
        return result_nodes.result_nodes_of(texts[-1]) if texts else None

    def current_result(self) -> Findings | None:
        """Lungs, findings with decisions, and removed candidates of the current result; None without one."""
        nodes = self.result_nodes()
        return None if nodes is None else nodes.findings()

    def select_volume(self, volume_node) -> ResultNodes | None:
        """Make the result of ``volume_node`` the current one; None (and no change) when it has none."""
        for text in result_nodes.result_texts():
            nodes = result_nodes.result_nodes_of(text)
            if nodes is not None and nodes.volume is volume_node:
                self.getParameterNode().SetNodeReferenceID(CURRENT_RESULT, text.GetID())
                return nodes
        return None

    def findings(self) -> tuple[Finding, ...]:
        """Return findings of the current result in table order; empty without one."""
        result = self.current_result()
        return () if result is None else result.findings

    def clear_result(self) -> None:
        """Remove the nodes of the current result; the volume stays."""
        nodes = self.result_nodes()
        if nodes is not None:
            result_nodes.remove_result_nodes(nodes)

    # Review

    def set_finding_status(self, finding_id: str, status: str, reason: str = "") -> Finding:
        """Record the reader's decision on a finding in every node; raises ValueError for an unknown id or status."""
        nodes, index = self._find(finding_id)
        result = nodes.findings()
        changed = result.findings[index].with_status(status, reason)
        findings = (*result.findings[:index], changed, *result.findings[index + 1 :])
        nodes.set_findings(replace(result, findings=findings))
        set_status_cells(nodes.table, index, changed)
        marks.show_finding(nodes, index, changed, nodes.threshold())
        return changed

    def jump_to_finding(self, finding_id: str) -> Finding:
        """Center every slice view on a finding and mark its box; raises ValueError for an unknown id."""
        nodes, index = self._find(finding_id)
        finding = nodes.findings().findings[index]
        for slice_node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            slice_node.JumpSliceByCentering(*finding.center_ras_mm)
        marks.highlight_box(nodes.boxes, finding_id)
        return finding

    def set_threshold(self, confidence: float) -> int:
        """Show only findings of at least this confidence (0..1); returns how many there are."""
        nodes = self.result_nodes()
        if nodes is None:
            return 0
        nodes.set_threshold(confidence)
        findings = nodes.findings().findings
        for index, finding in enumerate(findings):
            marks.show_finding(nodes, index, finding, confidence)
        return sum(finding.confidence >= confidence for finding in findings)

    def show_3d(self, show: bool) -> None:
        """Make and show the surfaces of all segments, or hide and drop them."""
        nodes = self.result_nodes()
        if nodes is None:
            return
        if show:
            nodes.segmentation.CreateClosedSurfaceRepresentation()
        else:
            nodes.segmentation.RemoveClosedSurfaceRepresentation()
        nodes.segmentation.GetDisplayNode().SetVisibility3D(show)

    # Results out

    def save_result(self, directory: Path | str) -> tuple[Path, ...]:
        """Write scene.mrb, segmentation.seg.nrrd and nodules.mrk.json to an existing folder, all or none of them.

        Raises InputError without a result, OutputError when the folder cannot be written.
        """
        nodes = self.result_nodes()
        if nodes is None:
            raise InputError("There is no result to save: analyze a volume first.")
        return save_result(Path(directory), nodes)

    def _find(self, finding_id: str) -> tuple[ResultNodes, int]:
        nodes = self.result_nodes()
        ids = [] if nodes is None else [finding.id for finding in nodes.findings().findings]
        if nodes is None or finding_id not in ids:
            raise ValueError(f"there is no finding {finding_id!r} in the current result")
        return nodes, ids.index(finding_id)
