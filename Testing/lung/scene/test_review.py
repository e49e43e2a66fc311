"""Reading a result: decisions, threshold and jumping reach every node."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fixtures.synthetic_chest import result_on

NODULE, SECOND, MASS = range(3)


def status_cells(table, row: int) -> tuple[str, str]:
    """Status and reason of a table row."""
    columns = [table.GetColumnName(index) for index in range(table.GetNumberOfColumns())]
    return tuple(table.GetCellText(row, columns.index(name)) for name in ("Status", "Reason"))


def visible(nodes) -> list[tuple[bool, bool, bool]]:
    """Whether point, box and segment of each finding show."""
    ids = ("Nodule_01", "Nodule_02", "Mass_01")
    return [
        (
            bool(nodes.points.GetNthControlPointVisibility(index)),
            bool(nodes.boxes[index].GetDisplayNode().GetVisibility()),
            bool(nodes.segmentation.GetDisplayNode().GetSegmentVisibility(finding_id)),
        )
        for index, finding_id in enumerate(ids)
    ]


def test_a_decision_is_kept_in_text_table_point_and_box(logic, shown):
    returned = logic.set_finding_status("Nodule_02", "accepted", "seen before")
    assert (returned.status, returned.reason) == ("accepted", "seen before")
    entry = json.loads(shown.text.GetText())["findings"][SECOND]
    assert (entry["status"], entry["reason"]) == ("accepted", "seen before")
    assert status_cells(shown.table, SECOND) == ("accepted", "seen before")
    assert shown.points.GetNthControlPointDescription(SECOND).endswith("accepted, seen before")
    red, green, blue = shown.boxes[SECOND].GetDisplayNode().GetSelectedColor()
    assert green > max(red, blue)


def test_the_other_findings_are_left_alone(logic, shown):
    logic.set_finding_status("Nodule_02", "rejected", "vessel")
    assert [finding.status for finding in logic.findings()] == ["unreviewed", "rejected", "unreviewed"]
    assert status_cells(shown.table, NODULE) == ("unreviewed", "")


def test_a_rejected_finding_keeps_only_a_dimmed_point(logic, shown):
    logic.set_finding_status("Nodule_01", "rejected", "vessel")
    assert visible(shown)[NODULE] == (True, False, False)
    assert not shown.points.GetNthControlPointSelected(NODULE)
    logic.set_finding_status("Nodule_01", "unreviewed")
    assert visible(shown)[NODULE] == (True, True, True)
    assert shown.points.GetNthControlPointSelected(NODULE)
    assert status_cells(shown.table, NODULE) == ("unreviewed", "")


@pytest.mark.parametrize(
    "call",
    [
        lambda logic: logic.set_finding_status("Nodule_09", "accepted"),
        lambda logic: logic.set_finding_status("Nodule_01", "perhaps"),
        lambda logic: logic.jump_to_finding("Nodule_09"),
    ],
)
def test_unknown_findings_and_decisions_raise_and_change_nothing(logic, shown, call):
    before = shown.text.GetText()
    with pytest.raises(ValueError, match=r"Nodule_09|perhaps"):
        call(logic)
    assert shown.text.GetText() == before


def test_the_threshold_hides_weaker_findings_everywhere_and_shows_them_again(logic, shown):
    assert logic.set_threshold(0.5) == 2
    assert visible(shown) == [(True, True, True), (True, True, True), (False, False, False)]
    assert logic.set_threshold(0.83) == 1
    assert visible(shown)[SECOND] == (False, False, False)
    assert logic.set_threshold(0.0) == 3
    assert visible(shown) == [(True, True, True)] * 3


def test_a_decision_does_not_bring_back_what_the_threshold_hides(logic, shown):
    logic.set_threshold(0.5)
    logic.set_finding_status("Mass_01", "accepted")
    assert visible(shown)[MASS] == (False, False, False)


def test_a_result_with_decisions_is_shown_with_them(logic, chest_node, chest, result):
    findings = tuple(finding.with_status("rejected", "vessel") for finding in result.findings.findings)
    nodes = logic.show_result(chest_node, result_on(chest, findings))
    assert visible(nodes) == [(True, False, False)] * 3


@pytest.fixture
def slice_views(slicer):
    """Two slice nodes; taken out at the end, for clearing a scene keeps views."""
    views = []
    for name in ("Red", "Green"):
        view = slicer.vtkMRMLSliceNode()
        view.SetLayoutName(name)
        views.append(slicer.mrmlScene.AddNode(view))
    yield views
    for view in views:
        slicer.mrmlScene.RemoveNode(view)


def test_jumping_centers_every_slice_view_and_marks_the_box(logic, shown, result, slice_views):
    finding = logic.jump_to_finding("Nodule_02")
    assert finding.id == "Nodule_02"
    for view in slice_views:
        origin = [view.GetSliceToRAS().GetElement(row, 3) for row in range(3)]
        np.testing.assert_allclose(origin, result.findings.findings[SECOND].center_ras_mm, atol=1e-6)
    opacities = [box.GetDisplayNode().GetOutlineOpacity() for box in shown.boxes]
    assert opacities[SECOND] > opacities[NODULE] == opacities[MASS]
