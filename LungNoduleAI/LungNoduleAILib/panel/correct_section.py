"""Correct the computer: add a nodule, draw, move, resize, merge, split, measure, and state what it looks like."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ctk
import qt
import slicer
from slicer.i18n import tr as _

from LungNoduleAILib.analysis.review.reviewing import STATABLE
from LungNoduleAILib.logic.review import LungReview
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.review import READER
from LungNoduleAILib.panel.interaction.place_tool import PlaceTool
from LungNoduleAILib.panel.words import measured_by_ai, value_words
from ThoraxAILib.errors import InputError, ThoraxAIError
from ThoraxAILib.panels import parts

EDITOR = "SegmentEditor"


class CorrectSection:
    """Add ``widget`` to the panel and call show() whenever the selected finding or its values may have changed.

    ``on_changed(id)`` is called after a change, with the finding to select (None: as it is).
    """

    def __init__(self, review: LungReview, on_changed: Callable[[str | None], None]) -> None:
        self._review, self._onChanged = review, on_changed
        self._finding: Finding | None = None
        self._isFilling = False
        self.placeTool = PlaceTool(self._on_place_stopped)
        self.widget = ctk.ctkCollapsibleButton()
        self.widget.name = "correctSection"
        self.widget.text = _("Correct")
        layout = qt.QVBoxLayout(self.widget)
        layout.setContentsMargins(4, 5, 4, 5)
        self._build_tools(layout)
        self._build_statements(layout)
        self._build_shaping(layout)
        self.messageLabel = parts.label("correctMessageLabel")
        layout.addWidget(self.messageLabel)
        self.show(None, has_result=False)

    def _build_tools(self, layout: qt.QVBoxLayout) -> None:
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.addButton = self._button("addNoduleButton", _("Add nodule"), row, checkable=True)
        self.editButton = self._button("editOutlineButton", _("Edit outline"), row)
        self.calipersButton = self._button("calipersButton", _("Calipers"), row, checkable=True)
        self.undoButton = self._button("undoButton", _("Undo"), row)
        self.redoButton = self._button("redoButton", _("Redo"), row)
        self.addButton.connect("toggled(bool)", self.on_add)
        self.editButton.connect("clicked()", self.on_edit)
        self.calipersButton.connect("toggled(bool)", self.on_calipers)
        self.undoButton.connect("clicked()", lambda: self._history(self._review.undo))
        self.redoButton.connect("clicked()", lambda: self._history(self._review.redo))

    def _build_statements(self, layout: qt.QVBoxLayout) -> None:
        grid = qt.QGridLayout()
        layout.addLayout(grid)
        titles = {
            "type": _("Type:"),
            "lobe": _("Lobe:"),
            "margin": _("Margin:"),
            "shape": _("Shape:"),
            "attachment": _("Attached to:"),
            "calcification_pattern": _("Calcification:"),
        }
        self.boxes: dict[str, qt.QComboBox] = {}
        for index, (field, title) in enumerate(titles.items()):
            box = qt.QComboBox()
            box.name = f"{field}ComboBox"
            box.addItem(_("as measured") if field in ("type", "lobe") else _("not stated"), "")
            for value in STATABLE[field]:
                box.addItem(value_words(value), value)
            box.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
            box.connect("currentIndexChanged(int)", lambda _index, field=field: self._on_stated(field))
            self.boxes[field] = box
            grid.addWidget(qt.QLabel(title), index // 2, 2 * (index % 2))
            grid.addWidget(box, index // 2, 2 * (index % 2) + 1)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        self.aiLabel = parts.label("aiValuesLabel")
        layout.addWidget(self.aiLabel)

    def _build_shaping(self, layout: qt.QVBoxLayout) -> None:
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.growButton = self._button("growButton", _("Grow"), row)
        self.shrinkButton = self._button("shrinkButton", _("Shrink"), row)
        self.moveButton = self._button("moveButton", _("Move"), row, checkable=True)
        self.splitButton = self._button("splitButton", _("Split"), row)
        self.deleteButton = self._button("deleteButton", _("Delete"), row)
        merge = qt.QHBoxLayout()
        layout.addLayout(merge)
        self.mergeButton = self._button("mergeButton", _("Merge with"), merge)
        self.mergeComboBox = qt.QComboBox()
        self.mergeComboBox.name = "mergeComboBox"
        self.mergeComboBox.toolTip = _("The finding that becomes part of the selected one")
        self.mergeComboBox.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
        merge.addWidget(self.mergeComboBox)
        self.growButton.connect("clicked()", lambda: self._resize(1))
        self.shrinkButton.connect("clicked()", lambda: self._resize(-1))
        self.moveButton.connect("toggled(bool)", self.on_move)
        self.splitButton.connect("clicked()", self.on_split)
        self.deleteButton.connect("clicked()", lambda: self._on_finding(self._review.delete))
        self.mergeButton.connect("clicked()", self.on_merge)

    def _button(self, name: str, text: str, row: qt.QHBoxLayout, checkable: bool = False) -> qt.QPushButton:
        made = parts.toggle(name, text) if checkable else parts.button(name, text)
        row.addWidget(made)
        return made

    # What is shown

    def show(
        self, finding: Finding | None, has_result: bool, others: Sequence[str] = (), has_volume: bool = True
    ) -> None:
        """Show what was stated of the selected finding, and what can be done now; tool tips say why not."""
        self._finding = finding
        self._isFilling = True
        for field, box in self.boxes.items():
            box.setCurrentIndex(max(box.findData(self._stated(field)), 0))
        chosen = self.mergeComboBox.currentText
        self.mergeComboBox.clear()
        self.mergeComboBox.addItems(list(others))
        self.mergeComboBox.setCurrentIndex(max(self.mergeComboBox.findText(chosen), 0) if others else -1)
        self._isFilling = False
        self.aiLabel.text = "" if finding is None else measured_by_ai(finding)
        self.aiLabel.visible = bool(self.aiLabel.text)
        self._enable(has_result, bool(others), has_volume)

    def _stated(self, field: str) -> str:
        """Return what the reader said of a field; empty as long as they did not."""
        finding = self._finding
        if finding is None:
            return ""
        is_own = field not in ("type", "lobe") or field in finding.ai_values or finding.source == READER
        return (getattr(finding, field) or "") if is_own else ""

    def _enable(self, has_result: bool, has_others: bool, has_volume: bool) -> None:
        finding, record = self._finding, self._review.record()
        no_result = "" if has_result else _("There is no result yet: press Analyze")
        no_ct = no_result or ("" if has_volume else _("The CT left the scene: load it and analyze again"))
        nothing = no_ct or ("" if finding is not None else _("Select a finding in the table first"))
        no_outline = nothing or ("" if finding and finding.mask is not None else _("This finding has no outline"))
        own = nothing or (
            "" if finding and finding.source == READER else _("The AI's findings are rejected (R), not deleted")
        )
        axes = nothing or ("" if finding and finding.long_axis_ras_mm else _("The axes of this finding were not kept"))
        allow = parts.allow
        allow(self.addButton, no_ct, _("Then click into the nodule in a slice view: it is outlined and measured (M)"))
        allow(self.editButton, no_outline, _("Draw in the Segment Editor; every stroke is measured (E)"))
        allow(self.calipersButton, axes, _("Drag the ends of long and short axis; the report takes their lengths (C)"))
        allow(
            self.undoButton,
            no_result or ("" if record.last_to_undo() is not None else _("There is nothing to undo")),
            _("Take the last change back (Z)"),
        )
        allow(
            self.redoButton,
            no_result or ("" if record.last_to_redo() is not None else _("There is nothing to do again")),
            _("Do it again (Shift+Z)"),
        )
        tips = {
            "type": _("Density type, as you see it"),
            "lobe": _("Lobe, as you see it"),
            "margin": _("Margin, as you see it; spiculation counts in Lung-RADS, Brock and Mayo"),
            "shape": _("Shape, as you see it; it counts for nodules at pleura or fissure"),
            "attachment": _("What the nodule touches"),
            "calcification_pattern": _("Pattern of calcification, as you see it; benign patterns end the follow-up"),
        }
        for field, box in self.boxes.items():
            allow(box, nothing, tips[field])
        allow(self.growButton, no_outline, _("Grow the outline by one voxel on every side"))
        allow(self.shrinkButton, no_outline, _("Shrink the outline by one voxel on every side"))
        allow(self.moveButton, no_outline, _("Then click where the middle of the outline belongs"))
        allow(self.splitButton, no_outline, _("Two findings from the two separate parts of the outline"))
        allow(self.deleteButton, own, _("Remove the nodule you have added"))
        no_other = no_outline or ("" if has_others else _("There is no other finding to merge with"))
        allow(self.mergeButton, no_other, _("Make the other finding part of the selected one"))
        allow(self.mergeComboBox, no_other, _("The finding that becomes part of the selected one"))

    # Acts

    def on_add(self, wanted: bool) -> None:
        """Wait for a click, or wait no longer."""
        if self._isFilling:
            return
        if not wanted:
            self.placeTool.stop()
            return
        self._uncheck(self.moveButton)
        with parts.waiting():
            self._review.prepare()  # so that the click itself is measured at once
        self._say(_("Click into the nodule in a slice view."))
        self.placeTool.start(self._on_added)

    def _on_added(self, place: tuple[float, float, float]) -> None:
        self._do(lambda: self._review.add_nodule(place).id)

    def on_move(self, wanted: bool) -> None:
        """Wait for a click to which the outline is moved."""
        if self._isFilling:
            return
        if not wanted or self._finding is None:
            self.placeTool.stop()
            return
        self._uncheck(self.addButton)
        name, center = self._finding.id, self._finding.center_ras_mm
        self._say(_("Click where the middle of the outline belongs."))

        def moved(place: tuple[float, float, float]) -> None:
            r, a, s = (to - start for to, start in zip(place, center, strict=True))
            self._do(lambda: self._review.move(name, (r, a, s)).id)

        self.placeTool.start(moved)

    def _on_place_stopped(self) -> None:
        self._uncheck(self.addButton)
        self._uncheck(self.moveButton)
        self._say("")

    def _uncheck(self, button: qt.QPushButton) -> None:
        self._isFilling, before = True, self._isFilling
        button.checked = False
        self._isFilling = before

    def on_edit(self) -> None:
        """Open the finding's segment in the Segment Editor; what is drawn there is measured as it is drawn."""
        finding = self._finding
        if finding is None:
            return
        nodes = self._review.nodes()
        module = getattr(slicer.modules, EDITOR.lower(), None)
        if module is None:
            self._say(_("The Segment Editor is not installed: use Grow, Shrink and Move."))
            return
        with parts.waiting():
            self._review.prepare()  # so that each stroke is measured at once
        slicer.util.selectModule(EDITOR)
        editor = module.widgetRepresentation().self().editor
        editor.setSegmentationNode(nodes.segmentation)
        editor.setSourceVolumeNode(nodes.volume)
        editor.setCurrentSegmentID(finding.id)
        settings = editor.mrmlSegmentEditorNode()
        settings.SetOverwriteMode(settings.OverwriteNone)  # lungs and lobes under the nodule stay
        editor.setActiveEffectByName("Paint")

    def on_calipers(self, wanted: bool) -> None:
        """Lay the calipers on the selected finding, or hide them."""
        if not self._isFilling and self._finding is not None:
            name = self._finding.id if wanted else None

            def show() -> None:
                self._review.show_calipers(name)

            self._do(show)

    def _resize(self, voxels: int) -> None:
        self._on_finding(lambda name: self._review.resize(name, voxels * self._review.step_mm()))

    def on_split(self) -> None:
        """Two findings from one."""
        self._on_finding(lambda name: self._review.split(name).id)

    def on_merge(self) -> None:
        """One finding from two."""
        other = self.mergeComboBox.currentText
        self._on_finding(lambda name: self._review.merge(name, other).id)

    def _on_stated(self, field: str) -> None:
        if self._isFilling or self._finding is None:
            return
        box, name = self.boxes[field], self._finding.id
        value = box.itemData(box.currentIndex) or None
        self._do(lambda: self._review.state(name, field, value).id)

    def _on_finding(self, act: Callable[[str], object]) -> None:
        if self._finding is None:
            return
        name = self._finding.id

        def acted() -> str:
            result = act(name)
            return result if isinstance(result, str) else name

        self._do(acted)

    def _history(self, act: Callable[[], str]) -> None:
        said: list[str] = []
        self._do(lambda: said.append(act()))
        if said:
            self._say(said[0].capitalize() + ".")

    def _do(self, act: Callable[[], str | None]) -> None:
        """Do it, say here why it did not work, and let the panel follow."""
        self._say("")
        selected = None
        with parts.waiting():
            try:
                selected = act()
            except ThoraxAIError as error:
                self._say(str(error))
        self._onChanged(selected)

    def remeasure(self) -> None:
        """Measure what was drawn in the Segment Editor."""
        try:
            again = self._review.remeasure_all()
        except InputError as error:
            self._say(str(error))
            return
        if again:
            self._onChanged(None)

    def take_calipers(self) -> None:
        """Take the lengths of calipers that were dragged."""

        def take() -> None:
            self._review.take_calipers()

        self._do(take)

    def stop(self) -> None:
        """Wait for no click any more."""
        self.placeTool.stop()

    def _say(self, text: str) -> None:
        parts.say(self.messageLabel, text)
