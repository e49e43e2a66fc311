"""A reading on the nodes: correct, undo, save, close, open again, analyze again; and every word is in every file."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest

from fixtures.synthetic_chest import GEOMETRIES
from LungNoduleAILib.model.findings import Findings, Lungs
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.synthesis import make_ellipsoid
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume


@pytest.fixture(scope="module")
def phantom():
    return make_ellipsoid(
        10.0, spacing_mm=(0.8, 0.8, 1.0), noise_hu=10.0, seed=4, center_offset_mm=(0.2, -0.3, 0.4), block_mm=40.0
    )


@pytest.fixture(params=["axial", "feet first"])
def reading(request, slicer, phantom):
    """The logic with a result without findings on a lung that holds one nodule of 10 mm, and that nodule's place."""
    from LungNoduleAILib.logic.logic import LungNoduleAILogic
    from ThoraxAILib.scene.volumes import node_from_volume

    volume = phantom.volume.in_lps_order()
    if request.param == "feet first":
        matrix = volume.ijk_to_ras @ np.diag([1.0, 1.0, -1.0, 1.0])
        matrix[:3, 3] = volume.ras_from_kji(np.array([volume.array.shape[0] - 1, 0, 0]))
        volume = Volume(np.ascontiguousarray(volume.array[::-1]), matrix)
    assert request.param in GEOMETRIES
    labels = np.full(volume.array.shape, 3, np.uint8)
    logic = LungNoduleAILogic()
    result = AnalysisResult(volume, labels, Findings("1.2.3", Lungs(0.0, 60.0)), methods={"detector": "none"})
    logic.show_result(node_from_volume(volume, "CT"), result, {"command": "lung analyze", "schema": "thoraxai.run/1"})
    return logic, tuple(float(v) for v in phantom.nodule.center_ras_mm)


def test_a_click_outlines_measures_and_shows_the_nodule(reading, phantom):
    logic, place = reading
    finding = logic.review.add_nodule(tuple(np.add(place, (1.0, -1.0, 1.0))))
    assert (finding.id, finding.source, finding.status) == ("Nodule_01", "reader", "accepted")
    assert finding.mean_diameter_mm == pytest.approx(10.0, abs=0.7)
    assert finding.volume_mm3 == pytest.approx(phantom.nodule.volume_mm3, rel=0.1)
    assert math.dist(finding.center_ras_mm, place) < 0.5
    nodes = logic.result_nodes()
    assert nodes.segmentation.GetSegmentation().GetSegment("Nodule_01") is not None
    assert nodes.points.GetNthControlPointLabel(0).startswith("Nodule_01 ")
    assert nodes.table.GetTable().GetNumberOfRows() == len(nodes.boxes) == 1
    assert logic.review.edited() == {}


@pytest.mark.parametrize(
    ("place", "words"), [((9000.0, 0.0, 0.0), "outside the CT"), (None, "No nodule is seen at this point")]
)
def test_a_click_beside_is_refused_and_changes_nothing(reading, place, words):
    logic, center = reading
    with pytest.raises(InputError, match=words):
        logic.review.add_nodule(place or tuple(np.add(center, (12.0, 12.0, 12.0))))
    assert logic.findings() == ()
    assert logic.review.record().is_empty


def draw(logic, finding_id: str, grow: int) -> None:
    """Change the voxels of a segment as the Segment Editor does."""
    import slicer

    nodes = logic.result_nodes()
    array = slicer.util.arrayFromSegmentBinaryLabelmap(nodes.segmentation, finding_id, nodes.volume)
    import scipy.ndimage as ndi

    drawn = ndi.binary_dilation(array > 0, iterations=grow).astype(np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(drawn, nodes.segmentation, finding_id, nodes.volume)


def test_what_is_drawn_in_the_segment_is_measured_voxel_by_voxel_and_can_be_undone(reading):
    import slicer

    logic, place = reading
    before = logic.review.add_nodule(place)
    draw(logic, before.id, 1)
    after = logic.review.remeasure(before.id)
    nodes = logic.result_nodes()
    voxels = slicer.util.arrayFromSegmentBinaryLabelmap(nodes.segmentation, before.id, nodes.volume)
    assert after.volume_mm3 == pytest.approx(float(voxels.sum()) * 0.8 * 0.8 * 1.0, abs=0.1)
    assert after.mean_diameter_mm == pytest.approx(before.mean_diameter_mm + 1.6, abs=0.9)
    assert logic.review.remeasure(before.id) is None
    logic.review.undo()
    assert logic.findings()[0].volume_mm3 == before.volume_mm3
    assert logic.review.edited() == {}
    logic.review.redo()
    assert logic.findings()[0].volume_mm3 == after.volume_mm3
    assert logic.review.edited() == {}


def test_an_outline_is_moved_resized_split_and_merged(reading):
    logic, place = reading
    first = logic.review.add_nodule(place)
    moved = logic.review.move(first.id, (1.6, -0.8, 2.0))
    np.testing.assert_allclose(np.subtract(moved.center_ras_mm, first.center_ras_mm), (1.6, -0.8, 2.0), atol=0.5)
    larger = logic.review.resize(first.id, 1.0)
    assert larger.volume_mm3 > moved.volume_mm3
    assert logic.review.resize(first.id, -1.0).volume_mm3 < larger.volume_mm3
    with pytest.raises(InputError, match="draw a gap"):
        logic.review.split(first.id)
    mask = logic.review.findings().findings[0].mask
    gap = np.array(mask.array)
    gap[:, gap.shape[1] // 2] = False
    logic.review.set_outline(first.id, type(mask)(mask.offset_kji, gap))
    whole = logic.findings()[0].volume_mm3
    second = logic.review.split(first.id)
    assert sum(finding.volume_mm3 for finding in logic.findings()) == pytest.approx(whole, abs=0.2)
    merged = logic.review.merge(first.id, second.id)
    assert merged.volume_mm3 == pytest.approx(whole, abs=0.1)
    assert [finding.id for finding in logic.findings()] == [first.id]
    for _ in logic.review.record().history:
        logic.review.undo()
    assert logic.findings() == ()
    assert logic.result_nodes().segmentation.GetSegmentation().GetSegment(first.id) is None


def test_calipers_are_the_numbers(reading):
    from LungNoduleAILib.scene.calipers import caliper_nodes

    logic, place = reading
    finding = logic.review.add_nodule(place)
    assert logic.review.show_calipers(finding.id)
    long_line, short_line = caliper_nodes(logic.result_nodes().text)
    assert long_line.GetLineLengthWorld() == pytest.approx(finding.long_axis_mm, abs=0.06)
    assert short_line.GetLineLengthWorld() == pytest.approx(finding.short_axis_mm, abs=0.06)
    logic.review.take_calipers()
    assert len(logic.review.record().history) == 1  # lines that were not moved change nothing
    ends = finding.long_axis_ras_mm
    along = np.subtract(ends[3:], ends[:3]) / finding.long_axis_mm
    long_line.SetNthControlPointPositionWorld(1, *np.add(ends[:3], 14.0 * along))
    changed = logic.review.take_calipers()
    assert changed.long_axis_mm == 14.0
    assert changed.mean_diameter_mm == round((14.0 + changed.short_axis_mm) / 2 + 1e-9, 1)
    logic.review.undo()
    assert long_line.GetLineLengthWorld() == pytest.approx(finding.long_axis_mm, abs=0.06)


def test_every_word_stands_in_every_file_also_after_the_scene_was_opened_again(reading, slicer, tmp_path):
    from LungNoduleAILib.logic.logic import LungNoduleAILogic

    logic, place = reading
    logic.review.set_reader("reader A")
    finding = logic.review.add_nodule(place)
    logic.review.decide(finding.id, "rejected", "scar since 2019")
    logic.review.state(finding.id, "margin", "spiculated")
    logic.review.state_person({"exam": "baseline", "age": 62})
    first = tmp_path / "first"
    first.mkdir()
    logic.save_result(first)
    slicer.mrmlScene.Clear(0)
    assert slicer.mrmlScene.ReadFromMRB(str(first / "scene.mrb"))
    again = LungNoduleAILogic()
    second = tmp_path / "second"
    second.mkdir()
    again.review.state(finding.id, "lobe", "LUL")
    again.save_result(second)
    for folder in (first, second):
        report = (folder / "report.html").read_text(encoding="utf-8")
        assert "scar since 2019" in report
        entry = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
        assert entry["findings"][0]["reason"] == "scar since 2019"
        assert entry["findings"][0]["margin"] == "spiculated"
        assert entry["review"]["person"] == {"exam": "baseline", "age": 62}
        assert {change["who"] for change in entry["review"]["history"]} == {"reader A"}
        with (folder / "findings.csv").open(encoding="utf-8", newline="") as file:
            row = next(csv.DictReader(file))
        assert (row["status"], row["reason"], row["margin"]) == ("rejected", "scar since 2019", "spiculated")
        assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["command"] == "lung analyze"
    assert json.loads((second / "findings.json").read_text(encoding="utf-8"))["findings"][0]["lobe"] == "LUL"
    while again.review.record().last_to_undo() is not None:
        again.review.undo()
    assert again.findings() == ()


def test_a_second_analysis_loses_no_word(reading):
    logic, place = reading
    nodes = logic.result_nodes()
    finding = logic.review.add_nodule(place)
    logic.review.decide(finding.id, "rejected", "scar")
    volume = logic.volume_from_node(nodes.volume)
    labels = np.full(volume.array.shape, 3, np.uint8)
    logic.show_result(nodes.volume, AnalysisResult(volume, labels, Findings("1.2.3", Lungs(0.0, 60.0))))
    (kept,) = logic.findings()
    assert (kept.id, kept.status, kept.reason, kept.source) == (finding.id, "rejected", "scar", "reader")
    assert logic.review.record().history[-1].action == "analyzed again"
    assert logic.review.edited() == {}


def test_reading_first_hides_the_software_until_it_is_locked(logic, shown):
    logic.review.read_first()
    assert logic.shown_findings() == ()
    assert not any(box.GetDisplayNode().GetVisibility() for box in shown.boxes)
    logic.review.lock_reading()
    assert len(logic.shown_findings()) == 3
    assert all(box.GetDisplayNode().GetVisibility() for box in shown.boxes)
