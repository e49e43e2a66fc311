"""Practice in the panel: a beating heart, read both frames, EF and diagnosis, lock, see truth, software and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ctk
import qt
import slicer
import vtk
from slicer.i18n import tr as _

from CardiacBiomechLib.logic.practice import CinePractice, PracticeState, practice_case_job, practice_score_job
from CardiacBiomechLib.practice.comparison import practice_rows, reasons, score_words
from CardiacBiomechLib.practice.own_cases import OWN
from CardiacBiomechLib.practice.progress import BOOK, of_cases, progress_words
from CardiacBiomechLib.synthesis.groups import GROUPS
from ThoraxAILib.errors import ThoraxAIError
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.panels import parts
from ThoraxAILib.panels.job_panel import JobPanel
from ThoraxAILib.panels.messages import shown_errors
from ThoraxAILib.panels.practice_scores import PracticeScores, fill_difficulties
from ThoraxAILib.practice.score_book import next_seed

PROGRESS_FILE = "cardiac_practice.json"
TITLES = ("What", "Truth", "You", "Software")
NOT_READ, MOST_FRAMES = 0, 200
NO_FRACTION = -1.0
TABLE_LINES = 6  # four lines of two and their head


class PracticeSection:
    """Add ``widget`` to the panel, and call update() whenever a run starts or ends or another scene comes.

    ``model`` says with which diagnosis the software answers, None for the shipped one.
    """

    def __init__(self, job_panel: JobPanel, model: Callable[[], Path | None]) -> None:
        self._jobPanel, self._model = job_panel, model
        self.logic = CinePractice()
        self.scores = PracticeScores(BOOK, PROGRESS_FILE, progress_words)
        self._isFilling = False
        self._askedFolder: Path | None = None
        self._observed: tuple[slicer.vtkMRMLSequenceBrowserNode, int] | None = None
        self.widget = ctk.ctkCollapsibleButton()
        self.widget.name = "practiceSection"
        self.widget.text = _("Practice")
        layout = qt.QVBoxLayout(self.widget)
        layout.setContentsMargins(4, 5, 4, 5)
        self._build_case(layout)
        self.jobLayout = qt.QVBoxLayout()
        layout.addLayout(self.jobLayout)
        self._build_frames(layout)
        self._build_reading(layout)
        self._build_truth(layout)
        self.widget.collapsed = True
        self.widget.connect("contentsCollapsed(bool)", lambda _collapsed: self.update())  # opening shows all there is
        self.update()

    def _build_case(self, layout: qt.QVBoxLayout) -> None:
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.difficultyComboBox = qt.QComboBox()
        self.difficultyComboBox.name = "difficultyComboBox"
        fill_difficulties(self.difficultyComboBox)
        self.difficultyComboBox.addItem(_("Own cases"), OWN)
        self.difficultyComboBox.connect("currentIndexChanged(int)", lambda _index: self.update())
        self.nextCaseButton = parts.button("nextCaseButton", _("Next case"), self.on_next)
        row.addWidget(self.difficultyComboBox)
        row.addWidget(self.nextCaseButton, 1)
        self.casesEdit = ctk.ctkPathLineEdit()
        self.casesEdit.name = "practiceCasesEdit"
        self.casesEdit.filters = ctk.ctkPathLineEdit.Dirs
        self.casesEdit.toolTip = _("Folder of ACDC patients with readers' labels; the group stands in their Info.cfg")
        self.casesEdit.connect("currentPathChanged(QString)", lambda _path: self.update())
        layout.addWidget(self.casesEdit)
        self.messageLabel = parts.label("practiceMessageLabel")
        layout.addWidget(self.messageLabel)

    def _build_frames(self, layout: qt.QVBoxLayout) -> None:
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.frameSlider = ctk.ctkSliderWidget()
        self.frameSlider.name = "practiceFrameSlider"
        self.frameSlider.decimals = 0
        self.frameSlider.minimum, self.frameSlider.maximum = 1, 2
        self.frameSlider.connect("valueChanged(double)", self._on_frame)
        self.playButton = parts.toggle("practicePlayButton", _("Play"), self.on_play)
        row.addWidget(self.frameSlider, 1)
        row.addWidget(self.playButton)

    def _build_reading(self, layout: qt.QVBoxLayout) -> None:
        form = qt.QFormLayout()
        layout.addLayout(form)
        self.edSpinBox, self.edHereButton = self._frame_row(form, _("End-diastole:"), "practiceEd", "ed_frame")
        self.esSpinBox, self.esHereButton = self._frame_row(form, _("End-systole:"), "practiceEs", "es_frame")
        self.efSpinBox = qt.QDoubleSpinBox()
        self.efSpinBox.name = "practiceEfSpinBox"
        self.efSpinBox.setRange(NO_FRACTION, 100.0)
        self.efSpinBox.setDecimals(0)
        self.efSpinBox.suffix = " %"
        self.efSpinBox.setSpecialValueText(_("not read"))
        self.efSpinBox.connect("valueChanged(double)", self._on_fraction)
        form.addRow(_("LV ejection fraction:"), self.efSpinBox)
        self.diagnosisComboBox = qt.QComboBox()
        self.diagnosisComboBox.name = "practiceDiagnosisComboBox"
        self.diagnosisComboBox.addItem(_("not read"), "")
        for group in GROUPS:
            self.diagnosisComboBox.addItem(group, group)
        self.diagnosisComboBox.connect("currentIndexChanged(int)", self._on_diagnosis)
        form.addRow(_("Diagnosis:"), self.diagnosisComboBox)
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.undoButton = parts.button("practiceUndoButton", _("Undo"), lambda: self._do(self.logic.undo))
        self.lockButton = parts.button("lockReadingButton", _("Lock and score"), self.on_lock)
        row.addWidget(self.undoButton)
        row.addWidget(self.lockButton, 1)

    def _frame_row(self, form: qt.QFormLayout, text: str, name: str, key: str) -> tuple[qt.QSpinBox, qt.QPushButton]:
        box = qt.QSpinBox()
        box.name = f"{name}SpinBox"
        box.setRange(NOT_READ, MOST_FRAMES)
        box.setSpecialValueText(_("not read"))
        box.connect("valueChanged(int)", lambda value: self._on_number(key, value))
        here = parts.button(
            f"{name}HereButton", _("This frame"), lambda: self._do(lambda: self._read(key, self.logic.shown_frame()))
        )  # fmt: skip
        row = qt.QHBoxLayout()
        row.addWidget(box, 1)
        row.addWidget(here)
        form.addRow(text, row)
        return box, here

    def _build_truth(self, layout: qt.QVBoxLayout) -> None:
        titles = [_(title) for title in TITLES]
        self.table = parts.table("practiceTable", titles, _("A click shows the true frame"))
        self.table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)
        self.table.connect("itemSelectionChanged()", self._on_selected)
        self.table.setMaximumHeight(2 * TABLE_LINES * self.table.fontMetrics().height())
        layout.addWidget(self.table)
        self.reasonList = qt.QListWidget()
        self.reasonList.name = "practiceReasonList"
        self.reasonList.toolTip = _("Why the truth is what it is, and why the software answered as it did")
        self.reasonList.wordWrap = True
        self.reasonList.setVerticalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOn)  # words wrap beside it
        self.reasonList.setMinimumHeight(150)
        layout.addWidget(self.reasonList)
        layout.addWidget(self.scores.widget)

    # What is shown

    def update(self) -> None:
        """Show the case of the scene, and what can be done now."""
        state = self.logic.state()
        self._observe(self.logic.browser())
        self._isFilling = True
        self._fill(state)
        self._isFilling = False
        parts.say(self.messageLabel, self._words(state))
        self._enable(state)

    def _fill(self, state: PracticeState | None) -> None:
        self.frameSlider.maximum = 2 if state is None else state.frames
        self.frameSlider.value = self.logic.shown_frame()
        draft = None if state is None else state.draft
        self.edSpinBox.value = draft.ed_frame or NOT_READ if draft else NOT_READ
        self.esSpinBox.value = draft.es_frame or NOT_READ if draft else NOT_READ
        read = draft is not None and draft.ef_percent is not None
        self.efSpinBox.value = draft.ef_percent if draft is not None and read else NO_FRACTION
        box = self.diagnosisComboBox
        box.setCurrentIndex(box.findData((draft.diagnosis if draft else None) or ""))
        document = None if state is None else state.score
        rows = () if document is None else practice_rows(document)
        self.table.clearSelection()
        self.table.rowCount = len(rows)
        for number, row in enumerate(rows):
            parts.fill_row(self.table, number, (row.what, row.truth, row.you, row.software))
        self.table.visible = document is not None
        self.reasonList.clear()
        for sentence in () if document is None else reasons(document):
            self.reasonList.addItem(sentence)
        self.reasonList.visible = document is not None

    def _words(self, state: PracticeState | None) -> str:
        if state is None:
            return _(
                "Beating hearts whose frames of end-diastole and end-systole, ejection fraction and diagnosis nobody "
                "shows you: read them, then lock."
            )
        if state.score is not None:
            return score_words(state.score)
        height, weight = state.person["height_cm"], state.person["weight_kg"]
        whose = "" if not height or not weight else _(" of {h:.0f} cm and {w:.0f} kg").format(h=height, w=weight)
        return _("Case {seed}, {difficulty}: a person{whose}. Read it, then lock. The time runs.").format(
            seed=state.seed, difficulty=state.difficulty, whose=whose
        )

    def _enable(self, state: PracticeState | None) -> None:
        running = _("A run is going on: wait for it or cancel it") if self._jobPanel.is_running else ""
        own = self._difficulty() == OWN
        self.casesEdit.visible = own
        no_folder = running or (_("Choose the folder of your cases") if own and not self.casesEdit.currentPath else "")
        no_case = running or ("" if state is not None else _("Press Next case first"))
        locked = no_case or ("" if state is not None and state.score is None else _("The reading is locked"))
        half = locked or ("" if state is not None and state.draft.is_whole else _("Read all four first"))
        nothing = locked or ("" if state is not None and state.can_undo else _("There is nothing to undo"))
        allow = parts.allow
        allow(self.difficultyComboBox, running, _("How hard the images are to read, or patients of your own"))
        allow(self.nextCaseButton, no_folder, _("Make the next case and show it"))
        allow(self.frameSlider, no_case, _("Frame that is shown"))
        allow(self.playButton, no_case, _("Let the heart beat"))
        for box, here in ((self.edSpinBox, self.edHereButton), (self.esSpinBox, self.esHereButton)):
            allow(box, locked, _("Number of the frame, counted from 1"))
            allow(here, locked, _("Take the frame that is shown"))
        allow(self.efSpinBox, locked, _("Ejection fraction of the left ventricle, as you estimate it"))
        allow(self.diagnosisComboBox, locked, _("MINF: infarct; RV: right ventricle; NOR: none of these"))
        allow(self.undoButton, nothing, _("Take back what you said last"))
        allow(self.lockButton, half, _("End this reading: the software reads too, then you see truth, score and why"))
        self.scores.update()

    def _observe(self, browser) -> None:
        """Let the slider follow the heart that beats."""
        if self._observed is not None and self._observed[0] is browser:
            return
        self._forget()
        if browser is not None:
            self._observed = browser, browser.AddObserver(vtk.vtkCommand.ModifiedEvent, self._on_beat)

    def _forget(self) -> None:
        if self._observed is not None:
            browser, tag = self._observed
            browser.RemoveObserver(tag)
            self._observed = None

    def _on_beat(self, _caller: object, _event: object) -> None:
        self._isFilling, before = True, self._isFilling
        self.frameSlider.value = self.logic.shown_frame()
        self._isFilling = before

    # The case

    def _difficulty(self) -> str:
        return self.difficultyComboBox.itemData(self.difficultyComboBox.currentIndex)

    def on_next(self) -> None:
        """Make the next case in a child process: the one that was open when the program ended, else the next one."""
        difficulty = self._difficulty()
        folder = Path(self.casesEdit.currentPath) if difficulty == OWN else None
        seed = self._next_seed(difficulty, folder)
        self.stop()
        self._askedFolder = folder
        text = _("Making a practice case")
        self._run(lambda: practice_case_job(seed, difficulty, folder), self._on_case_ready, text)

    def _next_seed(self, difficulty: str, folder: Path | None) -> int:
        state = self.logic.state()
        name = "" if folder is None else folder.resolve().name
        following = next_seed(of_cases(self.scores.entries(), name), difficulty)
        if state is not None and (state.difficulty, state.cases) == (difficulty, folder):
            return max(following, state.seed + 1)
        kept = self.logic.kept(self.scores.file(), difficulty, folder)
        return following if kept is None else max(following, kept["seed"])

    def _run(self, job: Callable[[], ChildJob], on_success: Callable[[ChildJob], str], text: str) -> None:
        self.jobLayout.addWidget(self._jobPanel.widget)
        with shown_errors(_("The practice cannot go on.")):
            self._jobPanel.run(job(), on_success, text)
        self.update()

    def _on_case_ready(self, job: ChildJob) -> str:
        self.logic.show_case(job.output or Path(), self._askedFolder, self.scores.file())
        show_in_views(self.logic.image())
        self.update()
        return _("The case is shown.")

    def _on_frame(self, value: float) -> None:
        if not self._isFilling:
            self.logic.show_frame(round(value))

    def on_play(self, wanted: bool) -> None:
        """Start or stop the beating."""
        browser = self.logic.browser()
        if browser is not None:
            browser.SetPlaybackActive(wanted)

    def _on_number(self, key: str, value: int) -> None:
        if not self._isFilling:
            self._do(lambda: self._read(key, value or None))

    def _on_fraction(self, value: float) -> None:
        if not self._isFilling:
            self._do(lambda: self._read("ef_percent", None if value == NO_FRACTION else float(value)))

    def _on_diagnosis(self, index: int) -> None:
        if not self._isFilling:
            group = self.diagnosisComboBox.itemData(index) or None
            self._do(lambda: self._read("diagnosis", group))

    def _read(self, key: str, value: object) -> None:
        self.logic.read(**{key: value})

    def _do(self, act: Callable[[], object]) -> None:
        """Do it and keep it; say here why it did not work."""
        try:
            act()
            self.logic.keep(self.scores.file())
        except ThoraxAIError as error:
            self.update()
            parts.say(self.messageLabel, str(error))
            return
        self.update()

    def on_lock(self) -> None:
        """End the reading: score it in a child process, which lets the software read the case too."""
        self.stop()
        state = self.logic.state()
        if state is not None:
            self._run(lambda: self._score_job(state), self._on_scored, _("Scoring"))

    def _score_job(self, state: PracticeState) -> ChildJob:
        return practice_score_job(state, self.scores.ready_file(), self._model())

    def _on_scored(self, job: ChildJob) -> str:
        self.logic.show_score(job.output or Path())
        self.update()
        return _("Scored: the table shows truth, your reading and the software's; below stands why.")

    def _on_selected(self) -> None:
        state = self.logic.state()
        if self._isFilling or state is None or state.score is None or not self.table.selectedItems():
            return
        key = ("ed_frame", "es_frame")[self.table.currentRow()] if self.table.currentRow() < 2 else None
        if key is not None:
            self.frameSlider.value = state.score["truth"][key]

    def stop(self) -> None:
        """Let the heart stand still."""
        self.playButton.checked = False

    def close(self) -> None:
        """Watch the scene no more."""
        self.stop()
        self._forget()


def show_in_views(image) -> None:
    """Show an image in all slice views and center them on it."""
    if image is None:
        return
    application_logic = slicer.app.applicationLogic()
    application_logic.GetSelectionNode().SetActiveVolumeID(image.GetID())
    application_logic.PropagateVolumeSelection(1)
