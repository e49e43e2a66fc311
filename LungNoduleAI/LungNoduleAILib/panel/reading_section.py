"""How to read: who reads, reading first without the AI, hanging layouts, slab thickness, window and zoom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ctk
import qt
from slicer.i18n import tr as _

from LungNoduleAILib.logic.review import LungReview
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.scene import hanging
from ThoraxAILib.errors import ThoraxAIError
from ThoraxAILib.panels import parts


class ReadingSection:
    """Add ``widget`` to the panel. ``volumes()`` gives the current CT and the prior (or None)."""

    def __init__(self, review: LungReview, volumes: Callable[[], tuple[Any, Any]], on_changed: Callable) -> None:
        self._review, self._volumes, self._onChanged = review, volumes, on_changed
        self._isFilling = False
        self.widget = ctk.ctkCollapsibleButton()
        self.widget.name = "readingSection"
        self.widget.text = _("Reading")
        form = qt.QFormLayout(self.widget)
        form.setContentsMargins(4, 5, 4, 5)
        self._build_reader(form)
        self._build_views(form)
        self.widget.collapsed = True
        self.show(has_result=False)

    def _build_reader(self, form: qt.QFormLayout) -> None:
        self.readerEdit = qt.QLineEdit()
        self.readerEdit.name = "readerEdit"
        self.readerEdit.placeholderText = _("Initials or a pseudonym")
        self.readerEdit.toolTip = _("Who reads: it stands in the record of every change")
        self.readerEdit.connect("editingFinished()", self._on_reader)
        form.addRow(_("Reader:"), self.readerEdit)
        row = qt.QHBoxLayout()
        self.readFirstButton = qt.QPushButton(_("Read first"))
        self.readFirstButton.name = "readFirstButton"
        self.lockButton = qt.QPushButton(_("Lock and compare"))
        self.lockButton.name = "lockButton"
        row.addWidget(self.readFirstButton)
        row.addWidget(self.lockButton)
        self.readFirstButton.connect("clicked()", lambda: self._do(self._review.read_first))
        self.lockButton.connect("clicked()", lambda: self._do(self._review.lock_reading))
        form.addRow(_("Own reading:"), row)

    def _build_views(self, form: qt.QFormLayout) -> None:
        self.layoutComboBox = qt.QComboBox()
        self.layoutComboBox.name = "layoutComboBox"
        texts = (_("Three planes"), _("One axial view"), _("Slab of brightest voxels"), _("Prior and current"))
        names = (hanging.THREE_PLANES, hanging.ONE_UP, hanging.MIP_SLAB, hanging.PRIOR_AND_CURRENT)
        for text, name in zip(texts, names, strict=True):
            self.layoutComboBox.addItem(text, name)
        self.layoutComboBox.toolTip = _("How the views are laid out (L: the next one)")
        self.layoutComboBox.connect("currentIndexChanged(int)", lambda _index: self.hang())
        form.addRow(_("Layout:"), self.layoutComboBox)
        self.slabSpinBox = qt.QDoubleSpinBox()
        self.slabSpinBox.name = "slabSpinBox"
        self.slabSpinBox.setRange(2.0, 50.0)
        self.slabSpinBox.suffix = " mm"
        self.slabSpinBox.value = hanging.DEFAULT_SLAB_MM
        self.slabSpinBox.toolTip = _("Thickness of the slab; vessels and nodules stand out in it")
        self.slabSpinBox.connect("valueChanged(double)", lambda _value: self.hang())
        form.addRow(_("Slab:"), self.slabSpinBox)
        self.windowComboBox = qt.QComboBox()
        self.windowComboBox.name = "windowComboBox"
        window_texts = (_("By finding"), _("Lung"), _("Soft tissue"))
        for text, name in zip(window_texts, hanging.WINDOWS, strict=True):
            self.windowComboBox.addItem(text, name)
        self.windowComboBox.toolTip = _(
            "Window of the CT (W switches). By finding: soft tissue for masses and calcified nodules, else lung"
        )
        self.windowComboBox.connect("currentIndexChanged(int)", lambda _index: self.set_window())
        form.addRow(_("Window:"), self.windowComboBox)
        self.zoomCheckBox = qt.QCheckBox(_("Zoom to the finding"))
        self.zoomCheckBox.name = "zoomCheckBox"
        self.zoomCheckBox.checked = True
        self.zoomCheckBox.toolTip = _("Selecting a finding shows it large, with the tissue around it")
        form.addRow("", self.zoomCheckBox)

    @property
    def is_zooming(self) -> bool:
        """Whether a jump zooms."""
        return self.zoomCheckBox.checked

    def show(self, has_result: bool) -> None:
        """Show who reads and in which mode, and what can be done now."""
        reading = has_result and self._review.is_reading_first
        self._isFilling = True
        self.readerEdit.text = self._review.nodes().reader() if has_result else ""
        self._isFilling = False
        no_result = _("There is no result yet: press Analyze")
        nothing = "" if has_result else no_result
        parts.allow(self.readerEdit, nothing, _("Who reads: it stands in the record of every change"))
        parts.allow(
            self.readFirstButton,
            nothing or (_("The AI is hidden: mark your nodules, then lock") if reading else ""),
            _("Hide the AI until you have marked your nodules and locked your reading"),
        )
        parts.allow(
            self.lockButton,
            "" if reading else _("Press Read first before"),
            _("Lock your marks and show the AI's beside them"),
        )
        prior = self._volumes()[1]
        last = self.layoutComboBox.count - 1
        self.layoutComboBox.model().item(last).setEnabled(prior is not None)
        no_prior = "" if prior is not None else _("Compare with a prior CT first")
        self.layoutComboBox.setItemData(last, no_prior, qt.Qt.ToolTipRole)
        self._allow_slab()

    def _allow_slab(self) -> None:
        no_slab = "" if self._layout() == hanging.MIP_SLAB else _("Choose the layout Slab of brightest voxels first")
        parts.allow(self.slabSpinBox, no_slab, _("Thickness of the slab; vessels and nodules stand out in it"))

    def _layout(self) -> str:
        return self.layoutComboBox.itemData(self.layoutComboBox.currentIndex)

    def hang(self) -> None:
        """Lay out the views as chosen."""
        current, prior = self._volumes()
        self._allow_slab()
        if current is not None:
            hanging.hang(self._layout(), current, prior, self.slabSpinBox.value)

    def next_layout(self) -> None:
        """Choose the next layout that can be shown."""
        count = self.layoutComboBox.count - (self._volumes()[1] is None)
        self.layoutComboBox.setCurrentIndex((self.layoutComboBox.currentIndex + 1) % count)

    def switch_window(self) -> None:
        """From lung to soft tissue and back."""
        is_soft = self._window() == hanging.SOFT_TISSUE
        wanted = hanging.LUNG if is_soft else hanging.SOFT_TISSUE
        self.windowComboBox.setCurrentIndex(hanging.WINDOWS.index(wanted))

    def _window(self) -> str:
        return self.windowComboBox.itemData(self.windowComboBox.currentIndex)

    def set_window(self, finding: Finding | None = None) -> None:
        """Show the CTs in the chosen window; ``finding`` is the one that was jumped to."""
        name = self._window()
        if name == hanging.BY_FINDING:
            if finding is None:
                return
            name = hanging.window_for(finding)
        hanging.set_window(self._volumes(), name)

    def _on_reader(self) -> None:
        if not self._isFilling and self.readerEdit.enabled:
            self._do(lambda: self._review.set_reader(self.readerEdit.text))

    def _do(self, act: Callable[[], None]) -> None:
        try:
            act()
        except ThoraxAIError as error:
            self.readerEdit.toolTip = str(error)
        self._onChanged(None)
