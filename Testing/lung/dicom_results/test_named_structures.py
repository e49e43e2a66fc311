"""Every structure that a published segmenter names is a segment with SNOMED CT codes, in the scene and in DICOM."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.sr.codedict import codes

from fixtures.dicom_series_builder import SeriesPlan, write_series
from fixtures.synthetic_chest import GEOMETRIES, chest_labels, chest_volume, result_on
from LungNoduleAILib.analysis.turned_masks import in_lps
from LungNoduleAILib.model.anatomy import NamedStructures
from LungNoduleAILib.model.findings import Findings, Lungs
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.published.structure_terms import structure_terms
from LungNoduleAILib.published.structures import LABEL_OF_NAME, NAMES_104
from LungNoduleAILib.scene.organs import named_layer
from LungNoduleAILib.scene.segmentation import segmentation_layers
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import read_volume
from ThoraxAILib.io.dicom_objects.source_images import source_images

# the ids of TotalSegmentator's second version that its publication lists
V2 = {
    51: "heart",
    52: "aorta",
    53: "pulmonary_vein",
    90: "brain",
    91: "skull",
    116: "sternum",
    117: "costal_cartilages",
}


def everything(shape: tuple[int, ...]) -> NamedStructures:
    """Every one of the 104 structures, a few voxels each."""
    labels = np.zeros(shape, np.uint8)
    for value in range(1, len(NAMES_104)):
        labels[value % shape[0], value // shape[0], 5:9] = value
    return NamedStructures(labels, NAMES_104)


def test_every_structure_has_codes_that_pydicoms_dictionary_knows_where_it_knows_them():
    terms = structure_terms()
    assert set(NAMES_104[1:]) <= set(terms)
    assert set(V2.values()) <= set(terms)
    assert terms["heart"].type[0] == codes.SCT.Heart.value
    assert terms["aorta"].type[0] == codes.SCT.Aorta.value
    assert terms["liver"].type[0] == codes.SCT.Liver.value
    assert terms["lung_middle_lobe_right"].type[0] == codes.SCT.MiddleLobeOfRightLung.value
    assert (terms["rib_left_1"].modifier[1], terms["rib_right_1"].modifier[1]) == ("Left", "Right")
    for term in terms.values():
        assert term.category[0].isdigit()
        assert term.type[0].isdigit()
        assert len(term.type[1]) <= 64  # of a DICOM code meaning


def test_all_104_structures_become_hidden_segments_with_their_terms():
    layer = named_layer(everything((24, 30, 36)))
    assert len(layer.segments) == 104 - len(LABEL_OF_NAME)  # lobes and trachea are segments of other layers
    kidney = next(segment for segment in layer.segments.values() if segment.id == "kidney_left")
    assert (kidney.name, kidney.visible) == ("kidney left", False)
    assert "SCT^64033007^Kidney~SCT^7771000^Left" in str(kidney.term)
    assert len({segment.id for segment in layer.segments.values()}) == len(layer.segments)


def test_names_survive_the_files_and_another_order_of_axes(tmp_path):
    volume = chest_volume(GEOMETRIES["sagittal"])
    named = everything(volume.array.shape)
    result = AnalysisResult(volume, chest_labels(), Findings("1.2", Lungs(1.0, 1.0), ()), named=named)
    (tmp_path / "findings.json").write_text(json.dumps(result.findings.to_dict()), encoding="utf-8")
    result.save_arrays(tmp_path)
    again = AnalysisResult.load(tmp_path, volume)
    assert again.named.names == NAMES_104
    np.testing.assert_array_equal(again.named.labels, named.labels)
    turned = in_lps(again)
    value = NAMES_104.index("liver")
    where = turned.volume.ras_from_kji(np.argwhere(turned.named.labels == value).astype(float))
    there = volume.ras_from_kji(np.argwhere(named.labels == value).astype(float))
    np.testing.assert_allclose(np.sort(where, axis=0), np.sort(there, axis=0), atol=1e-6)


def test_named_structures_take_the_place_of_the_few_kinds_of_organs():
    result = result_on(chest_volume(GEOMETRIES["axial"]))
    plain = replace(result, structures=np.full(result.labels.shape, 8, np.uint8))
    named = replace(plain, named=everything(result.labels.shape))
    assert "Heart" in {one.id for layer in segmentation_layers(plain) for one in layer.segments.values()}
    ids = {one.id for layer in segmentation_layers(named) for one in layer.segments.values()}
    assert "Heart" not in ids
    assert {"heart_myocardium", "vertebrae_T4", "RUL", "Airway"} <= ids


@pytest.mark.filterwarnings("ignore")
def test_structures_come_back_from_dicom_with_codes_and_voxels(tmp_path):
    hd = pytest.importorskip("highdicom")
    from LungNoduleAILib.dicom_results.write import write_dicom_results

    volume = _series(tmp_path / "ct")
    named = everything(volume.array.shape)
    told = Findings(volume.identity.series_uid, Lungs(1200.0, 1400.0), ())
    methods = {"anatomy": "monai-wholebody", "anatomy_fingerprint": "abc"}
    result = AnalysisResult(volume, chest_labels(), told, methods=methods, named=named)
    write_dicom_results(tmp_path, result, source_images(tmp_path / "ct", volume))
    found = hd.seg.segread(tmp_path / "structures.seg.dcm")
    assert found.number_of_segments == 104 - len(LABEL_OF_NAME)
    (number,) = found.get_segment_numbers(segment_label="kidney left")
    described = found.get_segment_description(number)
    assert described.segmented_property_type.value == codes.SCT.Kidney.value
    assert described.algorithm_identification.name == "ThoraxAI anatomy monai-wholebody"
    sources = source_images(tmp_path / "ct", volume)
    pixels = found.get_pixels_by_source_instance(
        [image.SOPInstanceUID for image in sources.slices],
        segment_numbers=[number],
        ignore_spatial_locations=True,
        assert_missing_frames_are_empty=True,
    )
    np.testing.assert_array_equal(pixels[..., 0] > 0, named.labels == NAMES_104.index("kidney_left"))


def _series(folder: Path) -> Volume:
    def complete(dataset, _k: int) -> None:
        dataset.PatientName, dataset.PatientID, dataset.PatientSex = "Doe^Jane", "P-1", "F"
        dataset.PatientBirthDate, dataset.StudyTime, dataset.StudyID = "", "101500", "1"
        dataset.AccessionNumber, dataset.ReferringPhysicianName, dataset.PositionReferenceIndicator = "", "", ""

    write_series(folder, SeriesPlan(count=24, rows=30, columns=36), complete)
    return read_volume(folder)
