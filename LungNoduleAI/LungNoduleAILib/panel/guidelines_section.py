"""The guidelines in the panel: state person and exam, read what each guideline advises for the findings, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ctk
import qt
from slicer.i18n import tr as _

from LungNoduleAILib.guidelines.from_findings import (
    ALL_NODULES,
    AdviceRow,
    AdviceTable,
    NoduleBefore,
    advice_table,
    before_of_follow_up,
)
from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.guidelines.wording import READER_DECIDES
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.pairs import FollowUp
from ThoraxAILib.panels import parts

UNKNOWN_AGE = -1
REASONS_HEIGHT = 110
ADVICE_ROWS = 12  # lines: an advice takes several
YES, NO = "yes", "no"


class GuidelinesSection:
    """Add ``widget`` to the panel and call show_findings() whenever they change.

    ``on_jump`` gets a finding id, ``on_person`` what was stated of person and exam whenever that changes.
    """

    def __init__(self, on_jump: Callable[[str], None], on_person: Callable[[dict], None] | None = None) -> None:
        self._onJump, self._onPerson = on_jump, on_person
        self._findings: tuple[Finding, ...] = ()
        self._before: Mapping[str, NoduleBefore] = {}
        self._shown = AdviceTable()
        self._hasResult = self._isFilling = False
        self.widget = ctk.ctkCollapsibleButton()
        self.widget.name = "guidelinesSection"
        self.widget.text = _("Guidelines")
        layout = qt.QVBoxLayout(self.widget)
        self._build_person(layout)
        self._build_history(layout)
        self._build_table(layout)
        self.widget.collapsed = True
        self._update()

    def _build_person(self, layout: qt.QVBoxLayout) -> None:
        grid = qt.QGridLayout()
        layout.addLayout(grid)
        exams = (
            (_("Baseline screening"), "baseline"),
            (_("Follow-up screening"), "follow_up"),
            (_("Screening"), "screening"),
            (_("Incidental finding"), "incidental"),
        )
        self.examComboBox = self._choice("examComboBox", exams, _("Which guideline fits follows from the kind of exam"))
        self.sexComboBox = self._choice("sexComboBox", ((_("Female"), "F"), (_("Male"), "M")), _("For the Brock model"))
        self.riskComboBox = self._choice(
            "riskComboBox", ((_("Low"), "low"), (_("High"), "high")), _("Risk of lung cancer, for Fleischner 2017")
        )
        self.ageSpinBox = qt.QSpinBox()
        self.ageSpinBox.name = "ageSpinBox"
        self.ageSpinBox.setRange(UNKNOWN_AGE, 120)
        self.ageSpinBox.setSpecialValueText(_("not stated"))
        self.ageSpinBox.value = UNKNOWN_AGE
        self.ageSpinBox.toolTip = _("Age in years")
        self.ageSpinBox.connect("valueChanged(int)", lambda _value: self._on_stated())
        fields = (
            (_("Exam:"), self.examComboBox),
            (_("Age:"), self.ageSpinBox),
            (_("Sex:"), self.sexComboBox),
            (_("Risk:"), self.riskComboBox),
        )
        for index, (text, control) in enumerate(fields):
            row, column = (0, 0) if index == 0 else (1 + (index - 1) // 2, 2 * ((index - 1) % 2))
            grid.addWidget(qt.QLabel(text), row, column)
            grid.addWidget(control, row, column + 1, 1, 3 if index == 0 else 1)

    def _build_history(self, layout: qt.QVBoxLayout) -> None:
        """Add the questions that are answered with yes or no; unanswered ones are not taken as no."""
        form = qt.QFormLayout()
        layout.addLayout(form)
        questions = (
            ("smoker_ever", "smokerComboBox", _("Ever smoked:"), _("For the Mayo model")),
            (
                "cancer_history",
                "cancerComboBox",
                _("Cancer now or before:"),
                _("Fleischner 2017 is not for it"),
            ),
            (
                "immunosuppressed",
                "immunosuppressedComboBox",
                _("Immunosuppressed:"),
                _("Fleischner 2017 is not for it; it counts for infection in Lung-RADS"),
            ),
            (
                "extrathoracic_cancer_over_5y_ago",
                "oldCancerComboBox",
                _("Extrathoracic cancer > 5 years ago:"),
                _("For the Mayo model"),
            ),
            ("family_history_lung_cancer", "familyComboBox", _("Lung cancer in the family:"), _("For the Brock model")),
            ("emphysema", "emphysemaComboBox", _("Emphysema:"), _("For the Brock model")),
        )
        self.answers: dict[str, qt.QComboBox] = {}
        for field, name, text, tool_tip in questions:
            self.answers[field] = self._choice(name, ((_("Yes"), YES), (_("No"), NO)), tool_tip)
            form.addRow(text, self.answers[field])

    def _build_table(self, layout: qt.QVBoxLayout) -> None:
        titles = (_("Nodule"), _("Guideline"), _("Advice"))
        self.table = parts.table("adviceTable", titles, _("A click shows the nodule and the reasons"), ADVICE_ROWS)
        self.table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        self.table.wordWrap = True
        self.table.horizontalHeader().setSectionResizeMode(len(titles) - 1, qt.QHeaderView.Stretch)
        self.table.connect("itemSelectionChanged()", self.on_row_selected)
        layout.addWidget(self.table)
        self.missingLabel = self._label("missingLabel", layout)
        self.reasonsText = qt.QPlainTextEdit()
        self.reasonsText.name = "reasonsText"
        self.reasonsText.readOnly = True
        self.reasonsText.toolTip = _("Why: value, threshold and source of the selected row, and what is uncertain")
        self.reasonsText.setMaximumHeight(REASONS_HEIGHT)
        layout.addWidget(self.reasonsText)
        self._label("readerDecidesLabel", layout).text = _(READER_DECIDES)

    def _choice(self, name: str, choices: Sequence[tuple[str, str]], tool_tip: str) -> qt.QComboBox:
        box = qt.QComboBox()
        box.name, box.toolTip = name, tool_tip
        box.addItem(_("not stated"), "")
        for text, value in choices:
            box.addItem(text, value)
        box.connect("currentIndexChanged(int)", lambda _index: self._on_stated())
        return box

    def _label(self, name: str, layout: qt.QVBoxLayout) -> qt.QLabel:
        made = parts.label(name)
        layout.addWidget(made)
        return made

    # What is stated, and what is advised

    def person(self) -> PersonAndExam:
        """Return what was stated; a question without an answer states nothing."""
        words = {YES: True, NO: False}
        answers = {field: words.get(self._chosen(box) or "") for field, box in self.answers.items()}
        return PersonAndExam(
            exam=self._chosen(self.examComboBox),
            sex=self._chosen(self.sexComboBox),
            risk=self._chosen(self.riskComboBox),
            age=None if self.ageSpinBox.value == UNKNOWN_AGE else self.ageSpinBox.value,
            **answers,
        )

    @staticmethod
    def _chosen(box: qt.QComboBox) -> str | None:
        return box.itemData(box.currentIndex) or None

    def show_person(self, stated: Mapping[str, Any]) -> None:
        """Show what was stated of person and exam before, e.g. in a scene that was opened again."""
        self._isFilling = True
        for name, box in (("exam", self.examComboBox), ("sex", self.sexComboBox), ("risk", self.riskComboBox)):
            box.setCurrentIndex(max(box.findData(stated.get(name) or ""), 0))
        self.ageSpinBox.value = UNKNOWN_AGE if stated.get("age") is None else int(stated["age"])
        words: dict[bool | None, str] = {True: YES, False: NO}
        for field, box in self.answers.items():
            box.setCurrentIndex(max(box.findData(words.get(stated.get(field), "")), 0))
        self._isFilling = False
        self._update()

    def _on_stated(self) -> None:
        """Hand on what was stated, then advise."""
        if self._onPerson is not None and not self._isFilling:
            self._onPerson(self.person().stated())
        self._update()

    def forget_person(self) -> None:
        """Another person's CT may come next: state nothing."""
        self._isFilling = True
        for box in (self.examComboBox, self.sexComboBox, self.riskComboBox, *self.answers.values()):
            box.setCurrentIndex(0)
        self.ageSpinBox.value = UNKNOWN_AGE
        self._isFilling = False
        self._update()

    def show_findings(self, findings: Sequence[Finding] | None, follow_up: FollowUp | None) -> None:
        """Advise on these findings, with what a follow-up knows of them; None where there is no result."""
        self._hasResult, self._findings = findings is not None, tuple(findings or ())
        self._before = {} if follow_up is None else before_of_follow_up(follow_up, self._findings)
        self._update()

    def _update(self) -> None:
        if self._isFilling:
            return
        self._shown = advice_table(self._findings, self.person(), self._before) if self._hasResult else AdviceTable()
        self._isFilling = True
        self.table.rowCount = len(self._shown.rows)
        for index, row in enumerate(self._shown.rows):
            self._fill_row(index, row)
        self.table.clearSelection()
        self._isFilling = False
        self.reasonsText.plainText = ""
        no_result = _("There is no result yet: press Analyze.")
        parts.say(self.missingLabel, "\n".join(self._shown.missing) if self._hasResult else no_result)

    def _fill_row(self, index: int, row: AdviceRow) -> None:
        nodule = _("All nodules") if row.nodule == ALL_NODULES else row.nodule
        for column, text in enumerate((nodule, row.title, row.words)):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(text)
            self.table.setItem(index, column, item)

    def on_row_selected(self) -> None:
        """Show why, and the nodule."""
        index = self.table.currentRow()
        if self._isFilling or not self.table.selectedItems() or not 0 <= index < len(self._shown.rows):
            return
        row = self._shown.rows[index]
        lines = [*row.reasons, *(_("Uncertain: {choice}").format(choice=choice) for choice in row.uncertain)]
        lines += [_("Not stated: {what}.").format(what=what) for what in row.open]
        self.reasonsText.plainText = "\n".join(lines)
        if row.nodule != ALL_NODULES:
            self._onJump(row.nodule)
