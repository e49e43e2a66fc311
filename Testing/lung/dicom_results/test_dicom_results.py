"""Results as DICOM: what was written comes back from highdicom, dcmqi and pydicom, and a validator finds no error."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread

from fixtures.dicom_series_builder import SeriesPlan, write_series
from fixtures.synthetic_chest import chest_labels, nodule, three_nodules
from LungNoduleAILib.dicom_results.nodules import tracking
from LungNoduleAILib.dicom_results.write import write_dicom_results
from LungNoduleAILib.model.anatomy import RUL
from LungNoduleAILib.model.findings import Finding, Findings, Lungs
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.report.key_pictures import key_pictures
from LungNoduleAILib.triage.priority import priority_of
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError
from ThoraxAILib.io import read_volume
from ThoraxAILib.io.dicom_checks.checkers import SR_VALIDATOR, judge
from ThoraxAILib.io.dicom_objects.source_images import SourceImages, source_images
from ThoraxAILib.io.foreign_results.report import read_report
from ThoraxAILib.io.foreign_results.segments import read_segments

hd = pytest.importorskip("highdicom")
pytestmark = pytest.mark.filterwarnings("ignore")
OBLIQUE = (0.9659258, 0.2588190, 0.0, -0.2475, 0.92371, 0.29237)
AXIS = (10.0, 20.0, -30.0, 13.0, 24.0, -30.0)
DCMQI = Path(sys.executable).parent


def series(folder: Path, orientation: tuple[float, ...] = SeriesPlan.orientation) -> Path:
    plan = SeriesPlan(count=24, rows=30, columns=36, orientation=orientation)
    write_series(folder, plan, _complete)
    return folder


def _complete(dataset, _k: int) -> None:
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "P-1"
    dataset.PatientSex, dataset.PatientBirthDate, dataset.StudyTime = "F", "", "101500"
    dataset.StudyID, dataset.AccessionNumber, dataset.ReferringPhysicianName = "1", "", ""
    dataset.PositionReferenceIndicator = ""


@pytest.fixture(scope="module", params=[SeriesPlan.orientation, OBLIQUE], ids=["axial", "oblique"])
def written(request, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AnalysisResult, SourceImages]:
    """A series, three findings on it (two that overlap), and what was written by a reader."""
    place = tmp_path_factory.mktemp("dicom")
    volume = read_volume(series(place / "ct", request.param))
    findings = list(three_nodules(volume))
    findings[0] = replace(findings[0], long_axis_ras_mm=AXIS, long_axis_mm=5.0).with_status("accepted")
    findings[1] = findings[1].with_status("rejected", "vessel")
    told = Findings(volume.identity.series_uid, Lungs(1200.0, 1400.0), tuple(findings))
    methods = {"detector": "classical", "detector_fingerprint": "abc", "anatomy": "classical"}
    result = AnalysisResult(volume, chest_labels(), told, methods=methods)
    sources = source_images(place / "ct", volume)
    write_dicom_results(place, result, sources, "Reader^A", "Hospital", key_pictures(result))
    return place, result, sources


def whole(finding: Finding, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    assert finding.mask is not None
    box = tuple(slice(o, o + n) for o, n in zip(finding.mask.offset_kji, finding.mask.array.shape, strict=True))
    mask[box] = finding.mask.array
    return mask


def test_every_voxel_of_overlapping_nodules_comes_back_by_highdicom(written: tuple) -> None:
    place, result, sources = written
    found = hd.seg.segread(place / "nodules.seg.dcm")
    assert sources.slices is not None
    uids = [image.SOPInstanceUID for image in sources.slices]
    pixels = found.get_pixels_by_source_instance(
        uids, ignore_spatial_locations=True, assert_missing_frames_are_empty=True
    )
    for number, finding in enumerate(result.findings.findings):
        assert np.array_equal(pixels[..., number] > 0, whole(finding, result.volume.array.shape)), finding.id
        described = found.get_segment_description(number + 1)
        assert (described.tracking_id, described.tracking_uid) == tracking(finding, result.findings.series_uid)


def test_voxels_lie_where_they_lay_when_dcmqi_reads_them(written: tuple) -> None:
    place, result, _ = written
    program = DCMQI / "segimage2itkimage"
    if not program.exists():
        pytest.skip("dcmqi is not installed")
    target = place / "dcmqi"
    target.mkdir(exist_ok=True)
    subprocess.run(
        [program, "--inputDICOM", place / "nodules.seg.dcm", "--outputDirectory", target, "-t", "nrrd", "-p", "n"],
        check=True,
        capture_output=True,
    )
    for number, finding in enumerate(result.findings.findings, start=1):
        image = sitk.ReadImage(str(target / f"n-{number}.nrrd"))
        index = np.argwhere(sitk.GetArrayFromImage(image) > 0)[:, ::-1]
        lps = np.array([image.TransformIndexToPhysicalPoint([int(x) for x in one]) for one in index])
        expected = result.volume.ras_from_kji(np.argwhere(whole(finding, result.volume.array.shape)))
        ours = expected * np.array([-1.0, -1.0, 1.0])
        assert len(lps) == len(ours)
        assert np.abs(lps[np.lexsort(lps.round(2).T)] - ours[np.lexsort(ours.round(2).T)]).max() < 0.01


def test_lungs_and_lobes_are_segments_with_their_codes(written: tuple) -> None:
    place, result, _ = written
    found = hd.seg.segread(place / "anatomy.seg.dcm")
    labels = {one.SegmentLabel: number for number, one in enumerate(found.SegmentSequence, start=1)}
    assert {"Right upper lobe", "Left lower lobe", "Right lung", "Left lung"} <= set(labels)
    upper = found.get_segment_description(labels["Right upper lobe"])
    assert upper.segmented_property_type.value == "45653009"
    assert (
        upper.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence[0].CodeValue == "24028007"
    )
    frames = found.get_volume(segment_numbers=[labels["Right upper lobe"]], combine_segments=False)
    assert int(frames.array.sum()) == int((result.labels == RUL).sum())


def test_numbers_and_axes_come_back_from_the_report(written: tuple) -> None:
    place, result, _ = written
    report = hd.sr.srread(place / "measurements_verified.sr.dcm")
    groups = report.content.get_volumetric_roi_measurement_groups()
    assert len(groups) == len(result.findings.findings)
    for group, finding in zip(groups, result.findings.findings, strict=True):
        assert (group.tracking_identifier, group.tracking_uid) == tracking(finding, result.findings.series_uid)
        numbers = {
            (one.name.value, one.derivation.value if one.derivation else ""): one.value
            for one in group.get_measurements()
        }
        assert numbers["118565006", ""] == pytest.approx(finding.volume_mm3, abs=0.01)
        assert numbers["81827009", "373098007"] == pytest.approx(finding.mean_diameter_mm, abs=0.01)
        assert numbers["103339001", ""] == pytest.approx(finding.long_axis_mm, abs=0.01)
    first = result.findings.findings[0]
    long_axis = next(one for one in groups[0].get_measurements() if one.name.value == "103339001")
    (coordinates,) = long_axis.referenced_coordinates
    ends = coordinates.value
    assert first.long_axis_ras_mm is not None
    expected = np.array(first.long_axis_ras_mm).reshape(2, 3) * np.array([-1, -1, 1])
    assert np.abs(ends - expected).max() < 0.01


def test_the_key_images_are_those_through_the_findings(written: tuple) -> None:
    place, result, sources = written
    selection = dcmread(place / "key_images.ko.dcm")
    named = {
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        for item in selection.ContentSequence
        if item.ValueType == "IMAGE"
    }
    assert sources.slices is not None
    normal = np.cross(*np.array(sources.first.ImageOrientationPatient, dtype=float).reshape(2, 3))
    depths = np.array([np.dot(normal, np.array(one.ImagePositionPatient, dtype=float)) for one in sources.slices])
    wanted = set()
    for finding in result.findings.findings:
        depth = np.dot(normal, np.array(finding.center_ras_mm) * np.array([-1.0, -1.0, 1.0]))
        wanted.add(sources.slices[int(np.abs(depths - depth).argmin())].SOPInstanceUID)
    assert named == wanted


def test_outlines_and_axes_lie_over_the_images_where_the_findings_are(written: tuple) -> None:
    place, result, sources = written
    state = dcmread(place / "outlines.pr.dcm")
    assert [layer.GraphicLayer for layer in state.GraphicLayerSequence] == ["FINDINGS"]
    assert (state.SoftcopyVOILUTSequence[0].WindowCenter, state.SoftcopyVOILUTSequence[0].WindowWidth) == (-600, 1500)
    for finding, drawn in zip(result.findings.findings, state.GraphicAnnotationSequence, strict=True):
        assert drawn.TextObjectSequence[0].UnformattedTextValue.startswith(f"{finding.id} ")
        k = round(float(result.volume.kji_from_ras(np.array(finding.center_ras_mm))[0]))
        assert drawn.ReferencedImageSequence[0].ReferencedSOPInstanceUID == sources.slices[k].SOPInstanceUID
        plane = whole(finding, result.volume.array.shape)[k]
        rows, columns = np.nonzero(plane)
        lines = [np.array(one.GraphicData).reshape(-1, 2) for one in drawn.GraphicObjectSequence]
        assert lines[0].min(axis=0).tolist() == [columns.min(), rows.min()]
        assert lines[0].max(axis=0).tolist() == [columns.max() + 1, rows.max() + 1]
        assert enclosed_area(lines[0]) == plane.sum()
        assert {one.TrackingUID for one in drawn.GraphicObjectSequence} == {
            tracking(finding, result.findings.series_uid)[1]
        }


def enclosed_area(line: np.ndarray) -> float:
    x, y = line.T
    return 0.5 * abs(float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])))


def test_the_capture_holds_a_picture_of_each_finding_and_names_nobody_in_its_pixels(written: tuple) -> None:
    place, result, sources = written
    capture = dcmread(place / "key_images.sc.dcm")
    frames = capture.pixel_array
    assert len(frames) == len(result.findings.findings) == capture.NumberOfFrames
    assert np.array_equal(frames, np.stack(key_pictures(result)))
    assert frames.shape[-1] == 3
    assert capture.StudyInstanceUID == sources.first.StudyInstanceUID
    assert capture.BurnedInAnnotation == "NO"


def test_the_software_report_is_unverified_and_the_readers_follows_it(written: tuple) -> None:
    place, _, _ = written
    software, reader = (dcmread(place / name) for name in ("measurements.sr.dcm", "measurements_verified.sr.dcm"))
    assert (software.VerificationFlag, reader.VerificationFlag) == ("UNVERIFIED", "VERIFIED")
    previous = reader.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert previous.ReferencedSOPInstanceUID == software.SOPInstanceUID
    assert "Rejected" in str(reader)
    assert "Accepted" in str(reader)
    assert "Rejected" not in str(software)


def test_the_report_says_how_urgent_the_case_is(written: tuple) -> None:
    place, result, _ = written
    content = dcmread(place / "measurements.sr.dcm").ContentSequence
    (case,) = [item for item in content if item.ConceptNameCodeSequence[0].CodeMeaning == "Qualitative Evaluations"]
    (said,) = case.ContentSequence
    assert said.ConceptNameCodeSequence[0].CodeMeaning == "Priority for reading"
    assert said.ConceptCodeSequence[0].CodeMeaning.upper() == priority_of(result.findings).level
    assert all(group.tracking_id != "Case" for group in read_report(place / "measurements.sr.dcm").groups)


def test_the_dcmqi_reader_finds_finding_site_segment_and_tracking(written: tuple) -> None:
    place, result, _ = written
    program = DCMQI / "tid1500reader"
    if not program.exists():
        pytest.skip("dcmqi is not installed")
    target = place / "report.json"
    subprocess.run(
        [program, "--inputDICOM", place / "measurements.sr.dcm", "--outputMetadata", target],
        check=True,
        capture_output=True,
    )
    told = [group for group in json.loads(target.read_text())["Measurements"] if "ReferencedSegment" in group]
    assert [group["TrackingIdentifier"] for group in told] == [finding.id for finding in result.findings.findings]
    assert [group["ReferencedSegment"] for group in told] == [1, 2, 3]
    assert told[0]["Finding"]["CodeMeaning"] == "Nodule"
    assert told[2]["Finding"]["CodeMeaning"] == "Mass"
    assert told[0]["FindingSite"]["CodeMeaning"] == "Upper lobe of lung"


def test_a_validator_of_dicom_finds_no_error(written: tuple) -> None:
    place, _, _ = written
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    for file in sorted(place.glob("*.dcm")):
        told = subprocess.run(["dciodvfy", file], capture_output=True, text=True)
        errors = [line for line in (told.stdout + told.stderr).splitlines() if line.startswith("Error")]
        assert errors == [], file.name


def test_dcmtk_can_show_the_presentation_state(written: tuple) -> None:
    place, _, _ = written
    if shutil.which("dcmpschk") is None:
        pytest.skip("dcmpschk (Debian package dcmtk) is not installed")
    told = subprocess.run(["dcmpschk", place / "outlines.pr.dcm"], capture_output=True, text=True)
    assert "Test passed" in told.stdout + told.stderr


def test_a_chest_without_findings_is_a_report_too(tmp_path: Path) -> None:
    volume = read_volume(series(tmp_path / "ct"))
    told = Findings(volume.identity.series_uid, Lungs(1200.0, 1400.0))
    written_files = write_dicom_results(
        tmp_path, AnalysisResult(volume, chest_labels(), told), source_images(tmp_path / "ct", volume)
    )
    assert [path.name for path in written_files] == ["anatomy.seg.dcm", "measurements.sr.dcm"]
    assert "No findings" in str(dcmread(tmp_path / "measurements.sr.dcm"))


@pytest.fixture(scope="module")
def partly_outlined(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Finding, ...]]:
    """A report of three findings of which the first has axes but no outline, and the findings."""
    place = tmp_path_factory.mktemp("partly")
    volume = read_volume(series(place / "ct"))
    first, *others = three_nodules(volume)
    findings = (replace(first, mask=None, long_axis_ras_mm=AXIS, long_axis_mm=5.0), *others)
    told = Findings(volume.identity.series_uid, Lungs(1200.0, 1400.0), findings)
    write_dicom_results(place, AnalysisResult(volume, chest_labels(), told), source_images(place / "ct", volume))
    return place / "measurements.sr.dcm", findings


def test_a_finding_without_outline_is_a_group_at_its_center_with_all_its_numbers(partly_outlined: tuple) -> None:
    report, findings = partly_outlined
    bare, *outlined = read_report(report).groups
    assert [group.tracking_id for group in (bare, *outlined)] == [finding.id for finding in findings]
    assert [group.segment and group.segment[1] for group in (bare, *outlined)] == [None, 1, 2]
    assert bare.point_ras_mm == pytest.approx(findings[0].center_ras_mm, abs=0.01)
    numbers = {one.name.meaning: one for one in bare.measurements}
    assert set(numbers) == {one.name.meaning for one in outlined[0].measurements}
    assert numbers["Volume"].value == pytest.approx(findings[0].volume_mm3, abs=0.01)
    assert np.ravel(numbers["Long Axis"].points_ras_mm) == pytest.approx(AXIS, abs=0.01)


def test_all_findings_of_a_report_have_the_same_template(partly_outlined: tuple) -> None:
    groups = hd.sr.srread(partly_outlined[0]).content.get_volumetric_roi_measurement_groups()
    assert [group.tracking_identifier for group in groups] == [finding.id for finding in partly_outlined[1]]


@pytest.mark.slow
def test_the_validator_of_reports_finds_no_error_where_an_outline_is_missing(partly_outlined: tuple) -> None:
    if SR_VALIDATOR.find() is None:
        pytest.skip("DicomSRValidator (Debian package pixelmed-apps) is not installed")
    assert judge(SR_VALIDATOR, partly_outlined[0]).errors == ()


def test_a_series_that_names_less_than_it_must_is_no_obstacle(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", SeriesPlan(count=24, rows=30, columns=36))
    volume = read_volume(tmp_path / "ct")
    assert "PatientBirthDate" not in dcmread(next((tmp_path / "ct").iterdir()))
    told = Findings(volume.identity.series_uid, Lungs(1200.0, 1400.0), three_nodules(volume))
    result = AnalysisResult(volume, chest_labels(), told)
    files = write_dicom_results(tmp_path, result, source_images(tmp_path / "ct", volume), pictures=key_pictures(result))
    assert len(files) == 6


def test_a_resampled_volume_keeps_its_own_geometry(tmp_path: Path) -> None:
    volume = read_volume(series(tmp_path / "ct"))
    shifted = replace(
        volume, ijk_to_ras=volume.ijk_to_ras @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0.4], [0, 0, 0, 1]])
    )
    sources = source_images(tmp_path / "ct", shifted)
    assert sources.slices is None
    finding = nodule(shifted, 1, (15, 8, 5))
    told = Findings(volume.identity.series_uid, Lungs(1200.0, 1400.0), (finding,))
    write_dicom_results(tmp_path, AnalysisResult(shifted, chest_labels(), told), sources)
    back = hd.seg.segread(tmp_path / "nodules.seg.dcm").get_volume(combine_segments=False)
    index = np.argwhere(back.array[..., 0] > 0)
    lps = back.map_indices_to_reference(index)
    ours = shifted.ras_from_kji(np.argwhere(whole(finding, shifted.array.shape))) * np.array([-1.0, -1.0, 1.0])
    assert np.abs(lps[np.lexsort(lps.round(2).T)] - ours[np.lexsort(ours.round(2).T)]).max() < 0.01


@pytest.mark.slow
def test_the_validator_of_reports_finds_no_error(written: tuple) -> None:
    place, _, _ = written
    if SR_VALIDATOR.find() is None:
        pytest.skip("DicomSRValidator (Debian package pixelmed-apps) is not installed")
    for name in ("measurements.sr.dcm", "measurements_verified.sr.dcm"):
        assert judge(SR_VALIDATOR, place / name).errors == ()


def test_an_image_that_is_no_dicom_is_refused_in_one_sentence(tmp_path: Path) -> None:
    volume = read_volume(series(tmp_path / "ct"))
    nameless = replace(volume, identity=replace(volume.identity, study_uid="", series_uid=""))
    with pytest.raises(InputError, match="no DICOM series"):
        source_images(tmp_path / "ct", nameless)


def test_the_command_refuses_before_it_analyzes(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    image = sitk.GetImageFromArray(np.arange(12 * 16 * 16, dtype=np.int16).reshape(12, 16, 16) - 1000)
    sitk.WriteImage(image, str(tmp_path / "ct.nrrd"))
    assert main(["lung", "analyze", str(tmp_path / "ct.nrrd"), "--output", str(tmp_path / "out"), "--dicom"]) != 0
    assert "no DICOM series" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_label_maps_are_written_where_nothing_overlaps_and_come_back_voxel_by_voxel(tmp_path: Path) -> None:
    volume = read_volume(series(tmp_path / "ct"))
    findings = (nodule(volume, 1, (15, 8, 5)), nodule(volume, 2, (5, 12, 24)))
    told = Findings(volume.identity.series_uid, Lungs(1200.0, 1400.0), findings)
    result = AnalysisResult(volume, chest_labels(), told)
    write_dicom_results(tmp_path, result, source_images(tmp_path / "ct", volume), label_maps=True)
    for name in ("anatomy.seg.dcm", "nodules.seg.dcm"):
        assert dcmread(tmp_path / name).SOPClassUID == "1.2.840.10008.5.1.4.1.1.66.7"
    for segment, finding in zip(read_segments(tmp_path / "nodules.seg.dcm"), findings, strict=True):
        assert segment.mask.sum() == whole(finding, volume.array.shape).sum()
    overlapping = AnalysisResult(volume, chest_labels(), replace(told, findings=three_nodules(volume)))
    write_dicom_results(tmp_path, overlapping, source_images(tmp_path / "ct", volume), label_maps=True)
    assert dcmread(tmp_path / "nodules.seg.dcm").SegmentationType == "BINARY"
