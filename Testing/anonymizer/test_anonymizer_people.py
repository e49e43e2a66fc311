"""Who is who: issuers, placeholders, tables that join studies, ages and birth dates in reports, a new DICOMDIR."""

from __future__ import annotations

import datetime
import json

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from AnonymizerLib.identity.identities import Identities, read_patient_table
from AnonymizerLib.identity.subject import Person, is_placeholder
from AnonymizerLib.objects.dicom_file import read_dicom
from AnonymizerLib.profile.presets import PRESETS, profile_named
from AnonymizerLib.run.dicomdir import check_medium, write_medium
from AnonymizerLib.run.run import RunOptions, RunResult, run
from AnonymizerLib.run.worker import WorkerSettings
from fixtures.anonymizer_plant import SR, dataset, items, person, to_bytes
from fixtures.anonymizer_plant import code as concept
from fixtures.anonymizer_studies import KEY, ct, engine, file_bytes, save
from ThoraxAILib.errors import InputError


def days(text: str) -> datetime.date:
    return datetime.datetime.strptime(text, "%Y%m%d").date()


def study(number: int, patient: str, date: str, issuer: str = "") -> Dataset:
    """One CT of a study, with a patient ID and its issuer."""
    ds = ct(patient=patient, date=date, study=f"1.2.826.0.1.88.{number}")
    if issuer:
        ds.IssuerOfPatientID = issuer
    return ds


def run_over(
    tmp_path, studies: list[Dataset], patients: dict[str, str] | None = None
) -> tuple[RunResult, list[Dataset]]:
    """A research run over some studies; its result, and the outputs in the order of the studies."""
    for number, ds in enumerate(studies):
        save(ds, tmp_path / "in" / f"{number}.dcm")
    settings = WorkerSettings(
        tmp_path / "in", tmp_path / "out", profile_named("research"), KEY, patients=patients or {}
    )
    result = run(RunOptions(settings))
    uid = Identities(KEY).uid
    outputs = {str(ds.StudyInstanceUID): ds for ds in map(dcmread, (tmp_path / "out").rglob("*.dcm"))}
    return result, [outputs[uid(ds.StudyInstanceUID)] for ds in studies]


def test_the_same_id_from_two_issuers_is_two_people_and_the_report_says_so(tmp_path):
    result, outputs = run_over(tmp_path, [study(1, "A17", "20190701", "HOSP_X"), study(2, "A17", "20190708", "HOSP_Y")])
    assert outputs[0].PatientID != outputs[1].PatientID
    assert any("more than one issuer" in warning for warning in result.summary.warnings)
    assert "more than one issuer" in result.report.read_text(encoding="utf-8")
    assert "HOSP" not in result.report.read_text(encoding="utf-8")


def test_the_same_id_from_one_issuer_is_one_person_with_exact_intervals(tmp_path):
    result, outputs = run_over(tmp_path, [study(1, "A17", "20190701", "HOSP_X"), study(2, "A17", "20190708", "HOSP_X")])
    assert outputs[0].PatientID == outputs[1].PatientID
    assert days(outputs[1].StudyDate) - days(outputs[0].StudyDate) == datetime.timedelta(7)
    assert result.summary.warnings == []


def test_an_issuer_in_the_qualifiers_counts_as_well():
    subjects = []
    for name in ("x.example", "y.example"):
        ds = study(1, "A17", "20190701")
        ds.IssuerOfPatientIDQualifiersSequence = items(dataset(UniversalEntityID=name, UniversalEntityIDType="DNS"))
        subjects.append(engine().clean(read_dicom(file_bytes(ds)).dataset).subject)
    assert subjects[0] != subjects[1]


@pytest.mark.parametrize("patient", ["", "UNKNOWN", "0", "000000", "N/A", "unbekannt", "99999", "-", "NO ID"])
def test_a_placeholder_is_nobody_and_is_kept_apart_with_a_warning(tmp_path, patient):
    result, outputs = run_over(tmp_path, [study(1, patient, "20190701"), study(2, patient, "20190708")])
    assert outputs[0].PatientID != outputs[1].PatientID
    assert any(warning.startswith("2 studies have no patient ID") for warning in result.summary.warnings)
    summary = json.loads((tmp_path / "out" / "report" / "summary.json").read_text(encoding="utf-8"))
    assert summary["warnings"] == result.summary.warnings


@pytest.mark.parametrize("patient", ["7", "A17", "P0", "0815", "MAX", "12345"])
def test_a_short_id_is_somebody(patient):
    assert not is_placeholder(patient)


def test_a_table_joins_studies_of_one_person_and_keeps_their_interval(tmp_path):
    table = tmp_path / "patients.csv"
    table.write_text("A17@HOSP_X,Case 1\n1.2.826.0.1.88.2,Case 1,same\nA17@HOSP_Y,Case 2\n", encoding="utf-8")
    studies = [
        study(1, "A17", "20190701", "HOSP_X"),
        study(2, "UNKNOWN", "20190708"),
        study(3, "A17", "20190701", "HOSP_Y"),
    ]
    _, outputs = run_over(tmp_path, studies, read_patient_table(table))
    assert [ds.PatientID for ds in outputs] == ["Case 1", "Case 1", "Case 2"]
    assert days(outputs[1].StudyDate) - days(outputs[0].StudyDate) == datetime.timedelta(7)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("UNKNOWN,Case 1\n", "row 1: this ID is a placeholder"),
        ("A,X\nB,X,maybe\n", "row 2: the third column"),
        ("A,X\nB,Y,same\n", "row 2: no row above"),
        ("A,X\nB,X\n", "row 2: this pseudonym is given to two patients"),
    ],
)
def test_a_table_that_joins_by_mistake_is_refused(tmp_path, text, words):
    table = tmp_path / "patients.csv"
    table.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_patient_table(table)


def test_without_issuer_nothing_changes_against_earlier_versions():
    assert Person("MRN-4711", "", "1.2.3").subject == "MRN-4711"
    assert Identities(KEY).subject_of(Person("MRN-4711", "", "1.2.3")) == "MRN-4711"


def report_with(*content: Dataset) -> Dataset:
    """What research leaves of a report with this content."""
    ds = person(SR, "SR", ValueType="CONTAINER", ContinuityOfContent="SEPARATE")
    ds.ContentSequence = items(*content)
    file = read_dicom(to_bytes(ds))
    engine("modified-dates", "clean-structured-content").clean(file.dataset)
    return file.dataset


def number(value: str, unit: str, name: Dataset) -> Dataset:
    measured = dataset(NumericValue=value, MeasurementUnitsCodeSequence=items(concept(unit, "UCUM", unit)))
    return dataset(
        RelationshipType="HAS OBS CONTEXT",
        ValueType="NUM",
        ConceptNameCodeSequence=items(name),
        MeasuredValueSequence=items(measured),
    )


@pytest.mark.parametrize(
    ("value", "unit", "code", "expected"),
    [
        ("97", "a", ("121033", "DCM", "Subject Age"), "90"),
        ("89", "a", ("121033", "DCM", "Subject Age"), "89"),
        ("1164", "mo", ("121033", "DCM", "Subject Age"), "1080"),
        ("1070", "mo", ("121033", "DCM", "Subject Age"), "1070"),
        ("35405", "d", ("30525-0", "LN", "Age"), "32850"),
        ("97", "a", ("L1", "99HOUSE", "Something else"), "90"),
        ("128", "mm3", ("118565006", "SCT", "Volume"), "128"),
        ("280", "d", ("11884-4", "LN", "Gestational Age"), "280"),
    ],
)
def test_ages_over_89_in_reports_become_90_in_their_unit(value, unit, code, expected):
    (item,) = report_with(number(value, unit, concept(*code))).ContentSequence
    assert str(item.MeasuredValueSequence[0].NumericValue) == expected


@pytest.mark.parametrize(
    "code", [("121031", "DCM", "Subject Birth Date"), ("184099003", "SCT", "Date of birth"), ("L", "99X", "Birth date")]
)
def test_a_birth_date_in_a_report_goes_so_that_no_exact_age_can_be_computed(code):
    born = dataset(
        RelationshipType="HAS OBS CONTEXT",
        ValueType="DATE",
        ConceptNameCodeSequence=items(concept(*code)),
        Date="19210611",
    )
    seen = dataset(
        RelationshipType="CONTAINS",
        ValueType="DATE",
        ConceptNameCodeSequence=items(concept("111526", "DCM", "DateTime Started")),
        Date="20190713",
    )
    report = report_with(born, seen)
    assert [item.Date for item in report.ContentSequence] == [report.StudyDate]


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_new_dicomdir_indexes_the_outputs_and_nothing_else(tmp_path, name):
    from pydicom.fileset import FileSet

    for place in range(3):
        save(ct(place, study=f"1.2.826.0.1.88.{place // 2}"), tmp_path / "in" / f"{place}.dcm")
    settings = WorkerSettings(tmp_path / "in", tmp_path / "out", profile_named(name), KEY)
    result = run(RunOptions(settings))
    outputs = [tmp_path / "out" / output for output in result.outputs]
    assert write_medium(outputs, tmp_path / "medium") == 3
    index = FileSet(tmp_path / "medium" / "DICOMDIR")
    copies = sorted(open(instance.path, "rb").read() for instance in index)
    assert copies == sorted(path.read_bytes() for path in outputs)
    everything = b"".join(path.read_bytes() for path in (tmp_path / "medium").rglob("*") if path.is_file()).lower()
    assert b"quillfeather" not in everything
    assert b"mrn-4711" not in everything


def test_a_dicomdir_is_not_written_over_anything_or_into_the_result(tmp_path):
    (tmp_path / "there").mkdir()
    for target in (tmp_path / "there", tmp_path / "out" / "medium", tmp_path / "in" / "medium"):
        with pytest.raises(InputError, match="DICOMDIR"):
            check_medium(target, tmp_path / "in", tmp_path / "out")


def test_the_report_says_how_many_identifiers_were_searched_in_how_many_bytes(tmp_path):
    result, _ = run_over(tmp_path, [study(1, "A17", "20190701")])
    sentence = result.summary.search_sentence
    for kind in ("names", "numbers", "dates", "UIDs"):
        assert kind in sentence
    assert sentence in result.report.read_text(encoding="utf-8")
    summary = json.loads((tmp_path / "out" / "report" / "summary.json").read_text(encoding="utf-8"))
    output = next((tmp_path / "out").rglob("*.dcm"))
    assert 0 < summary["searched"]["bytes"] <= output.stat().st_size
    assert summary["searched"]["names"] >= 4


def test_many_references_take_time_in_proportion():
    import time

    from AnonymizerLib.deidentify.instance import InstanceCleaner
    from fixtures.anonymizer_studies import CT, put, raw_dataset

    def seconds(count: int) -> float:
        ds = person(SR, "SR")
        references = [
            raw_dataset((0x00081150, "UI", CT.encode()), (0x00081155, "UI", b"1.2.826.0.1.55.%d.7" % place))
            for place in range(count)
        ]
        put(ds, 0x00081115, "SQ", [raw_dataset((0x00081199, "SQ", references))])
        data = to_bytes(ds)
        cleaner = InstanceCleaner(profile_named("research"), Identities(KEY))
        begin = time.process_time()
        instance = cleaner.clean(data)
        head, pixels = instance.encoded()
        assert cleaner.check(head + bytes(pixels), instance) == []
        return time.process_time() - begin

    few, many = seconds(2_000), seconds(16_000)
    assert many < 8 * few * 2.5  # quadratic would be 64 times
