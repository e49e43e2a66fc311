"""Segments: every structure keeps all its voxels, its place and its code."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fixtures.synthetic_chest import GEOMETRIES, chest_labels, chest_volume, nodule, result_on
from LungNoduleAILib.model.anatomy import LEFT_LUNG_LABELS, LOBE_OF_LABEL, RIGHT_LUNG_LABELS
from ThoraxAILib.scene import host

ANATOMY = ["RightLung", "LeftLung", "RUL", "RML", "RLL", "LUL", "LLL", "Airway"]
TERMS = {
    "RightLung": ("Anatomical Structure", "Lung", "Right", ""),
    "LeftLung": ("Anatomical Structure", "Lung", "Left", ""),
    "RUL": ("Anatomical Structure", "Upper lobe of lung", "Right", ""),
    "RML": ("Anatomical Structure", "Middle lobe of right lung", "", ""),
    "RLL": ("Anatomical Structure", "Lower lobe of lung", "Right", ""),
    "LUL": ("Anatomical Structure", "Upper lobe of lung", "Left", ""),
    "LLL": ("Anatomical Structure", "Lower lobe of lung", "Left", ""),
    "Airway": ("Anatomical Structure", "Trachea and bronchus", "", ""),
    "Nodule_01": ("Morphologically Altered Structure", "Nodule", "", "Upper lobe of lung Right"),
    "Mass_01": ("Morphologically Altered Structure", "Mass", "", "Lung Left"),
}


def terminology(slicer, segmentation, segment_id: str):
    """The terminology entry of a segment as Slicer's Terminologies module reads it."""
    import vtk

    tag = vtk.mutable("")
    segmentation.GetSegmentation().GetSegment(segment_id).GetTag("TerminologyEntry", tag)
    entry = slicer.vtkSlicerTerminologyEntry()
    assert slicer.modules.terminologies.logic().DeserializeTerminologyEntry(str(tag), entry)
    return entry


def full_list(name: str) -> list:
    """Slicer's full list ``name``, as trame-slicer ships it."""
    package = importlib.util.find_spec("trame_slicer")
    if package is None:
        pytest.skip("trame-slicer is not installed")
    folder = Path(package.submodule_search_locations[0]) / "resources" / "terminologies"
    text = (folder / name).read_text(encoding="utf-8")
    content = json.loads(text)
    return content.get("SegmentationCodes", {}).get("Category") or content["AnatomicCodes"]["AnatomicRegion"]


def without_children(entry: dict) -> dict:
    """An entry of a term list without the entries below it."""
    return {key: value for key, value in entry.items() if key not in ("Type", "Modifier")}


def test_there_is_one_segment_per_structure_and_finding(shown):
    ids = list(shown.segmentation.GetSegmentation().GetSegmentIDs())
    assert ids == [*ANATOMY, "Nodule_01", "Nodule_02", "Mass_01"]


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_every_segment_keeps_its_voxels_where_structures_overlap(logic, segment_mask, geometry):
    from ThoraxAILib.scene.volumes import node_from_volume

    volume = chest_volume(GEOMETRIES[geometry])
    node, result, labels = node_from_volume(volume, "CT"), result_on(volume), chest_labels()
    segmentation = logic.show_result(node, result).segmentation
    expected = {code: labels == label for label, code in LOBE_OF_LABEL.items()}
    expected["RightLung"] = np.isin(labels, RIGHT_LUNG_LABELS)
    expected["LeftLung"] = np.isin(labels, LEFT_LUNG_LABELS)
    for finding in result.findings.findings:
        expected[finding.id] = np.zeros(labels.shape, bool)
        expected[finding.id][finding.mask.slices] = finding.mask.array
    assert (expected["Nodule_01"] & expected["Nodule_02"]).any()
    for segment_id, mask in expected.items():
        np.testing.assert_array_equal(segment_mask(segmentation, segment_id, node), mask, err_msg=segment_id)


@pytest.mark.parametrize("segment_id", TERMS)
def test_slicer_understands_the_code_of_every_segment(slicer, shown, segment_id):
    entry = terminology(slicer, shown.segmentation, segment_id)
    category, kind, modifier, region = TERMS[segment_id]
    assert entry.GetCategoryObject().GetCodeMeaning() == category
    assert entry.GetTypeObject().GetCodeMeaning() == kind
    assert (entry.GetTypeModifierObject().GetCodeMeaning() or "") == modifier
    words = (entry.GetAnatomicRegionObject(), entry.GetAnatomicRegionModifierObject())
    assert " ".join(word.GetCodeMeaning() for word in words if word.GetCodeMeaning()) == region


def test_every_code_we_use_is_in_dicoms_master_lists(slicer, shown):
    codes = {
        (entry["CodingSchemeDesignator"], entry["CodeValue"], entry["CodeMeaning"])
        for name in (
            "SegmentationCategoryTypeModifier-DICOM-Master.term.json",
            "AnatomicRegionAndModifier-DICOM-Master.term.json",
        )
        for entry in walk(full_list(name))
    }
    for segment_id in shown.segmentation.GetSegmentation().GetSegmentIDs():
        entry = terminology(slicer, shown.segmentation, segment_id)
        used = [
            entry.GetCategoryObject(),
            entry.GetTypeObject(),
            entry.GetTypeModifierObject(),
            entry.GetAnatomicRegionObject(),
            entry.GetAnatomicRegionModifierObject(),
        ]
        used = {(c.GetCodingSchemeDesignator(), c.GetCodeValue(), c.GetCodeMeaning()) for c in used if c.GetCodeValue()}
        assert len(used) >= 2
        assert used <= codes


def walk(entries: list) -> list:
    """All entries of a term list, at every depth."""
    found = []
    for entry in entries:
        found += [entry, *walk(entry.get("Type", [])), *walk(entry.get("Modifier", []))]
    return found


@pytest.mark.parametrize("path", sorted(host.TERMINOLOGIES.glob("*.json")), ids=lambda path: path.name)
def test_our_term_lists_are_a_part_of_slicers(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    ours = walk(content.get("SegmentationCodes", {}).get("Category") or content["AnatomicCodes"]["AnatomicRegion"])
    full = [without_children(entry) for entry in walk(full_list(path.name))]
    assert ours
    assert all(without_children(entry) in full for entry in ours)


def test_lobes_say_that_they_are_approximate_only_when_they_are(logic, chest_node, result):
    def name(approximate: bool) -> str:
        nodes = logic.show_result(chest_node, replace(result, lobes_approximate=approximate))
        return nodes.segmentation.GetSegmentation().GetSegment("RUL").GetName()

    assert name(True) == "Right upper lobe (approximate)"
    assert name(False) == "Right upper lobe"


def test_twenty_nodules_share_one_layer(logic, chest_node, chest):
    places = [(2 + 5 * k, 4 + 5 * j, 3 + 5 * i) for k in range(4) for j in range(5) for i in range(1)]
    result = result_on(chest, tuple(nodule(chest, n + 1, place) for n, place in enumerate(places)))
    segmentation = logic.show_result(chest_node, result).segmentation.GetSegmentation()
    assert segmentation.GetNumberOfSegments() == len(ANATOMY) + 20
    assert segmentation.GetNumberOfLayers() == 3  # lungs, lobes with airway, nodules


@pytest.mark.parametrize("labels", [chest_labels()[1:], chest_labels().astype(np.int16)])
def test_labels_of_another_shape_or_type_are_refused_and_leave_no_segmentation(slicer, chest_node, labels):
    from ThoraxAILib.scene.labels.layers import Layer
    from ThoraxAILib.scene.segments import segmentation_from_layers

    with pytest.raises(ValueError, match=r"uint8 of shape \(24, 30, 36\)"):
        segmentation_from_layers("A", chest_node, [Layer(labels, {})])
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []


def test_structures_without_voxels_make_no_segment(logic, chest_node, result):
    right_only = np.where(np.isin(result.labels, LEFT_LUNG_LABELS), 0, result.labels).astype(np.uint8)
    nodes = logic.show_result(chest_node, replace(result, labels=right_only))
    ids = nodes.segmentation.GetSegmentation().GetSegmentIDs()
    assert not {"LeftLung", "LUL", "LLL"} & set(ids)
    assert "RightLung" in ids


def test_the_segmentation_knows_the_volume_it_was_made_on(shown, chest_node, chest):
    role = shown.segmentation.GetReferenceImageGeometryReferenceRole()
    assert shown.segmentation.GetNodeReference(role) is chest_node
    geometry = shown.segmentation.GetSegmentation().GetConversionParameter("Reference image geometry").split(";")
    np.testing.assert_allclose([float(n) for n in geometry[:16]], chest.ijk_to_ras.ravel(), atol=1e-6)


def test_surfaces_come_and_go(logic, shown):
    logic.show_3d(True)
    segmentation = shown.segmentation.GetSegmentation()
    surface = segmentation.GetSegment("Nodule_01").GetRepresentation("Closed surface")
    assert surface.GetNumberOfPoints() > 0
    assert shown.segmentation.GetDisplayNode().GetVisibility3D()
    logic.show_3d(False)
    assert segmentation.GetSegment("Nodule_01").GetRepresentation("Closed surface") is None
