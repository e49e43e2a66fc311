"""The follow-up in the panel: choose the prior CT, compare, read the pairs, link or unlink them, look at both dates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ctk
import qt
import slicer
from slicer.i18n import tr as _

from LungNoduleAILib.logic.follow_up import LungFollowUpLogic
from LungNoduleAILib.logic.jobs import followUpJob
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.model.pairs import FollowUp, Pair
from LungNoduleAILib.scene import compare_views
from LungNoduleAILib.scene.follow_up_nodes import nodeOf, pairLabel
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.panels.job_panel import JobPanel
from ThoraxAILib.panels.messages import shownErrors

UNKNOWN_DAYS = -1
COLUMNS = ("Pair", "Prior", "Current", "Status", "Δ vol. %", "VDT d", "Growth", "Agree")
MIN_ROWS = 5


class FollowUpSection:
    """Add ``widget`` to the panel. ``analyzed()`` gives the current CT and the options of the panel."""

    def __init__(
        self, jobPanel: JobPanel, exportVolume: Callable, analyzed: Callable[[], tuple[Any, AnalysisOptions]]
    ) -> None:
        self._jobPanel, self._exportVolume, self._analyzed = jobPanel, exportVolume, analyzed
        self.logic = LungFollowUpLogic()
        self._isFilling = False
        self._compared: tuple[str, str] = ("", "")
        self.widget = ctk.ctkCollapsibleButton()
        self.widget.name = "followUpSection"
        self.widget.text = _("Follow-up")
        layout = qt.QVBoxLayout(self.widget)
        self._buildInputs(layout)
        self._buildTable(layout)
        self._buildLinks(layout)
        self._buildViews(layout)
        self.widget.collapsed = True

    def _buildInputs(self, layout: qt.QVBoxLayout) -> None:
        form = qt.QFormLayout()
        layout.addLayout(form)
        self.priorSelector = slicer.qMRMLNodeComboBox()
        self.priorSelector.name = "priorSelector"
        self.priorSelector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        self.priorSelector.noneEnabled = True
        self.priorSelector.addEnabled = self.priorSelector.removeEnabled = False
        self.priorSelector.toolTip = _("The earlier CT of the same person")
        self.priorSelector.setMRMLScene(slicer.mrmlScene)
        self.priorSelector.connect("currentNodeChanged(vtkMRMLNode*)", lambda _node: self.update())
        form.addRow(_("Prior CT:"), self.priorSelector)
        self.daysSpinBox = qt.QSpinBox()
        self.daysSpinBox.name = "daysSpinBox"
        self.daysSpinBox.setRange(UNKNOWN_DAYS, 20000)
        self.daysSpinBox.setSpecialValueText(_("unknown"))
        self.daysSpinBox.value = UNKNOWN_DAYS
        self.daysSpinBox.toolTip = _("Days from the prior to the current CT; without them there is no doubling time")
        form.addRow(_("Days between:"), self.daysSpinBox)
        self.compareButton = self._button(
            "compareButton",
            _("Compare with prior"),
            self.onCompare,
            _("Analyze both CTs, match their nodules and tell what grew or appeared"),
        )
        form.addRow(self.compareButton)
        self.warningLabel = qt.QLabel()
        self.warningLabel.name = "followUpWarningLabel"
        self.warningLabel.wordWrap = True
        layout.addWidget(self.warningLabel)

    def _buildTable(self, layout: qt.QVBoxLayout) -> None:
        self.table = qt.QTableWidget()
        self.table.name = "pairsTable"
        self.table.columnCount = len(COLUMNS)
        self.table.setHorizontalHeaderLabels([_(title) for title in COLUMNS])
        self.table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        self.table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        self.table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        self.table.setMinimumHeight(MIN_ROWS * (self.table.fontMetrics().height() + 8))
        self.table.toolTip = _("A click shows the nodule at both dates")
        self.table.connect("itemSelectionChanged()", self.onPairSelected)
        layout.addWidget(self.table)

    def _buildLinks(self, layout: qt.QVBoxLayout) -> None:
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.priorIdComboBox, self.currentIdComboBox = qt.QComboBox(), qt.QComboBox()
        for box, name, tip in (
            (self.priorIdComboBox, "priorIdComboBox", _("Nodule of the prior CT")),
            (self.currentIdComboBox, "currentIdComboBox", _("Nodule of the current CT")),
        ):
            box.name, box.toolTip = name, tip
            row.addWidget(box)
        self.linkButton = self._button(
            "linkButton", _("Link"), lambda: self._decide(True), _("Say that these two are the same nodule")
        )
        self.unlinkButton = self._button(
            "unlinkButton", _("Unlink"), lambda: self._decide(False), _("Say that these two are not the same nodule")
        )
        row.addWidget(self.linkButton)
        row.addWidget(self.unlinkButton)

    def _buildViews(self, layout: qt.QVBoxLayout) -> None:
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.sideBySideButton = self._button(
            "sideBySideButton",
            _("Side by side"),
            self.onSideBySide,
            _("Prior left, current right, both axial and linked"),
        )
        self.chartButton = self._button("chartButton", _("Chart"), self.onChart, _("Volumes over time as a plot"))
        self.alignButton = self._toggle(
            "alignButton",
            _("Align prior"),
            self.onAlign,
            _("Lay the prior CT over the current one through the registration"),
        )
        self.differenceButton = self._toggle(
            "differenceButton", _("What changed"), self.onDifference, _("Show the difference map over the current CT")
        )
        for control in (self.sideBySideButton, self.chartButton, self.alignButton, self.differenceButton):
            row.addWidget(control)

    def _button(self, name: str, text: str, onClicked: Callable, toolTip: str) -> qt.QPushButton:
        button = qt.QPushButton(text)
        button.name, button.toolTip = name, toolTip
        button.connect("clicked()", onClicked)
        return button

    def _toggle(self, name: str, text: str, onToggled: Callable, toolTip: str) -> qt.QPushButton:
        button = qt.QPushButton(text)
        button.name, button.toolTip = name, toolTip
        button.checkable = True
        button.connect("toggled(bool)", onToggled)
        return button

    # The run

    def onCompare(self) -> None:
        """Compare prior and current CT in a child process."""
        prior = self.priorSelector.currentNode()
        current, options = self._analyzed()
        with shownErrors(_("The CTs cannot be compared.")):
            days = None if self.daysSpinBox.value == UNKNOWN_DAYS else self.daysSpinBox.value
            job = followUpJob(self._exportVolume, prior, current, FollowUpOptions(options, days=days))
            self._compared = prior.GetID(), current.GetID()
            self._jobPanel.run(job, self._onCompared, _("Starting"))

    def _onCompared(self, job: ChildJob) -> str:
        prior, current = (slicer.mrmlScene.GetNodeByID(name) for name in self._compared)
        if job.output is None or prior is None or current is None:
            raise InputError(_("The comparison ended without a result: look at the messages and compare again."))
        self.logic.loadResult(job.output, prior, current)
        self.update()
        compare_views.showSideBySide(prior, current)
        if self.logic.pairs():
            self.table.selectRow(0)
        return _("Done: {count} pairs.").format(count=len(self.logic.pairs()))

    # The result

    def update(self) -> None:
        """Show the follow-up of the scene, and what can be done now."""
        found = self.logic.followUp()
        self._isFilling = True
        self._fill(found)
        self.alignButton.checked = self.logic.isAligned()
        self._isFilling = False
        warnings = () if found is None else found.intervals[-1].warnings
        self.warningLabel.text = "\n".join(warnings)
        self.warningLabel.visible = bool(warnings)
        self._enable(found)

    def _enable(self, found: FollowUp | None) -> None:
        text = self.logic.currentText()
        prior, current = self.priorSelector.currentNode(), self._analyzed()[0]
        self.compareButton.enabled = (
            prior is not None and current is not None and prior is not current and not self._jobPanel.isRunning
        )
        hasBoth = found is not None and self.priorIdComboBox.count > 0 and self.currentIdComboBox.count > 0
        self.linkButton.enabled = self.unlinkButton.enabled = hasBoth
        self.sideBySideButton.enabled = self.chartButton.enabled = found is not None
        self.alignButton.enabled = text is not None and nodeOf(text, "transform") is not None
        self.differenceButton.enabled = text is not None and nodeOf(text, "difference") is not None

    def _fill(self, found: FollowUp | None) -> None:
        pairs = () if found is None else found.intervals[-1].pairs
        self.table.rowCount = len(pairs)
        for row, pair in enumerate(pairs):
            for column, text in enumerate(_texts(row, pair)):
                self.table.setItem(row, column, qt.QTableWidgetItem(text))
        for box, ids in (
            (self.priorIdComboBox, [f.id for f in found.scans[-2].findings] if found else []),
            (self.currentIdComboBox, [f.id for f in found.scans[-1].findings] if found else []),
        ):
            box.clear()
            box.addItems(ids)

    def onPairSelected(self) -> None:
        """Show the selected pair in the views and offer it for unlinking."""
        row = self.table.currentRow()
        if self._isFilling or not 0 <= row < len(self.logic.pairs()):
            return
        pair = self.logic.jumpToPair(row)
        for box, name in ((self.priorIdComboBox, pair.prior_id), (self.currentIdComboBox, pair.current_id)):
            if name is not None:
                box.setCurrentIndex(max(box.findText(name), 0))

    def _decide(self, isSame: bool) -> None:
        with shownErrors(_("The link was not kept.")):
            self.logic.decide(self.priorIdComboBox.currentText, self.currentIdComboBox.currentText, isSame)
            self.update()

    def onSideBySide(self) -> None:
        """Both dates next to each other."""
        text = self.logic.currentText()
        compare_views.showSideBySide(nodeOf(text, "prior"), nodeOf(text, "current"))

    def onChart(self) -> None:
        """Volumes over time."""
        compare_views.showChart(nodeOf(self.logic.currentText(), "chart"))

    def onAlign(self, aligned: bool) -> None:
        """Lay the prior over the current CT or put it back."""
        if not self._isFilling:
            self.logic.alignPrior(aligned)

    def onDifference(self, show: bool) -> None:
        """Show or hide the difference map."""
        text = self.logic.currentText()
        if text is not None and nodeOf(text, "difference") is not None:
            compare_views.showOver(nodeOf(text, "difference"), nodeOf(text, "current"), show)

    def saveTo(self, folder: Path) -> tuple[Path, ...]:
        """Write pairs and links beside the other results; nothing without a follow-up."""
        return () if self.logic.currentText() is None else self.logic.saveResult(folder)


def _texts(row: int, pair: Pair) -> tuple[str, ...]:
    growth = pair.growth
    agree = "" if pair.method_agreement is None else _("yes") if pair.method_agreement else _("no")
    change = "" if growth is None else f"{growth.volume_change_percent:+.0f}"
    doubling = "" if growth is None or growth.vdt_days is None else f"{growth.vdt_days:.0f}"
    return (
        pairLabel(row + 1),
        pair.prior_id or "",
        pair.current_id or "",
        pair.status,
        change,
        doubling,
        "" if growth is None else growth.growth,
        agree,
    )
