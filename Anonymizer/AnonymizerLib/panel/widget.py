"""The panel of Anonymizer: choose files and a profile, look at what it would do, run, see what waits, scrub scenes."""

from __future__ import annotations

import json
from pathlib import Path

import ctk
import qt
import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.identity.promise import promise_of
from AnonymizerLib.logic.job import anonymize_job
from AnonymizerLib.logic.logic import AnonymizerLogic
from AnonymizerLib.panel.quarantine_table import QuarantineTable
from AnonymizerLib.panel.region_picture import RegionPicture
from AnonymizerLib.panel.tag_table import TagTable
from AnonymizerLib.panel.upload_section import UploadSection
from AnonymizerLib.profile.options import Option, Profile
from AnonymizerLib.profile.presets import PRESETS, profile_named
from AnonymizerLib.profile.regions import Box
from AnonymizerLib.run.request import AnonymizeOptions, AnonymizeRequest
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.panels.job_panel import JobPanel
from ThoraxAILib.panels.messages import shown_errors
from ThoraxAILib.panels.reload import forget_packages


class AnonymizerWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Shows Resources/UI/Anonymizer.ui; what is computed is AnonymizerLogic's or the command's."""

    logic: AnonymizerLogic  # made by setup, which Slicer calls before anything else

    def __init__(self, parent: object | None = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self._files: list[str] = []
        self._report: Path | None = None
        self._isUpdating = False

    def setup(self) -> None:
        """Build the panel; called once, when the module is first opened."""
        super().setup()
        panel = slicer.util.loadUI(self.resourcePath("UI/Anonymizer.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        self.logic = AnonymizerLogic()
        self.job_panel = JobPanel(self._update_controls)
        self.ui.jobLayout.addWidget(self.job_panel.widget)
        self.upload = UploadSection()
        self.ui.uploadLayout.addWidget(self.upload.widget)
        self.tags = TagTable(self.ui.tagTable)
        self.quarantine = QuarantineTable(self.ui.quarantineTable)
        self.picture = RegionPicture(self.ui.imageLabel, self.ui.regionsList)
        self._fill_choices()
        panel.setMRMLScene(slicer.mrmlScene)
        self._connect()
        self._update_controls()

    def _fill_choices(self) -> None:
        ui = self.ui
        ui.inputFolderEdit.filters = ctk.ctkPathLineEdit.Dirs
        ui.outputFolderEdit.filters = ctk.ctkPathLineEdit.Dirs
        ui.rulesEdit.filters = ctk.ctkPathLineEdit.Files
        ui.keyEdit.filters = ctk.ctkPathLineEdit.Files
        for index, (name, (text, _options, _strict)) in enumerate(PRESETS.items()):
            ui.profileComboBox.addItem(text.partition(":")[0], name)
            ui.profileComboBox.setItemData(index, text, qt.Qt.ToolTipRole)
        for option in Option:
            item = qt.QListWidgetItem(f"{option.label} ({option.code})")
            item.setToolTip(option.meaning)
            item.setFlags(qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
            item.setCheckState(qt.Qt.Unchecked)
            ui.optionsList.addItem(item)
        self._show_preset_options()

    def _connect(self) -> None:
        ui = self.ui
        ui.inputFolderEdit.connect("currentPathChanged(QString)", self.on_input_folder_changed)
        ui.volumeSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.on_volume_changed)
        ui.outputFolderEdit.connect("currentPathChanged(QString)", self._update_controls)
        ui.profileComboBox.connect("currentIndexChanged(int)", self.on_preset_changed)
        ui.optionsList.connect("itemChanged(QListWidgetItem*)", self.on_settings_changed)
        ui.rulesEdit.connect("currentPathChanged(QString)", self.on_settings_changed)
        ui.keyEdit.connect("currentPathChanged(QString)", self.on_settings_changed)
        ui.passwordEdit.connect("textChanged(QString)", self._update_controls)
        ui.fileSpinBox.connect("valueChanged(int)", self.on_file_changed)
        ui.changedCheckBox.connect("toggled(bool)", self._show_rows)
        ui.filterEdit.connect("textChanged(QString)", self._show_rows)
        ui.addRegionButton.connect("clicked()", self.on_add_region)
        ui.readTextButton.connect("clicked()", self.on_read_text)
        ui.removeRegionButton.connect("clicked()", self.on_remove_region)
        ui.regionsList.connect("currentRowChanged(int)", self._update_controls)
        ui.showFacesButton.connect("clicked()", self.on_show_faces)
        ui.runButton.connect("clicked()", self.on_run)
        ui.reportButton.connect("clicked()", self.on_open_report)
        ui.quarantineTable.connect("itemSelectionChanged()", self._update_controls)
        ui.showQuarantinedButton.connect("clicked()", self.on_show_quarantined)
        ui.scrubSceneButton.connect("clicked()", self.on_scrub_scene)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.on_scene_closed)

    def cleanup(self) -> None:
        """End the run; called when the application closes and before a reload."""
        self.job_panel.close()
        self.upload.close()
        self.removeObservers()

    def onReload(self) -> None:
        """Reload the Lib packages together with the module file."""
        forget_packages("AnonymizerLib", "ThoraxAILib")
        super().onReload()

    def on_scene_closed(self, _caller: object, _event: str) -> None:
        """Another scene: what was said about the old one does not hold any more."""
        self.ui.sceneLabel.text = _("Saved scenes keep names and birth dates even without the DICOM files.")

    # Input

    def on_input_folder_changed(self, path: str) -> None:
        """Another folder: list its files and show the first."""
        from AnonymizerLib.run.listing import list_inputs

        try:
            self._files = list_inputs(Path(path)).files if path else []
            self.ui.previewLabel.text = "" if path else _("Choose a DICOM folder.")
        except InputError as error:
            self._files = []
            self.ui.previewLabel.text = str(error)
        self._isUpdating = True
        self.ui.fileSpinBox.maximum = max(len(self._files), 1)
        self.ui.fileSpinBox.value = 1
        self.ui.fileCountLabel.text = _("of {count}").format(count=len(self._files))
        self._isUpdating = False
        self.on_file_changed()

    def on_volume_changed(self, volume_node: slicer.vtkMRMLScalarVolumeNode | None) -> None:
        """Take the folder of the files of the loaded volume that was chosen."""
        files = self.logic.files_of_volume(volume_node) if volume_node is not None else []
        if files:
            self.ui.inputFolderEdit.setCurrentPath(str(Path(files[0]).parent))
        elif volume_node is not None:
            self.ui.previewLabel.text = _("The files of this volume are not known: choose their folder.")

    def _input_file(self) -> Path | None:
        if not self._files:
            return None
        return Path(self.ui.inputFolderEdit.currentPath) / self._files[self.ui.fileSpinBox.value - 1]

    # Profile

    def on_preset_changed(self) -> None:
        """Another preset: tick its options."""
        self._show_preset_options()
        self.on_settings_changed()

    def _preset(self) -> str:
        return list(PRESETS)[max(self.ui.profileComboBox.currentIndex, 0)]

    def _show_preset_options(self) -> None:
        self._isUpdating = True
        chosen = PRESETS[self._preset()][1]
        for index, option in enumerate(Option):
            state = qt.Qt.Checked if option in chosen else qt.Qt.Unchecked
            self.ui.optionsList.item(index).setCheckState(state)
        self._isUpdating = False

    def _options(self) -> list[Option]:
        """List the ticked options."""
        return [
            option
            for index, option in enumerate(Option)
            if self.ui.optionsList.item(index).checkState() == qt.Qt.Checked
        ]

    def _profile(self) -> Profile:
        """Make the profile as chosen; InputError when it is contradictory or its rules have a mistake."""
        from AnonymizerLib.profile.rules import read_rules

        rules = read_rules(Path(self.ui.rulesEdit.currentPath)) if self.ui.rulesEdit.currentPath else None
        base = profile_named(self._preset(), rules=rules)
        return Profile(frozenset(self._options()), base.strict, rules, base.name)

    def on_settings_changed(self) -> None:
        """Options, rules or key changed: what would be done changes with them."""
        if not self._isUpdating:
            self._show_preview()
            self._update_controls()

    # Preview

    def on_file_changed(self) -> None:
        """Another file of the folder: show its attributes and its image."""
        if self._isUpdating:
            return
        self.picture.set_file(self._input_file())
        self._show_preview()
        self._update_controls()

    def _show_preview(self) -> None:
        path = self._input_file()
        try:
            self.tags.set_rows(self.logic.preview_tags(path, self._profile()) if path else [])
            if path is not None:
                self.ui.previewLabel.text = ""
        except InputError as error:
            self.tags.set_rows([])
            self.ui.previewLabel.text = str(error)
        self._show_rows()

    def _show_rows(self) -> None:
        shown, total = self.tags.show(self.ui.changedCheckBox.checked, self.ui.filterEdit.text)
        if total:
            self.ui.previewLabel.text = _("{shown} of {total} attributes shown.").format(shown=shown, total=total)

    # Regions

    def on_add_region(self) -> None:
        """Add the rectangle of the four numbers."""
        ui = self.ui
        self.picture.add(
            [Box(ui.leftSpinBox.value, ui.topSpinBox.value, ui.widthSpinBox.value, ui.heightSpinBox.value)]
        )
        self._update_controls()

    def on_read_text(self) -> None:
        """Find burned-in text in the shown image."""
        with shown_errors(_("The text cannot be read.")):
            self.picture.add(self.picture.read_text())
        self._update_controls()

    def on_remove_region(self) -> None:
        """Remove the selected rectangle."""
        self.picture.remove_selected()
        self._update_controls()

    def _face_pictures(self) -> list[Path]:
        """Before and after of the heads that the last run found."""
        from AnonymizerLib.run.run import FACES, private_folder_of

        output = self.ui.outputFolderEdit.currentPath
        return sorted((private_folder_of(Path(output)) / FACES).glob("*.png")) if output else []

    def on_show_faces(self) -> None:
        """Open the pictures of the removed faces."""
        for picture in self._face_pictures():
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(picture)))

    # Run

    def on_run(self) -> None:
        """De-identify the folder in a child process."""
        with shown_errors(_("The folder cannot be de-identified.")):
            self._profile()
            job = anonymize_job(self._request(), self.ui.passwordEdit.text)
            self._show_report(None)
            self.job_panel.run(job, self._on_done, _("Starting"))

    def _request(self) -> AnonymizeRequest:
        ui = self.ui
        boxes = tuple(self.picture.boxes)
        missing = set(PRESETS[self._preset()][1]) - set(self._options())
        preset = "basic" if missing and self._preset() != "strict" else self._preset()
        how = AnonymizeOptions(
            profile=preset,
            options=tuple(option.label for option in self._options()),
            rules=Path(ui.rulesEdit.currentPath) if ui.rulesEdit.currentPath else None,
            key=Path(ui.keyEdit.currentPath) if ui.keyEdit.currentPath else None,
            blank=boxes,
            accept_pixels=ui.acceptPixelsCheckBox.checked,
            approve_faces=ui.approveFacesCheckBox.checked,
            jobs=ui.jobsSpinBox.value,
        )
        source, output = Path(ui.inputFolderEdit.currentPath), Path(ui.outputFolderEdit.currentPath)
        return AnonymizeRequest(source, output, how, quarantine_ok=True)

    def _on_done(self, job: ChildJob) -> str:
        """Read what the run says about itself."""
        from AnonymizerLib.run.run import private_folder_of

        if job.output is None:
            raise InputError(_("The run ended without a result: look at the messages."))
        self._show_report(job.output / "report")
        self.upload.set_folder(job.output)
        waiting = self.quarantine.read(private_folder_of(job.output) / "quarantine.csv")
        self.ui.quarantineSection.collapsed = waiting == 0
        counts = json.loads((job.output / "report" / "summary.json").read_text(encoding="utf-8"))["counts"]
        return _("{clean} clean, {quarantined} in quarantine, {skipped} left out.").format(**counts)

    def _show_report(self, folder: Path | None) -> None:
        self._report = None if folder is None else folder / "report.html"
        text = ""
        if folder is not None:
            text = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["promise"]
        self.ui.resultLabel.text = text
        self._update_controls()

    def on_open_report(self) -> None:
        """Open the report in the web browser."""
        if self._report is not None:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self._report)))

    def on_show_quarantined(self) -> None:
        """Show the selected file of the quarantine list."""
        name = self.quarantine.selected_file()
        if name in self._files:
            self.ui.imageSection.collapsed = False
            self.ui.fileSpinBox.value = self._files.index(name) + 1

    # Scene

    def on_scrub_scene(self) -> None:
        """Take identity out of the open scene, after asking: it cannot be undone."""
        question = _(
            "Remove DICOM attributes, personal names, remarks and paths from the open scene? This cannot be undone."
        )
        if slicer.util.confirmOkCancelDisplay(question):
            with shown_errors(_("The scene cannot be scrubbed.")):
                self.ui.sceneLabel.text = self.logic.scrub_scene().sentence

    # Controls

    def _update_controls(self) -> None:
        ui = self.ui
        problem = self._problem()
        ui.runButton.enabled = not problem
        ui.runButton.toolTip = problem or _("De-identify the folder and check every written file")
        ui.reportButton.enabled = self._report is not None
        ui.showQuarantinedButton.enabled = bool(self.quarantine.selected_file())
        ui.showFacesButton.enabled = bool(self._face_pictures())
        ui.readTextButton.enabled = self.picture.has_image
        ui.removeRegionButton.enabled = ui.regionsList.currentRow >= 0
        self._show_promise()

    def _problem(self) -> str:
        """Why nothing can be run now; empty when it can."""
        ui = self.ui
        if self.job_panel.is_running:
            return _("A run is going on")
        if not self._files:
            return _("Choose the folder with the DICOM files")
        if not ui.outputFolderEdit.currentPath:
            return _("Choose a folder for the result")
        if ui.keyEdit.currentPath and len(ui.passwordEdit.text) < 8:
            return _("Give the password of the key, at least 8 characters")
        return ""

    def _show_promise(self) -> None:
        """Say before the run whether its result will be anonymous or pseudonymous."""
        key = ProjectKey(b"", "", is_stored=bool(self.ui.keyEdit.currentPath))
        try:
            self.ui.promiseLabel.text = promise_of(self._profile(), key).sentence
        except InputError as error:
            self.ui.promiseLabel.text = str(error)
