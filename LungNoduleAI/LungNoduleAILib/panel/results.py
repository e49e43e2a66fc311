"""What the panel says about one result: lungs with verdicts, rows of the findings table, methods and run record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from LungNoduleAILib.analysis.importance import by_suspicion, is_doubtful
from LungNoduleAILib.guidelines.from_findings import before_of_follow_up
from LungNoduleAILib.model.findings import Finding, Lungs, QualityNote
from LungNoduleAILib.model.pairs import FollowUp
from LungNoduleAILib.model.review import READER
from LungNoduleAILib.panel.words import status_words
from LungNoduleAILib.scene.result_nodes import ResultNodes
from ThoraxAILib.panels.findings_table import TableColumn, TableRow
from ThoraxAILib.panels.parts import fit_list

STATUS_COLUMN = 7
_ICON_OF_SEVERITY = {
    "info": "SP_MessageBoxInformation",
    "warning": "SP_MessageBoxWarning",
    "error": "SP_MessageBoxCritical",
}
_ROLE = 0x0100  # Qt::UserRole


def finding_columns() -> tuple[TableColumn, ...]:
    """Return the columns of the findings table."""
    return (
        TableColumn(_("ID"), _("Name of the finding, of its segment and of its point")),
        TableColumn(_("Type"), _("Density type")),
        TableColumn(_("Ø mm"), _("Mean of long and short axis in the axial plane of largest area"), is_number=True),
        TableColumn(_("mm³"), _("Volume"), is_number=True),
        TableColumn(_("Lobe"), _("Lobe of the center, approximate")),
        TableColumn(_("Susp."), _("Suspicion as readers rate it, 1 to 5: a rating, no pathology"), is_number=True),
        TableColumn(_("Conf."), _("Confidence of the detector, 0 to 1"), is_number=True),
        TableColumn(_("Status"), _("Decision of the reader")),
    )


def finding_row(finding: Finding) -> TableRow:
    """One finding as a row under finding_columns()."""
    place, doubted = finding.where(""), is_doubtful(finding)
    kind = finding.type if finding.kind == "nodule" else f"{finding.kind}, {finding.type}"
    sizes = (finding.mean_diameter_mm, finding.volume_mm3)
    values = (finding.id, kind, *sizes, place, finding.suspicion or 0.0, finding.confidence, finding.status)
    texts = (
        finding.id,
        kind,
        f"{finding.mean_diameter_mm:.1f}",
        f"{finding.volume_mm3:.0f}",
        place,
        "" if finding.suspicion is None else f"{finding.suspicion:.1f}",
        _("reader") if finding.source == READER else f"{finding.confidence:.2f}",
        _("Doubtful") if doubted and finding.status == "unreviewed" else status_words()[finding.status],
    )
    doubt = _("Probably no nodule: {why}.").format(why=finding.doubt) if doubted else ""
    return TableRow(finding.id, values, texts, finding.status, finding.reason, doubt, bool(finding.doubt))


def in_reading_order(findings: Sequence[Finding], follow_up: FollowUp | None) -> list[Finding]:
    """Return the findings, the most suspicious first and doubtful ones last; a decision does not move its row."""
    before = {} if follow_up is None else before_of_follow_up(follow_up, findings)
    undecided = [finding.with_status("unreviewed") for finding in findings]
    by_id = {finding.id: finding for finding in findings}
    return [by_id[finding.id] for finding in by_suspicion(undecided, before)]


def lungs_are_missing(lungs: Lungs) -> bool:
    """Whether the image shows no lungs: then there is nothing to review."""
    return round(lungs.both_ml) == 0 or any(note.code == "not_a_chest" for note in lungs.quality)


def no_lungs_text(lungs: Lungs) -> str:
    """Return why there is nothing to review, and what to do."""
    said = [note.text for note in lungs.quality if note.severity == "error"]
    return " ".join([*said[:1], _("No lungs were found: choose a chest CT in Hounsfield units and analyze it.")])


def lungs_text(lungs: Lungs) -> str:
    """Volumes of the lungs in one line."""
    if lungs_are_missing(lungs):
        return _("No lungs were found.")
    if lungs.right_ml is None or lungs.left_ml is None:
        return _("Both {both} mL · sides withheld").format(both=round(lungs.both_ml))
    right, left = round(lungs.right_ml), round(lungs.left_ml)
    return _("Right {right} mL · Left {left} mL · Both {both} mL").format(right=right, left=left, both=right + left)


def fill_quality_list(list_widget: qt.QListWidget, notes: Sequence[QualityNote]) -> None:
    """Show verdicts with an icon for how serious they are; those with a place can be clicked (see place_of).

    The most serious stand first. That all is well needs no line: it repeats the volumes.
    """
    order = list(reversed(_ICON_OF_SEVERITY))
    notes = sorted((note for note in notes if note.code != "ok"), key=lambda note: order.index(note.severity))
    list_widget.clear()
    for note in notes:
        item = qt.QListWidgetItem(note.text)
        icon = getattr(qt.QStyle, _ICON_OF_SEVERITY.get(note.severity, _ICON_OF_SEVERITY["info"]))
        item.setIcon(list_widget.style().standardIcon(icon))
        if note.center_ras_mm is not None:
            item.setData(_ROLE, json.dumps(note.center_ras_mm))
            item.setToolTip(_("Click to see the place"))
        list_widget.addItem(item)
    fit_list(list_widget)


def place_of(item: qt.QListWidgetItem) -> tuple[float, float, float] | None:
    """RAS mm of a verdict that has a place."""
    data = item.data(_ROLE)
    return tuple(json.loads(data)) if data else None


def methods_text(nodes: ResultNodes) -> str:
    """Return how the shown result came about, in sentences: what was noted, the methods, and who changed what."""
    from LungNoduleAILib.report.methods import change_lines
    from LungNoduleAILib.report.methods import methods_text as sentences

    found = nodes.findings()
    lines = (*found.notes, sentences(nodes.lobes_approximate, nodes.run()), *change_lines(found.review))
    return "\n".join(lines)


def analyzed_threshold(record: dict[str, Any]) -> float | None:
    """Return the confidence from which the run computed findings, where its record says so."""
    options = record.get("options")
    if isinstance(options, dict) and isinstance(options.get("analysis"), dict):  # of a follow-up
        options = options["analysis"]
    value = options.get("threshold") if isinstance(options, dict) else None
    return float(value) if isinstance(value, (int, float)) else None
