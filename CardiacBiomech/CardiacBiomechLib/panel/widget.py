"""The panel of CardiacBiomech: choose an exam, analyze it in a child process, look at function, strain and segments."""

from __future__ import annotations

import tempfile
from pathlib import Path

import ctk
import qt
import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from CardiacBiomechLib.analysis.study_options import StudyOptions
from CardiacBiomechLib.cases.study_files import BULLS_EYES, DRIVERS, REPORT
from CardiacBiomechLib.cases.study_requests import AnalyzeStudyRequest, EnginesOfStudy
from CardiacBiomechLib.logic.logic import CardiacBiomechLogic
from CardiacBiomechLib.model.person import FORMULAS, SEXES, Person
from CardiacBiomechLib.model.study import SEVERITIES
from CardiacBiomechLib.motion.engines import NAMES as MOTION_NAMES
from CardiacBiomechLib.motion.presets import PRESETS
from CardiacBiomechLib.panel.compare_section import CompareSection
from CardiacBiomechLib.panel.practice_section import PracticeSection
from CardiacBiomechLib.report.study_summary import (
    diagnosis_lines,
    diagnosis_sentences,
    stiffness_lines,
    stiffness_sentences,
    stiffness_words,
    summary,
)
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.networks.device import DEVICES
from ThoraxAILib.panels.job_panel import JobPanel
from ThoraxAILib.panels.messages import shown_errors
from ThoraxAILib.panels.parts import ROW_MARGIN, fit_list
from ThoraxAILib.panels.reload import forget_packages

COLUMNS = (
    ("Segment", "name"),
    ("ED mm", "thickness_ed_mm"),
    ("ES mm", "thickness_es_mm"),
    ("Ecc", "peak_circumferential"),
    ("Err", "peak_radial"),
    ("Stiffness", "stiffness_index"),
)
SECTOR_COLUMNS = ("Sector", "Apparent index (95 %)", "Virtual fields (95 %)")
SECTOR_LINES = 7  # six sectors and their head
PICTURE_PIXELS = 440


def point_of(text: str) -> tuple[float, float, float] | None:
    """Return the point (RAS mm) that a line of text names, None for an empty line; raises InputError."""
    if not text.strip():
        return None
    try:
        x, y, z = (float(word) for word in text.replace(",", " ").split())
    except ValueError:
        raise InputError(f"'{text}' is no point: write three numbers in mm, as in 12.5, -30, 8.") from None
    return x, y, z


def words_of(point: tuple[float, float, float]) -> str:
    """Return a point as ``point_of`` reads it."""
    return ", ".join(f"{value:.1f}" for value in point)


class CardiacBiomechWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Shows Resources/UI/CardiacBiomech.ui; what is computed is the command's, what is in the scene the Logic's."""

    logic: CardiacBiomechLogic  # made by setup, which Slicer calls before anything else

    def __init__(self, parent: object | None = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self._result: Path | None = None
        self._browser: slicer.vtkMRMLSequenceBrowserNode | None = None
        self._edits: tempfile.TemporaryDirectory | None = None

    def setup(self) -> None:
        """Build the panel; called once, when the module is first opened."""
        super().setup()
        panel = slicer.util.loadUI(self.resourcePath("UI/CardiacBiomech.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        self.logic = CardiacBiomechLogic()
        self.job_panel = JobPanel(self._update_controls)
        self.ui.jobLayout.addWidget(self.job_panel.widget)
        self.practice = PracticeSection(self.job_panel, self.diagnosis_model)
        self.ui.practiceLayout.addWidget(self.practice.widget)
        self.compare = CompareSection(self.logic)
        self.ui.compareLayout.addWidget(self.compare.widget)
        self._fill_choices()
        panel.setMRMLScene(slicer.mrmlScene)
        self._connect()
        self._update_controls()

    def _fill_choices(self) -> None:
        from CardiacBiomechLib.cases.study_case import segmenter_names

        ui = self.ui
        ui.studyEdit.filters = ctk.ctkPathLineEdit.Dirs | ctk.ctkPathLineEdit.Files
        ui.labelEdit.filters = ctk.ctkPathLineEdit.Files
        ui.outputEdit.filters = ctk.ctkPathLineEdit.Dirs
        ui.diagnosisModelEdit.filters = ctk.ctkPathLineEdit.Dirs
        ui.diagnosisList.setVerticalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOn)  # words wrap beside it
        ui.sexComboBox.addItem(_("not stated"), "")
        for sex, text in zip(SEXES, (_("female"), _("male")), strict=True):
            ui.sexComboBox.addItem(text, sex)
        for box, names in (
            (ui.surfaceComboBox, FORMULAS),
            (ui.segmenterComboBox, segmenter_names()),
            (ui.motionComboBox, MOTION_NAMES),
            (ui.presetComboBox, tuple(PRESETS)),
            (ui.deviceComboBox, DEVICES),
        ):
            for name in names:
                box.addItem(name, name)
        ui.presetComboBox.setCurrentIndex(ui.presetComboBox.findData(EnginesOfStudy().preset))
        ui.orderEdit.text = StudyOptions().order
        ui.segmentsTable.setColumnCount(len(COLUMNS))
        ui.segmentsTable.setHorizontalHeaderLabels([title for title, _name in COLUMNS])
        ui.stiffnessTable.setColumnCount(len(SECTOR_COLUMNS))
        ui.stiffnessTable.setHorizontalHeaderLabels(SECTOR_COLUMNS)
        ui.stiffnessTable.verticalHeader().hide()
        ui.stiffnessTable.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        ui.stiffnessTable.setMinimumHeight(SECTOR_LINES * (ui.stiffnessTable.fontMetrics().height() + ROW_MARGIN))

    def _connect(self) -> None:
        ui = self.ui
        ui.studyEdit.connect("currentPathChanged(QString)", self._update_controls)
        ui.outputEdit.connect("currentPathChanged(QString)", self.on_output_changed)
        ui.analyzeButton.connect("clicked()", self.on_analyze)
        ui.showSceneButton.connect("clicked()", self.on_show_scene)
        ui.playButton.connect("clicked()", self.on_play)
        ui.reportButton.connect("clicked()", self.on_open_report)
        ui.carryAgainButton.connect("clicked()", self.on_carry_again)
        ui.insertionsButton.connect("clicked()", self.on_use_insertions)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.on_scene_closed)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self._update_controls)

    def cleanup(self) -> None:
        """End the run; called when the application closes and before a reload."""
        self.job_panel.close()
        self.practice.close()
        if self._edits is not None:
            self._edits.cleanup()
        self.removeObservers()

    def exit(self) -> None:
        """Let the practice stand still while another module is open."""
        self.practice.stop()

    def onReload(self) -> None:
        """Reload the Lib packages together with the module file."""
        forget_packages("CardiacBiomechLib", "ThoraxAILib")
        super().onReload()

    def on_scene_closed(self, _caller: object, _event: str) -> None:
        """Forget the beating heart, which is gone with the scene; the result on disk stays."""
        self._browser = None
        self._update_controls()

    def on_output_changed(self, path: str) -> None:
        """Show a result that lies in the chosen folder already."""
        self._result = None
        if path and (Path(path) / REPORT).is_file():
            try:
                self._show_result(Path(path))
            except InputError:
                self._result = None
        self._update_controls()

    def request(self) -> AnalyzeStudyRequest:
        """Return what the controls ask for; raises InputError for what cannot be asked."""
        ui = self.ui
        options = StudyOptions(
            order=ui.orderEdit.text.strip() or "auto",
            ed_frame=ui.edSpinBox.value or None,
            es_frame=ui.esSpinBox.value or None,
            strain=ui.strainCheckBox.checked,
            long_axis=ui.longAxisCheckBox.checked,
            septum_degrees=float(ui.septumSpinBox.value),
            anterior_insertion_ras_mm=point_of(ui.anteriorEdit.text),
            inferior_insertion_ras_mm=point_of(ui.inferiorEdit.text),
        )
        height, weight = ui.heightSpinBox, ui.weightSpinBox
        person = Person(
            float(height.value) if height.value > height.minimum else None,
            float(weight.value) if weight.value > weight.minimum else None,
            ui.sexComboBox.currentData or None,
            ui.surfaceComboBox.currentData,
        )
        engines = EnginesOfStudy(
            segmenter=ui.segmenterComboBox.currentData,
            motion=ui.motionComboBox.currentData,
            preset=ui.presetComboBox.currentData,
            device=ui.deviceComboBox.currentData,
        )
        label = ui.labelEdit.currentPath
        return AnalyzeStudyRequest(
            (Path(ui.studyEdit.currentPath),),
            Path(ui.outputEdit.currentPath),
            Path(label) if label else None,
            int(ui.frameSpinBox.value),
            options=options,
            person=person,
            engines=engines,
            diagnosis_model=self.diagnosis_model(),
            with_dicom=ui.dicomCheckBox.checked,
        )

    def diagnosis_model(self) -> Path | None:
        """Return the folder of the diagnosis that was chosen, None for the one trained on synthetic hearts."""
        path = self.ui.diagnosisModelEdit.currentPath
        return Path(path) if path else None

    def on_analyze(self) -> None:
        """Start the analysis in a child process."""
        self.ui.jobLayout.addWidget(self.job_panel.widget)
        with shown_errors(_("The exam cannot be analyzed.")):
            self.job_panel.run(self.logic.study_job(self.request()), self._on_success, _("Reading the exam"))

    def _on_success(self, _job: ChildJob) -> str:
        self._show_result(Path(self.ui.outputEdit.currentPath))
        return _("Analyzed.")

    def _show_result(self, folder: Path) -> None:
        found = self.logic.read_result(folder)
        self._result = folder
        ui = self.ui
        ui.summaryLabel.text = "\n".join(
            summary({**found, "quality": [], "notes": [], "diagnosis": {}, "stiffness": {}})
        )
        self._show_diagnosis(found.get("diagnosis") or {}, folder)
        ui.qualityList.clear()
        for verdict in sorted(found["quality"], key=lambda verdict: SEVERITIES.index(verdict["severity"])):
            ui.qualityList.addItem(f"{verdict['severity'].capitalize()}: {verdict['text']}")
        for note in found["notes"]:
            ui.qualityList.addItem(note)
        fit_list(ui.qualityList)
        rows = found["segments"]
        ui.segmentsTable.setRowCount(len(rows))
        for index, row in enumerate(rows):
            for column, (_title, name) in enumerate(COLUMNS):
                value = row[name]
                ui.segmentsTable.setItem(index, column, qt.QTableWidgetItem("–" if value is None else str(value)))
        self._show_stiffness(found.get("stiffness") or {})
        picture = qt.QPixmap(str(folder / BULLS_EYES))
        ui.bullsEyeLabel.setPixmap(picture.scaledToWidth(PICTURE_PIXELS, qt.Qt.SmoothTransformation))
        self._update_controls()

    def _show_stiffness(self, said: dict) -> None:
        """Show both estimates of the stiffness of sectors, and in the tool tip what they are and how sure."""
        table, rows = self.ui.stiffnessTable, said.get("sectors", [])
        table.setRowCount(len(rows))
        for index, row in enumerate(rows):
            words = (row["sector"], stiffness_words(row, "apparent"), stiffness_words(row, "virtual_fields"))
            for column, text in enumerate(words):
                table.setItem(index, column, qt.QTableWidgetItem(text))
        self.ui.stiffnessLabel.text = "\n".join(stiffness_lines(said))
        table.toolTip = "\n".join(stiffness_sentences(said))

    def _show_diagnosis(self, said: dict, folder: Path) -> None:
        """Show answer and set, what speaks for it, and where in the wall that lies."""
        ui = self.ui
        lines = diagnosis_lines(said) or [_("The analysis was asked for no diagnosis.")]
        ui.diagnosisLabel.text = "\n".join(line.strip() for line in lines[:2])
        ui.diagnosisList.clear()
        for sentence in diagnosis_sentences(said):
            ui.diagnosisList.addItem(sentence)
        ui.diagnosisPictureLabel.clear()
        picture = folder / DRIVERS
        if picture.is_file():
            shown = qt.QPixmap(str(picture))
            ui.diagnosisPictureLabel.setPixmap(shown.scaledToWidth(PICTURE_PIXELS // 2, qt.Qt.SmoothTransformation))

    def on_show_scene(self) -> None:
        """Load the beating heart into the scene."""
        with shown_errors(_("The result cannot be shown.")):
            if self._result is not None:
                self._browser = self.logic.show_in_scene(self._result)
        self._update_controls()

    def on_play(self) -> None:
        """Start or stop the beating."""
        if self._browser is not None:
            self._browser.SetPlaybackActive(not self._browser.GetPlaybackActive())
        self._update_controls()

    def on_open_report(self) -> None:
        """Open the report in the browser."""
        if self._result is not None:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self._result / REPORT)))

    def on_carry_again(self) -> None:
        """Take the edited segmentation of the shown frame as labels and analyze the exam with it."""
        with shown_errors(_("The edited frame cannot be used.")):
            if self._browser is None:
                return
            if self._edits is None:
                self._edits = tempfile.TemporaryDirectory(prefix="thoraxai-")
            path = self.logic.write_shown_labels(self._browser, Path(self._edits.name) / "edited.nii.gz")
            self.ui.labelEdit.setCurrentPath(str(path))
            self.ui.frameSpinBox.value = self.logic.shown_frame(self._browser)
            self.ui.orderEdit.text = "auto"
            self.on_analyze()

    def on_use_insertions(self) -> None:
        """Take the insertion points as they lie in the scene now and analyze the exam with them."""
        with shown_errors(_("The insertion points cannot be used.")):
            anterior, inferior = self.logic.shown_insertions()
            self.ui.anteriorEdit.text, self.ui.inferiorEdit.text = words_of(anterior), words_of(inferior)
            self.on_analyze()

    def _update_controls(self, *_arguments: object) -> None:
        """Enable what can be used now, and say in the tool tip what is missing."""
        ui, running = self.ui, self.job_panel.is_running
        missing = ""
        if not ui.studyEdit.currentPath:
            missing = _("Choose an exam")
        elif not ui.outputEdit.currentPath:
            missing = _("Choose a folder for the results")
        ui.analyzeButton.enabled = not missing and not running
        ui.analyzeButton.toolTip = missing or _("Volumes, function and strain of this exam")
        has_result = self._result is not None and not running
        ui.resultSection.enabled = has_result or self._browser is not None
        ui.showSceneButton.enabled = has_result
        ui.reportButton.enabled = has_result
        is_playing = self._browser is not None and self._browser.GetPlaybackActive()
        ui.playButton.enabled = self._browser is not None
        ui.playButton.text = _("Stop") if is_playing else _("Play")
        ui.carryAgainButton.enabled = self._browser is not None and not running
        ui.insertionsButton.enabled = self._browser is not None and not running
        self.practice.update()
