"""A follow-up as nodes: both scans share labels, the prior lies over the current one, links change every node."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from LungNoduleAILib.followup.growth.assessment import assess_growth
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.pairs import FollowUp, Interval, Pair, ScanEntry
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume


def nodule(name: str, place: tuple, volume_mm3: float) -> Finding:
    return Finding(name, place, 9.8, 9.8, 9.8, volume_mm3, "solid", 20.0, volume_mm3, "RUL", "right", 0.9)


def follow_up() -> FollowUp:
    a, b = nodule("A", (10.0, 0.0, 0.0), 500.0), nodule("B", (-10.0, 5.0, 0.0), 300.0)
    c, d = nodule("C", (13.0, 0.0, 2.0), 1000.0), nodule("D", (0.0, 9.0, 9.0), 200.0)
    scans = (
        ScanEntry("20200101", "1.1", "B30f", 1.0, "", (a, b)),
        ScanEntry("20200401", "1.2", "B30f", 1.0, "", (c, d)),
    )
    pairs = (
        Pair("A", "C", a.center_ras_mm, c.center_ras_mm, "matched", 0.97, True, growth=assess_growth(a, c, 91)),
        Pair("B", None, b.center_ras_mm, None, "resolved", 0.1),
        Pair(None, "D", None, d.center_ras_mm, "new", 0.1),
    )
    return FollowUp(scans, (Interval(0, 1, 91, pairs, ("A warning.",)),))


def small_ct(shift: float = 0.0) -> Volume:
    matrix = np.diag([2.0, 2.0, 2.0, 1.0])
    matrix[:3, 3] = (-20 + shift, -20, -20)
    return Volume(np.arange(20**3, dtype=np.int16).reshape(20, 20, 20), matrix)


@pytest.fixture
def folder(tmp_path):
    """What a worker writes: pairs, transform (3 mm towards the right), difference map."""
    from ThoraxAILib.image.grid import Grid
    from ThoraxAILib.io.transform_files import write_field
    from ThoraxAILib.registration.field import Field
    from ThoraxAILib.scene.volumes import node_from_volume, write_volume

    (tmp_path / "pairs.json").write_text(json.dumps(follow_up().to_dict()), encoding="utf-8")
    grid = Grid((20, 20, 20), small_ct().ijk_to_ras)
    displacement = np.zeros((20, 20, 20, 3), np.float32)
    displacement[..., 0] = -3.0  # pull-back: the prior lies 3 mm to the left
    write_field(Field(displacement, grid), tmp_path / "prior_to_current.h5")
    write_volume(node_from_volume(small_ct(), "difference"), tmp_path / "difference.nrrd")
    return tmp_path


@pytest.fixture
def shown(slicer, folder):
    """A logic with the follow-up shown on two scans."""
    from LungNoduleAILib.logic.follow_up import LungFollowUpLogic
    from ThoraxAILib.scene.volumes import node_from_volume

    slicer.mrmlScene.Clear(0)
    prior, current = node_from_volume(small_ct(), "prior"), node_from_volume(small_ct(1.0), "current")
    logic = LungFollowUpLogic()
    text = logic.load_result(folder, prior, current)
    return logic, text, prior, current


def labels(text, role: str) -> list[str]:
    from LungNoduleAILib.scene.follow_up_nodes import node_of

    points = node_of(text, role)
    return [points.GetNthControlPointLabel(index) for index in range(points.GetNumberOfControlPoints())]


def test_both_ends_of_a_pair_carry_the_same_label(shown):
    _, text, _, _ = shown
    assert labels(text, "priorPoints") == ["P1 matched +100 %", "P2 resolved"]
    assert labels(text, "currentPoints") == ["P1 matched +100 %", "P3 new"]


def test_the_table_and_the_chart_tell_growth(shown):
    from LungNoduleAILib.scene.follow_up_nodes import node_of

    _, text, _, _ = shown
    table = node_of(text, "table").GetTable()
    assert table.GetNumberOfRows() == 3
    assert table.GetColumnByName("Growth").GetValue(0) == "growing"
    assert table.GetColumnByName("Doubling time").GetValue(0) == "91 days"
    chart = node_of(text, "chart")
    assert chart.GetNumberOfPlotSeriesNodes() == 1
    series = chart.GetNthPlotSeriesNode(0)
    volumes = series.GetTableNode().GetTable().GetColumnByName(series.GetYColumnName())
    assert [volumes.GetValue(n) for n in range(2)] == [500.0, 1000.0]
    assert chart.GetXAxisTitle() == "Days since 2020-01-01"


def test_aligning_lays_the_prior_over_the_current_scan_and_back(shown):
    from vtk import vtkGeneralTransform

    logic, _, prior, _ = shown
    logic.align_prior(True)
    assert logic.is_aligned()
    to_world = vtkGeneralTransform()
    prior.GetParentTransformNode().GetTransformToWorld(to_world)
    np.testing.assert_allclose(to_world.TransformPoint(-3.0, 0.0, 0.0), (0.0, 0.0, 0.0), atol=0.05)
    logic.align_prior(False)
    assert not logic.is_aligned()


def test_a_link_of_the_reader_changes_text_table_points_and_chart(shown):
    from LungNoduleAILib.scene.follow_up_nodes import node_of

    logic, text, _, _ = shown
    logic.decide("B", "D", True)
    assert {(pair.prior_id, pair.current_id, pair.status) for pair in logic.pairs()} == {
        ("A", "C", "matched"),
        ("B", "D", "matched"),
    }
    assert node_of(text, "table").GetTable().GetNumberOfRows() == 2
    assert node_of(text, "chart").GetNumberOfPlotSeriesNodes() == 2
    assert len(labels(text, "priorPoints")) == 2
    logic.decide("B", "D", False)
    assert {pair.status for pair in logic.pairs()} == {"matched", "resolved", "new"}
    assert [entry.decision for entry in logic.decisions()] == ["unlink"]


def test_saved_links_and_pairs_are_read_again(shown, tmp_path):
    from LungNoduleAILib.model.links import read_links

    logic, _, _, _ = shown
    logic.decide("B", "D", True)
    out = tmp_path / "out"
    out.mkdir()
    logic.save_result(out)
    assert read_links(out / "links.csv") == logic.decisions()
    again = FollowUp.from_dict(json.loads((out / "pairs.json").read_text(encoding="utf-8")))
    assert len(again.intervals[-1].pairs) == 2
    with (out / "pairs.csv").open(encoding="utf-8") as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["matched", "matched"]


def test_a_second_follow_up_of_the_same_scans_replaces_the_first_and_clear_leaves_the_scans(shown, folder, slicer):
    from LungNoduleAILib.scene.follow_up_nodes import follow_up_texts

    logic, _, prior, current = shown
    before = slicer.mrmlScene.GetNumberOfNodes()
    logic.load_result(folder, prior, current)
    assert len(follow_up_texts()) == 1
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    logic.clear_result()
    assert logic.current_text() is None
    assert slicer.mrmlScene.GetNodeByID(prior.GetID()) is prior


def test_links_of_the_reader_stay_when_the_same_scans_are_compared_again(shown, folder):
    logic, _, prior, current = shown
    logic.decide("B", "D", True)
    logic.load_result(folder, prior, current)
    assert ("B", "D", "matched", "reader") in {
        (pair.prior_id, pair.current_id, pair.status, pair.decided_by) for pair in logic.pairs()
    }
    assert [(entry.prior_id, entry.current_id) for entry in logic.decisions()] == [("B", "D")]


def test_a_link_to_a_nodule_that_is_gone_is_left_out(shown, folder):
    logic, _, prior, current = shown
    logic.decide("B", "D", True)
    found = follow_up()
    scans = (found.scans[0], ScanEntry("20200401", "1.2", "B30f", 1.0, "", found.scans[1].findings[:1]))
    pairs = found.intervals[0].pairs[:2]
    document = FollowUp(scans, (Interval(0, 1, 91, pairs),)).to_dict()
    (folder / "pairs.json").write_text(json.dumps(document), encoding="utf-8")
    logic.load_result(folder, prior, current)
    assert logic.decisions() == ()
    assert [pair.status for pair in logic.pairs()] == ["matched", "resolved"]


def test_a_folder_without_a_follow_up_is_told_in_one_sentence(slicer, tmp_path):
    from LungNoduleAILib.logic.follow_up import LungFollowUpLogic

    with pytest.raises(InputError, match="holds no follow-up"):
        LungFollowUpLogic().load_result(tmp_path, None, None)
