"""Objects beyond plain images: references stay whole, content is cleaned, outside tools accept and read the results."""

from __future__ import annotations

import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from AnonymizerLib.deidentify.instance import InstanceCleaner, Refused
from AnonymizerLib.deidentify.walk import Deidentifier
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.objects.dicom_file import DEFLATED, EXPLICIT, DicomFile, encode_attributes, read_dicom
from AnonymizerLib.pixels.clean import PixelPolicy
from AnonymizerLib.profile.presets import profile_named
from AnonymizerLib.run.run import RunOptions, run
from AnonymizerLib.run.worker import WorkerSettings
from fixtures.anonymizer_studies import CT, KEY, ct, engine, file_bytes, minimal, put, raw_dataset, save


def anonymize(folder: Path, name: str = "research", **policy: object) -> list[Dataset]:
    """The outputs of a run over folder/in."""
    settings = WorkerSettings(folder / "in", folder / "out", profile_named(name), KEY, PixelPolicy(**policy))
    run(RunOptions(settings))
    return [dcmread(path) for path in sorted((folder / "out").rglob("*.dcm"))]


@pytest.fixture(scope="module")
def linked_study(tmp_path_factory) -> Path:
    """Six CT slices, a segmentation of them and a report about both, written by highdicom."""
    pytest.importorskip("highdicom", reason="highdicom writes the SEG and SR of this test")
    folder = tmp_path_factory.mktemp("linked")
    slices = [ct(number, size=32) for number in range(1, 7)]
    for number, ds in enumerate(slices):
        save(ds, folder / "in" / f"ct{number}.dcm")
    sources = [dcmread(folder / "in" / f"ct{number}.dcm") for number in range(6)]
    segmentation = _segmentation(sources)
    segmentation.save_as(folder / "in" / "seg.dcm")
    _report(sources, segmentation).save_as(folder / "in" / "sr.dcm")
    return folder


def _segmentation(sources: list[Dataset]) -> Dataset:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    mask = np.zeros((6, 32, 32), bool)
    mask[2:4, 8:16, 8:16] = True
    algorithm = hd.AlgorithmIdentificationSequence("ThoraxAI", codes.DCM.ArtificialIntelligence, "1")
    segment = hd.seg.SegmentDescription(
        1,
        "Nodule",
        codes.SCT.MorphologicallyAbnormalStructure,
        codes.SCT.Lesion,
        hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm,
        tracking_uid="1.2.826.0.1.90.1",
        tracking_id="Nodule 1",
    )
    return hd.seg.Segmentation(
        sources,
        mask,
        hd.seg.SegmentationTypeValues.BINARY,
        [segment],
        "1.2.826.0.1.90.2",
        50,
        "1.2.826.0.1.90.3",
        1,
        "Acme",
        "Model Nine",
        "1",
        "SN-55417",
        content_creator_name="Brackenbury^Lucius",
    )


def _report(sources: list[Dataset], segmentation: Dataset) -> Dataset:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    observer = hd.sr.ObserverContext(codes.DCM.Person, hd.sr.PersonObserverIdentifyingAttributes("Brackenbury^Lucius"))
    group = hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        hd.sr.TrackingIdentifier("1.2.826.0.1.90.1", "Nodule 1"),
        referenced_segment=hd.sr.ReferencedSegment(
            segmentation.SOPClassUID,
            segmentation.SOPInstanceUID,
            1,
            source_images=[hd.sr.SourceImageForSegmentation.from_source_image(source) for source in sources[2:4]],
        ),
        finding_type=codes.SCT.Nodule,
        measurements=[hd.sr.Measurement(codes.SCT.Volume, 128.0, codes.UCUM.CubicMillimeter)],
    )
    content = hd.sr.MeasurementReport(
        hd.sr.ObservationContext(observer), codes.cid100.CTUnspecifiedBodyRegion, imaging_measurements=[group]
    )
    return hd.sr.Comprehensive3DSR(
        [*sources, segmentation],
        content[0],
        "1.2.826.0.1.90.4",
        51,
        "1.2.826.0.1.90.5",
        1,
        manufacturer="Acme",
        is_complete=True,
        is_verified=True,
        verifying_observer_name="Brackenbury^Lucius",
        verifying_organization="Mosswood Infirmary",
        institution_name="Mosswood Infirmary",
    )


def references(ds: Dataset) -> list[tuple[str, str]]:
    """(kind, UID) of every reference at any depth."""
    found = []
    for element in ds.iterall():
        if element.keyword in ("ReferencedSOPInstanceUID", "ReferencedFrameOfReferenceUID") and element.value:
            found.append((element.keyword, str(element.value)))
    return found


@pytest.mark.parametrize("name", ["basic", "research", "longitudinal", "teaching"])
def test_ct_seg_and_sr_have_no_dangling_reference(linked_study, tmp_path, name):
    shutil.copytree(linked_study / "in", tmp_path / "in")
    datasets = anonymize(tmp_path, name)
    instances = {ds.SOPInstanceUID for ds in datasets}
    frames = {ds.FrameOfReferenceUID for ds in datasets if "FrameOfReferenceUID" in ds}
    assert len(datasets) == 8
    assert len({ds.StudyInstanceUID for ds in datasets}) == 1
    for ds in datasets:
        for kind, uid in references(ds):
            assert uid in (instances if kind == "ReferencedSOPInstanceUID" else frames)
    assert sum(len(references(ds)) for ds in datasets) > 12


def test_a_cleaned_report_keeps_its_measurements_and_loses_its_people(linked_study, tmp_path):
    shutil.copytree(linked_study / "in", tmp_path / "in")
    report = next(ds for ds in anonymize(tmp_path, "research") if ds.Modality == "SR")
    text = str(report)
    assert "128" in text
    assert "Nodule" in text
    assert "Brackenbury" not in text
    assert report.VerifyingObserverSequence[0].VerifyingObserverName == "Anonymous"


def test_highdicom_reads_the_segmentation_and_the_report(linked_study, tmp_path):
    highdicom = pytest.importorskip("highdicom")
    shutil.copytree(linked_study / "in", tmp_path / "in")
    anonymize(tmp_path, "research")
    by_modality = {dcmread(path).Modality: path for path in (tmp_path / "out").rglob("*.dcm")}
    segmentation = highdicom.seg.segread(by_modality["SEG"])
    sources = [
        dcmread(path).SOPInstanceUID for path in (tmp_path / "out").rglob("*.dcm") if dcmread(path).Modality == "CT"
    ]
    before = highdicom.seg.segread(linked_study / "in" / "seg.dcm")
    assert segmentation.get_volume().array.sum() == before.get_volume().array.sum() > 0
    assert {uid[2] for uid in segmentation.get_source_image_uids()} == set(sources)
    groups = highdicom.sr.srread(by_modality["SR"]).content.get_volumetric_roi_measurement_groups()
    assert [group.get_measurements()[0].value for group in groups] == [128.0]


def test_dcmqi_reads_the_segmentation(linked_study, tmp_path):
    program = shutil.which("segimage2itkimage", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("dcmqi is not installed")
    shutil.copytree(linked_study / "in", tmp_path / "in")
    anonymize(tmp_path, "research")
    segmentation = next(path for path in (tmp_path / "out").rglob("*.dcm") if dcmread(path).Modality == "SEG")
    (tmp_path / "dcmqi").mkdir()
    done = subprocess.run(
        [
            program,
            "--inputDICOM",
            str(segmentation),
            "--outputDirectory",
            str(tmp_path / "dcmqi"),
            "-t",
            "nrrd",
            "-p",
            "s",
        ],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "dcmqi").glob("*.nrrd"))


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")
@pytest.mark.parametrize("name", ["basic", "research"])
def test_dciodvfy_finds_no_new_error(linked_study, tmp_path, name):
    shutil.copytree(linked_study / "in", tmp_path / "in")
    anonymize(tmp_path, name)
    before = {dcmread(path).Modality: _errors(path) for path in (tmp_path / "in").iterdir()}
    for path in (tmp_path / "out").rglob("*.dcm"):
        assert _errors(path) - before[dcmread(path).Modality] == set()


@pytest.mark.parametrize("name", ["basic", "research", "strict"])
def test_text_that_may_not_stay_is_emptied_where_the_standard_wants_the_attribute(tmp_path, name):
    ds = ct(1, size=16)
    ds.Manufacturer, ds.SeriesDescription, ds.ReferringPhysicianName = "Zqxwvut", "Zqxwvut", "Zqxwvut"
    save(ds, tmp_path / "in" / "ct.dcm")
    (written,) = anonymize(tmp_path, name)
    assert written["Manufacturer"].value in ("", None)  # Type 2 of the General Equipment module
    assert "SeriesDescription" not in written or not written.SeriesDescription  # Type 3
    assert written["ReferringPhysicianName"].value in ("", None)  # Type 2 of the General Study module


# What may not stay where the standard wants the attribute: (SOP class, tag, VR in the file, value, what is left)
CR, SR, SEG = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("1", "88.22", "66.4"))
FALLS_TO_ITS_TYPE = [
    pytest.param(CT, 0x00180060, "DS", b"120 for Zqxwvut", b"", id="number of Type 2"),
    pytest.param(CT, 0x00200012, "IS", b"Zqxwvut", b"", id="whole number of Type 2"),
    pytest.param(CT, 0x00280030, "DS", b"Zqxwvut", None, id="number of Type 1"),
    pytest.param(CR, 0x00180015, "CS", b"ZQXWVUT", b"", id="code string of Type 2"),
    pytest.param(CR, 0x00185101, "CS", b"Zqxwvut!", b"", id="no code string of Type 2"),
    pytest.param(CT, 0x00080008, "CS", b"ZQXWVUT", None, id="code string of Type 1"),
    pytest.param(SR, 0x0040A372, "LO", b"Zqxwvut", b"", id="sequence of Type 2 stored as text"),
    pytest.param(SR, 0x0040A372, "UN", b"Zqxwvut ", 1, id="sequence of Type 2 stored as bytes"),
    pytest.param(SR, 0x0040A372, "SQ", [raw_dataset((0x00080104, "LO", b"Zqxwvut"))], 1, id="sequence of Type 2"),
    pytest.param(SEG, 0x00081090, "LO", b"Zqxwvut", "REMOVED", id="text of Type 1"),
    pytest.param(SEG, 0x00700080, "CS", b"ZQXWVUT", None, id="label of Type 1"),
    pytest.param(SEG, 0x00700081, "LO", b"Zqxwvut", b"", id="description of Type 2"),
    pytest.param(SEG, 0x00620002, "SQ", [raw_dataset((0x00620005, "LO", b"Zqxwvut"))], 1, id="text in a sequence"),
]


@pytest.mark.parametrize("name", ["basic", "research", "strict"])
@pytest.mark.parametrize(("sop_class", "tag", "vr", "value", "left"), FALLS_TO_ITS_TYPE)
def test_what_may_not_stay_falls_to_its_type_and_nothing_of_it_is_left(name, sop_class, tag, vr, value, left):
    ds = minimal(sop_class, (tag, vr, value))
    Deidentifier(profile_named(name), Identities(KEY)).clean(ds)
    assert b"zqxwvut" not in encode_attributes(DicomFile(ds, EXPLICIT)).lower()
    assert _raw(ds, tag) == left


def _raw(ds: Dataset, tag: int) -> object:
    """The bytes of an element or the number of its items; None when it is absent."""
    if tag not in ds:
        return None
    return len(ds[tag].value) if ds[tag].VR == "SQ" else ds.get_item(tag).value or b""


def _errors(path: Path) -> set[str]:
    done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, errors="replace", check=False)
    return {line for line in done.stderr.splitlines() if line.startswith("Error")}


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("syntax", ["explicit", "big endian", "deflated"])
def test_every_encoding_of_attributes_survives(implicit, syntax):
    from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

    ds = ct()
    put(ds, 0x00081140, "SQ", [raw_dataset((0x00081155, "UI", b"1.2.826.0.1.77.1.2.9"))])
    if syntax == "deflated":
        ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    elif syntax == "big endian":
        ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    cleaner = InstanceCleaner(profile_named("research"), Identities(KEY))
    instance = cleaner.clean(file_bytes(ds, implicit and syntax == "explicit"))
    head, pixels = instance.encoded()
    assert cleaner.check(head + bytes(pixels), instance) == []
    again = dcmread(BytesIO(head + bytes(pixels)))
    assert (again.Rows, again.KVP, again.BodyPartExamined) == (16, 120, "CHEST")
    assert again.ReferencedImageSequence[0].ReferencedSOPInstanceUID.startswith("2.25.")
    assert again.PixelData == ds.PixelData
    assert (again.file_meta.TransferSyntaxUID == DEFLATED) == (syntax == "deflated")


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        ("ISO_IR 100", "Müller^Jürgen"),
        ("ISO_IR 192", "Ковалёв^Пётр"),
        ("ISO_IR 144", "Люкceмбypг^Иван"),
        ("GB18030", "王^小东"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
        ("ISO_IR 127", "قباني^لنزار"),
        ("ISO_IR 126", "Διονυσιος"),
    ],
)
def test_a_name_in_any_character_set_is_found_where_it_was_repeated(character_set, name):
    ds = ct()
    ds.SpecificCharacterSet = character_set
    ds.PatientName = name
    ds.ManufacturerModelName = name.replace("^", " ")[:20]
    cleaner = InstanceCleaner(profile_named("longitudinal"), Identities(KEY))
    data = file_bytes(ds)
    repeated = read_dicom(data).dataset.get_item(0x00081090)
    instance = cleaner.clean(data)
    assert 0x00081090 not in instance.file.dataset
    instance.file.dataset[0x00081090] = repeated  # as if the walk had not seen it: the check must
    head, pixels = instance.encoded()
    leaks = cleaner.check(head + bytes(pixels), instance)
    assert [leak.place for leak in leaks] == ["0008,1090"]
    scrubbed = cleaner.scrub(instance, leaks)
    head, pixels = scrubbed.encoded()
    assert cleaner.check(head + bytes(pixels), scrubbed) == []
    assert "ManufacturerModelName" not in dcmread(BytesIO(head + bytes(pixels)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1", "EncapsulatedDocument": b"%PDF"}, "encapsulated document"),
        ({"SOPClassUID": "1.2.840.10008.1.3.10"}, "DICOMDIR"),
        ({"RecognizableVisualFeatures": "YES"}, "recognized"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.9.4.1"}, "voice"),
    ],
)
def test_objects_that_cannot_be_cleaned_do_not_pass(changes, words):
    ds = ct()
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    with pytest.raises(Refused, match=words):
        InstanceCleaner(profile_named("basic"), Identities(KEY)).clean(file_bytes(ds))


def test_private_elements_stay_by_the_known_list_only_whatever_the_data_set_declares():
    declared = raw_dataset(
        (0x00080301, "US", b"\x29\x00"),
        (0x00080302, "LO", b"ACME TWO"),
        (0x00080303, "CS", b"SAFE"),
    )
    ds = minimal(
        "1.2.840.10008.5.1.4.1.1.4",
        (0x00080300, "SQ", [declared]),
        (0x00190010, "LO", b"SIEMENS MR HEADER"),
        (0x0019100C, "IS", b"1000"),
        (0x00191001, "LO", b"unlisted"),
        (0x00290010, "LO", b"ACME TWO"),
        (0x00291005, "DS", b"1.5"),
        (0x00291006, "LO", b"secret"),
        (0x00310010, "LO", b"ACME THREE"),
        (0x00311001, "LO", b"secret"),
    )
    engine("retain-safe-private").clean(ds)
    private = {int(tag) for tag in ds.keys() if tag.is_private}
    assert private == {0x00190010, 0x0019100C}
    assert 0x00080300 not in ds


def test_old_ages_become_one_category():
    for age, expected in (("072Y", "072Y"), ("089Y", "089Y"), ("090Y", "090Y"), ("101Y", "090Y"), ("011M", "011M")):
        ds = ct()
        ds.PatientAge = age
        file = read_dicom(file_bytes(ds))
        engine("retain-patient-characteristics").clean(file.dataset)
        assert file.dataset.PatientAge == expected
