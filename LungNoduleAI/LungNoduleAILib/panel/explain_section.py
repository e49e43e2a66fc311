"""Why the detector sees the selected nodule: a map over the CT, and whether it can be believed."""

from __future__ import annotations

import ctk
import qt
import slicer
from slicer.i18n import tr as _

from LungNoduleAILib.logic.explanation import importance_of, remove_importance, show_explanation
from LungNoduleAILib.logic.jobs import explain_job
from LungNoduleAILib.logic.logic import LungNoduleAILogic
from LungNoduleAILib.model.findings import Finding
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.panels import parts
from ThoraxAILib.panels.job_panel import JobPanel
from ThoraxAILib.panels.messages import shown_errors


class ExplainSection:
    """Add ``widget`` to the panel and call show() whenever another finding is selected or a run starts or ends."""

    def __init__(self, logic: LungNoduleAILogic) -> None:
        self._logic = logic
        self._finding: Finding | None = None
        self._volume: slicer.vtkMRMLScalarVolumeNode | None = None
        self._asked: tuple[str, str] = ("", "")
        self.widget = ctk.ctkCollapsibleButton()
        self.widget.name = "explainSection"
        self.widget.text = _("Why here?")
        layout = qt.QVBoxLayout(self.widget)
        layout.setContentsMargins(4, 5, 4, 5)
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.explainButton = parts.button("explainButton", _("Explain the selected finding"), self.on_explain)
        self.hideButton = parts.button("hideImportanceButton", _("Remove the map"), self.on_hide)
        row.addWidget(self.explainButton)
        row.addWidget(self.hideButton)
        self.label = parts.label("explanationLabel")
        layout.addWidget(self.label)
        self.job_panel = JobPanel(self._enable, "explain")
        layout.addWidget(self.job_panel.widget)
        self.widget.collapsed = True
        self._enable()

    def close(self) -> None:
        """Stop a run, of which nothing is kept."""
        self.job_panel.close()

    def show(self, finding: Finding | None, volume_node: slicer.vtkMRMLScalarVolumeNode | None) -> None:
        """Show what can be explained: the selected finding of a CT."""
        self._finding, self._volume = finding, volume_node
        node = None if volume_node is None else importance_of(volume_node)
        parts.say(self.label, "" if node is None else f"{node.GetName()}\n{node.GetDescription()}")
        self._enable()

    def on_explain(self) -> None:
        """Explain the selected finding in a child process."""
        finding, volume = known(self._finding, "the finding"), known(self._volume, "the CT")
        self._asked = finding.id, volume.GetID()
        with shown_errors(_("The finding cannot be explained.")):
            self.job_panel.run(explain_job(self._logic, volume, finding), self._on_explained, _("Starting"))

    def _on_explained(self, job: ChildJob) -> str:
        finding_id, volume_id = self._asked
        volume = slicer.mrmlScene.GetNodeByID(volume_id)
        if job.output is None or volume is None:
            raise InputError(_("The CT is gone or nothing was written: explain again."))
        show_explanation(job.output, volume, finding_id)
        self.show(self._finding, self._volume)
        return _("The map lies over the CT.")

    def on_hide(self) -> None:
        """Take the map out of the scene."""
        remove_importance(known(self._volume, "the CT"))
        self.show(self._finding, self._volume)

    def _enable(self) -> None:
        running = _("A run is going on") if self.job_panel.is_running else ""
        nothing = (
            "" if self._finding is not None and self._volume is not None else _("Select a finding in the table first")
        )
        parts.allow(
            self.explainButton,
            running or nothing,
            _("Covers parts of the CT and asks the default detector again; takes seconds"),
        )
        no_map = "" if self._volume is not None and importance_of(self._volume) is not None else _("There is no map")
        parts.allow(self.hideButton, running or no_map, _("Takes the map out of the scene"))
