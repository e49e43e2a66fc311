"""Every field of every JSON file is documented with its unit, and no schema tells of a field that does not exist."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator

import jsonschema
import pytest
import update_format_page

from AnonymizerLib.run.linkage import Linkage
from CardiacBiomechLib.analysis.track import FUSIONS, TrackOptions
from CardiacBiomechLib.motion.cine_motion import PATHS
from CardiacBiomechLib.motion.engines import EngineOptions
from fixtures.formats import check_format, definition, schemas
from fixtures.synthetic_chest import GEOMETRIES, chest_volume, nodule
from LungNoduleAILib.followup.difference.blobs import DifferenceBlob
from LungNoduleAILib.followup.registration.quality import LungQuality, RegionQuality
from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.guidelines.terms.vocabulary import EXAMS
from LungNoduleAILib.model import findings as model
from LungNoduleAILib.model import growth, pairs
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.links import LinkDecision
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.model.registration_options import LungRegistrationOptions
from LungNoduleAILib.parenchyma.pattern_map import CLASSES
from ThoraxAILib.jobs.run_record import RunInput, RunModel, RunRecord
from ThoraxAILib.networks.device import DEVICES
from ThoraxAILib.registration.options import Level
from ThoraxAILib.registration.quality import FieldQuality

# class: (where its fields are documented, fields that are not written, fields that are written beside its own)
DATACLASSES = {
    model.Finding: ("findings/finding", {"mask"}, set()),
    model.Removed: ("findings/removed", set(), set()),
    model.QualityNote: ("findings/quality", set(), set()),
    model.Lungs: ("findings/lungs", set(), set()),
    model.Findings: ("findings", set(), {"schema"}),
    growth.Growth: ("pairs/growth", set(), set()),
    pairs.Pair: ("pairs/pair", set(), {"volume_change_percent", "vdt_days", "growth_details"}),
    pairs.ScanEntry: ("pairs/scan", set(), set()),
    pairs.Interval: ("pairs/interval", set(), set()),
    pairs.Track: ("pairs/track", set(), set()),
    LinkDecision: ("run/link", set(), set()),
    DifferenceBlob: ("registration/change", set(), set()),
    LungQuality: ("registration/quality", set(), set()),
    RegionQuality: ("registration/region", set(), set()),
    Level: ("registration/level", set(), set()),
    LungRegistrationOptions: ("registration/options", set(), {"anatomy", "device"}),
    AnalysisOptions: ("run/analysis_options", set(), set()),
    FollowUpOptions: ("run/follow_up_run", set(), {"scene", "reviewed_scans"}),
    RunInput: ("run/input", set(), set()),
    RunModel: ("run/model", set(), set()),
    RunRecord: ("run", {"device_reason", "rules"}, {"schema", "software", "platform", "notice"}),
    FieldQuality: ("cardiac-track/quality", set(), set()),
    Linkage: ("anonymization/linkage", {"diversity", "rare_descriptions", "suggestions"}, set()),
}


def names_of(one: type) -> set[str]:
    return {field.name for field in dataclasses.fields(one)}


@pytest.mark.parametrize("one", DATACLASSES, ids=lambda one: one.__name__)
def test_the_fields_of_a_class_are_those_of_its_schema(one):
    reference, unwritten, added = DATACLASSES[one]
    assert unwritten <= names_of(one)
    assert set(definition(reference)["properties"]) == names_of(one) - unwritten | added


def test_options_of_an_analysis_run_are_those_of_analysis_person_and_scene():
    written = names_of(AnalysisOptions) | names_of(PersonAndExam)
    written |= {"scene", "dicom", "label_map", "calibration_sha256"}
    assert set(definition("run/analyze_run")["properties"]) == written


def test_options_of_a_tracked_cine_are_those_of_track_and_engine():
    written = names_of(TrackOptions) | names_of(EngineOptions)
    assert set(definition("cardiac-track/options")["properties"]) == written


@pytest.mark.parametrize(
    ("reference", "field", "values"),
    [
        ("findings/finding", "type", model.NODULE_TYPES),
        ("findings/finding", "status", model.STATUSES),
        ("findings/finding", "lobe", (*model.LOBES, None)),
        ("pairs/pair", "status", pairs.STATUSES),
        ("pairs/growth", "growth", (growth.GROWING, growth.STABLE, growth.INDETERMINATE, growth.SHRINKING)),
        ("run/analysis_options", "device", DEVICES),
        ("run/analyze_run", "exam", EXAMS),
    ],
)
def test_words_that_can_occur_are_those_of_the_code(reference, field, values):
    assert sorted(definition(reference)["properties"][field]["enum"], key=str) == sorted(values, key=str)


def test_paths_fusions_and_patterns_are_those_of_the_code():
    assert set(definition("cardiac-track")["properties"]["paths"]["items"]["enum"]) == set(PATHS)
    assert set(PATHS) < set(FUSIONS)
    assert set(definition("patterns")["properties"]["values"]["properties"]) == set(CLASSES)


def objects(schema: dict) -> Iterator[dict]:
    """Every object with named fields inside a schema."""
    if "properties" in schema and schema.get("type") == "object":
        yield schema
    for key in ("properties", "$defs"):
        for inner in schema.get(key, {}).values():
            yield from objects(inner)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from objects(schema[key])


def numbers(schema: dict) -> Iterator[dict]:
    """The property itself and what it holds, where these are numbers."""
    kinds = schema.get("type", ())
    if {"number", "integer"} & set([kinds] if isinstance(kinds, str) else kinds):
        yield schema
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from numbers(schema[key])


@pytest.mark.parametrize("name", schemas())
def test_every_field_has_a_meaning_every_number_a_unit_and_nothing_else_may_occur(name):
    schema = schemas()[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith(f"/docs/formats/{name}.schema.json")
    for one in objects(schema):
        assert one["additionalProperties"] is False
        assert set(one["required"]) <= set(one["properties"])
        for field, entry in one["properties"].items():
            assert entry["description"].endswith("."), field
            within = [found for found in numbers(entry) if "unit" not in found and "unit" not in entry]
            assert within == [], field


def test_every_definition_is_used():
    text = "".join(str(schema) for schema in schemas().values())
    for name, schema in schemas().items():
        for part in schema.get("$defs", {}):
            assert f"#/$defs/{part}'" in text, f"{name}/{part}"


def test_the_page_is_made_from_the_schemas():
    advice = "run python Testing/packaging/update_format_page.py"
    assert update_format_page.PAGE.read_text(encoding="utf-8") == update_format_page.page(), advice


@pytest.fixture
def findings() -> dict:
    """The content of findings.json with every field that can occur."""
    quality = model.QualityNote("large_opacity", "A large opacity.", "warning", (1.0, 2.0, 3.0), (40.0, 40.0, 30.0))
    found = nodule(chest_volume(GEOMETRIES["axial"]), 1, (15, 8, 5), lobe=None, notes=("A remark.",))
    removed = model.Removed((1.0, 2.0, 3.0), 5.0, 0.1, "vessel")
    return model.Findings("1.2", model.Lungs(1.0, 2.0, (quality,)), (found,), (removed,), ("A note.",)).to_dict()


def test_findings_with_every_field_are_valid(findings):
    check_format(findings, "findings")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("findings", 0, "lobe"), "XYZ", "lobe"),
        (("findings", 0, "confidence"), 1.5, "maximum"),
        (("findings", 0, "center_ras_mm"), [1.0, 2.0], "center_ras_mm"),
        (("findings", 0, "diameter"), 3.0, "diameter"),
        (("lungs", "left_ml"), "1", "left_ml"),
        (("schema",), "thoraxai.findings/2", "schema"),
    ],
)
def test_a_wrong_value_and_an_unknown_field_are_found(findings, path, value, words):
    changed = copy.deepcopy(findings)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(AssertionError, match=words):
        check_format(changed, "findings")
