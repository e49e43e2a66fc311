"""Archive in the panel: studies of a store, one of them as a CT, results back, and results of other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ctk
import qt
from slicer.i18n import tr as _

from LungNoduleAILib.logic.archive import Archive, load_study, results_writer, study_of
from LungNoduleAILib.logic.logic import LungNoduleAILogic
from LungNoduleAILib.panel.input_choice import show_in_views
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.jobs.work_folder import WorkFolder
from ThoraxAILib.panels import parts
from ThoraxAILib.panels.job_panel import JobPanel
from ThoraxAILib.panels.messages import shown_errors
from ThoraxAILib.store.store import StudyEntry

KINDS = "DICOM (*.dcm *)"
MAX_KEPT_SHOWN = 8  # lines of what files of other programs hold beside nodules


class ArchiveSection:
    """Add ``widget`` to the panel, and call update() whenever a run, a CT or a result comes or goes.

    ``input_selector`` chooses the CT, and ``show_result`` is called when it has got findings of other programs.
    """

    def __init__(
        self,
        job_panel: JobPanel,
        logic: LungNoduleAILogic,
        input_selector: Any,
        show_result: Callable[[], object],
    ) -> None:
        self._jobPanel, self._logic, self._showResult = job_panel, logic, show_result
        self._chosen, self._choose = input_selector.currentNode, input_selector.setCurrentNode
        self._studies: list[StudyEntry] = []
        self._folders: list[WorkFolder] = []
        self._hasResult = False
        self.widget = ctk.ctkCollapsibleButton()
        self.widget.name = "archiveSection"
        self.widget.text = _("Archive and other programs")
        layout = qt.QVBoxLayout(self.widget)
        self._build_store(layout)
        self._build_actions(layout)
        self.jobLayout = qt.QVBoxLayout()
        layout.addLayout(self.jobLayout)
        self.widget.collapsed = True
        self.update(False)

    def _build_store(self, layout: qt.QVBoxLayout) -> None:
        form = qt.QFormLayout()
        layout.addLayout(form)
        tips = _("dicomweb+https://host/path, dimse+tls://host:port/AET or a folder")
        self.addressEdit = parts.line("archiveAddressEdit", tips)
        self.addressEdit.placeholderText = "dicomweb+https://"
        self.userEdit = parts.line("archiveUserEdit", _("Your name at the store, where it asks for one"))
        self.passwordEdit = parts.line("archivePasswordEdit", _("Kept until Slicer is closed, written nowhere"))
        self.passwordEdit.echoMode = qt.QLineEdit.Password
        self.patientEdit = parts.line("archivePatientEdit", _("Only studies of this patient ID; empty: all"))
        self.authorityEdit = ctk.ctkPathLineEdit()
        self.authorityEdit.name = "archiveAuthorityEdit"
        self.authorityEdit.filters = ctk.ctkPathLineEdit.Files
        self.authorityEdit.toolTip = _("Certificate (PEM) to trust instead of the system's")
        for text, control in (
            (_("Store:"), self.addressEdit),
            (_("User:"), self.userEdit),
            (_("Password:"), self.passwordEdit),
            (_("Certificate:"), self.authorityEdit),
            (_("Patient ID:"), self.patientEdit),
        ):
            form.addRow(text, control)
        self.addressEdit.connect("textChanged(QString)", lambda _text: self.update(self._hasResult))
        self.listButton = parts.button("listStudiesButton", _("List studies"), self.on_list)
        layout.addWidget(self.listButton)
        titles = (_("Date"), _("Patient ID"), _("Kind"), _("Images"))
        self.studiesTable = parts.table("archiveStudiesTable", titles, _("Studies of the store"), least_rows=4)
        self.studiesTable.connect("itemSelectionChanged()", lambda: self.update(self._hasResult))
        layout.addWidget(self.studiesTable)

    def _build_actions(self, layout: qt.QVBoxLayout) -> None:
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.openButton = parts.button("openStudyButton", _("Open study"), self.on_open)
        self.sendButton = parts.button("sendResultsButton", _("Send results"), self.on_send)
        self.othersButton = parts.button("othersResultsButton", _("Results of others..."), self.on_others)
        for button in (self.openButton, self.sendButton, self.othersButton):
            row.addWidget(button)
        self.messageLabel = parts.label("archiveMessageLabel")
        layout.addWidget(self.messageLabel)

    def archive(self) -> Archive:
        """Return the store as the controls name it."""
        authority = self.authorityEdit.currentPath
        return Archive(
            self.addressEdit.text.strip(),
            self.userEdit.text.strip(),
            self.passwordEdit.text,
            Path(authority) if authority else None,
        )

    def on_list(self) -> None:
        """Ask the store for its studies."""
        parts.say(self.messageLabel, "")
        with shown_errors(_("The studies cannot be listed.")), parts.waiting():
            self._studies = self.archive().studies(self.patientEdit.text.strip())
            self.studiesTable.setRowCount(len(self._studies))
            for row, study in enumerate(self._studies):
                images = "" if study.instances is None else str(study.instances)
                texts = (study.date, study.patient_id, ", ".join(study.modalities), images)
                parts.fill_row(self.studiesTable, row, texts)
            if not self._studies:
                parts.say(self.messageLabel, _("The store has no such study."))
        self.update(self._hasResult)

    def on_open(self) -> None:
        """Fetch the selected study in a child process and load its CT."""
        study, archive = self._selected(), self.archive()
        if study is None:
            return
        folder = WorkFolder()
        self._folders.append(folder)  # also what a fetch that failed or was cancelled leaves
        target = folder.path / "study"

        def loaded(_job: ChildJob) -> str:
            node = load_study(target, archive, study)
            self._choose(node)
            show_in_views(node)
            return _("The study is open: press Analyze.")

        self.jobLayout.addWidget(self._jobPanel.widget)
        with shown_errors(_("The study cannot be opened.")):
            self._jobPanel.run(archive.fetch_job(study.study_uid, target), loaded, _("Fetching the study"))

    def on_send(self) -> None:
        """Write the DICOM results of the chosen CT and put them beside its study in the store."""
        parts.say(self.messageLabel, "")
        with shown_errors(_("The results cannot be sent.")), parts.waiting():
            study_uid = study_of(self._chosen())
            if not study_uid:
                raise InputError(_("This CT is of no store: open its study from the store first."))
            write, _images = results_writer(self._logic, self._chosen())
            sent = self.archive().send(study_uid, write)
            told = _("In the store beside the images: {new} DICOM results, {kept} were there before.")
            parts.say(self.messageLabel, told.format(new=sent.new, kept=sent.kept))

    def on_others(self) -> None:
        """Choose SEG, SR or RTSTRUCT files of other programs and show their nodules as findings."""
        parts.say(self.messageLabel, "")
        paths = qt.QFileDialog.getOpenFileNames(None, _("Results of other programs"), "", KINDS)
        if not paths:
            return
        with shown_errors(_("The results cannot be read.")), parts.waiting():
            found = self._logic.add_foreign_findings(self._chosen(), [Path(path) for path in paths])
            self._showResult()
            more = len(found.kept) - MAX_KEPT_SHOWN
            rest = [_("{count} more items are kept beside them.").format(count=more)] if more > 0 else []
            told = _("{count} findings of other programs.").format(count=len(found.findings))
            parts.say(self.messageLabel, "\n".join([told, *found.kept[:MAX_KEPT_SHOWN], *rest]))

    def close(self) -> None:
        """Remove what was fetched, for a panel that closes."""
        for folder in self._folders:
            folder.remove()
        self._folders = []

    def update(self, has_result: bool) -> None:
        """Enable what can be used now; a tool tip says what is missing."""
        self._hasResult = has_result
        busy = _("Wait until the run has ended") if self._jobPanel.is_running else ""
        no_store = "" if self.addressEdit.text.strip() else _("Name a store")
        no_study = "" if self._selected() is not None else _("List the studies and select one")
        no_ct = "" if self._chosen() is not None else _("Choose a chest CT")
        no_origin = "" if study_of(self._chosen()) else _("Open a study of the store first")
        no_result = "" if has_result else _("Analyze the CT first")
        parts.allow(self.listButton, busy or no_store, _("Ask the store for its studies"))
        parts.allow(self.openButton, busy or no_store or no_study, _("Fetch the study and load its CT"))
        send = busy or no_store or no_origin or no_result
        parts.allow(self.sendButton, send, _("Put SEG, SR and key images beside the study in the store"))
        parts.allow(self.othersButton, busy or no_ct, _("SEG, SR or RTSTRUCT of any program as findings"))

    def _selected(self) -> StudyEntry | None:
        row = self.studiesTable.currentRow()
        return self._studies[row] if 0 <= row < len(self._studies) else None
