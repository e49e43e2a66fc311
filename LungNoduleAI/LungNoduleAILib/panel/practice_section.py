"""Practice in the panel: a case by difficulty, mark its nodules, lock, see truth, software and score, go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ctk
import qt
from slicer.i18n import tr as _

from LungNoduleAILib.logic.jobs import practice_case_job, practice_score_job
from LungNoduleAILib.logic.practice import LungPractice, PracticeState
from LungNoduleAILib.panel.input_choice import show_in_views
from LungNoduleAILib.panel.interaction.place_tool import PlaceTool
from LungNoduleAILib.practice.comparison import practice_rows, score_words
from LungNoduleAILib.practice.progress import BOOK, progress_words
from LungNoduleAILib.scene.review_nodes import center_views
from ThoraxAILib.errors import ThoraxAIError
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.panels import parts
from ThoraxAILib.panels.job_panel import JobPanel
from ThoraxAILib.panels.messages import shown_errors
from ThoraxAILib.panels.practice_scores import PracticeScores, fill_difficulties
from ThoraxAILib.practice.score_book import next_seed

PROGRESS_FILE = "practice.json"
NOT_MEASURED, MAX_MM = 0.0, 100.0
TITLES = ("What", "Size", "You", "Software")
FIELD_MM = 80.0  # shown around a place that was chosen


class PracticeSection:
    """Add ``widget`` to the panel, and call update() whenever a run starts or ends or another scene comes."""

    def __init__(self, job_panel: JobPanel) -> None:
        self._jobPanel = job_panel
        self.logic = LungPractice()
        self.scores = PracticeScores(BOOK, PROGRESS_FILE, progress_words)
        self.placeTool = PlaceTool(self._on_place_stopped)
        self._asked: tuple[int, str] = (0, "")
        self._isFilling = False
        self._places: tuple[tuple[float, float, float], ...] = ()
        self._whys: tuple[str, ...] = ()
        self.widget = ctk.ctkCollapsibleButton()
        self.widget.name = "practiceSection"
        self.widget.text = _("Practice")
        layout = qt.QVBoxLayout(self.widget)
        layout.setContentsMargins(4, 5, 4, 5)
        self._build_case(layout)
        self.jobLayout = qt.QVBoxLayout()
        layout.addLayout(self.jobLayout)
        self._build_marks(layout)
        self._build_truth(layout)
        self.widget.collapsed = True
        self.update()

    def _build_case(self, layout: qt.QVBoxLayout) -> None:
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.difficultyComboBox = qt.QComboBox()
        self.difficultyComboBox.name = "difficultyComboBox"
        fill_difficulties(self.difficultyComboBox)
        self.nextCaseButton = parts.button("nextCaseButton", _("Next case"), self.on_next)
        row.addWidget(self.difficultyComboBox)
        row.addWidget(self.nextCaseButton, 1)
        self.messageLabel = parts.label("practiceMessageLabel")
        layout.addWidget(self.messageLabel)

    def _build_marks(self, layout: qt.QVBoxLayout) -> None:
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.markButton = parts.toggle("practiceMarkButton", _("Mark nodule"), self.on_mark)
        self.removeMarkButton = parts.button("removeMarkButton", _("Remove"), self.on_remove)
        self.diameterSpinBox = qt.QDoubleSpinBox()
        self.diameterSpinBox.name = "markDiameterSpinBox"
        self.diameterSpinBox.setRange(NOT_MEASURED, MAX_MM)
        self.diameterSpinBox.setDecimals(1)
        self.diameterSpinBox.suffix = " mm"
        self.diameterSpinBox.setSpecialValueText(_("no size"))
        self.diameterSpinBox.connect("valueChanged(double)", self._on_diameter)
        self.lockMarksButton = parts.button("lockMarksButton", _("Lock and score"), self.on_lock)
        for control in (self.markButton, self.removeMarkButton, self.diameterSpinBox):
            row.addWidget(control)
        layout.addWidget(self.lockMarksButton)

    def _build_truth(self, layout: qt.QVBoxLayout) -> None:
        titles = [_(title) for title in TITLES]
        self.table = parts.table("practiceTable", titles, _("A click shows the place; below stands why"))
        self.table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)
        self.table.connect("itemSelectionChanged()", self._on_selected)
        layout.addWidget(self.table)
        self.whyLabel = parts.label("practiceWhyLabel")
        layout.addWidget(self.whyLabel)
        layout.addWidget(self.scores.widget)

    # What is shown

    def update(self) -> None:
        """Show the case of the scene, and what can be done now."""
        state = self.logic.state()
        self._isFilling = True
        selected = self.table.currentRow() if self.table.selectedItems() else -1
        self._fill(state)
        if 0 <= selected < self.table.rowCount:
            self.table.selectRow(selected)
        self._isFilling = False
        self._say(self._words(state))
        self._enable(state)
        self._on_selected(jump=False)

    def _fill(self, state: PracticeState | None) -> None:
        if state is None or state.score is None:
            marks = () if state is None else state.marks
            rows = [
                (_("Mark {number}").format(number=number), _size(mark.diameter_mm), _("marked"), "")
                for number, mark in enumerate(marks, start=1)
            ]
            self._places, self._whys = tuple(mark.center_ras_mm for mark in marks), ("",) * len(marks)
        else:
            told = practice_rows(state.score)
            rows = [(row.what, row.size, row.you, row.software) for row in told]
            self._places, self._whys = tuple(row.place_ras_mm for row in told), tuple(row.why for row in told)
        self.table.clearSelection()
        self.table.rowCount = len(rows)
        for number, texts in enumerate(rows):
            parts.fill_row(self.table, number, texts, self._whys[number])

    def _words(self, state: PracticeState | None) -> str:
        if state is None:
            return _("Cases with planted nodules, between none and five, that nobody shows you: mark them, then lock.")
        if state.score is not None:
            return score_words(state.score)
        return _("Case {seed}, {difficulty}: mark every nodule, then lock. The time runs.").format(
            seed=state.seed, difficulty=state.difficulty
        )

    def _enable(self, state: PracticeState | None) -> None:
        running = _("A run is going on: wait for it or cancel it") if self._jobPanel.is_running else ""
        no_case = running or ("" if state is not None else _("Press Next case first"))
        locked = no_case or ("" if state is not None and state.score is None else _("The marks are locked"))
        chosen = 0 <= self._selected() < (0 if state is None else len(state.marks))
        no_mark = locked or ("" if chosen else _("Select a mark in the table first"))
        allow = parts.allow
        allow(
            self.difficultyComboBox, running, _("How hard the nodules are to see: large and solid, or small and faint")
        )
        allow(self.nextCaseButton, running, _("Make the next case of this difficulty and show it"))
        allow(self.markButton, locked, _("Then click into the nodule in a slice view"))
        allow(self.removeMarkButton, no_mark, _("Take the selected mark back"))
        allow(self.diameterSpinBox, no_mark, _("Diameter of the selected mark, as you measure it"))
        allow(self.lockMarksButton, locked, _("End this reading: the software reads too, then you see truth and score"))
        self.scores.update()

    def _say(self, text: str) -> None:
        parts.say(self.messageLabel, text)

    def _selected(self) -> int:
        return self.table.currentRow() if self.table.selectedItems() else -1

    def _on_selected(self, jump: bool = True) -> None:
        if self._isFilling:
            return
        row = self._selected()
        self._isFilling = True
        state = self.logic.state()
        size = state.marks[row].diameter_mm if state and state.score is None and 0 <= row < len(state.marks) else None
        self.diameterSpinBox.value = NOT_MEASURED if size is None else size
        self._isFilling = False
        parts.say(self.whyLabel, self._whys[row] if 0 <= row < len(self._whys) else "")
        self._enable(state)
        if jump and 0 <= row < len(self._places):
            center_views(self._places[row], FIELD_MM)

    # The case

    def on_next(self) -> None:
        """Make the next case in a child process."""
        box = self.difficultyComboBox
        difficulty = box.itemData(box.currentIndex)
        state = self.logic.state()
        seed = next_seed(self.scores.entries(), difficulty)
        if state is not None and state.difficulty == difficulty:
            seed = max(seed, state.seed + 1)
        self.stop()
        self._asked = seed, difficulty
        self._run(lambda: practice_case_job(seed, difficulty), self._on_case_ready, _("Making a practice case"))

    def _run(self, job: Callable[[], ChildJob], on_success: Callable[[ChildJob], str], text: str) -> None:
        self.jobLayout.addWidget(self._jobPanel.widget)
        with shown_errors(_("The practice cannot go on.")):
            self._jobPanel.run(job(), on_success, text)
        self.update()

    def _on_case_ready(self, job: ChildJob) -> str:
        node = self.logic.show_case(job.output or Path(), *self._asked)
        show_in_views(node)
        self.update()
        return _("The case is shown.")

    def on_mark(self, wanted: bool) -> None:
        """Wait for a click, or wait no longer."""
        if self._isFilling:
            return
        if not wanted:
            self.placeTool.stop()
            return
        self._say(_("Click into the nodule in a slice view."))
        self.placeTool.start(self._on_placed)

    def _on_placed(self, place: tuple[float, float, float]) -> None:
        self._do(lambda: self.logic.add_mark(place))

    def _on_place_stopped(self) -> None:
        self._isFilling, before = True, self._isFilling
        self.markButton.checked = False
        self._isFilling = before

    def on_remove(self) -> None:
        """Take the selected mark back."""
        self._do(lambda: self.logic.remove_mark(self._selected()))

    def _on_diameter(self, value: float) -> None:
        if not self._isFilling:
            row = self._selected()
            self._do(lambda: self.logic.set_diameter(row, None if value == NOT_MEASURED else value))

    def _do(self, act: Callable[[], object]) -> None:
        """Do it, and select the mark it returns; say here why it did not work."""
        try:
            number = act()
        except ThoraxAIError as error:
            self._say(str(error))
            return
        self.update()
        if isinstance(number, int):
            self.table.selectRow(number)

    def on_lock(self) -> None:
        """End the reading: score the marks in a child process, which lets the software read the case too."""
        self.stop()
        state = self.logic.state()
        if state is None:
            return

        self._run(lambda: practice_score_job(state, self.scores.ready_file()), self._on_scored, _("Scoring"))

    def _on_scored(self, job: ChildJob) -> str:
        self.logic.show_score(job.output or Path())
        self.update()
        return _("Scored: green are the nodules, blue the software's marks, gray what looks like a nodule.")

    def stop(self) -> None:
        """Wait for no click any more."""
        self.placeTool.stop()


def _size(diameter_mm: float | None) -> str:
    return "" if diameter_mm is None else f"{diameter_mm:.1f} mm"
