"""JobPanel: progress, cancel, log and advice of one ChildJob, polled by a timer so that Slicer never waits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

import ctk
import qt
from slicer.i18n import tr as _

from ThoraxAILib.errors import ThoraxAIError
from ThoraxAILib.jobs.child_job import CANCELLED, FAILED, SUCCEEDED, ChildJob
from ThoraxAILib.panels import parts
from ThoraxAILib.panels.requirements import ensure_requirements

POLL_MILLISECONDS = 100
MAXIMUM_LOG_LINES = 2000
logger = logging.getLogger(__name__)


class StopWords(NamedTuple):
    """What is said of stopping a run: on the button, in its tool tip, and afterwards."""

    button: str
    tool_tip: str
    stopped: str


class JobPanel:
    """Add ``widget`` to a layout, then run() jobs in it, one at a time.

    ``on_state_changed`` is called without arguments whenever a run starts or ends. A panel with two of them gives the
    second a ``name``, with which the names of its controls begin, and says with ``stop`` what stopping a run means.
    """

    def __init__(self, on_state_changed: Callable[[], None], name: str = "job", stop: StopWords | None = None) -> None:
        self._name = name
        self._stop = stop or StopWords(
            _("Cancel"), _("Stop the run; nothing of it is kept"), _("Cancelled; nothing was kept.")
        )
        self._onStateChanged = on_state_changed
        self._onSuccess: Callable[[ChildJob], str] | None = None
        self._job: ChildJob | None = None
        self._cancelText = ""
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_MILLISECONDS)
        self._timer.connect("timeout()", self._on_timeout)
        self._build_widgets()
        self._show_idle()

    def _build_widgets(self) -> None:
        self.widget = qt.QWidget()
        self.widget.name = f"{self._name}_panel"
        layout = qt.QVBoxLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.progressBar = qt.QProgressBar()
        self.progressBar.name = f"{self._name}ProgressBar"
        self.progressBar.setRange(0, 1000)
        self.progressBar.setFormat("%p %")
        row.addWidget(self.progressBar)
        self.cancelButton = qt.QPushButton(self._stop.button)
        self.cancelButton.name = f"{self._name}CancelButton"
        self.cancelButton.toolTip = self._stop.tool_tip
        self.cancelButton.connect("clicked()", self.cancel)
        row.addWidget(self.cancelButton)
        self.statusLabel = self._label(f"{self._name}StatusLabel", layout)
        self.remedyLabel = self._label(f"{self._name}RemedyLabel", layout)
        self.logSection = ctk.ctkCollapsibleButton()
        self.logSection.name = f"{self._name}LogSection"
        self.logSection.text = _("Messages of the run")
        layout.addWidget(self.logSection)
        log_layout = qt.QVBoxLayout(self.logSection)
        self.logBox = qt.QPlainTextEdit()
        self.logBox.name = f"{self._name}LogBox"
        self.logBox.readOnly = True
        self.logBox.maximumBlockCount = MAXIMUM_LOG_LINES
        self.logBox.setMaximumHeight(140)
        log_layout.addWidget(self.logBox)
        self.logSection.collapsed = True

    def _label(self, name: str, layout: qt.QVBoxLayout) -> qt.QLabel:
        label = parts.label(name)
        label.setTextInteractionFlags(qt.Qt.TextSelectableByMouse)
        layout.addWidget(label)
        return label

    @property
    def is_running(self) -> bool:
        """Whether a run is going on."""
        return self._job is not None

    def run(self, job: ChildJob, on_success: Callable[[ChildJob], str], text: str) -> None:
        """Start ``job`` and show ``text`` until it reports.

        After a success ``on_success`` reads the results and returns the sentence to show; the job's folder is removed
        when it returns. A run that still goes on is kept and the new one is not started. Raises MissingDependencyError
        when Python packages are missing and were not agreed to.
        """
        if self.is_running:
            return
        try:
            ensure_requirements("ThoraxAI")
        except ThoraxAIError:
            job.release()
            raise
        self._job, self._onSuccess, self._cancelText = job, on_success, self._stop.stopped
        job.text = text
        self.logBox.setPlainText("")
        self.remedyLabel.text = ""
        self.logSection.hide()
        job.start()
        self.progressBar.show()
        self.cancelButton.show()
        self._show_progress(job)
        self._timer.start()
        self._onStateChanged()

    def cancel(self, reason: str = "") -> None:
        """Stop the run; ``reason`` is shown when somebody else than the person asked for it."""
        if self._job is None:
            return
        self._cancelText = reason or self._cancelText
        self._job.cancel()
        self.cancelButton.enabled = False
        self.statusLabel.text = _("Stopping…")

    def close(self) -> None:
        """End the run at once, for a scene or panel that closes."""
        self._timer.stop()
        job, self._job = self._job, None
        if job is not None:
            job.close()
        self._show_idle()
        self.statusLabel.text = ""

    def show_failure(self, message: str, remedy: str = "") -> None:
        """Show why something did not work, and what to do."""
        self.statusLabel.text = message
        self.remedyLabel.text = remedy
        self.remedyLabel.visible = bool(remedy)

    def _show_idle(self) -> None:
        self.progressBar.hide()
        self.cancelButton.hide()
        self.remedyLabel.hide()
        self.logSection.hide()

    def _show_progress(self, job: ChildJob) -> None:
        self.progressBar.value = round(1000 * job.progress)
        if self.cancelButton.enabled:
            self.statusLabel.text = job.text

    def _on_timeout(self) -> None:
        job = self._job
        if job is None:
            return
        for line in job.poll():
            self.logBox.appendPlainText(line)
        self._show_progress(job)
        if job.is_finished:
            self._timer.stop()
            try:
                self._show_end(job)
            finally:
                job.release()
                self._job = None
                self._onStateChanged()

    def _show_end(self, job: ChildJob) -> None:
        self._show_idle()
        self.cancelButton.enabled = True
        if job.state == CANCELLED:
            self.statusLabel.text = self._cancelText
        elif job.state == FAILED and job.failure is not None:
            self.logSection.visible = bool(job.failure.last_lines)
            self.show_failure(job.failure.message, job.failure.remedy)
        elif job.state == SUCCEEDED and self._onSuccess is not None:
            try:
                self.statusLabel.text = self._onSuccess(job)
            except ThoraxAIError as error:
                logger.warning("The results of a run could not be shown")
                self.show_failure(str(error))
