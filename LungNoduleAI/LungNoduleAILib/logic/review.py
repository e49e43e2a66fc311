"""LungReview: what a reader does with the current result, in terms of MRML nodes; the same in panel and script.

Each act reads the findings from the scene, changes them by a pure function of analysis.reviewing, and lets every node
follow. The state lives in the scene alone, so that it is saved with it, and each act can be undone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from LungNoduleAILib.analysis.review import review_record, reviewing
from LungNoduleAILib.analysis.review.review_record import By, checked_words, finding_of
from LungNoduleAILib.analysis.turned_masks import volume_in_lps
from LungNoduleAILib.model.findings import Finding, Findings
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.model.review import READ_FIRST, Review
from LungNoduleAILib.scene import calipers
from LungNoduleAILib.scene.result_nodes import ResultNodes
from LungNoduleAILib.scene.review_nodes import (
    edited_outlines,
    lobe_labels,
    refresh_result_nodes,
    result_from_nodes,
)
from ThoraxAILib.errors import InputError, MissingDependencyError
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.scene.volumes import volume_from_node

if TYPE_CHECKING:
    from LungNoduleAILib.analysis.reader_measurement import ReaderMeasurement

Act = Callable[[Findings, By], Findings]
CLASSICAL = "classical"


class LungReview:
    """Decide, correct, read first and undo on one result; ``current`` gives its nodes, None without one.

    All positions are RAS mm. Each act raises InputError with one sentence when it cannot be done, and then changes
    nothing. ``delineator`` is the engine that outlines a clicked nodule.
    """

    def __init__(self, current: Callable[[], ResultNodes | None], delineator: str = "auto") -> None:
        self._current = current
        self._volumes: tuple[str, Volume] | None = None
        self._measurement: tuple[str, ReaderMeasurement] | None = None
        self.delineator = delineator

    # What stands

    def nodes(self) -> ResultNodes:
        """Return the nodes of the current result; raises InputError without one."""
        nodes = self._current()
        if nodes is None:
            raise InputError("There is no result yet: analyze a CT first.")
        return nodes

    def findings(self) -> Findings:
        """Return the findings as they stand, with the review; masks are on the grid of ``volume()``."""
        return self.nodes().findings()

    def record(self) -> Review:
        """Return person, mode of reading and the history of all changes; an empty one without a result."""
        nodes = self._current()
        return Review() if nodes is None else nodes.findings().review

    def volume(self) -> Volume:
        """Return the CT in LPS order; raises InputError when it left the scene."""
        node = self.nodes().volume
        if node is None:
            raise InputError("The CT of this result is no longer in the scene: load it and analyze it again.")
        key = f"{node.GetID()} {node.GetImageData().GetMTime()} {node.GetMTime()}"
        if self._volumes is None or self._volumes[0] != key:
            self._volumes = key, volume_in_lps(volume_from_node(node))
        return self._volumes[1]

    def result(self) -> AnalysisResult:
        """Return the result as it stands in the scene, for report and files."""
        return result_from_nodes(self.nodes(), self.volume())

    def forget_volume(self) -> None:
        """Let go of the CT and what was prepared on it."""
        self._volumes = self._measurement = None

    def set_reader(self, name: str) -> None:
        """Say who reads (a name, initials, a pseudonym): it stands in the record of each change from now on."""
        self.nodes().set_reader(checked_words(name, "reader's name"))

    def prepare(self) -> None:
        """Make ready what measures on this CT, which takes seconds the first time; nothing happens without the CT."""
        nodes = self._current()
        if nodes is not None and nodes.volume is not None:
            self._measured()

    # Decisions and statements

    def decide(self, finding_id: str, status: str, reason: str = "") -> Finding:
        """Accept, reject or reset (``unreviewed``) a finding, with a reason."""
        return self._one(finding_id, lambda found, by: reviewing.decide(found, finding_id, status, reason, by))

    def state(self, finding_id: str, field: str, value: str | None) -> Finding:
        """State type, lobe, attachment, margin, shape or calcification_pattern; None takes the word back."""
        return self._one(finding_id, lambda found, by: reviewing.state(found, finding_id, field, value, by))

    def state_person(self, person: Mapping[str, Any]) -> None:
        """State person and exam: fields of PersonAndExam, what is absent is not stated."""
        self._do(lambda found, by: reviewing.state_person(found, person, by))

    # Corrections

    def add_nodule(self, center_ras_mm: tuple[float, float, float]) -> Finding:
        """Add the nodule at a point, outlined and measured at once; its ``source`` is the reader."""
        return self.add(self._measured().at_point(center_ras_mm))

    def add(self, new: Finding) -> Finding:
        """Add a measured nodule, its mask on the grid of ``volume()``, as the reader's."""
        before = {finding.id for finding in self.findings().findings}
        self._do(lambda found, by: reviewing.added(found, new, by)[0])
        return next(finding for finding in self.findings().findings if finding.id not in before)

    def remeasure(self, finding_id: str) -> Finding | None:
        """Measure a finding again whose segment was drawn differently; None when it was not.

        Raises InputError for an empty segment.
        """
        edited = edited_outlines(self.nodes(), self.volume())
        if finding_id not in edited:
            return None
        drawn = edited[finding_id]
        if not isinstance(drawn, Mask):
            raise InputError(f"The outline of {finding_id} is empty: undo, draw it again, or reject the finding.")
        return self._remeasured(finding_id, self._measured().of_mask(drawn), "outline edited")

    def remeasure_all(self) -> list[Finding]:
        """Measure every finding again whose segment was drawn differently, also before this scene was opened."""
        again = (self.remeasure(name) for name, drawn in self.edited().items() if drawn is not None)
        return [finding for finding in again if finding is not None]

    def edited(self) -> dict[str, object]:
        """Return the drawn masks (None for an empty one) of findings whose segments differ from what is measured."""
        return edited_outlines(self.nodes(), self.volume())

    def set_outline(self, finding_id: str, mask: Mask) -> Finding:
        """Give a finding another outline, a mask on the grid of ``volume()``, and measure it."""
        return self._remeasured(finding_id, self._measured().of_mask(mask), "outline edited")

    def move(self, finding_id: str, shift_mm: tuple[float, float, float]) -> Finding:
        """Shift a finding's outline towards R, A and S, to the nearest voxel, and measure it there."""
        new = self._measured().moved(self._mask(finding_id), shift_mm)
        return self._remeasured(finding_id, new, "moved")

    def resize(self, finding_id: str, margin_mm: float) -> Finding:
        """Grow a finding's outline by a margin on every side, or shrink it below 0, and measure it."""
        new = self._measured().resized(self._mask(finding_id), margin_mm)
        return self._remeasured(finding_id, new, "resized")

    def step_mm(self) -> float:
        """Return the smallest margin by which an outline can grow: the smallest edge of a voxel in mm."""
        return float(self.volume().spacing_kji_mm.min())

    def merge(self, finding_id: str, other_id: str) -> Finding:
        """Make two findings one under the first name; the other goes, or is rejected when the software found it."""
        new = self._measured().together(self._mask(finding_id), self._mask(other_id))
        return self._one(finding_id, lambda found, by: reviewing.merged(found, finding_id, other_id, new, by))

    def split(self, finding_id: str) -> Finding:
        """Make the two separate parts of an outline two findings; returns the new one."""
        self.remeasure(finding_id)
        parts = self._measured().parts(self._mask(finding_id))
        before = {finding.id for finding in self.findings().findings}
        self._do(lambda found, by: reviewing.split(found, finding_id, parts, by)[0])
        return next(finding for finding in self.findings().findings if finding.id not in before)

    def delete(self, finding_id: str) -> None:
        """Remove a nodule the reader added."""
        self._do(lambda found, by: reviewing.deleted(found, finding_id, by))

    def show_calipers(self, finding_id: str | None) -> bool:
        """Lay the two calipers on a finding, or hide them; returns whether they show."""
        nodes = self.nodes()
        return calipers.show_calipers(nodes.text, None if finding_id is None else self._finding(finding_id))

    def take_calipers(self) -> Finding | None:
        """Take the axes from the calipers as they lie in the views; None when none shows or nothing changed."""
        found = calipers.caliper_ends(self.nodes().text)
        if found is None:
            return None
        finding_id, long_ends, short_ends = found
        return self.set_axes(finding_id, long_ends, short_ends)

    def set_axes(self, finding_id: str, long_ras_mm: calipers.Ends, short_ras_mm: calipers.Ends) -> Finding:
        """Give a finding these axes (both ends, RAS mm); their lengths are its diameters."""
        from LungNoduleAILib.analysis.reader_measurement import with_calipers

        old = self._finding(finding_id)
        new = with_calipers(old, long_ras_mm, short_ras_mm)
        if (new.long_axis_ras_mm, new.short_axis_ras_mm) == (old.long_axis_ras_mm, old.short_axis_ras_mm):
            return old
        return self._remeasured(finding_id, new, "measured with calipers")

    # Reading first

    def read_first(self) -> None:
        """Hide the software's findings until the reader locks their own reading."""
        self._do(reviewing.start_reading_first)

    def lock_reading(self) -> None:
        """Show the software's findings beside what the reader has marked."""
        self._do(reviewing.lock_reading)

    @property
    def is_reading_first(self) -> bool:
        """Whether the software's findings are hidden."""
        return self.record().mode == READ_FIRST

    # Undo

    def undo(self) -> str:
        """Take the newest change back; returns what it was."""
        return self._history_act(review_record.undo)

    def redo(self) -> str:
        """Do the last change again that was taken back; returns what it was."""
        return self._history_act(review_record.redo)

    def _history_act(self, act: Act) -> str:
        self._do(act)
        return self.record().history[-1].action

    # How

    def _one(self, finding_id: str, act: Act) -> Finding:
        self._do(act)
        return self._finding(finding_id)

    def _do(self, act: Act) -> None:
        nodes = self.nodes()
        before = nodes.findings()
        after = act(before, By.now(nodes.reader()))
        if after is not before:
            refresh_result_nodes(nodes, after, self.volume())
            self._follow_calipers(after)

    def _follow_calipers(self, after: Findings) -> None:
        """Let calipers that show follow their finding."""
        text = self.nodes().text
        shown = calipers.caliper_ends(text)
        if shown is not None:
            calipers.show_calipers(text, next((f for f in after.findings if f.id == shown[0]), None))

    def _remeasured(self, finding_id: str, new: Finding, action: str) -> Finding:
        return self._one(finding_id, lambda found, by: reviewing.remeasured(found, finding_id, new, action, by))

    def _finding(self, finding_id: str) -> Finding:
        return finding_of(self.findings(), finding_id)

    def _mask(self, finding_id: str) -> Mask:
        mask = self._finding(finding_id).mask
        if mask is None:
            raise InputError(f"{finding_id} has no outline: add the nodule with a click instead.")
        return mask

    def _measured(self) -> ReaderMeasurement:
        """Return what measures on this CT; made once, for it prepares the lungs."""
        from LungNoduleAILib.analysis.engines import DELINEATOR, REGISTRY
        from LungNoduleAILib.analysis.reader_measurement import ReaderMeasurement

        nodes, volume = self.nodes(), self.volume()
        key = f"{nodes.text.GetID()} {id(volume)} {self.delineator}"
        if self._measurement is None or self._measurement[0] != key:
            try:
                delineator = REGISTRY.choose(DELINEATOR, self.delineator)[0].make("cpu")
            except MissingDependencyError:
                delineator = REGISTRY.choose(DELINEATOR, CLASSICAL)[0].make("cpu")
            labels = lobe_labels(nodes, volume)
            withheld = nodes.findings().lungs.sides_withheld
            measurement = ReaderMeasurement(volume, labels, nodes.lobes_approximate, delineator, withheld)
            self._measurement = key, measurement
        return self._measurement[1]
