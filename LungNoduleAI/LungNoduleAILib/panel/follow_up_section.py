"""The follow-up in the panel: choose the prior CT, compare, read the pairs, link or unlink them, look at both dates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ctk
import qt
import slicer
from slicer.i18n import tr as _

from LungNoduleAILib.logic.archive import fetched_folder
from LungNoduleAILib.logic.dicom_files import sources_for, write_follow_up_dicom
from LungNoduleAILib.logic.jobs import follow_up_job, sample_pair_job
from LungNoduleAILib.logic.logic import LungNoduleAILogic
from LungNoduleAILib.logic.planted import planted_rows
from LungNoduleAILib.logic.report_file import ReportFile
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.growth import percent_words
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.model.pairs import FollowUp, Pair
from LungNoduleAILib.panel.results import lungs_are_missing
from LungNoduleAILib.panel.sample_data import load_sample_pair
from LungNoduleAILib.report.prior_exam import decided_words
from LungNoduleAILib.scene import compare_views
from LungNoduleAILib.scene.follow_up_nodes import node_of, pair_label
from LungNoduleAILib.scene.review_nodes import center_views
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.panels import parts
from ThoraxAILib.panels.job_panel import JobPanel
from ThoraxAILib.panels.messages import shown_errors
from ThoraxAILib.scene.plots import show_chart

if TYPE_CHECKING:
    from ThoraxAILib.io.dicom_objects.source_images import SourceImages

UNKNOWN_DAYS = -1
COLUMNS = ("Pair", "Prior", "Current", "Status", "Growth", "Δ vol.", "Doubling time", "Agree")


class FollowUpSection:
    """Add ``widget`` to the panel.

    ``analyzed()`` gives the current CT and the options of the panel, ``choose_current`` makes a CT the current one, and
    ``on_compared(folder, prior, current)`` shows what a run wrote: the findings of both dates, and the pairs.
    """

    def __init__(
        self,
        job_panel: JobPanel,
        logic: LungNoduleAILogic,
        analyzed: Callable[[], tuple[Any, AnalysisOptions]],
        choose_current: Callable[[Any], None],
        on_compared: Callable[[Path, Any, Any], None],
    ) -> None:
        self._chooseCurrent, self._onCompared = choose_current, on_compared
        self._reportFile = ReportFile()
        self._jobPanel, self._lungLogic, self._analyzed = job_panel, logic, analyzed
        self.logic = logic.follow_up
        self._planted: tuple[tuple[float, float, float], ...] = ()
        self._isFilling = self._isHidden = False
        self._compared: tuple[str, str] = ("", "")
        self.widget = ctk.ctkCollapsibleButton()
        self.widget.name = "followUpSection"
        self.widget.text = _("Follow-up")
        layout = qt.QVBoxLayout(self.widget)
        self._build_inputs(layout)
        self.jobLayout = qt.QVBoxLayout()
        layout.addLayout(self.jobLayout)
        self._build_table(layout)
        self._build_planted(layout)
        self._build_links(layout)
        self._build_views(layout)
        buttons = (self.compareButton, self.samplePairButton, self.linkButton, self.unlinkButton)
        shows = (self.sideBySideButton, self.chartButton, self.alignButton, self.differenceButton)
        self._tips = {control.name: control.toolTip for control in (*buttons, *shows, self.followUpReportButton)}
        self.widget.collapsed = True

    def _build_inputs(self, layout: qt.QVBoxLayout) -> None:
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
        self.daysSpinBox.setSpecialValueText(_("from the dates of the CTs"))
        self.daysSpinBox.value = UNKNOWN_DAYS
        self.daysSpinBox.toolTip = _(
            "Days from the prior to the current CT, where the CTs carry no dates: without them no doubling time is told"
        )
        form.addRow(_("Days between:"), self.daysSpinBox)
        self.compareButton = parts.button(
            "compareButton",
            _("Compare with prior"),
            self.on_compare,
            _("Analyze both CTs, match their nodules and tell what grew or appeared"),
        )
        self.samplePairButton = parts.button(
            "samplePairButton",
            _("Sample pair"),
            self.on_sample_pair,
            _("Make two CTs of one synthetic person: nodules that grew, stayed, came and went, with the truth beside"),
        )
        row = qt.QHBoxLayout()
        row.addWidget(self.compareButton, 1)
        row.addWidget(self.samplePairButton)
        form.addRow(row)
        self.warningLabel = parts.label("followUpWarningLabel")
        layout.addWidget(self.warningLabel)

    def _build_table(self, layout: qt.QVBoxLayout) -> None:
        titles = [_(title) for title in COLUMNS]
        self.table = parts.table("pairsTable", titles, _("A click shows the nodule at both dates"))
        self.table.connect("itemSelectionChanged()", self.on_pair_selected)
        layout.addWidget(self.table)

    def _build_planted(self, layout: qt.QVBoxLayout) -> None:
        """Add the truth of the sample pair, beside the table of what was told."""
        titles = (_("Planted"), _("Fate"), _("Sizes"), _("Told"))
        tip = _("What was planted in the sample pair, and what the comparison tells of it; a click shows the place")
        self.plantedTable = parts.table("plantedTable", titles, tip)
        self.plantedTable.horizontalHeader().setSectionResizeMode(len(titles) - 1, qt.QHeaderView.Stretch)
        self.plantedTable.connect("itemSelectionChanged()", self.on_planted_selected)
        self.plantedTable.hide()
        layout.addWidget(self.plantedTable)

    def _build_links(self, layout: qt.QVBoxLayout) -> None:
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.priorIdComboBox, self.currentIdComboBox = qt.QComboBox(), qt.QComboBox()
        for box, name, tip in (
            (self.priorIdComboBox, "priorIdComboBox", _("Nodule of the prior CT")),
            (self.currentIdComboBox, "currentIdComboBox", _("Nodule of the current CT")),
        ):
            box.name, box.toolTip = name, tip
            row.addWidget(box)
        self.linkButton = parts.button(
            "linkButton", _("Link"), lambda: self._decide(True), _("Say that these two are the same nodule")
        )
        self.unlinkButton = parts.button(
            "unlinkButton", _("Unlink"), lambda: self._decide(False), _("Say that these two are not the same nodule")
        )
        row.addWidget(self.linkButton)
        row.addWidget(self.unlinkButton)

    def _build_views(self, layout: qt.QVBoxLayout) -> None:
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.sideBySideButton = parts.button(
            "sideBySideButton",
            _("Side by side"),
            self.on_side_by_side,
            _("Prior left, current right, both axial and linked"),
        )
        self.chartButton = parts.button("chartButton", _("Chart"), self.on_chart, _("Volumes over time as a plot"))
        self.alignButton = parts.toggle(
            "alignButton",
            _("Align prior"),
            self.on_align,
            _("Lay the prior CT over the current one through the registration"),
        )
        self.differenceButton = parts.toggle(
            "differenceButton", _("What changed"), self.on_difference, _("Show the difference map over the current CT")
        )
        self.followUpReportButton = parts.button(
            "followUpReportButton",
            _("Report"),
            self.on_open_report,
            _("Write the report of this comparison as it stands now, and open it"),
        )
        for control in (self.sideBySideButton, self.alignButton, self.differenceButton):
            row.addWidget(control)
        below = qt.QHBoxLayout()
        layout.addLayout(below)
        below.addWidget(self.chartButton)
        below.addWidget(self.followUpReportButton)

    # The run

    def on_sample_pair(self) -> None:
        """Make the sample pair in a child process and choose its CTs."""
        self.jobLayout.addWidget(self._jobPanel.widget)
        with shown_errors(_("The sample pair cannot be made.")):
            self._jobPanel.run(sample_pair_job(), self._on_pair_ready, _("Making the sample pair"))

    def _on_pair_ready(self, job: ChildJob) -> str:
        prior, current = load_sample_pair(job.output or Path())
        self._chooseCurrent(current)
        self.priorSelector.setCurrentNode(prior)
        self.update()
        return _("The sample pair is loaded: press Compare with prior.")

    def on_compare(self) -> None:
        """Compare prior and current CT in a child process."""
        prior = self.priorSelector.currentNode()
        current, options = self._analyzed()
        self.jobLayout.addWidget(self._jobPanel.widget)
        with shown_errors(_("The CTs cannot be compared.")):
            days = None if self.daysSpinBox.value == UNKNOWN_DAYS else self.daysSpinBox.value
            job = follow_up_job(self._lungLogic, prior, current, FollowUpOptions(options, days=days))
            self._compared = prior.GetID(), current.GetID()
            self._jobPanel.run(job, self._on_compared, _("Starting"))

    def _on_compared(self, job: ChildJob) -> str:
        prior, current = (slicer.mrmlScene.GetNodeByID(name) for name in self._compared)
        if job.output is None or prior is None or current is None:
            raise InputError(_("The comparison ended without a result: look at the messages and compare again."))
        self._onCompared(job.output, prior, current)
        self.update()
        compare_views.show_side_by_side(prior, current)
        self._check_lungs(prior, current)
        if self.logic.pairs():
            self.table.selectRow(0)
        return _("Done: {count} pairs.").format(count=len(self.logic.pairs()))

    def _check_lungs(self, prior: Any, current: Any) -> None:
        """Raise InputError with the remedy where one of the CTs shows no lungs: then nothing was compared."""
        for node, which in ((prior, _("prior")), (current, _("current"))):
            found = self._lungLogic.findings_of(node)
            if found is not None and lungs_are_missing(found.lungs):
                raise InputError(
                    _(
                        "No lungs were found in the {which} CT, so there is nothing to compare: choose a chest CT in "
                        "Hounsfield units and compare again."
                    ).format(which=which)
                )

    # The result

    def update(self) -> None:
        """Show the follow-up of the scene, and what can be done now."""
        hidden = self._lungLogic.review.is_reading_first
        if hidden != self._isHidden:  # else the marks stay as the reader has set them
            self._isHidden = hidden
            self.logic.show_points(not hidden)
        found = None if hidden or self.logic.current_text() is None else self.logic.reviewed()
        self._isFilling = True
        self._fill(found)
        self.alignButton.checked = self.logic.is_aligned()
        self._isFilling = False
        wait = _("The comparison is hidden until you lock your own reading.") if hidden else ""
        parts.say(self.warningLabel, wait if found is None else "\n".join(found.intervals[-1].warnings))
        self._enable(found)

    def _enable(self, found: FollowUp | None) -> None:
        text = self.logic.current_text()
        running = _("A run is going on: wait for it or cancel it") if self._jobPanel.is_running else ""
        none_yet = _("There is no comparison yet: press Compare with prior")
        hidden = _("Lock your own reading first") if self._lungLogic.review.is_reading_first else ""
        nothing = "" if found is not None else hidden or none_yet
        has_both = self.priorIdComboBox.count > 0 and self.currentIdComboBox.count > 0
        no_ids = nothing or ("" if has_both else _("One of the dates has no nodule"))
        scans = [None if text is None else node_of(text, role) for role in ("prior", "current")]
        no_scans = nothing or ("" if None not in scans else _("A CT of this comparison left the scene"))
        no_transform, no_difference = (
            no_scans or ("" if text and node_of(text, role) else _("The CTs were not registered"))
            for role in ("transform", "difference")
        )
        for control, reason in (
            (self.compareButton, running or self._reason_not_to_compare()),
            (self.samplePairButton, running),
            (self.linkButton, no_ids),
            (self.unlinkButton, no_ids),
            (self.followUpReportButton, no_scans),
            (self.sideBySideButton, no_scans),
            (self.chartButton, nothing),
            (self.alignButton, no_transform),
            (self.differenceButton, no_difference),
        ):
            parts.allow(control, reason, self._tips[control.name])

    def _reason_not_to_compare(self) -> str:
        prior, current = self.priorSelector.currentNode(), self._analyzed()[0]
        if current is None:
            return _("Choose the current CT under Input, or press Sample pair")
        if prior is None:
            return _("Choose the prior CT first")
        return _("Prior and current are the same CT: choose another one") if prior is current else ""

    def _fill(self, found: FollowUp | None) -> None:
        pairs = () if found is None else found.intervals[-1].pairs
        self.table.rowCount = len(pairs)
        for row, pair in enumerate(pairs):
            parts.fill_row(self.table, row, _texts(row, pair, _ends(found, pair)), "\n".join(pair.notes))
        current = None if found is None else node_of(self.logic.current_text(), "current")
        planted = planted_rows(current, found)
        self._planted = tuple(row.place_ras_mm for row in planted)
        self.plantedTable.rowCount = len(planted)
        for row, one in enumerate(planted):
            sizes, told = _lines(one.sizes, " ("), _lines(one.told, ", ")
            parts.fill_row(self.plantedTable, row, (one.what, one.fate, sizes, told))
        self._fit_planted()
        self.plantedTable.visible = bool(planted)
        for box, ids in (
            (self.priorIdComboBox, [f.id for f in found.scans[-2].findings] if found else []),
            (self.currentIdComboBox, [f.id for f in found.scans[-1].findings] if found else []),
        ):
            chosen = box.currentText
            box.clear()
            box.addItems(ids)
            box.setCurrentIndex(max(box.findText(chosen), 0) if ids else -1)

    def _fit_planted(self) -> None:
        """Give the truth table the height of its lines: all are seen beside what was told."""
        table = self.plantedTable
        table.resizeRowsToContents()
        rows = sum(table.rowHeight(row) for row in range(table.rowCount))
        height = rows + table.horizontalHeader().sizeHint().height() + 2 * table.frameWidth
        table.setMinimumHeight(height)
        table.setMaximumHeight(height)

    def on_pair_selected(self) -> None:
        """Show the selected pair in the views and offer it for unlinking."""
        row = self.table.currentRow()
        if self._isFilling or not 0 <= row < len(self.logic.pairs()):
            return
        pair = self.logic.jump_to_pair(row)
        for box, name in ((self.priorIdComboBox, pair.prior_id), (self.currentIdComboBox, pair.current_id)):
            if name is not None:
                box.setCurrentIndex(max(box.findText(name), 0))

    def on_planted_selected(self) -> None:
        """Show the place of a planted nodule."""
        row = self.plantedTable.currentRow()
        if not self._isFilling and self.plantedTable.selectedItems() and 0 <= row < len(self._planted):
            center_views(self._planted[row])

    def _decide(self, is_same: bool) -> None:
        with shown_errors(_("The link was not kept.")):
            self.logic.decide(self.priorIdComboBox.currentText, self.currentIdComboBox.currentText, is_same)
            self.update()

    def on_side_by_side(self) -> None:
        """Both dates next to each other."""
        text = self.logic.current_text()
        compare_views.show_side_by_side(node_of(text, "prior"), node_of(text, "current"))

    def on_chart(self) -> None:
        """Volumes over time."""
        show_chart(node_of(self.logic.current_text(), "chart"))

    def on_open_report(self) -> None:
        """Write the report of the comparison and open it in the browser."""
        with shown_errors(_("The report cannot be made.")):
            report, *_pdf = self.logic.write_report(self._reportFile.new_path().parent)
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(report)))

    def drop_report(self) -> None:
        """Delete the report that was opened."""
        self._reportFile.drop()

    def on_align(self, aligned: bool) -> None:
        """Lay the prior over the current CT or put it back."""
        if not self._isFilling:
            self.logic.align_prior(aligned)

    def on_difference(self, show: bool) -> None:
        """Show or hide the difference map."""
        text = self.logic.current_text()
        if text is not None and node_of(text, "difference") is not None:
            compare_views.show_over(node_of(text, "difference"), node_of(text, "current"), show)

    def save_to(self, folder: Path) -> tuple[Path, ...]:
        """Write pairs and links beside the other results; nothing without a follow-up."""
        return () if self.logic.current_text() is None else self.logic.save_result(folder)

    def dicom_writer(self, node: Any, sources: SourceImages) -> tuple[Callable[[Path], tuple[Path, ...]], str]:
        """Return what writes the comparison as DICOM, and what to say where it cannot: without images of the prior CT.

        Nothing is written where ``node``, whose images are ``sources``, is not the current CT of a comparison.
        """
        dates, found = self.logic.dates(), self.logic.as_it_stands()
        if found is None or not dates or dates[-1][0] is not node:
            return (lambda _folder: ()), ""
        prior, result = dates[0]
        try:
            both = sources_for(prior, result, fetched_folder(prior)), sources
        except InputError:
            words = _("The comparison was not saved as DICOM: the images of the prior CT are not known to Slicer.")
            return (lambda _folder: ()), words
        results = [its for _node, its in dates]
        return (lambda folder: write_follow_up_dicom(folder, found, results, both)), ""


def _lines(text: str, between: str) -> str:
    """Return the text on two lines, so that both fit beside the other columns."""
    first, _between, rest = text.partition(between)
    return f"{first}\n{rest.rstrip(')')}" if rest else first


def _ends(found: FollowUp | None, pair: Pair) -> tuple[Finding | None, Finding | None]:
    """Return the findings of both dates, as they stand now."""
    scans = () if found is None else found.scans[-2:]
    first, second = (
        next((one for one in scan.findings if one.id == name), None)
        for scan, name in zip(scans, (pair.prior_id, pair.current_id), strict=True)
    )
    return first, second


def _texts(row: int, pair: Pair, ends: tuple[Finding | None, Finding | None]) -> tuple[str, ...]:
    growth = pair.growth
    agree = "" if pair.method_agreement is None else _("yes") if pair.method_agreement else _("no")
    change = "" if growth is None else percent_words(growth.volume_change_percent)
    doubling = "" if growth is None else growth.doubling_words
    return (
        pair_label(row + 1),
        pair.prior_id or "",
        pair.current_id or "",
        pair.status + decided_words(*ends),
        "" if growth is None else growth.growth,
        change,
        doubling,
        agree,
    )
