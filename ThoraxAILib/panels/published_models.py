"""Networks of others in a panel: licence and state of each, download with progress and cancel, folder, removal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ctk
import qt
from slicer.i18n import tr as _

from ThoraxAILib.errors import ThoraxAIError
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.jobs.child_python import child_environment, python_interpreter
from ThoraxAILib.jobs.events import STANDARD_OUTPUT
from ThoraxAILib.networks.published.catalog import MODELS, PublishedModel
from ThoraxAILib.networks.published.files import MISSING, OTHER, PARTLY, PUBLISHED, remove_model, size_of, state_of
from ThoraxAILib.panels import parts
from ThoraxAILib.panels.job_panel import JobPanel
from ThoraxAILib.panels.messages import agreed


def download_job(model: PublishedModel) -> ChildJob:
    """Make the job that downloads a model, not yet started; whoever starts it has agreed to the licence."""
    words = ["models", "get", model.name, "--yes", "--events", STANDARD_OUTPUT]
    return ChildJob([python_interpreter(), "-m", "ThoraxAILib", *words], child_environment())


class PublishedModels:
    """Add ``widget`` to a panel; ``on_changed`` is called when a model came or went."""

    def __init__(self, on_changed: Callable[[], None]) -> None:
        self._onChanged = on_changed
        self.widget = ctk.ctkCollapsibleButton()
        self.widget.name = "publishedModelsSection"
        self.widget.text = _("Networks of others")
        layout = qt.QVBoxLayout(self.widget)
        layout.setContentsMargins(4, 5, 4, 5)
        titles = (_("Network"), _("State"), _("Size"))
        self.table = parts.table("publishedModelsTable", titles, _("A click shows licence and training data"), 3)
        self.table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)
        self.table.connect("itemSelectionChanged()", self._on_selected)
        layout.addWidget(self.table)
        self.licenceLabel = parts.label("publishedLicenceLabel")
        layout.addWidget(self.licenceLabel)
        self.folderEdit = ctk.ctkPathLineEdit()
        self.folderEdit.name = "modelFolderEdit"
        self.folderEdit.filters = ctk.ctkPathLineEdit.Dirs
        self.folderEdit.toolTip = _("Folder of a MONAI bundle that you have already")
        self.folderEdit.connect("currentPathChanged(QString)", self._enable)
        layout.addWidget(self.folderEdit)
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.getButton = parts.button("getModelButton", _("Download"), self.on_get)
        self.addButton = parts.button("addModelButton", _("From folder"), self.on_add)
        self.removeButton = parts.button("removeModelButton", _("Remove"), self.on_remove)
        for button in (self.getButton, self.addButton, self.removeButton):
            row.addWidget(button)
        self.messageLabel = parts.label("publishedMessageLabel")
        layout.addWidget(self.messageLabel)
        self.job_panel = JobPanel(self._show, "models")
        layout.addWidget(self.job_panel.widget)
        self.widget.collapsed = True
        self._show()

    def close(self) -> None:
        """Stop a download, of which nothing is kept."""
        self.job_panel.close()

    def on_get(self) -> None:
        """Download the selected network, after showing its licence."""
        model = MODELS[self._selected()]
        question = _(
            "{title}\n\nLicence: {licence}\nTrained on: {trained_on}\nFrom: {source}\n\nDownload it under this "
            "licence? Nothing is sent but the request for the file."
        ).format(title=model.title, licence=model.licence, trained_on=model.trained_on, source=model.source)
        if not agreed(question):
            return
        self._do(lambda: self.job_panel.run(download_job(model), self._on_got, _("Connecting")))

    def _on_got(self, _job: ChildJob) -> str:
        self._onChanged()
        return _("The network is here and as published.")

    def on_add(self) -> None:
        """Take the selected network from the chosen folder, weights of one's own after a question."""
        from ThoraxAILib.networks.published.transfer import add_model

        model, folder = MODELS[self._selected()], Path(self.folderEdit.currentPath)

        def add() -> None:
            try:
                add_model(model, folder)
            except ThoraxAIError as error:
                question = _("{problem}\n\nAre these weights of your own, and shall they be used as such?")
                if "--other-weights" not in str(error) or not agreed(question.format(problem=error)):
                    raise
                add_model(model, folder, are_other_weights=True)
            self._onChanged()

        self._do(add)

    def on_remove(self) -> None:
        """Remove the selected network from this computer, after a question."""
        model = MODELS[self._selected()]
        if agreed(_("Remove the files of {title} from this computer?").format(title=model.title)):
            self._do(lambda: remove_model(model))
            self._onChanged()

    def _do(self, act: Callable[[], object]) -> None:
        parts.say(self.messageLabel, "")
        try:
            act()
        except ThoraxAIError as error:
            parts.say(self.messageLabel, str(error))
        self._show()

    def _selected(self) -> int:
        return self.table.currentRow() if self.table.selectedItems() else -1

    def _on_selected(self) -> None:
        place = self._selected()
        text = ""
        if 0 <= place < len(MODELS):
            text = _("Licence: {licence}\nTrained on: {trained_on}").format(
                licence=MODELS[place].licence, trained_on=MODELS[place].trained_on
            )
        parts.say(self.licenceLabel, text)
        self._enable()

    def _show(self) -> None:
        words = {
            MISSING: _("not here"),
            PARTLY: _("in part"),
            PUBLISHED: _("as published"),
            OTHER: _("own weights"),
        }
        self.table.rowCount = len(MODELS)
        for row, model in enumerate(MODELS):
            state, size = state_of(model), size_of(model)
            texts = (model.title, words.get(state, _("damaged")), f"{size / 1e6:.0f} MB" if size else "")
            parts.fill_row(self.table, row, texts, model.source)
        self._on_selected()

    def _enable(self) -> None:
        allow, place = parts.allow, self._selected()
        reason = _("A download is going on") if self.job_panel.is_running else ""
        reason = reason or ("" if 0 <= place < len(MODELS) else _("Select a network in the table first"))
        state = state_of(MODELS[place]) if not reason else MISSING
        here = _("It is here already, as published") if state == PUBLISHED else ""
        allow(self.getButton, reason or here, _("Shows the licence, then downloads; only then is anything fetched"))
        no_folder = "" if self.folderEdit.currentPath else _("Choose the folder of the bundle first")
        allow(self.addButton, reason or no_folder, _("Copies and checks the files of a bundle that you have already"))
        not_here = reason or ("" if size_of(MODELS[max(place, 0)]) else _("It is not here"))
        allow(self.removeButton, not_here, _("Removes its files from this computer"))
