"""What a result puts into the scene: points, boxes, table, text, in a folder beside the volume."""

from __future__ import annotations

import json
import sys
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from fixtures.synthetic_chest import SERIES_UID, nodule, result_on
from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.errors import InputError

ADDED_CLASSES = ("vtkMRMLSegmentationNode", "vtkMRMLMarkupsNode", "vtkMRMLTableNode", "vtkMRMLTextNode")


def added_nodes(slicer) -> list:
    """Every node of the kinds a result consists of."""
    return [node for name in ADDED_CLASSES for node in slicer.util.getNodesByClass(name)]


def extent_of(box) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper corner of a box, RAS mm."""
    bounds = np.zeros(6)
    box.GetBounds(bounds)
    return bounds[::2], bounds[1::2]


def node_ids(slicer) -> set[str]:
    """Ids of all nodes of the scene."""
    return {slicer.mrmlScene.GetNthNode(index).GetID() for index in range(slicer.mrmlScene.GetNumberOfNodes())}


def twenty(chest) -> tuple:
    """Twenty nodules, apart from one another."""
    return tuple(nodule(chest, 4 * j + k + 1, (2 + 5 * k, 4 + 5 * j, 5)) for j in range(5) for k in range(4))


def test_each_finding_has_a_point_at_its_center_labelled_with_its_diameter(shown, result):
    for index, finding in enumerate(result.findings.findings):
        position = np.zeros(3)
        shown.points.GetNthControlPointPositionWorld(index, position)
        np.testing.assert_allclose(position, finding.center_ras_mm, atol=1e-6)
        assert shown.points.GetNthControlPointLabel(index) == f"{finding.id} 8.3 mm"
    assert shown.points.GetNthControlPointDescription(0) == "solid, RUL, confidence 0.83, unreviewed"
    assert shown.points.GetNthControlPointDescription(2) == "solid, left lung, confidence 0.20, unreviewed"
    assert shown.points.GetLocked()


def test_each_finding_has_a_locked_box_around_its_mask(shown, result, chest):
    assert len(shown.boxes) == 3
    for box, finding in zip(shown.boxes, result.findings.findings, strict=True):
        low, high = extent_of(box)
        corners = chest.ras_from_kji(np.argwhere(finding.mask.array) + finding.mask.offset_kji)
        np.testing.assert_allclose(corners.min(0) - low, 3.0, atol=0.01)
        np.testing.assert_allclose(high - corners.max(0), 3.0, atol=0.01)
        assert box.GetLocked()
        assert not box.GetDisplayNode().GetHandlesInteractive()


def test_a_finding_without_bounds_gets_a_box_of_its_diameter(logic, chest_node, chest):
    finding = nodule(chest, 1, (5, 5, 5), bounds_ras_mm=None)
    nodes = logic.show_result(chest_node, result_on(chest, (finding,)))
    low, high = extent_of(nodes.boxes[0])
    np.testing.assert_allclose(high - low, 9.1 + 6.0)
    np.testing.assert_allclose((low + high) / 2, finding.center_ras_mm)


def test_the_table_has_a_row_per_finding_and_units(shown):
    table = shown.table
    columns = [table.GetColumnName(index) for index in range(table.GetNumberOfColumns())]
    rows = [{name: table.GetCellText(row, index) for index, name in enumerate(columns)} for row in range(3)]
    assert [row["Finding"] for row in rows] == ["Nodule_01", "Nodule_02", "Mass_01"]
    assert float(rows[0]["Mean diameter"]) == 8.3
    assert [row["Lobe"] for row in rows] == ["RUL", "RUL", ""]
    units = {name: table.GetColumnUnitLabel(name) for name in columns}
    assert units["Mean diameter"] == units["R"] == "mm"
    assert units["Volume"] == "mm3"
    assert units["Mean HU"] == "HU"


def test_the_text_holds_findings_json(shown, result):
    content = json.loads(shown.text.GetText())
    assert content == json.loads(json.dumps(result.findings.to_dict()))
    assert content["schema"] == "thoraxai.findings/1"
    assert content["series_uid"] == SERIES_UID


def test_every_node_says_how_it_came_about(shown):
    for node in shown.owned():
        assert node.GetAttribute("LungNoduleAI.run.schema") == "thoraxai.run/1"
        assert json.loads(node.GetAttribute("LungNoduleAI.run.options")) == {"detector": "classical"}


def test_all_nodes_stand_in_one_folder_beside_the_volume(slicer, logic, chest_node, result):
    from ThoraxAILib.scene.hierarchy import ensure_item, subject_hierarchy

    hierarchy = subject_hierarchy()
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.SetItemParent(ensure_item(chest_node), study)
    nodes = logic.show_result(chest_node, result)
    folders = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in nodes.owned()}
    assert len(folders) == 1
    folder = folders.pop()
    assert hierarchy.GetItemLevel(folder) == "Folder"
    assert hierarchy.GetItemParent(folder) == study


def test_no_findings_give_anatomy_and_empty_lists(logic, chest_node, chest):
    nodes = logic.show_result(chest_node, result_on(chest, ()))
    assert nodes.segmentation.GetSegmentation().GetNumberOfSegments() == 8
    assert nodes.points.GetNumberOfControlPoints() == 0
    assert nodes.table.GetNumberOfRows() == 0
    assert nodes.table.GetNumberOfColumns() > 10
    assert (logic.findings(), logic.set_threshold(0.5)) == ((), 0)
    assert logic.current_result().lungs.left_ml == 1234.5


def test_twenty_findings_are_all_shown(logic, chest_node, chest):
    nodes = logic.show_result(chest_node, result_on(chest, twenty(chest)))
    assert nodes.points.GetNumberOfControlPoints() == len(nodes.boxes) == nodes.table.GetNumberOfRows() == 20
    assert [finding.id for finding in logic.findings()] == [f"Nodule_{n:02d}" for n in range(1, 21)]


def test_a_finding_without_mask_has_everything_but_a_segment(logic, chest_node, chest):
    nodes = logic.show_result(chest_node, result_on(chest, (nodule(chest, 1, (5, 5, 5), mask=None),)))
    assert nodes.points.GetNumberOfControlPoints() == len(nodes.boxes) == 1
    assert nodes.segmentation.GetSegmentation().GetSegment("Nodule_01") is None
    assert logic.set_finding_status("Nodule_01", "accepted").status == "accepted"


def test_a_new_result_of_the_same_volume_takes_the_place_of_the_old(slicer, logic, chest_node, result):
    logic.show_result(chest_node, result)
    before = added_nodes(slicer)
    nodes = logic.show_result(chest_node, result)
    assert len(added_nodes(slicer)) == len(before)
    assert logic.result_nodes().text is nodes.text


def test_a_result_that_does_not_fit_leaves_the_old_one(slicer, logic, chest_node, result, shown):
    before = added_nodes(slicer)
    with pytest.raises(ValueError, match="do not fit a volume"):
        logic.show_result(chest_node, replace(result, labels=result.labels[:, 1:]))
    assert added_nodes(slicer) == before
    assert len(logic.findings()) == 3


def test_clearing_leaves_only_the_volume(slicer, logic, chest_node, result):
    from ThoraxAILib.scene.hierarchy import ensure_item, subject_hierarchy

    ensure_item(chest_node)
    items = subject_hierarchy().GetNumberOfItems()
    logic.show_result(chest_node, result)
    logic.clear_result()
    assert added_nodes(slicer) == []
    assert subject_hierarchy().GetNumberOfItems() == items
    assert logic.result_nodes() is None
    assert chest_node.GetScene() is slicer.mrmlScene


def test_nothing_of_a_case_is_left_in_the_scene_of_the_next(slicer, logic, chest, chest_node, result, tmp_path):
    from ThoraxAILib.scene.hierarchy import remove_node
    from ThoraxAILib.scene.volumes import node_from_volume

    logic.show_result(chest_node, result)
    before = node_ids(slicer)
    logic.clear_result()
    remove_node(chest_node)
    first_case = node_from_volume(chest, "Case of Alice")
    logic.show_result(first_case, result)
    logic.save_result(tmp_path)
    logic.clear_result()
    remove_node(first_case)
    second_case = node_from_volume(chest, "Case of Bob")
    logic.show_result(second_case, result)
    logic.save_result(tmp_path)
    with zipfile.ZipFile(tmp_path / "scene.mrb") as bundle:
        scene = bundle.read("scene/scene.mrml").decode()
    assert "Case of Bob" in scene
    assert "Alice" not in scene
    assert 'name="Lung nodules segmentation"' in scene
    storage = {node.GetID() for node in slicer.util.getNodesByClass("vtkMRMLStorageNode")}
    assert len(node_ids(slicer) - storage) == len(before)


def test_two_volumes_keep_their_results_apart(slicer, logic, chest, chest_node, result):
    from ThoraxAILib.scene.volumes import node_from_volume

    other = node_from_volume(chest, "Other CT")
    logic.show_result(chest_node, result)
    logic.show_result(other, result_on(chest, ()))
    assert logic.findings() == ()
    logic.select_volume(chest_node)
    assert len(logic.findings()) == 3
    logic.clear_result()
    assert logic.result_nodes().volume is other


def test_a_result_some_node_of_which_was_deleted_is_no_result(slicer, logic, shown):
    slicer.mrmlScene.RemoveNode(shown.table)
    assert logic.result_nodes() is None
    assert logic.findings() == ()


def test_what_a_worker_wrote_is_shown_with_the_series_of_the_node(logic, tmp_path, chest_node, result):
    foreign = replace(result.findings, series_uid="content.hash")
    replace(result, findings=foreign).save_arrays(tmp_path)
    (tmp_path / "findings.json").write_text(json.dumps(foreign.to_dict()))
    (tmp_path / "run.json").write_text(json.dumps({"schema": "thoraxai.run/1"}))
    nodes = logic.load_result(tmp_path, chest_node)
    assert logic.current_result().series_uid == SERIES_UID
    assert nodes.segmentation.GetSegmentation().GetNumberOfSegments() == 11
    assert nodes.text.GetAttribute("LungNoduleAI.run.schema") == "thoraxai.run/1"


@pytest.mark.parametrize("damage", ["empty", "other volume", "broken json"])
def test_a_folder_without_a_fitting_result_is_refused(slicer, logic, tmp_path, chest_node, result, damage):
    if damage != "empty":
        labels = result.labels[1:] if damage == "other volume" else result.labels
        replace(result, labels=labels).save_arrays(tmp_path)
        text = json.dumps(result.findings.to_dict())
        (tmp_path / "findings.json").write_text(text[:100] if damage == "broken json" else text)
    with pytest.raises(InputError, match="analyze it again"):
        logic.load_result(tmp_path, chest_node)
    assert added_nodes(slicer) == []


def test_analyzing_a_node_shows_what_the_pipeline_found_and_how(logic, chest, chest_node, monkeypatch):
    def analyze(volume, options, progress, stages, engines):
        assert engines.detector.name in ("learned", "classical")
        progress(0.5, "Half of the work")
        with stages.stage("lungs"):
            return result_on(volume, (nodule(chest, 1, (5, 5, 5)),) if options.threshold == 0.25 else ())

    monkeypatch.setitem(sys.modules, "LungNoduleAILib.analysis.analyze", SimpleNamespace(analyze=analyze))
    heard = []
    nodes = logic.analyze(chest_node, AnalysisOptions(threshold=0.25), lambda *event: heard.append(event))
    assert heard == [(0.5, "Half of the work")]
    assert [finding.id for finding in logic.findings()] == ["Nodule_01"]
    assert json.loads(nodes.segmentation.GetAttribute("LungNoduleAI.run.options"))["threshold"] == 0.25
    assert json.loads(nodes.text.GetAttribute("LungNoduleAI.run.stages"))[0]["name"] == "lungs"
    models = json.loads(nodes.text.GetAttribute("LungNoduleAI.run.models"))
    assert [model["role"] for model in models] == [
        "anatomy",
        "detector",
        "delineator",
        "opacities",
        "type and suspicion",
    ]
