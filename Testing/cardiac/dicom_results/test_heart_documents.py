"""The heart as DICOM: labels of both phases and every number come back, each code is that of the standard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.sr.codedict import codes

from CardiacBiomechLib.dicom_results.groups import aha_masks, groups_of
from CardiacBiomechLib.dicom_results.write import DICOM_FILES, write_dicom_results
from CardiacBiomechLib.model.study import Verdict
from fixtures.dicom_documents import write_heart_documents
from ThoraxAILib.io.dicom_checks.checkers import DCIODVFY, SEGMENT_READER, judge
from ThoraxAILib.io.dicom_objects.codes import CONCEPTS
from ThoraxAILib.io.foreign_results.report import ForeignGroup, read_report
from ThoraxAILib.io.foreign_results.segments import read_segments

pytest.importorskip("highdicom")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """A heart as DICOM: its folder, and the analysis."""
    place = tmp_path_factory.mktemp("heart")
    return place, write_heart_documents(place)


@pytest.fixture(scope="module")
def groups(written: tuple) -> dict[str, ForeignGroup]:
    """The groups of the report by their tracking identifier."""
    return {group.tracking_id: group for group in read_report(written[0] / "measurements.sr.dcm").groups}


@pytest.mark.parametrize(("name", "phase"), [("heart_ed.seg.dcm", "ed"), ("heart_es.seg.dcm", "es")])
def test_every_voxel_of_both_phases_comes_back_on_the_images_of_that_phase(
    written: tuple, name: str, phase: str
) -> None:
    place, result = written
    frame = getattr(result.study, f"{phase}_frame") - 1
    labels = result.labels[frame]
    found = read_segments(place / name)
    values = list(result.parts.parts().values())
    for segment, value in zip(found[: len(values)], values, strict=True):
        ours = labels.ras_from_kji(np.argwhere(labels.array == value))
        theirs = np.argwhere(segment.mask) @ segment.kji_to_ras[:3, :3].T + segment.kji_to_ras[:3, 3]
        order = [points[np.lexsort(points.round(1).T)] for points in (ours, theirs)]
        assert np.abs(order[0] - order[1]).max() < 0.01
    of_aha = found[len(values) :]
    assert len(of_aha) == (16 if phase == "ed" else 0)
    if of_aha:
        voxels = sum(int(segment.mask.sum()) for segment in of_aha)
        assert 0.8 < voxels / int((labels.array == result.parts.myocardium).sum()) <= 1.0  # all but the apex
    seg = dcmread(place / name)
    named = {
        str(one.ReferencedSOPInstanceUID): str(item.SeriesInstanceUID)
        for item in seg.ReferencedSeriesSequence
        for one in item.ReferencedInstanceSequence
    }
    images = [dcmread(path, stop_before_pixels=True) for path in (place / "cine").iterdir()]
    wanted = set(result.cine.sop_uids[frame])
    assert named == {str(i.SOPInstanceUID): str(i.SeriesInstanceUID) for i in images if i.SOPInstanceUID in wanted}


def test_function_of_both_ventricles_comes_back_under_its_codes(written: tuple, groups: dict) -> None:
    study = written[1].study
    told = {one.name.value: (one.value, one.unit) for one in groups["Left ventricle"].measurements}
    assert told["8821-1"] == (pytest.approx(study.lv.edv_ml, abs=0.01), "mL")
    assert told["8823-7"] == (pytest.approx(study.lv.esv_ml, abs=0.01), "mL")
    assert told["8811-2"] == (pytest.approx(study.lv.ef_percent, abs=0.01), "%")
    assert told["90096001"] == (pytest.approx(study.lv.stroke_ml, abs=0.01), "mL")
    assert told["18087-7"] == (pytest.approx(study.mass_g, abs=0.01), "g")
    circumferential = study.strain["circumferential"]["peak_engineering"]
    assert told["130677"] == (pytest.approx(100.0 * circumferential, abs=0.01), "%")
    right = {one.name.value: one.value for one in groups["Right ventricle"].measurements}
    assert right["8822-9"] == pytest.approx(study.rv.edv_ml, abs=0.01)
    assert right["8818-7"] == pytest.approx(study.rv.ef_percent, abs=0.01)


def test_each_aha_segment_has_a_group_with_its_thickness_and_strain(written: tuple, groups: dict) -> None:
    rows = written[1].study.segments
    for row in rows:
        group = groups[f"AHA segment {row.number}"]
        site, _side = group.sites[0]
        assert row.name.split()[0] in site.meaning
        assert group.segment is not None
        told = {one.name.meaning: one.value for one in group.measurements}
        assert told["Wall thickness at end-diastole"] == pytest.approx(row.thickness_ed_mm, abs=0.01)
        green = row.peak["circumferential"]
        length_change = 100.0 * (np.sqrt(1.0 + 2.0 * green) - 1.0)  # of Green-Lagrange strain
        assert told["Circumferential Lagrangian Strain"] == pytest.approx(length_change, abs=0.01)
    assert len(rows) == 16


def test_strain_that_a_verdict_calls_wrong_is_not_sent_to_other_viewers(written: tuple) -> None:
    result = written[1]
    poor = Verdict("poor-motion", "error", "The motion is poor.", ("strain", "segments"))
    doubted = replace(result, study=replace(result.study, quality=(*result.study.quality, poor)))
    names = {one.name for group in groups_of(doubted, lambda name: (name, "1.2")) for one in group.quantities}
    assert not any("strain" in name for name in names)
    assert {"lv ejection fraction", "thickness at end-diastole"} <= names


def test_every_group_refers_to_a_segment_also_where_a_part_has_no_voxel(written: tuple) -> None:
    result = written[1]
    ed, parts = result.study.ed_frame - 1, result.parts.parts()
    shown = result.labels[ed].array
    missing = aha_masks(result)[1] | (shown == parts["RV"])
    labels = list(result.labels)
    labels[ed] = replace(labels[ed], array=np.where(missing, 0, shown).astype(shown.dtype))
    groups = groups_of(replace(result, labels=tuple(labels)), lambda name: (name, "1.2"))
    segments = {group.tracking[0]: group.segment for group in groups}
    assert all(segments.values())
    assert segments["AHA segment 1"] == segments["Wall of the left ventricle at end-diastole"]
    assert "Right ventricle" not in segments


def test_codes_are_those_of_the_standard() -> None:
    """PS3.16 as pydicom holds it: what our table calls by these words has the same value there."""
    known = {
        "left ventricle": codes.SCT.LeftVentricle,
        "right ventricle": codes.SCT.RightVentricle,
        "left ventricular wall": codes.SCT.LeftVentricleMyocardium,
        "lv end-diastolic volume": codes.LN.LeftVentricularEDVolume,
        "lv end-systolic volume": codes.LN.LeftVentricularESVolume,
        "rv end-diastolic volume": codes.LN.RightVentricularEDVolume,
        "rv end-systolic volume": codes.LN.RightVentricularESVolume,
        "lv ejection fraction": codes.LN.LeftVentricularEjectionFractionByMR,
        "rv ejection fraction": codes.LN.RightVentricularEjectionFractionByMR,
        "stroke volume": codes.SCT.StrokeVolume,
        "rv stroke volume": codes.SCT.RVStrokeVolume,
        "lv mass": codes.LN.LeftVentricleMass,
        "circumferential strain": codes.DCM.CircumferentialLagrangianStrain,
        "radial strain": codes.DCM.RadialLagrangianStrain,
        "longitudinal strain": codes.DCM.LongitudinalLagrangianStrain,
    }
    assert {name: CONCEPTS[name][:2] for name in known} == {
        name: (code.value, code.scheme_designator) for name, code in known.items()
    }


def test_a_cine_that_is_no_dicom_is_refused_in_one_sentence(written: tuple, tmp_path: Path, refused) -> None:
    result = replace(written[1], cine=replace(written[1].cine, sop_uids=()))
    with refused("analyze the DICOM exam"):
        write_dicom_results(tmp_path, result, [], {})
    assert list(tmp_path.iterdir()) == []


def test_validators_find_no_error(written: tuple) -> None:
    for name in DICOM_FILES:
        for checker in (DCIODVFY, SEGMENT_READER) if ".seg." in name else (DCIODVFY,):
            if checker.find() is None:
                pytest.skip(f"{checker.name} is not installed")
            assert judge(checker, written[0] / name).errors == (), name
