"""Growth as DICOM: both dates are referred to, a nodule keeps its UID, and other readers find numbers and dates."""

from __future__ import annotations

import pytest
from pydicom import dcmread

from fixtures.dicom_documents import GROWTH, write_follow_up_documents
from LungNoduleAILib.dicom_results.nodules import tracking
from ThoraxAILib.io.foreign_results.report import ForeignGroup, read_report

hd = pytest.importorskip("highdicom")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """A follow-up of two dates as DICOM: its folder, and what it said."""
    place = tmp_path_factory.mktemp("follow_up")
    return place, *write_follow_up_documents(place)


@pytest.fixture(scope="module")
def groups(written: tuple) -> tuple[ForeignGroup, ...]:
    """The groups of the report as our reader of foreign results finds them."""
    return read_report(written[0] / "growth.sr.dcm").groups


def numbers(group: ForeignGroup) -> dict[str, float]:
    return {one.name.meaning: one.value for one in group.measurements}


def test_the_report_lies_in_the_current_study_and_refers_to_both(written: tuple) -> None:
    place, _, results = written
    report = dcmread(place / "growth.sr.dcm")
    now, before = (next((place / name).iterdir()) for name in ("current", "prior"))
    assert report.StudyInstanceUID == dcmread(now).StudyInstanceUID
    evidence = [*report.CurrentRequestedProcedureEvidenceSequence, *report.PertinentOtherEvidenceSequence]
    studies = {str(item.StudyInstanceUID) for item in evidence}
    assert studies == {str(dcmread(path).StudyInstanceUID) for path in (now, before)}
    series = {str(one.SeriesInstanceUID) for item in evidence for one in item.ReferencedSeriesSequence}
    assert {result.volume.identity.series_uid for result in results} <= series


def test_a_nodule_has_the_uid_of_its_first_date_at_both(written: tuple, groups: tuple[ForeignGroup, ...]) -> None:
    _, _, (prior, _current) = written
    first = tracking(prior.findings.findings[0], prior.volume.identity.series_uid)[1]
    same = [group for group in groups if group.tracking_uid == first]
    assert [group.segment is not None and group.segment[1] for group in same] == [1, 1]
    assert same[0].segment != same[1].segment
    assert len({group.tracking_uid for group in groups}) == 3


def test_growth_and_doubling_time_stand_in_the_current_group_with_both_segments(
    written: tuple, groups: tuple[ForeignGroup, ...]
) -> None:
    place, _, _ = written
    (grown,) = [group for group in groups if "Volume doubling time" in numbers(group)]
    told = numbers(grown)
    assert told["Volume doubling time"] == pytest.approx(GROWTH.vdt_days, abs=0.01)
    assert told["Change of the volume since the prior date"] == pytest.approx(GROWTH.volume_change_percent, abs=0.01)
    assert told["Days since the prior date"] == 182
    assert ("Growth of the nodule", "Growing") in [(str(name), str(value)) for name, value in grown.evaluations]
    report = hd.sr.srread(place / "growth.sr.dcm")
    named = {
        str(below.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
        for group in report.content.get_volumetric_roi_measurement_groups()
        for number in group[0].ContentSequence
        if number.ValueType == "NUM" and number.ConceptNameCodeSequence[0].CodeMeaning == "Volume doubling time"
        for below in number.ContentSequence
    }
    files = ("nodules_prior.seg.dcm", "nodules_current.seg.dcm")
    assert named == {str(dcmread(place / name).SOPInstanceUID) for name in files}


def test_new_and_resolved_nodules_say_so(groups: tuple[ForeignGroup, ...]) -> None:
    said = [str(value) for group in groups for name, value in group.evaluations if "other date" in str(name)]
    assert sorted(said) == ["Found at both dates", "New", "Resolved"]


def test_each_group_names_its_date(written: tuple) -> None:
    report = dcmread(written[0] / "growth.sr.dcm")
    text = str(report)
    assert text.count("'20240131'") >= 2
    assert text.count("'20230801'") >= 2


def test_dcmqi_reads_the_report(written: tuple) -> None:
    from ThoraxAILib.io.dicom_checks.checkers import DCIODVFY, REPORT_READER, judge

    for checker in (REPORT_READER, DCIODVFY):
        if checker.find() is None:
            pytest.skip(f"{checker.name} is not installed")
        assert judge(checker, written[0] / "growth.sr.dcm").errors == ()
