"""LungFollowUpLogic: the follow-up of two or more chest CTs in terms of MRML nodes, in desktop Slicer and plain Python.

The follow-up itself runs in a worker (``thoraxai lung follow-up``); this shows what it wrote, keeps the reader's links,
and lays the scans over each other. No Qt: errors are raised as ThoraxAIError with one sentence.
"""

from __future__ import annotations

import json
from pathlib import Path

import slicer

from LungNoduleAILib.analysis.decisions import with_decision
from LungNoduleAILib.model.files import DIFFERENCE_FILE, LINKS_FILE, PAIRS_CSV, PAIRS_FILE, TRANSFORM_FILE, WARPED_FILE
from LungNoduleAILib.model.links import LINK, UNLINK, LinkDecision, write_links
from LungNoduleAILib.model.pairs import FollowUp, Pair
from LungNoduleAILib.scene import follow_up_nodes as nodes
from LungNoduleAILib.scene.follow_up_nodes import FollowUpData
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.untrusted.plain_json import read_plain_json

DECISIONS = "LungNoduleAI.followUp.decisions"


class LungFollowUpLogic:
    """Show, review and save one follow-up; the current one is the last shown."""

    def loadResult(self, directory: Path | str, priorNode, currentNode):
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
        data = FollowUpData(
            document,
            transform if transform.is_file() else None,
            _volume(directory / DIFFERENCE_FILE),
            _volume(directory / WARPED_FILE),
        )
        return self.showResult(priorNode, currentNode, data)

    def showResult(self, priorNode, currentNode, data: FollowUpData):
        """Make the nodes of a follow-up instead of an older one of the same two scans; returns its root node."""
        for text in nodes.followUpTexts():
            if nodes.nodeOf(text, "prior") is priorNode and nodes.nodeOf(text, "current") is currentNode:
                nodes.removeFollowUpNodes(text)
        return nodes.createFollowUpNodes(priorNode, currentNode, data)

    def currentText(self):
        """Root node of the follow-up shown last; None without one."""
        texts = nodes.followUpTexts()
        return texts[-1] if texts else None

    def followUp(self) -> FollowUp | None:
        """The current follow-up with the reader's links; None without one."""
        text = self.currentText()
        return None if text is None else FollowUp.from_dict(nodes.followUpDocument(text))

    def pairs(self) -> tuple[Pair, ...]:
        """Pairs of the last two dates in table order; empty without a follow-up."""
        found = self.followUp()
        return () if found is None else found.intervals[-1].pairs

    def jumpToPair(self, index: int) -> Pair:
        """Center the slice views on a pair: on its current place, else on its prior one; raises ValueError."""
        found = self.pairs()
        if not 0 <= index < len(found):
            raise ValueError(f"there is no pair {index} in the current follow-up")
        pair = found[index]
        for sliceNode in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            place = self._placeIn(sliceNode, pair)
            if place is not None:
                sliceNode.JumpSliceByCentering(*place)
        return pair

    def _placeIn(self, sliceNode, pair: Pair) -> tuple[float, float, float] | None:
        """The prior place for a view that shows the prior scan where it lies, the current place elsewhere."""
        text = self.currentText()
        prior = nodes.nodeOf(text, "prior")
        logic = slicer.app.applicationLogic().GetSliceLogic(sliceNode) if hasattr(slicer, "app") else None
        composite = None if logic is None else logic.GetSliceCompositeNode()
        showsPrior = composite is not None and prior is not None and composite.GetBackgroundVolumeID() == prior.GetID()
        if pair.current_center_ras_mm is None or (
            showsPrior and pair.prior_center_ras_mm is not None and not prior.GetTransformNodeID()
        ):
            return pair.prior_center_ras_mm
        return pair.current_center_ras_mm

    def decide(self, priorId: str, currentId: str, isSame: bool) -> FollowUp:
        """Record that two nodules are, or are not, the same in every node; raises InputError for unknown ids."""
        text, shown = self.currentText(), self.followUp()
        if text is None or shown is None:
            raise InputError("There is no follow-up to review: run one first.")
        decision = LinkDecision(priorId, currentId, LINK if isSame else UNLINK)
        changed = with_decision(shown, decision)
        document = changed.to_dict()
        kept = [entry for entry in self.decisions() if (entry.prior_id, entry.current_id) != (priorId, currentId)]
        self._replaceShown(text, document)
        text.SetText(json.dumps(document, indent=1))
        text.SetAttribute(DECISIONS, json.dumps([vars(entry) for entry in (*kept, decision)]))
        return changed

    def decisions(self) -> tuple[LinkDecision, ...]:
        """The reader's links and unlinks of the current follow-up."""
        text = self.currentText()
        stored = None if text is None else text.GetAttribute(DECISIONS)
        return tuple(LinkDecision(**entry) for entry in json.loads(stored)) if stored else ()

    def _replaceShown(self, text, document: dict) -> None:
        """New table, points and chart in place of the old ones; scans, transform and volumes stay."""
        aligned = self.isAligned()
        nodes.refreshFollowUpNodes(text, document)
        nodes.alignPrior(text, aligned)

    def alignPrior(self, aligned: bool) -> None:
        """Lay the prior scan over the current one through the registration, or put it back."""
        text = self.currentText()
        if text is not None:
            nodes.alignPrior(text, aligned)

    def isAligned(self) -> bool:
        """Whether the prior scan lies over the current one."""
        text = self.currentText()
        prior = None if text is None else nodes.nodeOf(text, "prior")
        return prior is not None and bool(prior.GetTransformNodeID())

    def saveResult(self, directory: Path | str) -> tuple[Path, ...]:
        """Write pairs.json, pairs.csv and links.csv to an existing folder; raises InputError without a follow-up."""
        from LungNoduleAILib.cases.pairs_csv import write_pairs_csv

        found = self.followUp()
        if found is None:
            raise InputError("There is no follow-up to save: run one first.")
        directory = Path(directory)
        written = [directory / name for name in (PAIRS_FILE, PAIRS_CSV, LINKS_FILE)]
        written[0].write_text(json.dumps(found.to_dict(), indent=2) + "\n", encoding="utf-8")
        write_pairs_csv(written[1], found)
        write_links(self.decisions(), written[2])
        return tuple(written)

    def clearResult(self) -> None:
        """Remove the nodes of the current follow-up; the scans stay."""
        text = self.currentText()
        if text is not None:
            nodes.removeFollowUpNodes(text)


def _volume(path: Path) -> Volume | None:
    from ThoraxAILib.io import read_volume

    return read_volume(path, modalities=("OT",)) if path.is_file() else None
