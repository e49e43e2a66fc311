"""Sending in the panel: a queue of folders and stores, progress, pause, once more, and the state of every study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ctk
import qt
import slicer
from slicer.i18n import tr as _

from AnonymizerLib.logic.upload_queue import (
    DONE,
    FAILED,
    PAUSED,
    SENDING,
    WAITING,
    UploadOrder,
    UploadQueue,
    upload_job,
)
from ThoraxAILib.errors import ThoraxAIError
from ThoraxAILib.jobs.child_job import CANCELLED, SUCCEEDED, ChildJob
from ThoraxAILib.panels import parts
from ThoraxAILib.panels.job_panel import JobPanel, StopWords
from ThoraxAILib.store.upload.states import StudyState

QUEUE_FILE = "uploads.json"
REFRESH_MILLISECONDS = 1000
SHOWN_UID = 24  # letters of a study's UID, counted from its end


class UploadSection:
    """Add ``widget`` to the panel; set_folder() proposes the folder that a run has just written."""

    def __init__(self) -> None:
        self.queue = UploadQueue(self.queue_file())
        self._place: int | None = None  # of the order that is being sent
        self._job: ChildJob | None = None
        self._isPausing = False
        stop = StopWords(
            _("Pause"),
            _("Stop sending; what is in the store stays there, and Send goes on from here"),
            _("Paused; Send goes on from here."),
        )
        self.job_panel = JobPanel(self._on_job_changed, "upload", stop)
        self.job_panel.cancelButton.connect("clicked()", self._on_pausing)
        self._timer = qt.QTimer()
        self._timer.setInterval(REFRESH_MILLISECONDS)
        self._timer.connect("timeout()", self._show_studies)
        self.widget = ctk.ctkCollapsibleButton()
        self.widget.name = "uploadSection"
        self.widget.text = _("Send to a store")
        layout = qt.QVBoxLayout(self.widget)
        self._build_order(layout)
        self._build_queue(layout)
        layout.addWidget(self.job_panel.widget)
        self._build_studies(layout)
        self.widget.collapsed = True
        self._show()

    def _build_order(self, layout: qt.QVBoxLayout) -> None:
        form = qt.QFormLayout()
        layout.addLayout(form)
        self.folderEdit = ctk.ctkPathLineEdit()
        self.folderEdit.name = "uploadFolderEdit"
        self.folderEdit.filters = ctk.ctkPathLineEdit.Dirs
        self.folderEdit.toolTip = _("A result of De-identify; only files of its manifest are sent")
        self.addressEdit = parts.line(
            "storeAddressEdit", _("dicomweb+https://host/path, dimse+tls://host:port/AET or a folder")
        )
        self.addressEdit.placeholderText = "dicomweb+https://"
        self.userEdit = parts.line("storeUserEdit", _("Your name at the store, where it asks for one"))
        self.passwordEdit = parts.line("storePasswordEdit", _("Kept until Slicer is closed, written nowhere"))
        self.passwordEdit.echoMode = qt.QLineEdit.Password
        self.authorityEdit = ctk.ctkPathLineEdit()
        self.authorityEdit.name = "storeAuthorityEdit"
        self.authorityEdit.filters = ctk.ctkPathLineEdit.Files
        self.authorityEdit.toolTip = _("Certificate (PEM) to trust instead of the system's: thoraxai serve makes one")
        for text, control in (
            (_("Folder:"), self.folderEdit),
            (_("Store:"), self.addressEdit),
            (_("User:"), self.userEdit),
            (_("Password:"), self.passwordEdit),
            (_("Certificate:"), self.authorityEdit),
        ):
            form.addRow(text, control)
        for edit in (self.folderEdit, self.authorityEdit):
            edit.connect("currentPathChanged(QString)", self._enable)
        for edit in (self.addressEdit, self.userEdit, self.passwordEdit):
            edit.connect("textChanged(QString)", self._enable)
        self.addButton = parts.button("addUploadButton", _("Add to queue"), self.on_add)
        layout.addWidget(self.addButton)

    def _build_queue(self, layout: qt.QVBoxLayout) -> None:
        titles = (_("Folder"), _("Store"), _("State"))
        self.queueTable = parts.table("uploadTable", titles, _("A click shows the studies of the folder"), least_rows=4)
        self.queueTable.horizontalHeader().setSectionResizeMode(1, qt.QHeaderView.Stretch)
        self.queueTable.connect("itemSelectionChanged()", self._on_selected)
        layout.addWidget(self.queueTable)
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.sendButton = parts.button("sendButton", _("Send"), self.on_send)
        self.retryButton = parts.button("retryUploadButton", _("Once more"), self.on_retry)
        self.removeButton = parts.button("removeUploadButton", _("Remove"), self.on_remove)
        self.logButton = parts.button("checkLogButton", _("Check log"), self.on_check_log)
        for button in (self.sendButton, self.retryButton, self.removeButton, self.logButton):
            row.addWidget(button)
        self.messageLabel = parts.label("uploadMessageLabel")
        layout.addWidget(self.messageLabel)

    def _build_studies(self, layout: qt.QVBoxLayout) -> None:
        titles = (_("Study"), _("Files"), _("In the store"), _("State"))
        self.studiesTable = parts.table("uploadStudiesTable", titles, _("Studies of the selected folder"), least_rows=4)
        self.studiesTable.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)
        layout.addWidget(self.studiesTable)

    # What the panel tells

    def queue_file(self) -> Path:
        """Return where the queue is kept: beside Slicer's settings, on this computer only."""
        return Path(slicer.app.userSettings().fileName()).parent / "ThoraxAI" / QUEUE_FILE

    def set_folder(self, folder: Path) -> None:
        """Propose a folder that was just de-identified."""
        self.folderEdit.setCurrentPath(str(folder))

    def close(self) -> None:
        """Stop sending, for a panel that closes; the next session goes on."""
        self._timer.stop()
        self._isPausing = True
        self.job_panel.close()
        if self._place is not None:
            self.queue.mark(self._place, PAUSED)
            self._place = self._job = None

    # What the person does

    def on_add(self) -> None:
        """Put the folder at the end of the queue."""
        order = UploadOrder(
            self.folderEdit.currentPath,
            self.addressEdit.text.strip(),
            self.userEdit.text.strip(),
            self.authorityEdit.currentPath,
        )
        try:
            place = self.queue.add(order)
        except ThoraxAIError as error:
            self._say(str(error))
            return
        self._say("")
        self._show()
        self.queueTable.selectRow(place)

    def on_send(self) -> None:
        """Send what waits, one folder after the other."""
        self._isPausing = False
        self.queue.resume()
        self._say("")
        self._start_next()

    def on_retry(self) -> None:
        """Let the selected folder wait for its turn again; what the store has is compared and not sent twice."""
        self.queue.mark(self._selected(), WAITING)
        self._isPausing = False
        self._start_next()

    def on_remove(self) -> None:
        """Take the selected folder out of the queue."""
        self._act(lambda: self.queue.remove(self._selected()))
        self._place = None if self._place is None else self._place_of_sending()

    def on_check_log(self) -> None:
        """Say whether the log of the selected folder is as it was written."""
        from ThoraxAILib.store.upload.audit_log import verify_log
        from ThoraxAILib.store.upload.upload import LOG

        def check() -> None:
            verify_log(self.queue.orders[self._selected()].private_folder / LOG)
            self._say(_("The log of this folder is as it was written."))

        self._act(check)

    def _act(self, act: Callable[[], None]) -> None:
        self._say("")
        try:
            act()
        except ThoraxAIError as error:
            self._say(str(error))
        self._show()

    # The job

    def _on_pausing(self) -> None:
        self._isPausing = True

    def _start_next(self) -> None:
        place = self.queue.next_place()
        if self.job_panel.is_running or self._isPausing or place is None:
            self._show()
            return
        order = self.queue.orders[place]
        try:
            job = upload_job(order, self.passwordEdit.text if order.needs_password else "")
            self._place, self._job = place, job
            self.queue.mark(place, SENDING)
            self.job_panel.run(job, self._on_sent, _("Reading the manifest"))
        except ThoraxAIError as error:
            self._place = self._job = None
            self.queue.mark(place, PAUSED, str(error))
            self._say(str(error))
        self._show()

    def _on_sent(self, _job: ChildJob) -> str:
        return _("Everything is in the store, compared.")

    def _on_job_changed(self) -> None:
        if self.job_panel.is_running:
            self._timer.start()
        elif self._job is not None and self._place is not None:
            self._timer.stop()
            self._end(self._place, self._job)
            self._place = self._job = None
            self._start_next()
        self._show()

    def _end(self, place: int, job: ChildJob) -> None:
        if job.state == SUCCEEDED:
            self.queue.mark(place, DONE)
        elif job.state == CANCELLED:
            self._isPausing = True
            self.queue.mark(place, PAUSED)
        else:
            self.queue.mark(place, FAILED, job.failure.message if job.failure else "")

    # What is shown

    def _selected(self) -> int:
        return self.queueTable.currentRow() if self.queueTable.selectedItems() else -1

    def _place_of_sending(self) -> int | None:
        return next((place for place, order in enumerate(self.queue.orders) if order.state == SENDING), None)

    def _show(self) -> None:
        selected = self._selected()
        self.queueTable.rowCount = len(self.queue.orders)
        for place, order in enumerate(self.queue.orders):
            texts = (Path(order.folder).name, order.address, STATE_WORDS[order.state])
            parts.fill_row(self.queueTable, place, texts, order.message or order.folder)
        if not 0 <= selected < len(self.queue.orders) and self._place is not None:
            self.queueTable.selectRow(self._place)
        self._show_studies()
        self._enable()

    def _show_studies(self) -> None:
        place = self._selected()
        studies = self.queue.orders[place].studies() if 0 <= place < len(self.queue.orders) else []
        self.studiesTable.rowCount = len(studies)
        for row, study in enumerate(studies):
            uid = study.study_uid
            texts = (
                uid if len(uid) <= SHOWN_UID else f"…{uid[-SHOWN_UID:]}",
                str(study.files),
                str(study.verified),
                study_words(study),
            )
            parts.fill_row(self.studiesTable, row, texts, uid)

    def _on_selected(self) -> None:
        self._show_studies()
        self._enable()
        place = self._selected()
        if 0 <= place < len(self.queue.orders):
            self._say(self.queue.orders[place].message)

    def _say(self, text: str) -> None:
        parts.say(self.messageLabel, text)

    def _enable(self) -> None:
        allow, orders, place = parts.allow, self.queue.orders, self._selected()
        missing = "" if self.folderEdit.currentPath else _("Choose a folder that was de-identified")
        missing = missing or ("" if self.addressEdit.text.strip() else _("Write the address of the store"))
        allow(self.addButton, missing, _("Put this folder at the end of the queue"))
        running = _("A folder is being sent") if self.job_panel.is_running else ""
        ready = any(order.state in (WAITING, PAUSED) for order in orders)
        allow(
            self.sendButton,
            running or ("" if ready else _("Nothing waits: add a folder first")),
            _("Send what waits, one folder after the other; every file is retrieved and compared"),
        )
        none = "" if 0 <= place < len(orders) else _("Select a folder of the queue first")
        state = orders[place].state if not none else ""
        allow(
            self.retryButton,
            none or ("" if state in (FAILED, DONE) else _("Only what failed or is done can be sent once more")),
            _("Compare and send the rest of this folder; nothing is sent twice"),
        )
        allow(
            self.removeButton,
            none or (_("This folder is being sent: pause it first") if state == SENDING else ""),
            _("Take this folder out of the queue; what is in the store stays there"),
        )
        allow(self.logButton, none, _("Say whether the log of this folder is as it was written"))


def study_words(study: StudyState) -> str:
    """Return how far a study is."""
    if study.failed:
        return _("{count} refused").format(count=study.failed)
    if study.verified == study.files:
        return _("in the store")
    return _("on its way") if study.verified else _("waiting")


STATE_WORDS = {
    WAITING: _("waiting"),
    SENDING: _("being sent"),
    PAUSED: _("paused"),
    DONE: _("in the store"),
    FAILED: _("failed"),
}
