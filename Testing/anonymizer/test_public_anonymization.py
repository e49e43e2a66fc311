"""``thoraxai.anonymize``: counts at hand, the results of the command, and keys as safe as there."""

from __future__ import annotations

import json

import pytest
from pydicom import dcmread

import thoraxai
from AnonymizerLib.identity.key_store import PASSWORD_VARIABLE
from fixtures.anonymizer_studies import ct, save
from fixtures.formats import check_format

PASSWORD = "correct horse"


@pytest.fixture
def study(tmp_path):
    """A folder ``in`` of two CT slices, one that shows text, and a text file."""
    for number in (1, 2):
        save(ct(number), tmp_path / "in" / f"{number}.dcm")
    doubtful = ct(3)
    doubtful.BurnedInAnnotation = "YES"
    save(doubtful, tmp_path / "in" / "3.dcm")
    (tmp_path / "in" / "notes.txt").write_text("no DICOM")
    return tmp_path


def test_counts_reasons_and_report_are_at_hand(study):
    done = thoraxai.anonymize(study / "in", study / "out")
    assert done.counts == {"clean": 2, "quarantined": 1, "skipped": 1}
    assert any("burned-in annotation" in reason for reason in done.reasons)
    assert done.report.is_file()
    assert done.report.parent.parent == study / "out"
    assert (done.private / "quarantine.csv").is_file()
    assert "anonymous" in done.promise
    check_format(done.report.parent / "summary.json", "anonymization")
    lines = (done.report.parent / "manifest.jsonl").read_text().splitlines()
    assert len(lines) == 2
    for line in lines:
        check_format(json.loads(line), "anonymization-manifest")
    assert repr(done) == "<De-identification into out: 2 clean, 1 quarantined, 1 skipped>"


def test_options_are_those_of_the_command(study):
    done = thoraxai.anonymize(str(study / "in"), str(study / "out"), profile="teaching", accept_pixels=True, prefix="X")
    assert done.counts["clean"] == 3
    summary = json.loads((done.report.parent / "summary.json").read_text())
    assert (summary["profile"], "clean-pixels" in summary["options"]) == ("teaching", True)
    assert all(dcmread(path).PatientID.startswith("X") for path in (study / "out").rglob("*.dcm"))


def test_a_key_links_two_runs_and_needs_its_password(study, monkeypatch):
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    key = study / "keys" / "project.key"
    uids = []
    for name in ("a", "b"):
        thoraxai.anonymize(study / "in", study / name, key=key, password=PASSWORD)
        uids.append(sorted(dcmread(path).SOPInstanceUID for path in (study / name).rglob("*.dcm")))
    assert uids[0] == uids[1]
    with pytest.raises(thoraxai.InputError, match="needs its password"):
        thoraxai.anonymize(study / "in", study / "c", key=key)
    with pytest.raises(thoraxai.InputError, match="must not lie in the output"):
        thoraxai.anonymize(study / "in", study / "d", key=study / "d" / "project.key", password=PASSWORD)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"profil": "basic"}, "perhaps profile is meant"),
        ({"profile": "secret"}, "no profile 'secret'"),
        ({"options": "retain-device"}, "a list of names"),
        ({"options": ("retain-all",)}, "no option 'retain-all'"),
        ({"jobs": 0}, "at least 1"),
    ],
)
def test_wrong_options_are_told_and_write_nothing(study, changes, words):
    with pytest.raises(thoraxai.InputError, match=words):
        thoraxai.anonymize(study / "in", study / "out", **changes)
    assert not (study / "out").exists()
