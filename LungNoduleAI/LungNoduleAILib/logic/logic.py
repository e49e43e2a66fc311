"""LungNoduleAILogic: chest CT analysis in terms of MRML nodes, the same in desktop Slicer and in plain Python.

In plain Python call ``ThoraxAILib.scene.host.install()`` before importing this file. No Qt, no dialogs: errors are
raised as ThoraxAIError with one sentence.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from LungNoduleAILib.analysis.carry_over import continued, has_words_of_reader, with_review_of
from LungNoduleAILib.analysis.review.review_record import By
from LungNoduleAILib.analysis.turned_masks import in_lps, masks_turned_back, volume_in_lps
from LungNoduleAILib.logic.follow_up import LungFollowUpLogic
from LungNoduleAILib.logic.review import LungReview
from LungNoduleAILib.model.files import ARRAYS_FILE, FINDINGS_FILE
from LungNoduleAILib.model.findings import Finding, Findings
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.scene import finding_markups as marks
from LungNoduleAILib.scene import result_nodes
from LungNoduleAILib.scene.result_nodes import ResultNodes
from LungNoduleAILib.scene.review_nodes import center_views, finding_at, is_shown, result_from_nodes, show_findings
from LungNoduleAILib.scene.saving import save_result
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.run_record import RUN_FILE
from ThoraxAILib.scene.volumes import volume_from_node, write_volume

if TYPE_CHECKING:
    from LungNoduleAILib.analysis.foreign.findings import ForeignFindings

logger = logging.getLogger(__name__)
CURRENT_RESULT = "LungNoduleAI.currentResult"
MIN_FIELD_MM, FIELD_OF_AXIS = 60.0, 4.0  # how much a view shows around a finding: at least, and per long axis


class LungNoduleAILogic(ScriptedLoadableModuleLogic):
    """Analyze a chest CT and show, review and save what was found.

    The methods work on the current result: the one shown last, or chosen by select_volume.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self._review: LungReview | None = None
        self.follow_up = LungFollowUpLogic(self.result_of, self.findings_of)

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

        ``run`` is the content of run.json. What the reader said of the older result stays, see analysis.carry_over.
        Raises ValueError when the result does not fit the volume.
        """
        volume = volume_from_node(volume_node)
        if result.labels.shape != volume.array.shape:
            raise ValueError(f"labels of shape {result.labels.shape} do not fit a volume of shape {volume.array.shape}")
        for text in result_nodes.result_texts():
            older = result_nodes.result_nodes_of(text)
            if older is not None and older.volume is volume_node:
                result = _with_review_of(older, replace(result, volume=volume))
                result_nodes.remove_result_nodes(older)
        nodes = result_nodes.create_result_nodes(volume_node, result, run)
        self.getParameterNode().SetNodeReferenceID(CURRENT_RESULT, nodes.text.GetID())
        self.review.forget_volume()
        self.set_threshold(0.0)
        return nodes

    def load_result(
        self, directory: Path | str, volume_node, names: tuple[str, str] = (FINDINGS_FILE, ARRAYS_FILE)
    ) -> ResultNodes:
        """Show what a worker wrote to a folder (findings.json, arrays.npz, run.json) for ``volume_node``.

        ``names`` are those of the first two.
        """
        directory, volume = Path(directory), volume_from_node(volume_node)
        try:
            result = AnalysisResult.load(directory, volume, names)
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

    def add_foreign_findings(self, volume_node, files: Sequence[Path]) -> ForeignFindings:
        """Show nodules of other programs (SEG, SR, RTSTRUCT) as findings of a CT, behind those it has already.

        A CT without a result gets one with its lungs. Raises InputError for files that cannot be used.
        """
        from LungNoduleAILib.analysis.foreign.result import lungs_alone, with_foreign_findings

        nodes, volume = _nodes_of(volume_node), volume_from_node(volume_node)
        base = lungs_alone(volume) if nodes is None else result_from_nodes(nodes, volume)
        result, found = with_foreign_findings(base, files)
        self.show_result(volume_node, result, None if nodes is None else nodes.run())
        return found

    def load_follow_up(self, directory: Path | str, prior_node, current_node) -> ResultNodes:
        """Show what a worker wrote of a follow-up: the findings of both dates, the current ones as the result, and the
        pairs.
        """
        self.load_result(directory, prior_node, ("findings_1.json", "arrays_1.npz"))
        shown = self.load_result(directory, current_node, ("findings_2.json", "arrays_2.npz"))
        self.follow_up.load_result(directory, prior_node, current_node)
        return shown

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
        nodes = _nodes_of(volume_node)
        if nodes is not None:
            self.getParameterNode().SetNodeReferenceID(CURRENT_RESULT, nodes.text.GetID())
        return nodes

    def result_of(self, volume_node) -> AnalysisResult | None:
        """Return the result of a CT as it stands in the scene, in LPS order; None when it has none."""
        nodes = _nodes_of(volume_node)
        return None if nodes is None else result_from_nodes(nodes, volume_in_lps(volume_from_node(volume_node)))

    def findings_of(self, volume_node) -> Findings | None:
        """Return the findings of a CT as they stand in the scene; None when it was not analyzed."""
        nodes = _nodes_of(volume_node)
        return None if nodes is None else nodes.findings()

    def review_of(self, volume_node) -> Findings | None:
        """Return what a reader left of the analysis of a CT, for a comparison; None where nobody said anything.

        Outlines that were drawn in the Segment Editor are measured first. Raises InputError for an empty one.
        """
        nodes = _nodes_of(volume_node)
        if nodes is None:
            return None
        LungReview(lambda: nodes, self.review.delineator).remeasure_all()
        found = nodes.findings()
        said = not found.review.is_empty or any(has_words_of_reader(one) for one in found.findings)
        return found if said else None

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

    @property
    def review(self) -> LungReview:
        """All that a reader does with the current result: decide, correct, undo."""
        if self._review is None:
            self._review = LungReview(self.result_nodes)
        return self._review

    def set_finding_status(self, finding_id: str, status: str, reason: str = "") -> Finding:
        """Record the reader's decision on a finding in every node; raises InputError for an unknown id or status."""
        return self.review.decide(finding_id, status, reason)

    def jump_to_finding(self, finding_id: str, zoom: bool = False) -> Finding:
        """Center every slice view on a finding and mark its box; raises InputError for an unknown id.

        ``zoom`` lets the views show the finding with the tissue around it.
        """
        nodes = self.result_nodes()
        if nodes is None:
            raise InputError("There is no result yet: analyze a CT first.")
        _index, finding = finding_at(nodes, finding_id)
        field_mm = max(MIN_FIELD_MM, FIELD_OF_AXIS * finding.long_axis_mm) if zoom else None
        center_views(finding.center_ras_mm, field_mm)
        marks.highlight_box(nodes.boxes, finding_id)
        return finding

    def set_threshold(self, confidence: float) -> int:
        """Show only findings of at least this confidence (0..1); returns how many there are."""
        nodes = self.result_nodes()
        if nodes is None:
            return 0
        nodes.set_threshold(confidence)
        show_findings(nodes)
        return sum(finding.confidence >= confidence for finding in nodes.findings().findings)

    def shown_findings(self) -> tuple[Finding, ...]:
        """Return the findings that are to be seen now: by threshold, and the reader's alone while they read first."""
        nodes = self.result_nodes()
        if nodes is None:
            return ()
        found, threshold = nodes.findings(), nodes.threshold()
        return tuple(f for f in found.findings if is_shown(f, found.review.mode, threshold))

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
        """Write scene.mrb, segmentation.seg.nrrd, nodules.mrk.json and the files of write_files to an existing folder.

        Raises InputError without a result, OutputError when the folder cannot be written.
        """
        nodes = self.result_nodes()
        if nodes is None:
            raise InputError("There is no result to save: analyze a volume first.")
        directory = Path(directory)
        return (*save_result(directory, nodes), *self.write_files(directory))

    def write_files(self, directory: Path | str) -> tuple[Path, ...]:
        """Write findings.json, findings.csv, report.html and run.json of the current result, as it stands now, to an
        existing folder, all or none of them; also after the scene was saved, closed and opened again.

        Raises InputError without a result, OutputError when the folder cannot be written.
        """
        from LungNoduleAILib.cases.result_files import write_result_files

        nodes = self.result_nodes()
        if nodes is None:
            raise InputError("There is no result to save: analyze a volume first.")
        return write_result_files(
            Path(directory), self.review.result(), nodes.run(), self.follow_up.prior_exam(nodes.volume)
        )

    def report_text(self) -> str:
        """Return the report of the current result, as it stands now, as plain text; raises InputError without one."""
        from LungNoduleAILib.guidelines.terms.person import PersonAndExam
        from LungNoduleAILib.report.methods import case_name
        from LungNoduleAILib.report.plain_text import report_text

        nodes = self.review.nodes()
        result, prior = self.review.result(), self.follow_up.prior_exam(nodes.volume)
        person = PersonAndExam(**result.findings.review.person)
        return report_text(result, case_name(nodes.run()), person, prior)

    def write_report(self, path: Path | str) -> Path:
        """Write the report of the current result, as it stands now, as one HTML file."""
        from LungNoduleAILib.cases.result_files import write_report_of

        nodes = self.result_nodes()
        if nodes is None:
            raise InputError("There is no result yet: analyze a CT first.")
        return write_report_of(Path(path), self.review.result(), nodes.run(), self.follow_up.prior_exam(nodes.volume))


def _nodes_of(volume_node) -> ResultNodes | None:
    """Return the nodes of the result of a CT; None when it has none."""
    if volume_node is None:
        return None
    found = (result_nodes.result_nodes_of(text) for text in result_nodes.result_texts())
    return next((nodes for nodes in found if nodes is not None and nodes.volume is volume_node), None)


def _with_review_of(older: ResultNodes, result: AnalysisResult) -> AnalysisResult:
    """Return a result with what the reader said of an older one of the same CT, and says still.

    A comparison brings the review that it was given back; then only what was changed since is added.
    """
    if result.findings.review.is_empty:
        return with_review_of(older.findings(), result, By.now(older.reader()))
    since = continued(older.findings(), in_lps(result).findings)
    return replace(result, findings=masks_turned_back(since, result.volume))
