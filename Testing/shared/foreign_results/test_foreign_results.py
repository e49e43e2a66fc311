"""Results of other programs: segments, contours and reports of several producers come in, and nothing is dropped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from fixtures.dicom_series_builder import SeriesPlan, write_series
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import read_volume
from ThoraxAILib.io.foreign_results.contours import fill_on, read_contours
from ThoraxAILib.io.foreign_results.report import read_report
from ThoraxAILib.io.foreign_results.segments import ForeignSegment, place_on, read_segments

pytest.importorskip("highdicom")
SEG_SR = "dicom/seg_sr"


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Volume:
    """A small CT."""
    folder = tmp_path_factory.mktemp("ct")
    write_series(folder, SeriesPlan(count=12, rows=20, columns=24))
    return read_volume(folder)


def kji_to_ras(volume: Volume) -> np.ndarray:
    return volume.ijk_to_ras[:, [2, 1, 0, 3]]


def segment(mask: np.ndarray, matrix: np.ndarray) -> ForeignSegment:
    return ForeignSegment(1, "Nodule", None, None, None, "", "", "", mask, matrix)


@pytest.mark.parametrize("name", ["liver", "partial_overlaps"])
def test_segments_of_dcmqi_hold_the_voxels_that_dcmqi_itself_reads(
    shared_data: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    import subprocess
    import sys

    path = shared_data(f"{SEG_SR}/dcmqi/data/segmentations/{name}.dcm")
    program = Path(sys.executable).parent / "segimage2itkimage"
    if not program.exists():
        pytest.skip("dcmqi is not installed")
    words = [program, "--inputDICOM", path, "--outputDirectory", tmp_path, "-t", "nrrd", "-p", "n"]
    subprocess.run(words, check=True, capture_output=True)
    found = read_segments(path)
    assert found
    for one in found:
        image = sitk.ReadImage(str(tmp_path / f"n-{one.number}.nrrd"))
        index = np.argwhere(sitk.GetArrayFromImage(image) > 0)[:, ::-1]
        lps = np.array([image.TransformIndexToPhysicalPoint([int(x) for x in row]) for row in index])
        ours = np.argwhere(one.mask) @ one.kji_to_ras[:3, :3].T + one.kji_to_ras[:3, 3]
        theirs = lps * np.array([-1.0, -1.0, 1.0])
        assert len(ours) == len(theirs) > 0
        order = [rows[np.lexsort(rows.round(1).T)] for rows in (ours, theirs)]
        assert np.abs(order[0] - order[1]).max() < 0.05


def test_label_maps_and_overlaps_come_in_with_labels_and_codes(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data(f"{SEG_SR}/dcmqi/data/segmentations")
    label_map = read_segments(folder / "sparse-labelmap-noppv.dcm")
    assert all(one.mask.any() for one in label_map)
    overlaps = read_segments(folder / "partial_overlaps.dcm")
    assert len(overlaps) == 5
    assert all(one.label and one.type is not None and one.type.value for one in overlaps)


@pytest.mark.parametrize("name", ["binary", "binary_overlap", "binary_fractional", "true_fractional"])
def test_segmentations_of_highdicom_come_in(shared_data: Callable[[str], Path], name: str) -> None:
    found = read_segments(shared_data(f"{SEG_SR}/highdicom/data/test_files/seg_image_ct_{name}.dcm"))
    assert found
    assert all(one.mask.ndim == 3 and one.volume_mm3 > 0 for one in found)


@pytest.mark.parametrize("name", ["seg_image_sm_dots.dcm", "seg_image_cr_binary.dcm"])
def test_a_segmentation_without_a_place_in_the_body_is_refused(shared_data: Callable[[str], Path], name: str) -> None:
    with pytest.raises(InputError, match="no place in the patient"):
        read_segments(shared_data(f"{SEG_SR}/highdicom/data/test_files/{name}"))


def test_a_segment_on_the_grid_of_the_ct_keeps_every_voxel(volume: Volume) -> None:
    mask = np.random.default_rng(1).random(volume.array.shape) > 0.9
    placed = place_on(segment(mask, kji_to_ras(volume)), volume)
    assert np.array_equal(placed.mask, mask)
    assert placed.outside == 0


def test_a_coarse_segment_leaves_no_holes(volume: Volume) -> None:
    matrix = kji_to_ras(volume) @ np.diag([2.0, 2.0, 2.0, 1.0])
    matrix[:3, 3] = (kji_to_ras(volume) @ np.array([0.5, 0.5, 0.5, 1.0]))[:3]
    placed = place_on(segment(np.ones((3, 4, 5), dtype=bool), matrix), volume)
    assert placed.mask[:6, :8, :10].all()
    assert placed.mask.sum() == 6 * 8 * 10


@pytest.mark.parametrize(("shift_mm", "outside"), [(0.0, 0), (1000.0, 8)])
def test_a_segment_outside_of_its_ct_is_said(volume: Volume, shift_mm: float, outside: int) -> None:
    mask = np.zeros(volume.array.shape, dtype=bool)
    mask[4:6, 4:6, 4:6] = True
    matrix = kji_to_ras(volume)
    matrix[2, 3] += shift_mm
    placed = place_on(segment(mask, matrix), volume)
    assert (placed.outside, bool(placed.mask.any())) == (outside, outside == 0)


def structure_set(path: Path, contours_lps: list[np.ndarray], kind: str = "CLOSED_PLANAR") -> Path:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.481.3", "1.2.3"
    roi, contour = Dataset(), Dataset()
    roi.ROINumber, roi.ROIName = 7, "GTV"
    contour.ReferencedROINumber = 7
    items = []
    for points in contours_lps:
        item = Dataset()
        item.ContourGeometricType, item.ContourData = kind, [f"{x:.4f}" for x in points.ravel()]
        items.append(item)
    contour.ContourSequence = Sequence(items)
    ds.StructureSetROISequence, ds.ROIContourSequence = Sequence([roi]), Sequence([contour])
    ds.save_as(path, enforce_file_format=True)
    return path


def square(volume: Volume, k: int, low: float, high: float) -> np.ndarray:
    corners = np.array([[k, low, low], [k, low, high], [k, high, high], [k, high, low]], dtype=float)
    return volume.ras_from_kji(corners) * np.array([-1.0, -1.0, 1.0])


def test_contours_are_filled_and_holes_stay_open(volume: Volume, tmp_path: Path) -> None:
    path = structure_set(tmp_path / "rt.dcm", [square(volume, 3, 2.5, 14.5), square(volume, 3, 6.5, 9.5)])
    (roi,) = read_contours(path)
    placed = fill_on(roi, volume)
    assert (roi.name, placed.inside, placed.outside) == ("GTV", 2, 0)
    assert placed.mask[3].sum() == 12 * 12 - 3 * 3
    assert not placed.mask[3, 8, 8]
    assert not placed.mask[[2, 4]].any()


def test_contours_beside_the_ct_and_other_geometry_are_said(volume: Volume, tmp_path: Path) -> None:
    far = square(volume, 3, 2.5, 9.5) + np.array([0.0, 0.0, 900.0])
    (roi,) = read_contours(structure_set(tmp_path / "a.dcm", [far]))
    assert fill_on(roi, volume).outside == 1
    (points,) = read_contours(structure_set(tmp_path / "b.dcm", [far], "POINT"))
    assert points.kept == ("POINT, 4 points",)


def test_a_real_structure_set_comes_in_with_its_names(shared_data: Callable[[str], Path]) -> None:
    found = read_contours(shared_data(f"{SEG_SR}/dicompyler/tests/testdata/example_data/rtss.dcm"))
    assert len(found) == 10
    assert all(one.name for one in found)
    assert sum(len(one.contours_ras_mm) for one in found) > 100


def test_a_report_of_dcmqi_comes_in(shared_data: Callable[[str], Path]) -> None:
    path = shared_data(f"{SEG_SR}/dcmqi/data/sr-example/sr.dcm")
    found = read_report(path)
    (group,) = found.groups
    assert group.tracking_uid
    assert group.finding is not None
    assert group.segment is not None
    assert group.segment[0] == str(dcmread(path.with_name("seg.dcm")).SOPInstanceUID)
    assert len(group.measurements) > 10
    assert all(one.unit for one in group.measurements)


def test_reports_of_highdicom_come_in_with_sites_and_regions(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data(f"{SEG_SR}/highdicom/data/test_files")
    found = read_report(folder / "sr_document_with_multiple_groups.dcm")
    nodule = next(group for group in found.groups if group.tracking_id == "LungNodule0001")
    assert str(nodule.finding) == "Nodule"
    assert str(nodule.sites[0][0]) == "Lung"
    assert [(str(one.name), one.value, one.unit) for one in nodule.measurements] == [("Diameter", 10.0, "mm")]
    assert [str(value) for _, value in nodule.evaluations] == ["Not significant"]
    assert len(nodule.regions) == 1
    assert any("T4/T5" in str(value) for group in found.groups for _, value in group.evaluations)


def count_items(item: Dataset) -> int:
    return sum(1 + count_items(child) for child in item.get("ContentSequence") or ())


@pytest.mark.parametrize("name", ["dcmqi/data/sr-example/sr", "highdicom/data/test_files/sr_document"])
def test_every_item_of_a_report_is_understood_or_kept(shared_data: Callable[[str], Path], name: str) -> None:
    path = shared_data(f"{SEG_SR}/{name}.dcm")
    ds, found = dcmread(path), read_report(path)
    groups = [item for item in _all(ds) if _is_group(item)]
    outside = count_items(ds) - sum(count_items(group) for group in groups) - len(groups)
    assert len(found.kept) == outside
    for group, ours in zip(groups, found.groups, strict=True):
        told = len(ours.measurements) + len(ours.evaluations) + len(ours.sites) + len(ours.regions) + len(ours.kept)
        told += sum(one is not None for one in (ours.finding, ours.category, ours.segment))
        told += bool(ours.tracking_id) + bool(ours.tracking_uid)
        told += sum(side is not None for _, side in ours.sites)
        told += sum(len(one.kept) + (one.derivation is not None) for one in ours.measurements)
        assert told == count_items(group)


def _all(item: Dataset) -> list[Dataset]:
    return [one for child in item.get("ContentSequence") or () for one in (child, *_all(child))]


def _is_group(item: Dataset) -> bool:
    return "ConceptNameCodeSequence" in item and item.ConceptNameCodeSequence[0].CodeValue == "125007"


def test_an_endlessly_nested_report_is_refused(tmp_path: Path, shared_data: Callable[[str], Path]) -> None:
    ds = dcmread(shared_data(f"{SEG_SR}/highdicom/data/test_files/sr_document.dcm"))
    inner = Dataset()
    inner.ValueType = "CONTAINER"
    for _ in range(60):
        outer = Dataset()
        outer.ValueType, outer.ContentSequence = "CONTAINER", Sequence([inner])
        inner = outer
    ds.ContentSequence = Sequence([inner])
    ds.save_as(tmp_path / "a.dcm")
    with pytest.raises(InputError, match="nested"):
        read_report(tmp_path / "a.dcm")


def test_the_command_tells_what_came_in_and_what_lies_outside(
    volume: Volume, tmp_path: Path, capsys: pytest.CaptureFixture[str], shared_data: Callable[[str], Path]
) -> None:
    write_series(tmp_path / "ct", SeriesPlan(count=12, rows=20, columns=24))
    inside = structure_set(tmp_path / "rt.dcm", [square(volume, 3, 2.5, 9.5)])
    report = shared_data(f"{SEG_SR}/highdicom/data/test_files/sr_document_with_multiple_groups.dcm")
    words = [str(inside), str(report), "--ct", str(tmp_path / "ct"), "--output", str(tmp_path / "maps")]
    assert main(["read-results", *words]) == 0
    told = capsys.readouterr().out
    assert "7 GTV" in told
    assert "outside" not in told.split("measurement report")[0]
    assert "Diameter: 10.0 mm" in told
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "maps" / "rt_7.nrrd"))).sum() == 49
    liver = shared_data(f"{SEG_SR}/dcmqi/data/segmentations/liver.dcm")
    assert main(["read-results", str(liver), "--ct", str(tmp_path / "ct")]) == 0
    assert "voxels lie outside of the CT" in capsys.readouterr().out
    assert main(["read-results", str(liver), "--output", str(tmp_path)]) == 2


@pytest.mark.parametrize("reader", [read_report, read_segments, read_contours])
def test_another_object_is_refused_in_one_sentence(tmp_path: Path, reader: Callable) -> None:
    (path, *_) = write_series(tmp_path / "ct")
    with pytest.raises(InputError, match="another kind"):
        reader(path)
    (tmp_path / "text.dcm").write_text("text")
    with pytest.raises(InputError, match="cannot be read"):
        reader(tmp_path / "text.dcm")
    with pytest.raises(InputError, match=r"^There is no file 'none\.dcm': give .+\.$"):
        reader(tmp_path / "none.dcm")
    with pytest.raises(InputError, match=r"^'ct' is a folder: give the files in it"):
        reader(tmp_path / "ct")
