"""LungFollowUpLogic: the follow-up of two or more chest CTs in terms of MRML nodes, in desktop Slicer and plain Python.

The follow-up itself runs in a worker (``thoraxai lung follow-up``); this shows what it wrote, keeps the reader's links,
and lays the scans over each other. No Qt: errors are raised as ThoraxAIError with one sentence.
"""

from __future__ import annotations

import json
from pathlib import Path

import slicer

from LungNoduleAILib.analysis.decisions import with_decision
from LungNoduleAILib.model.files import (
    DIFFERENCE_FILE,
    LINKS_FILE,
    PAIRS_CSV,
    PAIRS_FILE,
    REPORT_FILE,
    TRANSFORM_FILE,
    WARPED_FILE,
)
from LungNoduleAILib.model.links import LINK, UNLINK, LinkDecision, write_links
from LungNoduleAILib.model.pairs import FollowUp, Pair
from LungNoduleAILib.scene import follow_up_nodes as nodes
from LungNoduleAILib.scene.follow_up_nodes import FollowUpData
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.untrusted.plain_json import read_plain_json

FOLLOW_UP_REPORT = "follow_up_report.html"
DECISIONS = "LungNoduleAI.follow_up.decisions"


class LungFollowUpLogic:
    """Show, review and save one follow-up; the current one is the last shown.

    ``report`` is the report that the worker wrote for it, until links change it or another scene comes.
    """

    report: bytes | None = None

    def load_result(self, directory: Path | str, prior_node, current_node):
        """Show what a worker wrote to a folder for the last two scans; raises InputError when it does not fit."""
        directory = Path(directory)
        try:
            document = read_plain_json(directory / PAIRS_FILE)
            FollowUp.from_dict(document)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"The folder holds no follow-up ({type(error).__name__}): run the follow-up again."
            ) from error
        transform = directory / TRANSFORM_FILE
        report = directory / REPORT_FILE
        self.report = report.read_bytes() if report.is_file() else None
        data = FollowUpData(
            document,
            transform if transform.is_file() else None,
            _volume(directory / DIFFERENCE_FILE),
            _volume(directory / WARPED_FILE),
        )
        return self.show_result(prior_node, current_node, data)

    def show_result(self, prior_node, current_node, data: FollowUpData):
        """Make the nodes of a follow-up instead of an older one of the same two scans; returns its root node."""
        for text in nodes.follow_up_texts():
            if nodes.node_of(text, "prior") is prior_node and nodes.node_of(text, "current") is current_node:
                nodes.remove_follow_up_nodes(text)
        return nodes.create_follow_up_nodes(prior_node, current_node, data)

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
        text, shown = self.current_text(), self.follow_up()
        if text is None or shown is None:
            raise InputError("There is no follow-up to review: run one first.")
        decision = LinkDecision(prior_id, current_id, LINK if is_same else UNLINK)
        changed = with_decision(shown, decision)
        self.report = None  # it tells of the pairs as they were
        document = changed.to_dict()
        kept = [entry for entry in self.decisions() if (entry.prior_id, entry.current_id) != (prior_id, current_id)]
        self._replace_shown(text, document)
        text.SetText(json.dumps(document, indent=1))
        text.SetAttribute(DECISIONS, json.dumps([vars(entry) for entry in (*kept, decision)]))
        return changed

    def decisions(self) -> tuple[LinkDecision, ...]:
        """Return the reader's links and unlinks of the current follow-up."""
        text = self.current_text()
        stored = None if text is None else text.GetAttribute(DECISIONS)
        return tuple(LinkDecision(**entry) for entry in json.loads(stored)) if stored else ()

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

    def is_aligned(self) -> bool:
        """Whether the prior scan lies over the current one."""
        text = self.current_text()
        prior = None if text is None else nodes.node_of(text, "prior")
        return prior is not None and bool(prior.GetTransformNodeID())

    def save_result(self, directory: Path | str) -> tuple[Path, ...]:
        """Write pairs (with the findings of each date), links and the report, where it still holds, to a folder.

        Raises InputError without a follow-up.
        """
        from LungNoduleAILib.cases.pairs_csv import write_pairs_csv

        found = self.follow_up()
        if found is None:
            raise InputError("There is no follow-up to save: run one first.")
        directory = Path(directory)
        written = [directory / name for name in (PAIRS_FILE, PAIRS_CSV, LINKS_FILE)]
        written[0].write_text(json.dumps(found.to_dict(), indent=2) + "\n", encoding="utf-8")
        write_pairs_csv(written[1], found)
        write_links(self.decisions(), written[2])
        if self.report is not None:
            written.append(directory / FOLLOW_UP_REPORT)
            written[-1].write_bytes(self.report)
        return tuple(written)

    def clear_result(self) -> None:
        """Remove the nodes of the current follow-up; the scans stay."""
        text = self.current_text()
        if text is not None:
            nodes.remove_follow_up_nodes(text)


def _volume(path: Path) -> Volume | None:
    from ThoraxAILib.io import read_volume

    return read_volume(path, modalities=("OT",)) if path.is_file() else None
