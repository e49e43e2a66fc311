"""Two dates of one person in the panel: folders of results in, a table with verdicts and a page out."""

from __future__ import annotations

from pathlib import Path

import ctk
import qt
from slicer.i18n import tr as _

from CardiacBiomechLib.cases.compare_case import PAGE
from CardiacBiomechLib.logic.logic import CardiacBiomechLogic
from CardiacBiomechLib.report.comparison_page import TITLES, comparison_rows
from ThoraxAILib.panels import parts
from ThoraxAILib.panels.messages import shown_errors


class CompareSection:
    """Add ``widget`` to the panel."""

    def __init__(self, logic: CardiacBiomechLogic) -> None:
        self._logic = logic
        self._page: Path | None = None
        self.widget = ctk.ctkCollapsibleButton()
        self.widget.name = "compareSection"
        self.widget.text = _("Two dates of one person")
        layout = qt.QFormLayout(self.widget)
        self.beforeEdit = self._folder_edit("beforeEdit", _("Folder with the results of the earlier date"))
        self.afterEdit = self._folder_edit("afterEdit", _("Folder with the results of the later date"))
        self.outputEdit = self._folder_edit("comparisonEdit", _("Folder for the comparison"))
        layout.addRow(_("Earlier:"), self.beforeEdit)
        layout.addRow(_("Later:"), self.afterEdit)
        layout.addRow(_("Comparison:"), self.outputEdit)
        self.compareButton = parts.button("compareButton", _("Compare"), self.on_compare)
        layout.addRow(self.compareButton)
        self.table = parts.table(
            "comparisonTable", TITLES, _("Every measure at both dates, beside how far two readings of one heart differ")
        )
        layout.addRow(self.table)
        self.cautionLabel = parts.label("cautionLabel")
        layout.addRow(self.cautionLabel)
        self.pageButton = parts.button("comparisonPageButton", _("Open page"), self.on_open_page)
        layout.addRow(self.pageButton)
        self.widget.collapsed = True
        self.update()

    def _folder_edit(self, name: str, tool_tip: str) -> ctk.ctkPathLineEdit:
        edit = ctk.ctkPathLineEdit()
        edit.name, edit.toolTip = name, tool_tip
        edit.filters = ctk.ctkPathLineEdit.Dirs
        edit.connect("currentPathChanged(QString)", lambda _path: self.update())
        return edit

    def on_compare(self) -> None:
        """Compare both dates and show what changed."""
        with shown_errors(_("The two dates cannot be compared.")), parts.waiting():
            before, after, output = (Path(edit.currentPath) for edit in self._edits)
            found = self._logic.compare(before, after, output)
            rows = comparison_rows(found)
            self.table.setRowCount(len(rows))
            for number, row in enumerate(rows):
                parts.fill_row(self.table, number, row)
            parts.say(self.cautionLabel, "\n".join(found["cautions"]))
            self._page = output / PAGE
        self.update()

    def on_open_page(self) -> None:
        """Open the page in the browser."""
        if self._page is not None:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self._page)))

    def update(self) -> None:
        """Enable what can be used now, and say in the tool tip what is missing."""
        missing = "" if all(edit.currentPath for edit in self._edits) else _("Choose both results and a folder")
        parts.allow(self.compareButton, missing, _("What changed between the two dates"))
        reason = _("Compare two dates first") if self._page is None else ""
        parts.allow(self.pageButton, reason, _("Open the comparison in the browser"))

    @property
    def _edits(self) -> tuple[ctk.ctkPathLineEdit, ...]:
        return self.beforeEdit, self.afterEdit, self.outputEdit
