"""A person's own rules: what they do, and that mistakes are told with their line."""

from __future__ import annotations

import pytest

from AnonymizerLib.objects.dicom_file import read_dicom
from AnonymizerLib.profile.regions import Box
from AnonymizerLib.profile.rules import parse_rules
from AnonymizerLib.profile.words import may_stay
from fixtures.anonymizer_studies import KEY, ct, engine, file_bytes, profile, put, save
from ThoraxAILib.errors import InputError

RULES = """
keep:
  - InstitutionName
  - "0018,1030"
  - creator: ACME BLOCK
    elements: ["01"]
remove:
  - PatientSex
replace:
  StationName: Scanner A
blank:
  - modality: US
    manufacturer: acme
    rows: 480
    boxes: [[0, 0, 640, 40]]
"""


def test_rules_keep_remove_and_replace():
    ds = ct()
    put(ds, 0x00290010, "LO", b"ACME BLOCK")
    put(ds, 0x00291001, "LO", b"kept")
    put(ds, 0x00291002, "LO", b"gone")
    file = read_dicom(file_bytes(ds))
    engine(rules=parse_rules(RULES)).clean(file.dataset)
    assert file.dataset.InstitutionName == "Mosswood Infirmary"
    assert file.dataset.ProtocolName == "Chest routine"
    assert file.dataset.StationName == "Scanner A"
    assert "PatientSex" not in file.dataset
    assert file.dataset[0x0029, 0x1001].value == "kept"
    assert (0x0029, 0x1002) not in file.dataset


def test_regions_say_which_images_and_which_rectangles():
    (region,) = parse_rules(RULES).regions
    assert region.boxes == (Box(0, 0, 640, 40),)
    assert (region.rows, region.columns, region.texts) == (480, None, {"modality": "US", "manufacturer": "acme"})


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("keep:\n  - PatientNme\n", 2, r"did you mean PatientName\?"),
        ("keep:\n  - PatientSex\nremove:\n  - PatientSex\n", 4, "already has a rule at r.yaml line 2"),
        ("forget:\n  - PatientSex\n", 1, "not a section"),
        ("keep:\n  PatientSex: yes\n", 2, "a list is expected"),
        ("keep:\n  - '0029,1010'\n", 2, "private tag"),
        ("keep:\n  - creator: A\n    elements: [zz]\n", 3, "last two hex digits"),
        ("keep:\n  - block: A\n", 2, "private block is written"),
        ("keep: [PatientSex\n", 2, "not valid YAML"),
        ("blank:\n  - modality: US\n", 2, "boxes are missing"),
        ("blank:\n  - modality: US\n    boxes: [[1, 2, 3]]\n", 3, "a box is"),
        ("blank:\n  - colour: red\n    boxes: [[1, 2, 3, 4]]\n", 2, "not known here"),
        ("replace:\n  PatientSex: [a]\n", 2, "one keyword"),
    ],
)
def test_a_mistake_is_told_with_its_line(text, line, words):
    with pytest.raises(InputError, match=words) as refused:
        parse_rules(text, "r.yaml")
    assert str(refused.value).startswith(f"r.yaml line {line}:")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("keep:\n  - " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("keep: " + "{a: " * 5000, "nested too deeply"),
        ("keep:\n  - Patient\x07Sex\n", "line 2: a control character"),
        ("keep:\n  - PatientSex\n\x00", "line 3: a control"),
        ("keep: &a [*a]\n", "line 1: one keyword"),
        ("keep: [\n", "not valid YAML"),
        ("keep: *nowhere\n", "not valid YAML"),
        ("blank:\n  - rows: \u00b2\n    boxes: [[1, 2, 3, 4]]\n", "line 2: .* is not a whole number"),
        ("blank:\n  - rows: " + "9" * 5000 + "\n    boxes: [[1, 2, 3, 4]]\n", "line 2: .* is not a whole number"),
    ],
)
def test_yaml_made_to_do_harm_is_one_sentence(text, words):
    with pytest.raises(InputError, match=words) as refused:
        parse_rules(text, "r.yaml")
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "text",
    [
        "Rows: x",
        "Rows: '70000'",
        "Rows: '-1'",
        "PixelData: abc",
        "StudyDate: tomorrow",
        "SliceThickness: thick",
        "SeriesNumber: '1.5'",
        "StationName: 'a name of more than 16'",
        "SOPInstanceUID: 1.2.x",
        "PatientAge: old",
        "ReferencedStudySequence: none",
    ],
)
def test_a_value_that_does_not_fit_its_attribute_is_told_with_its_line(text):
    with pytest.raises(InputError, match=r"^r\.yaml line 2: \w+ cannot be replaced: .+\.$"):
        parse_rules(f"replace:\n  {text}\n", "r.yaml")


def test_values_that_fit_are_written_as_their_representation_asks():
    from AnonymizerLib.objects.dicom_file import encode

    rules = parse_rules(
        "replace:\n  SmallestImagePixelValue: '7'\n  SliceThickness: '2.5'\n  ImageType: 'A\\B'\n"
        "  StudyDate: '20200101'\n  LossyImageCompressionRatio: ''\n"
        "  RecommendedDisplayFrameRate: '12'\n  PixelBandwidth: '9'\n"
    )
    ds = ct()
    ds.SmallestImagePixelValue = 1
    ds.PixelBandwidth = 5
    file = read_dicom(file_bytes(ds))
    engine(rules=rules).clean(file.dataset)
    again = read_dicom(b"".join(map(bytes, encode(file, ds.SOPClassUID, ds.SOPInstanceUID)))).dataset
    assert (again.SmallestImagePixelValue, again.SliceThickness, again.StudyDate) == (7, 2.5, "20200101")
    assert list(again.ImageType) == ["A", "B"]


def test_a_value_that_cannot_be_encoded_is_a_fault_of_that_file_and_not_of_the_disk(tmp_path):
    from AnonymizerLib.run.run import RunOptions, run
    from AnonymizerLib.run.worker import WorkerSettings

    ds = ct()
    save(ds, tmp_path / "in" / "good.dcm")
    ds = ct(2)
    ds.add_new(0x00280106, "OB", b"12")  # the file says another representation than the dictionary
    save(ds, tmp_path / "in" / "odd.dcm")
    rules = parse_rules("replace:\n  SmallestImagePixelValue: '7'\n")
    result = run(RunOptions(WorkerSettings(tmp_path / "in", tmp_path / "out", profile(rules=rules), KEY)))
    assert result.counts["clean"] >= 1
    assert sum(result.counts.values()) == 2


@pytest.mark.parametrize(
    "text",
    ["CT CHEST W IV CONTRAST", "LUNG 3.0 B70f", "Thorax 1.25mm 512x512", "T2 tse tra", "", "AX 3D/MIP 10mm (lung)"],
)
def test_descriptions_of_listed_words_may_stay(text):
    assert may_stay(text)


@pytest.mark.parametrize(
    "text", ["CHEST Smith", "MRN 4711", "chest 20240229", "Dr. Brown", "seen in München", "Call 5551234"]
)
def test_descriptions_with_anything_else_go(text):
    assert not may_stay(text)
