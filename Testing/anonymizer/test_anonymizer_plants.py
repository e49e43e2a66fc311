"""Planted identifiers of every kind: none survives, in any profile, and the check finds those of an older version."""

from __future__ import annotations

from collections import Counter

import pytest

from AnonymizerLib.deidentify.instance import InstanceCleaner, Refused
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.pixels.clean import PixelPolicy
from AnonymizerLib.profile.presets import PRESETS, profile_named
from AnonymizerLib.run.audit import audit
from AnonymizerLib.run.run import RunOptions, run
from AnonymizerLib.run.worker import WorkerSettings
from fixtures.anonymizer_plant import Plant
from fixtures.anonymizer_plants import plants
from fixtures.anonymizer_studies import KEY, ct, file_bytes, put, raw_dataset
from ThoraxAILib.errors import InputError

PLANTS = list(plants())
KINDS = sorted({plant.kind for plant in PLANTS})


def output_of(plant: Plant, name: str) -> bytes:
    """The output of one plant; empty when it waits for a person."""
    cleaner = InstanceCleaner(profile_named(name), Identities(KEY), PixelPolicy(use_ocr=False, accept_doubtful=True))
    try:
        instance = cleaner.clean(plant.data)
    except (Refused, InputError):
        return b""
    head, pixels = instance.encoded()
    for leak in cleaner.check(head + bytes(pixels), instance):
        instance = cleaner.scrub(instance, [leak])
    head, pixels = instance.encoded()
    return head + bytes(pixels) if not cleaner.check(head + bytes(pixels), instance) else b""


def test_there_are_more_than_300_plants_and_each_is_visible_before():
    assert len(PLANTS) > 300
    assert min(Counter(plant.kind for plant in PLANTS).values()) >= 4
    assert [plant.place for plant in PLANTS if not plant.leaks_in(plant.data)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_plant_of_a_kind_survives_research(kind):
    """Research keeps most text of all profiles."""
    assert [
        plant.place for plant in PLANTS if plant.kind == kind and plant.leaks_in(output_of(plant, "research"))
    ] == []


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "research"])
def test_no_plant_survives_any_profile(name):
    assert [
        plant.place for plant in PLANTS if name not in plant.kept_by and plant.leaks_in(output_of(plant, name))
    ] == []


def test_most_files_come_out_so_that_the_zero_is_not_silence():
    written = sum(bool(output_of(plant, "basic")) for plant in PLANTS[::10])
    assert written >= len(PLANTS[::10]) - 2


LEFT_BY_OLDER_VERSIONS = [
    (0x0008103E, "LO", b"CHEST 11/06/44"),
    (0x0008103E, "LO", b"CHEST 13/07/19"),
    (0x0008103E, "LO", b"CHEST MAX BLACK"),
    (0x0008103E, "LO", b"CHEST 482 913 075"),
    (0x0008103E, "LO", b"CHEST 713"),
    (0x00100033, "LO", b"1363/06/20 H"),
    (0x00180015, "CS", b"OYELARAN"),
    (0x00080070, "LO", b"Oyelaran"),
    (0x0008002A, "DT", b"20190713101112 QUIGGLE"),
    (0x00080032, "TM", b"10 QUIGGLE"),
    (0x00101010, "AS", b"097Y"),
    (0x00082218, "SQ", [raw_dataset((0x00080100, "SH", b"L1"), (0x00080102, "SH", b"99STMARY"))]),
    (0x00082218, "SQ", [raw_dataset((0x00080102, "SH", b"SCT"), (0x00080104, "LO", b"Lung of Mrs Oyelaran"))]),
    (0x00510010, "LO", b"SIEMENS MR HEADER"),
]


@pytest.mark.parametrize(("tag", "vr", "value"), LEFT_BY_OLDER_VERSIONS)
def test_the_check_names_what_an_older_version_left(tmp_path, tag, vr, value):
    ds = ct(name="Black^Max", patient="713")
    ds.PatientBirthDate, ds.StudyDate, ds.OtherPatientIDs = "19440611", "20190713", "482913075"
    instance = InstanceCleaner(profile_named("research"), Identities(KEY)).clean(file_bytes(ds))
    put(instance.file.dataset, tag, vr, value)
    if tag == 0x00510010:
        put(instance.file.dataset, 0x0051100F, "LO", b"Oyelaran coil")
    head, pixels = instance.encoded()
    for folder, data in (("in", file_bytes(ds)), ("out", head + bytes(pixels))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.dcm").write_bytes(data)
    result = audit(tmp_path / "out", tmp_path / "in", profile_named("research"))
    place = f"{tag >> 16:04X}," if tag != 0x0008103E else "0008,103E"
    assert len(result.problems) == 1
    assert f" {place}" in result.problems[0]
    assert result.searched["names"] >= 3
    assert result.bytes_searched == len(head) + len(pixels)


@pytest.mark.parametrize("name", list(PRESETS))
def test_the_check_has_nothing_to_say_about_an_output_of_today(tmp_path, name):
    (tmp_path / "in").mkdir()
    for number, plant in enumerate(PLANTS[::9]):
        (tmp_path / "in" / f"{number:03d}.dcm").write_bytes(plant.data)
    result = run(RunOptions(WorkerSettings(tmp_path / "in", tmp_path / "out", profile_named(name), KEY)))
    journal = result.private / "journal.jsonl"
    assert audit(tmp_path / "out", tmp_path / "in", profile_named(name), journal=journal).problems == []
