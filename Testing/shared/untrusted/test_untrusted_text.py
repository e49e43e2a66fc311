"""XML, JSON and YAML of unknown origin: no other files, no repetition without end, one sentence for what is wrong."""

from __future__ import annotations

import json
import tracemalloc
from xml.etree import ElementTree

import pytest

from AnonymizerLib.identity.key_store import load_key, save_key
from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.profile.rules import read_rules
from LungNoduleAILib.datasets.lidc_xml import read_lidc_xml
from LungNoduleAILib.datasets.msd import MsdData
from LungNoduleAILib.evaluation.findings_marks import read_findings
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.run_record import RUN_FILE, has_result_of
from ThoraxAILib.untrusted import plain_xml
from ThoraxAILib.untrusted.plain_json import read_plain_json
from ThoraxAILib.untrusted.plain_xml import parse_plain_xml

NESTED_JSON = "[" * 100_000
LIDC = (
    '<LidcReadMessage xmlns="http://www.nih.gov"><ResponseHeader><SeriesInstanceUid>{}</SeriesInstanceUid>'
    "</ResponseHeader></LidcReadMessage>"
)
BOMB = (
    "<!DOCTYPE x ["
    + '<!ENTITY e0 "aaaaaaaaaa">'
    + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)


def test_xml_is_read_as_the_standard_library_reads_it():
    text = '<a xmlns="u" x="1"><b y="&amp;">c<d/>e</b>\u00e4</a>'.encode()
    for encoded in (text, '<?xml version="1.0" encoding="ISO-8859-1"?><a>\u00e4</a>'.encode("latin-1")):
        ours, theirs = parse_plain_xml(encoded, "x.xml"), ElementTree.fromstring(encoded)
        assert ElementTree.tostring(ours) == ElementTree.tostring(theirs)


@pytest.mark.parametrize(
    "text",
    [
        BOMB + LIDC.format("&e9;"),
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + LIDC.format("&a;"),
        '<!DOCTYPE x SYSTEM "file:///etc/passwd">' + LIDC.format("1.2"),
    ],
    ids=["bomb", "file", "external"],
)
def test_an_lidc_file_with_a_document_type_is_refused_at_once(tmp_path, text):
    (tmp_path / "a.xml").write_text(text)
    tracemalloc.start()
    with pytest.raises(InputError, match="DOCTYPE"):
        read_lidc_xml(tmp_path / "a.xml")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_an_lidc_file_without_it_is_read(tmp_path):
    (tmp_path / "a.xml").write_text(LIDC.format("1.2.3"))
    assert read_lidc_xml(tmp_path / "a.xml").series_uid == "1.2.3"


def test_xml_is_bounded_in_depth_elements_and_size(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="100 levels"):
        parse_plain_xml(b"<a>" * 200_000, "x.xml")
    monkeypatch.setattr(plain_xml, "MAX_ELEMENTS", 50)
    with pytest.raises(InputError, match="50 elements"):
        parse_plain_xml(b"<a>" + b"<b/>" * 60 + b"</a>", "x.xml")
    monkeypatch.setattr(plain_xml, "MAX_BYTES", 1 << 20)
    (tmp_path / "a.xml").write_bytes(LIDC.format("1.2").encode() + b" " * (2 << 20))
    with pytest.raises(InputError, match="more than 1 MiB"):
        read_lidc_xml(tmp_path / "a.xml")


def test_json_is_bounded_in_nesting_and_size(tmp_path):
    (tmp_path / "a.json").write_text(NESTED_JSON)
    with pytest.raises(ValueError, match="nested"):
        read_plain_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert read_plain_json(tmp_path / "a.json") == {"a": 1}
    with pytest.raises(ValueError, match="larger than 4"):
        read_plain_json(tmp_path / "a.json", largest_bytes=4)


def test_nested_json_is_one_sentence_wherever_a_person_gives_json(tmp_path):
    (tmp_path / "dataset.json").write_text(NESTED_JSON)
    (tmp_path / "imagesTr").mkdir()
    with pytest.raises(InputError, match="cannot be read as JSON"):
        MsdData(tmp_path)
    with pytest.raises(InputError, match="damaged or of another version"):
        read_findings(tmp_path / "dataset.json")
    with pytest.raises(InputError, match="not a project key"):
        load_key(tmp_path / "dataset.json", "password")
    (tmp_path / RUN_FILE).write_text(NESTED_JSON)
    assert has_result_of(tmp_path, None) is False


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("keep:\n- " + "[" * 5000, "nested too deeply"),
        ("keep:\n- 0010,0010\n- \x07", "line 3: a control character"),
        ("# " + "x" * (1 << 20), "larger than 1 MiB"),
    ],
    ids=["nested", "control character", "large"],
)
def test_rules_that_are_no_rules_are_one_sentence(tmp_path, text, words):
    (tmp_path / "rules.yaml").write_text(text)
    with pytest.raises(InputError, match=words) as told:
        read_rules(tmp_path / "rules.yaml")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["../a.nrrd", "/etc/a.nrrd", "imagesTr/../../a.nrrd", "..\\a.nrrd", "C:/a.nrrd"])
def test_a_training_data_set_names_only_files_of_its_own_folder(tmp_path, name):
    (tmp_path / "imagesTr").mkdir()
    for entry in ({"image": name, "label": "labelsTr/a.nrrd"}, {"image": "imagesTr/a.nrrd", "label": name}):
        content = {"labels": {"background": 0, "nodule": 1}, "training": [entry]}
        (tmp_path / "dataset.json").write_text(json.dumps(content))
        with pytest.raises(InputError, match="outside its own folder"):
            MsdData(tmp_path)


def test_a_key_with_a_nonce_of_another_length_is_one_sentence(tmp_path):
    save_key(ProjectKey.new(), tmp_path / "key", "long password")
    header = json.loads((tmp_path / "key").read_text())
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "key").write_text(json.dumps({**header, "nonce": "AAAA"}))
    with pytest.raises(InputError, match="is damaged"):
        load_key(tmp_path / "key", "long password")
