"""The search of leaks itself: what it must find, what is no leak, and broken input of every kind."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from pydicom import dcmread

from AnonymizerLib.check.identifiers import tokens_of
from AnonymizerLib.check.search import find_leaks, may_leak
from AnonymizerLib.deidentify.instance import InstanceCleaner, Refused, refusal_of
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.objects.dicom_file import read_dicom
from AnonymizerLib.objects.element import Original
from AnonymizerLib.pixels.clean import PixelPolicy
from AnonymizerLib.profile.presets import profile_named
from AnonymizerLib.run.linkage import band_of, linkage
from AnonymizerLib.run.preview import preview
from fixtures.anonymizer_canaries import canary_ct
from fixtures.anonymizer_studies import KEY, ct, file_bytes, put, raw_dataset
from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.parse_errors import parse_errors


def cleaner(name: str = "longitudinal") -> InstanceCleaner:
    return InstanceCleaner(profile_named(name), Identities(KEY))


def leaks_with(tag: int, vr: str, value: bytes) -> list[str]:
    """What the check says when a cleaned file holds this element nevertheless."""
    checker = cleaner()
    instance = checker.clean(file_bytes(ct()))
    put(instance.file.dataset, tag, vr, value)
    head, pixels = instance.encoded()
    return [leak.place for leak in checker.check(head + bytes(pixels), instance)]


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        ("LO", b"seen by QUILLFEATHER today"),
        ("LO", b"ottoline"),
        ("LO", b"id MRN-4711"),
        ("LO", b"born 1951-04-07"),
        ("LO", b"born 07.04.1951"),
        ("LO", b"born 04/07/1951"),
        ("LO", b"19510407"),
        ("LT", b"Dr. Brackenbury"),
        ("LO", b"ACC-990017"),
        ("DT", b"19510407120000"),
        ("UI", b"1.2.826.0.1.77.1"),
        ("OB", b"xxMRN-4711xx"),
        ("CS", b"QUILLFEATHER"),
        ("UT", b"MossWood infirmary"),
    ],
)
def test_an_identifier_is_found_wherever_and_however_it_stands(vr, value):
    assert leaks_with(0x00081090, vr, value) == ["0008,1090"]


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        ("LO", b"CT CHEST"),
        ("UI", b"2.25.119510407"),
        ("LO", b"otto"),
        ("CS", b"F"),
        ("DS", b"120"),
        ("LO", b"Model Nine"),
        ("LO", b"20240228"),
    ],
)
def test_what_identifies_nobody_is_no_leak(vr, value):
    assert leaks_with(0x00081090, vr, value) == []


def test_a_leak_three_sequences_deep_is_named_by_its_path():
    checker = cleaner()
    instance = checker.clean(file_bytes(ct()))
    inner = raw_dataset((0x00081090, "LO", b"Quillfeather"))
    put(instance.file.dataset, 0x52009229, "SQ", [raw_dataset((0x00189321, "SQ", [inner]))])
    head, pixels = instance.encoded()
    assert [leak.place for leak in checker.check(head + bytes(pixels), instance)] == ["5200,9229/0018,9321/0008,1090"]


def test_a_kept_text_that_repeats_the_name_is_taken_out_and_the_instance_passes():
    checker = cleaner()
    instance = checker.clean(file_bytes(ct()))
    put(instance.file.dataset, 0x00081090, "LO", b"Quillfeather special")
    head, pixels = instance.encoded()
    leaks = checker.check(head + bytes(pixels), instance)
    assert [leak.place for leak in leaks] == ["0008,1090"]
    scrubbed = checker.scrub(instance, leaks)
    head, pixels = scrubbed.encoded()
    assert checker.check(head + bytes(pixels), scrubbed) == []


def test_a_written_file_that_differs_by_one_byte_is_refused():
    checker = cleaner()
    instance = checker.clean(file_bytes(ct()))
    head, pixels = instance.encoded()
    for position in (200, len(head) - 3, len(head) + 40):
        data = bytearray(head + bytes(pixels))
        data[position] ^= 1
        with pytest.raises(Refused, match="differs from what was meant"):
            checker.check(bytes(data), instance)


def test_a_name_in_the_coded_pixels_themselves_is_found():
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGBaseline8Bit

    ds = ct()
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"Ottoline Quillfeather"
    ds.PixelData = encapsulate([b"\xff\xd8" + scan + b"\xff\xd9"])
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    checker = cleaner()
    instance = checker.clean(file_bytes(ds))
    head, pixels = instance.encoded()
    assert [leak.place for leak in checker.check(head + bytes(pixels), instance)] == ["7FE0,0010"]


def test_words_of_our_own_marks_are_no_leak():
    ds = ct(name="Profile^Basic")
    checker = cleaner()
    instance = checker.clean(file_bytes(ds))
    head, pixels = instance.encoded()
    assert checker.check(head + bytes(pixels), instance) == []


def test_short_names_count_as_whole_words_only():
    tokens = tokens_of([Original(0x00100010, "PN", b"Lee^Al")], ["iso8859"])
    assert may_leak(b"by dr lee today", tokens)
    assert not may_leak(b"sleeping", tokens)
    ds = raw_dataset((0x00081090, "LO", b"sleeping Lee"))
    assert [leak.place for leak in find_leaks(ds, b"sleeping lee", tokens)] == ["0008,1090"]


def attempt(data: bytes) -> tuple[bytes, list, str]:
    """The attributes written for some bytes, the leaks found in them, and why there is no output instead."""
    checker = cleaner("basic")
    try:
        instance = checker.clean(data)
        head, pixels = instance.encoded()
        return head, checker.check(head + bytes(pixels), instance), ""
    except (Refused, *parse_errors()) as error:
        return b"", [], refusal_of(error)[1]


@pytest.mark.parametrize("seed", range(12))
def test_broken_files_never_crash_and_never_pass_with_a_canary(seed):
    data, canaries = canary_ct()
    random = np.random.default_rng(seed)
    for _ in range(25):
        broken = bytearray(data)
        for position in random.integers(132, len(data) - 600, int(random.integers(1, 6))):
            broken[position] = int(random.integers(0, 256))
        if random.random() < 0.3:
            broken = broken[: int(random.integers(140, len(data)))]
        head, leaks, reason = attempt(bytes(broken))
        found = [canary.place for canary in canaries if canary.value in head]
        if reason:
            assert reason.endswith(".")
        elif not leaks:
            # a flipped tag number may turn one attribute into another, harmless one that stays
            assert len(found) <= 1


def test_reasons_never_quote_a_value():
    status, reason = refusal_of(ValueError("could not convert 'Quillfeather'"))
    assert status == "quarantined"
    assert "Quillfeather" not in reason


def test_the_preview_shows_what_a_run_would_do(tmp_path):
    path = tmp_path / "1.dcm"
    path.write_bytes(file_bytes(ct()))
    rows = {row.path: row for row in preview(path, profile_named("research"), KEY)}
    assert (rows["00100010"].before, rows["00100010"].action) == ("Quillfeather^Ottoline", "pseudonym")
    assert rows["00080080"].after == ""
    assert not rows["00280010"].is_changed
    (tmp_path / "note.txt").write_text("x" * 200)
    with pytest.raises(InputError, match=r"note\.txt"):
        preview(tmp_path / "note.txt", profile_named("basic"))


def test_the_encoder_writes_what_pydicom_reads():
    data = file_bytes(ct())
    file = read_dicom(data)
    from AnonymizerLib.objects.dicom_file import encode_attributes

    assert encode_attributes(file) in data


def people(count: int, **more: str) -> list[tuple[str, dict[str, str]]]:
    return [(f"P{number}", {"sex": "F", "age": "063Y", "modality": "CT", **more}) for number in range(count)]


def test_k_anonymity_counts_patients_that_look_alike():
    crowd = linkage([*people(7), ("odd", {"sex": "M", "age": "091Y", "modality": "CT"})])
    assert (crowd.patients, crowd.smallest_k, crowd.largest_risk) == (8, 1, 1.0)
    assert crowd.share_below_five == pytest.approx(1 / 8)
    assert linkage(people(7)).smallest_k == 7
    assert linkage([]).patients == 0


def test_a_generalization_that_helps_is_suggested():
    studies = [(f"P{number}", {"sex": "F", "model": f"Scanner {number}"}) for number in range(9)]
    assert linkage(studies).suggestions[0] == "drop retain-device"


@pytest.mark.parametrize(
    ("name", "value", "band"),
    [
        ("age", "063Y", "60-64"),
        ("age", "011M", "0-4"),
        ("weight", "61.5", "60-69"),
        ("height", "1.63", "160-169"),
        ("study_date", "20240229", "202402"),
        ("sex", "f", "F"),
        ("age", "", ""),
    ],
)
def test_quasi_identifiers_are_as_coarse_as_an_outsider_would_know_them(name, value, band):
    assert band_of(name, value) == band


def cleaned(ds, *options: str):
    """The data set of an output after the search, with its file meta information."""
    worker = InstanceCleaner(profile_named("research", options), Identities(KEY))
    instance = worker.clean(file_bytes(ds))
    head, pixels = instance.encoded()
    leaks = worker.check(head + bytes(pixels), instance)
    if leaks:
        instance = worker.scrub(instance, leaks)
        head, pixels = instance.encoded()
        assert worker.check(head + bytes(pixels), instance) == []
    return dcmread(BytesIO(head + bytes(pixels)))


def test_a_retained_uid_that_holds_the_patients_id_is_replaced_wherever_it_stands():
    ds = ct(patient="48213777")
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.48213777.5"
    ds.StudyInstanceUID = "1.2.826.0.1.77.4"
    written = cleaned(ds, "retain-uids")
    assert written.SOPInstanceUID.startswith("2.25.")
    assert written.file_meta.MediaStorageSOPInstanceUID == written.SOPInstanceUID
    assert written.StudyInstanceUID == "1.2.826.0.1.77.4"


def test_a_date_in_a_retained_uid_stays_with_the_option_that_retains_it():
    ds = ct()
    ds.StudyInstanceUID = f"1.2.826.0.1.{ds.StudyDate}.5"
    assert cleaned(ds, "retain-uids").StudyInstanceUID == ds.StudyInstanceUID
    assert ds.StudyDate not in cleaned(ds).StudyInstanceUID


@pytest.mark.parametrize("number", ["48213777", "19510407"])
def test_a_private_class_that_holds_an_identifier_waits(number):
    ds = ct(patient="48213777")
    ds.PatientBirthDate = "19510407"
    ds.SOPClassUID = f"1.2.826.0.1.{number}.7"
    worker = InstanceCleaner(profile_named("basic"), Identities(KEY), PixelPolicy(accept_doubtful=True, use_ocr=False))
    with pytest.raises(Refused, match="private SOP Class UID"):
        worker.clean(file_bytes(ds))
    ds.SOPClassUID = "1.3.12.2.1107.5.9.1"
    assert worker.clean(file_bytes(ds)).sop_class == "1.3.12.2.1107.5.9.1"


def test_a_transfer_syntax_that_is_text_waits():
    data = file_bytes(ct())
    explicit, name = b"1.2.840.10008.1.2.1\0", b"Oyelaran 19440611\0\0\0"
    with pytest.raises(InputError, match="transfer syntax is none of the standard"):
        cleaner().clean(data.replace(explicit, name[: len(explicit)], 1))
