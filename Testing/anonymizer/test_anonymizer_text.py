"""Words, numbers, codes and dates: what may stay, and that the whole dictionary is decided."""

from __future__ import annotations

import pytest
from pydicom.datadict import DicomDictionary

from AnonymizerLib.check.identifiers import TOO_SHORT, tokens_of
from AnonymizerLib.check.search import text_names
from AnonymizerLib.deidentify.text_rules import EQUIPMENT
from AnonymizerLib.deidentify.walk import Deidentifier
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.objects.dicom_file import EXPLICIT, DicomFile, encode_attributes
from AnonymizerLib.objects.element import Original
from AnonymizerLib.profile.actions import Action
from AnonymizerLib.profile.code_strings import code_may_stay
from AnonymizerLib.profile.decisions import Decisions
from AnonymizerLib.profile.dictionary import explicit_decisions, reviewed
from AnonymizerLib.profile.known_codes import code_value_may_stay, scheme_may_stay
from AnonymizerLib.profile.presets import PRESETS, profile_named
from AnonymizerLib.profile.table import row_of
from AnonymizerLib.profile.words import label_may_stay, may_stay
from fixtures.anonymizer_studies import CT, KEY, engine, minimal, raw_dataset

NAME, PATIENT_ID, BIRTH_DATE = 0x00100010, 0x00100020, 0x00100030


def test_every_attribute_of_the_dictionary_is_in_the_table_or_was_decided():
    undecided = [
        f"{tag:08x} {entry[4]}"
        for tag, entry in DicomDictionary.items()
        if row_of(tag) is None and tag not in reviewed() and not 0x6000 <= tag >> 16 <= 0x601E
    ]
    assert undecided == []


@pytest.mark.parametrize("name", list(PRESETS))
def test_an_attribute_that_a_newer_dictionary_adds_goes_until_it_is_decided(monkeypatch, name):
    monkeypatch.setitem(DicomDictionary, 0x00100099, ("LO", "1", "Patient's Nickname", "", "PatientNickname"))
    assert Decisions(profile_named(name)).of(0x00100099, "LO").action is Action.REMOVE


def test_attributes_about_people_go_unless_an_option_keeps_them():
    basic, research = Decisions(profile_named("basic")), Decisions(profile_named("research"))
    kept = {tag for tag in explicit_decisions() if research.of(tag, "LO").action is not Action.REMOVE}
    assert all(basic.of(tag, "LO").action is Action.REMOVE for tag in explicit_decisions())
    assert {explicit_decisions()[tag].action for tag in kept} == {"retain-patient-characteristics"}


# Written anew in every output: a value of the input never stays
MARKS = {0x00120062, 0x00120063, 0x00120064, 0x00280303}
TEXTUAL = {"LO", "SH", "ST", "LT", "UT", "UC", "UR", "CS", "PN", "AE", "DS", "IS", "AS", "DA", "TM", "DT"}


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_name_in_any_attribute_of_the_dictionary_goes_unless_an_option_retains_the_device(name):
    deidentifier, left = Deidentifier(profile_named(name), Identities(KEY)), []
    for tag, entry in DicomDictionary.items():
        if entry[0] in TEXTUAL and tag not in MARKS and 0x0008 <= tag >> 16 < 0x5000:
            ds = minimal(CT, (tag, entry[0], b"OYELARAN"))
            deidentifier.clean(ds)
            if b"OYELARAN" in encode_attributes(DicomFile(ds, EXPLICIT)):
                left.append(tag)
    listed = {tag for tag in left if row_of(tag) is not None and "retain-device" in row_of(tag).options}
    assert set(left) - listed - EQUIPMENT == set()
    assert bool(left) == (name == "longitudinal")


RIGHT = {"US": b"\1\0", "SS": b"\1\0", "UL": bytes(4), "SL": bytes(4), "FL": bytes(4), "FD": bytes(8), "AT": bytes(4)}
ANY_BYTES = {0x00281201, 0x00281202, 0x00281203, 0x00281204, 0x00282000}  # palettes; color profiles are made anew


@pytest.mark.parametrize("wrong", ["LO", "OB", "UN", "CS", "US", "SQ"])
def test_an_attribute_stored_as_another_kind_of_value_is_judged_as_what_it_is(wrong):
    """Even when another file stored it rightly before: a name in place of a number goes."""
    deidentifier, left = Deidentifier(profile_named("research"), Identities(KEY)), []
    name = [raw_dataset((0x00080104, "LO", b"OYELARAN"))] if wrong == "SQ" else b"OYELARAN"
    for tag, entry in DicomDictionary.items():
        vr = entry[0].split(" or ")[0]
        if tag in MARKS | ANY_BYTES or tag < 0x00080100 or tag >= 0x50000000 or vr not in TEXTUAL | set(RIGHT):
            continue
        deidentifier.clean(minimal(CT, (tag, vr, RIGHT.get(vr, b""))))
        ds = minimal(CT, (tag, wrong, name))
        deidentifier.clean(ds)
        if b"OYELARAN" in encode_attributes(DicomFile(ds, EXPLICIT)):
            left.append(f"{tag:08x}")
    assert left == []


@pytest.mark.parametrize(
    ("tag", "vr", "value", "stays"),
    [
        (0x00100040, "CS", b"F ", True),
        (0x00100040, "CS", b"OYELARAN", False),
        (0x00101020, "DS", b"1.72", True),
        (0x00101020, "DS", b"Oyelaran", False),
        (0x00102160, "SH", b"White ", True),
        (0x00102160, "SH", b"Hispanic or Latino", True),
        (0x00102160, "SH", b"Oyelaran", False),
        (0x001021A0, "CS", b"UNKNOWN ", True),
        (0x001021A0, "CS", b"RUTH7 ", False),
    ],
)
def test_what_an_option_keeps_of_a_patient_is_still_read(tag, vr, value, stays):
    ds = minimal(CT, (tag, vr, value))
    Deidentifier(profile_named("research"), Identities(KEY)).clean(ds)
    assert (tag in ds and ds.get_item(tag).value == value) is stays


@pytest.mark.parametrize(
    "text",
    [
        "CHEST 11/06/44",
        "CHEST 13.07.19",
        "left 11-06-44",
        "11_06_44",
        "11 06 44",
        "11 MAR 44",
        "06/44",
        "lung 482-913-075",
        "lung 555 867 530 9",
        "97 year old",
        "13.07 19",
    ],
)
def test_rows_of_numbers_and_old_ages_go(text):
    assert not may_stay(text)
    assert not label_may_stay(text)


@pytest.mark.parametrize(
    "text", ["13/07", "31-12 lung", "7/04", "13.07.", "3. 7.", "at 10:11", "F92", "m 101", "lung 92 W", "097F"]
)
def test_half_dates_hours_and_old_ages_with_a_sex_go(text):
    assert not may_stay(text)
    assert not label_may_stay(text)


@pytest.mark.parametrize(
    "text",
    [
        "LUNG 5.0 1.0 B30",
        "120kV 80mA",
        "5.0 B31f 0.75",
        "T2 3D 0.6mm",
        "512x512x16",
        "phase 40 %",
        "89 year",
        "1/2",
        "scan 3-4",
        "13.07 mm",
        "F89",
        "92 mm",
    ],
)
def test_sizes_and_settings_stay(text):
    assert may_stay(text)


@pytest.mark.parametrize("text", ["Left upper lobe", "Vertebra T12", "liver metastasis 2", "Nodule 1"])
def test_labels_may_use_the_words_of_coded_concepts(text):
    assert label_may_stay(text)


def names(vr_tag: int, vr: str, value: str, text: str) -> bool:
    original = Original(vr_tag, vr, value.encode("utf-8"))
    return text_names(text, tokens_of([original], ["utf-8"]))


@pytest.mark.parametrize(
    ("tag", "vr", "value", "text"),
    [
        (NAME, "PN", "Black^Max", "CHEST MAX BLACK"),
        (NAME, "PN", "Black^Max", "routine blackmax"),
        (NAME, "PN", "Ng^An", "scan of Ng"),
        (NAME, "PN", "Meyer-Landrut^Lena", "Landrut lung"),
        (NAME, "PN", "Müller^Jürgen", "MUELLER"),
        (NAME, "PN", "Mueller^Jo", "Müller left"),
        (NAME, "PN", "Yamada^Tarou=山田^太郎", "山田 太郎"),
        (PATIENT_ID, "LO", "482-913-075", "lung 482 913 075"),
        (PATIENT_ID, "LO", "482913075", "482-913-075"),
        (PATIENT_ID, "LO", "000713", "chest 713"),
        (PATIENT_ID, "LO", "7", "chest 7"),
        (PATIENT_ID, "LO", "CT-1", "CT 1"),
        (BIRTH_DATE, "DA", "19440611", "11/6/44"),
        (BIRTH_DATE, "DA", "19440611", "born 11JUN1944"),
        (BIRTH_DATE, "DA", "19700101", "01.01.1970"),
        (0x00080050, "SH", "ACC 12", "acc 12"),
        (NAME, "PN", "Doe^John", "JOHN44"),
        (NAME, "PN", "Doe^John", "2DOE"),
        (NAME, "PN", "Wu^Li", "WU1"),
        (PATIENT_ID, "LO", "713", "A713"),
        (PATIENT_ID, "LO", "713", "713B lung"),
        (BIRTH_DATE, "DA", "19440611", "lung 11.06"),
        (BIRTH_DATE, "DA", "19440611", "lung 06 11"),
        (BIRTH_DATE, "DA", "19440611", "6-11"),
        (BIRTH_DATE, "DA", "19440611", "06 44"),
    ],
)
def test_an_identifier_is_recognized_whatever_list_its_words_are_on(tag, vr, value, text):
    assert names(tag, vr, value, text)


@pytest.mark.parametrize(
    ("tag", "vr", "value", "text"),
    [
        (NAME, "PN", "Long^Ray", "longitudinal x-rays"),
        (PATIENT_ID, "LO", "7", "chest 70 kv"),
        (PATIENT_ID, "LO", "UNKNOWN", "unknown"),
        (BIRTH_DATE, "DA", "19440611", "11/6/45"),
        (BIRTH_DATE, "DA", "19440611", "11.6 mm"),
        (BIRTH_DATE, "DA", "19440611", "11.061"),
        (BIRTH_DATE, "DA", "19440611", "1.11.06"),
        (NAME, "PN", "Wu^Li", "wulia left"),
        (PATIENT_ID, "LO", "713", "7130"),
        (PATIENT_ID, "LO", "12", "T12"),
        (NAME, "PN", "Anonymous", "anonymous"),
    ],
)
def test_other_words_are_not_taken_for_identifiers(tag, vr, value, text):
    assert not names(tag, vr, value, text)


def test_identifiers_are_counted_by_kind_and_none_is_dropped_silently():
    originals = [
        Original(NAME, "PN", b"Black^Max^J"),
        Original(PATIENT_ID, "LO", b"713"),
        Original(BIRTH_DATE, "DA", b"19440611"),
        Original(0x0020000D, "UI", b"1.2.826.0.1.77.1"),
        Original(0x0008103E, "LO", b"Quarrelsome lung"),
    ]
    counts = dict(tokens_of(originals, ["ascii"]).counts)
    assert counts["names"] >= 2
    assert (counts["numbers"], counts["dates"], counts["UIDs"], counts["texts"]) == (1, 1, 1, 1)
    assert counts[TOO_SHORT] == 1


@pytest.mark.parametrize(
    ("tag", "term", "stays"),
    [
        (0x00180015, "CHEST", True),
        (0x00180015, "OYELARAN", False),
        (0x00180015, "TSPINE", True),
        (0x00080008, "CT_SOM5 SPI", True),
        (0x00080005, "ISO_IR 100", True),
        (0x00080005, "ISO_IR SMITH", False),
        (0x00180015, "RUTH7", False),
        (0x00180015, "KARIN12", False),
        (0x00180015, "CHEST2", True),
        (0x00180015, "T12", True),
        (0x00080008, "M_FFE3", True),
        (0x0040DB00, "1500", True),
        (0x00700080, "LESION 110644", False),
        (0x00700080, "LESION", True),
    ],
)
def test_code_strings_are_terms_or_listed_words(tag, term, stays):
    assert code_may_stay(tag, term) is stays


@pytest.mark.parametrize(
    ("scheme", "value", "stays"),
    [
        ("SCT", "39607008", True),
        ("SCT", "Oyelaran", False),
        ("UCUM", "[hnsf'U]", True),
        ("UCUM", "mg/ml", True),
        ("UCUM", "Oyelaran", False),
        ("99HOUSE", "A17", True),
        ("99HOUSE", "19440611", False),
    ],
)
def test_a_code_is_a_code(scheme, value, stays):
    assert code_value_may_stay(scheme, value) is stays


def test_local_schemes_get_another_name_and_their_codes_stay_together():
    assert scheme_may_stay("99PHILIPS")
    item = (0x00080100, "SH", b"L1"), (0x00080102, "SH", b"99STMARY"), (0x00080104, "LO", b"Lung")
    ds = minimal("1.2.840.10008.5.1.4.1.1.2", (0x00082218, "SQ", [raw_dataset(*item), raw_dataset(*item)]))
    engine().clean(ds)
    first, second = ds[0x00082218].value
    assert first.CodingSchemeDesignator == second.CodingSchemeDesignator != "99STMARY"
    assert (first.CodeValue, first.CodeMeaning) == ("L1", "Lung")


def test_a_known_code_gets_the_meaning_of_the_standard():
    item = (0x00080100, "SH", b"113041"), (0x00080102, "SH", b"DCM"), (0x00080104, "LO", b"ADC of Mrs Oyelaran")
    ds = minimal("1.2.840.10008.5.1.4.1.1.2", (0x00082218, "SQ", [raw_dataset(*item)]))
    engine().clean(ds)
    assert ds[0x00082218].value[0].CodeMeaning == "Apparent Diffusion Coefficient"


def test_of_several_code_strings_only_the_bad_one_goes():
    ds = minimal("1.2.840.10008.5.1.4.1.1.2", (0x00080008, "CS", b"ORIGINAL\\PRIMARY\\OYELARAN"))
    engine().clean(ds)
    assert list(ds.ImageType) == ["ORIGINAL", "PRIMARY", "REMOVED"]


def test_the_maker_of_the_device_stays_with_the_option_that_retains_it():
    kept = []
    for label in ([], ["retain-device"]):
        ds = minimal("1.2.840.10008.5.1.4.1.1.2", (0x00080070, "LO", b"Quux Imaging Ltd"))
        engine(*label).clean(ds)
        kept.append(bool(ds.get("Manufacturer")))
    assert kept == [False, True]
