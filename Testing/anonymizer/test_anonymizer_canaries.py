"""Nothing leaks: a study with an identifier at every place where one can hide comes out without any."""

from __future__ import annotations

import pytest

from AnonymizerLib.profile.presets import PRESETS, profile_named
from AnonymizerLib.run.run import RunOptions, run
from AnonymizerLib.run.worker import WorkerSettings
from fixtures.anonymizer_canaries import leaks, write_canary_study
from fixtures.anonymizer_studies import KEY, profile

# The longitudinal preset retains the device by its option: PS3.15 E.3.9 keeps these.
DEVICE_KEPT = {"longitudinal": ["Station", "Device Serial Number", "Device UID"]}


@pytest.mark.parametrize("name", list(PRESETS))
def test_no_canary_survives_any_preset(tmp_path, name):
    canaries = write_canary_study(tmp_path / "in")
    result = run(RunOptions(WorkerSettings(tmp_path / "in", tmp_path / "out", profile_named(name), KEY)))
    assert len(canaries) > 100
    assert leaks(tmp_path / "in", canaries) == [canary.place for canary in canaries]
    assert leaks(tmp_path / "out", canaries) == DEVICE_KEPT.get(name, [])
    assert result.counts == {"clean": 2, "quarantined": 1}


@pytest.mark.parametrize(
    "label",
    ["clean-graphics", "retain-safe-private", "clean-structured-content", "clean-descriptors", "modified-dates"],
)
def test_cleaning_options_clean(tmp_path, label):
    canaries = write_canary_study(tmp_path / "in")
    run(RunOptions(WorkerSettings(tmp_path / "in", tmp_path / "out", profile(label), KEY)))
    assert leaks(tmp_path / "out", canaries) == []


def test_the_document_waits_for_a_person_and_only_the_private_list_says_which(tmp_path):
    write_canary_study(tmp_path / "in")
    result = run(RunOptions(WorkerSettings(tmp_path / "in", tmp_path / "out", profile(), KEY)))
    assert "Qzx902vulp.dcm" in (result.private / "quarantine.csv").read_text(encoding="utf-8")
    assert "encapsulated document" in result.report.read_text(encoding="utf-8")
    assert "vulp" not in result.report.read_text(encoding="utf-8").lower()
