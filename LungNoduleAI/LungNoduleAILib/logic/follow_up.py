"""LungFollowUpLogic: the follow-up of two or more chest CTs in terms of MRML nodes, in desktop Slicer and plain Python.

The follow-up itself runs in a worker (``thoraxai lung follow-up``); this shows what it wrote, keeps the reader's links,
lays the scans over each other, and writes the report from what stands in the scene: pairs with the reader's links, and
the findings of both dates with the review. No Qt: errors are raised as ThoraxAIError with one sentence.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer

from LungNoduleAILib.analysis.review.decisions import with_decision
from LungNoduleAILib.analysis.review.reviewed_pairs import as_reviewed, came_and_went
from LungNoduleAILib.analysis.review.reviewing import same_places
from LungNoduleAILib.model.files import (
    DIFFERENCE_FILE,
    LINKS_FILE,
    PAIRS_CSV,
    PAIRS_FILE,
    SHEETS_FILE,
    TRANSFORM_FILE,
    WARPED_FILE,
)
from LungNoduleAILib.model.links import LINK, UNLINK, LinkDecision, write_links
from LungNoduleAILib.model.pairs import FollowUp, Pair
from LungNoduleAILib.scene import follow_up_nodes as nodes
from LungNoduleAILib.scene.follow_up_nodes import FollowUpData
from ThoraxAILib.errors import InputError, MissingDependencyError, OutputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.run_record import RUN_FILE
from ThoraxAILib.scene.volumes import volume_from_node
from ThoraxAILib.untrusted.plain_json import read_plain_json

if TYPE_CHECKING:
    from LungNoduleAILib.model.findings import Finding, Findings
    from LungNoduleAILib.model.result import AnalysisResult
    from LungNoduleAILib.report.follow_up import FollowUpPictures
    from LungNoduleAILib.report.prior_exam import PriorExam
    from ThoraxAILib.report.slices import Picture

FOLLOW_UP_REPORT, FOLLOW_UP_PDF = "follow_up_report.html", "follow_up_report.pdf"
PRIOR_FINDINGS = "findings_prior.json"
DECISIONS, RUN = nodes.PREFIX + "decisions", nodes.PREFIX + "run"


class LungFollowUpLogic:
    """Show, review and save one follow-up; the current one is the last shown.

    ``result_of`` returns the analysis of a CT as it stands in the scene, ``findings_of`` its findings alone; None
    without one. The pictures of what changed are those that the worker drew; they are kept with the scene.
    """

    def __init__(
        self,
        result_of: Callable[[Any], AnalysisResult | None] = lambda _node: None,
        findings_of: Callable[[Any], Findings | None] = lambda _node: None,
    ) -> None:
        self._resultOf, self._findingsOf = result_of, findings_of

    def load_result(self, directory: Path | str, prior_node, current_node):
        """Show what a worker wrote to a folder for the last two scans; raises InputError when it does not fit.

        Links and unlinks of an older follow-up of the same scans stay where both nodules are still there.
        """
        directory = Path(directory)
        try:
            document = read_plain_json(directory / PAIRS_FILE)
            FollowUp.from_dict(document)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"The folder holds no follow-up ({type(error).__name__}): run the follow-up again."
            ) from error
        transform = directory / TRANSFORM_FILE
        data = FollowUpData(
            document,
            transform if transform.is_file() else None,
            _volume(directory / DIFFERENCE_FILE),
            _volume(directory / WARPED_FILE),
            _sheets_text(directory / SHEETS_FILE),
        )
        linked = self._linked_before(prior_node, current_node)
        text = self.show_result(prior_node, current_node, data)
        run = directory / RUN_FILE
        text.SetAttribute(RUN, run.read_text(encoding="utf-8") if run.is_file() else "")
        for before, now, decision in linked:
            self._link_again(before, now, decision)
        return text

    def show_result(self, prior_node, current_node, data: FollowUpData):
        """Make the nodes of a follow-up instead of an older one of the same two scans; returns its root node."""
        for text in nodes.follow_up_texts():
            if nodes.node_of(text, "prior") is prior_node and nodes.node_of(text, "current") is current_node:
                nodes.remove_follow_up_nodes(text)
        return nodes.create_follow_up_nodes(prior_node, current_node, data)

    def _linked_before(self, prior_node, current_node) -> list[tuple[Finding, Finding, str]]:
        """Return the reader's decisions on the pairs of an older follow-up of two scans, with their nodules."""
        said = []
        for text in nodes.follow_up_texts():
            if nodes.node_of(text, "prior") is prior_node and nodes.node_of(text, "current") is current_node:
                scans = self._as_it_stands(text).scans[-2:]
                prior, current = ({one.id: one for one in scan.findings} for scan in scans)
                for entry in _decisions_of(text):
                    if entry.prior_id in prior and entry.current_id in current:
                        said.append((prior[entry.prior_id], current[entry.current_id], entry.decision))
        return said

    def _link_again(self, before: Finding, now: Finding, decision: str) -> None:
        """Record a decision again where both nodules lie as they did; nothing where one is gone."""
        scans = self._as_it_stands(self._text()).scans[-2:]
        ends = [same_places([one], scan.findings) for one, scan in zip((before, now), scans, strict=True)]
        if all(ends):
            (_, first), (_, second) = ends[0][0], ends[1][0]
            self.decide(first.id, second.id, decision == LINK)

    def current_text(self):
        """Root node of the follow-up shown last; None without one."""
        texts = nodes.follow_up_texts()
        return texts[-1] if texts else None

    def follow_up(self) -> FollowUp | None:
        """Return the current follow-up with the reader's links; None without one."""
        text = self.current_text()
        return None if text is None else FollowUp.from_dict(nodes.follow_up_document(text))

    def pairs(self) -> tuple[Pair, ...]:
        """Pairs of the last two dates in table order; empty without a follow-up."""
        found = self.follow_up()
        return () if found is None else found.intervals[-1].pairs

    def jump_to_pair(self, index: int) -> Pair:
        """Center the slice views on a pair: on its current place, else on its prior one; raises ValueError."""
        found = self.pairs()
        if not 0 <= index < len(found):
            raise ValueError(f"there is no pair {index} in the current follow-up")
        pair = found[index]
        for slice_node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            place = self._place_in(slice_node, pair)
            if place is not None:
                slice_node.JumpSliceByCentering(*place)
        return pair

    def _place_in(self, slice_node, pair: Pair) -> tuple[float, float, float] | None:
        """Return the prior place for a view that shows the prior scan where it lies, the current place elsewhere."""
        text = self.current_text()
        prior = nodes.node_of(text, "prior")
        logic = slicer.app.applicationLogic().GetSliceLogic(slice_node) if hasattr(slicer, "app") else None
        composite = None if logic is None else logic.GetSliceCompositeNode()
        shows_prior = composite is not None and prior is not None and composite.GetBackgroundVolumeID() == prior.GetID()
        if pair.current_center_ras_mm is None or (
            shows_prior and pair.prior_center_ras_mm is not None and not prior.GetTransformNodeID()
        ):
            return pair.prior_center_ras_mm
        return pair.current_center_ras_mm

    def decide(self, prior_id: str, current_id: str, is_same: bool) -> FollowUp:
        """Record that two nodules are, or are not, the same in every node; raises InputError for unknown ids."""
        text = self.current_text()
        if text is None:
            raise InputError("There is no follow-up to review: run one first.")
        decision = LinkDecision(prior_id, current_id, LINK if is_same else UNLINK)
        changed = with_decision(self._as_it_stands(text), decision)
        document = changed.to_dict()
        kept = [entry for entry in self.decisions() if (entry.prior_id, entry.current_id) != (prior_id, current_id)]
        self._replace_shown(text, document)
        text.SetText(json.dumps(document, indent=1))
        text.SetAttribute(DECISIONS, json.dumps([vars(entry) for entry in (*kept, decision)]))
        return changed

    def decisions(self) -> tuple[LinkDecision, ...]:
        """Return the reader's links and unlinks of the current follow-up."""
        text = self.current_text()
        return () if text is None else _decisions_of(text)

    def _replace_shown(self, text, document: dict) -> None:
        """Put new table, points and chart in place of the old ones; scans, transform and volumes stay."""
        aligned = self.is_aligned()
        nodes.refresh_follow_up_nodes(text, document)
        nodes.align_prior(text, aligned)

    def align_prior(self, aligned: bool) -> None:
        """Lay the prior scan over the current one through the registration, or put it back."""
        text = self.current_text()
        if text is not None:
            nodes.align_prior(text, aligned)

    def show_points(self, shown: bool) -> None:
        """Show or hide the marks of the pairs in the views, e.g. while the reader reads first."""
        text = self.current_text()
        if text is not None:
            nodes.show_points(text, shown)

    def is_aligned(self) -> bool:
        """Whether the prior scan lies over the current one."""
        text = self.current_text()
        prior = None if text is None else nodes.node_of(text, "prior")
        return prior is not None and bool(prior.GetTransformNodeID())

    def save_result(self, directory: Path | str) -> tuple[Path, ...]:
        """Write pairs (with the findings of each date as they stand), links, prior findings and the report to a folder.

        Raises InputError without a follow-up or when its CTs left the scene, OutputError when the folder cannot be
        written.
        """
        from LungNoduleAILib.cases.two_dates.pairs_csv import write_pairs_csv

        directory, found = Path(directory), self.reviewed()
        prior = self._resultOf(nodes.node_of(self._text(), "prior"))
        try:
            written = [directory / name for name in (PAIRS_FILE, PAIRS_CSV, LINKS_FILE)]
            written[0].write_text(json.dumps(found.to_dict(), indent=2) + "\n", encoding="utf-8")
            write_pairs_csv(written[1], found)
            write_links(self.decisions(), written[2])
            if prior is not None:
                written.append(directory / PRIOR_FINDINGS)
                document = json.dumps(prior.findings.to_dict(), indent=2)
                written[-1].write_text(document + "\n", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"The pairs cannot be saved ({error.strerror}): choose a writable folder.") from error
        return (*written, *self.write_report(directory))

    # The report

    def _text(self):
        text = self.current_text()
        if text is None:
            raise InputError("There is no follow-up: compare two CTs first.")
        return text

    def reviewed(self) -> FollowUp:
        """Return the follow-up with the findings of both dates as the reader left them; raises InputError without.

        What was added or removed since the comparison stands among its warnings.
        """
        text = self._text()
        found = self._as_it_stands(text)
        last, changed = found.intervals[-1], came_and_went(found, *self._findings_now(text))
        return replace(found, intervals=(*found.intervals[:-1], replace(last, warnings=(*last.warnings, *changed))))

    def as_it_stands(self) -> FollowUp | None:
        """Return the same without those warnings; None without a follow-up."""
        text = self.current_text()
        return None if text is None else self._as_it_stands(text)

    def _as_it_stands(self, text) -> FollowUp:
        prior, current = (found or () for found in self._findings_now(text))
        return as_reviewed(FollowUp.from_dict(nodes.follow_up_document(text)), prior, current)

    def _findings_now(self, text) -> list:
        """Return the findings of both dates in the scene; None for a date without an analysis there."""
        found = [self._findingsOf(nodes.node_of(text, role)) for role in ("prior", "current")]
        return [None if one is None else one.findings for one in found]

    def dates(self) -> tuple[tuple[Any, AnalysisResult], ...]:
        """Return both CTs of the follow-up with their analyses as the reader left them; empty when one has none."""
        text = self.current_text()
        volumes = () if text is None else tuple(nodes.node_of(text, role) for role in ("prior", "current"))
        found = tuple((node, its) for node in volumes if (its := self._resultOf(node)) is not None)
        return found if len(found) == len(volumes) else ()

    def prior_exam(self, current_node) -> PriorExam | None:
        """Return what the follow-up tells of the findings of its current CT; None for every other CT."""
        from LungNoduleAILib.report.prior_exam import prior_exam

        text = self.current_text()
        if text is None or current_node is None or nodes.node_of(text, "current") is not current_node:
            return None
        prior_node, result = nodes.node_of(text, "prior"), self._resultOf(current_node)
        if result is None:
            return None
        prior = self._resultOf(prior_node)
        volume = None if prior is None else prior.volume
        by_id = {} if prior is None else {one.id: one for one in prior.findings.findings}
        return prior_exam(self.reviewed(), result.findings.findings, volume, by_id)

    def write_report(self, directory: Path | str) -> tuple[Path, ...]:
        """Write the report of the follow-up as it stands, HTML and (with fpdf2) PDF, to an existing folder.

        Raises InputError without a follow-up or when its CTs left the scene, OutputError.
        """
        from LungNoduleAILib.guidelines.terms.person import PersonAndExam
        from LungNoduleAILib.report.follow_up import write_follow_up_report
        from LungNoduleAILib.report.follow_up_pdf import write_follow_up_pdf

        text, directory = self._text(), Path(directory)
        current = self._resultOf(nodes.node_of(text, "current"))
        person = PersonAndExam() if current is None else PersonAndExam(**current.findings.review.person)
        run = json.loads(text.GetAttribute(RUN) or "{}")
        written = [directory / FOLLOW_UP_REPORT]
        try:
            content = write_follow_up_report(written[0], self.reviewed(), self._pictures(), run, person)
            with suppress(MissingDependencyError):
                write_follow_up_pdf(directory / FOLLOW_UP_PDF, content)
                written.append(directory / FOLLOW_UP_PDF)
        except OSError as error:
            raise OutputError(f"The report cannot be written ({error.strerror}): choose a writable folder.") from error
        return tuple(written)

    def _pictures(self) -> FollowUpPictures:
        from LungNoduleAILib.report.follow_up import FollowUpPictures

        text = self._text()
        *scans, warped = (nodes.node_of(text, role) for role in ("prior", "current", "warped_prior"))
        if None in scans:
            raise InputError("A CT of this follow-up left the scene: load it and compare again.")
        was_aligned = self.is_aligned()
        self.align_prior(False)  # pictures show the prior CT where it lies itself
        try:
            results = [self._resultOf(node) for node in scans]
            prior, current = (
                volume_from_node(node) if result is None else result.volume
                for node, result in zip(scans, results, strict=True)
            )
        finally:
            self.align_prior(was_aligned)
        of_prior, of_current = (
            {} if result is None else {one.id: one for one in result.findings.findings} for result in results
        )
        aligned = None if warped is None else volume_from_node(warped)
        return FollowUpPictures(prior, current, aligned, _sheets(nodes.kept_pictures(text)), of_prior, of_current)

    def clear_result(self) -> None:
        """Remove the nodes of the current follow-up; the scans stay."""
        text = self.current_text()
        if text is not None:
            nodes.remove_follow_up_nodes(text)


def _decisions_of(text) -> tuple[LinkDecision, ...]:
    stored = text.GetAttribute(DECISIONS)
    return tuple(LinkDecision(**entry) for entry in json.loads(stored)) if stored else ()


def _sheets_text(path: Path) -> str:
    """Return the pictures that a worker left as text for the scene."""
    from LungNoduleAILib.cases.two_dates.follow_up_files import read_sheets
    from ThoraxAILib.report.kept_pictures import pictures_to_text

    try:
        return pictures_to_text(read_sheets(path)) if path.is_file() else ""
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"The pictures cannot be read ({type(error).__name__}): run the follow-up again.") from error


def _sheets(text: str) -> tuple[tuple[str, Picture], ...]:
    from ThoraxAILib.report.kept_pictures import pictures_from_text

    try:
        return pictures_from_text(text) if text else ()
    except ValueError as error:
        raise InputError(f"The pictures of the scene cannot be read ({error}): compare again.") from error


def _volume(path: Path) -> Volume | None:
    from ThoraxAILib.io import read_volume

    return read_volume(path, modalities=("OT",)) if path.is_file() else None
