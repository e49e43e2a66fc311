"""Every field of every options class survives the command line, JSON and the parameter node; none is forgotten."""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path

import pytest

from fixtures.option_values import (
    Node,
    changed_fields,
    dataclasses_in,
    examples,
    is_options,
)
from ThoraxAILib.options import Options
from ThoraxAILib.options.declare import OptionField, option_fields
from ThoraxAILib.scene import host

REPOSITORY = Path(__file__).resolve().parents[3]
FOUND = [(module, node.name) for module, node in dataclasses_in(REPOSITORY) if is_options(node)]
NAME_ENDINGS = ("Options", "Request", "Settings", "Preset")
NOT_OPTIONS = {
    "CaseRequest": "one case of a batch: AnalyzeRequest is its options",
    "RunOptions": "holds the opened key: AnonymizeOptions is its options",
    "WorkerSettings": "holds the opened key: AnonymizeOptions is its options",
}


@pytest.fixture(params=FOUND, ids=[name for _module, name in FOUND])
def cls(request: pytest.FixtureRequest) -> type[Options]:
    """An options class of the packages."""
    module, name = request.param
    if ".logic." in module:
        if not host.is_available():
            pytest.skip("slicer-core is not installed")
        host.install()
    if ".training." in module or ".networks." in module or name.startswith(("Heatmap", "Siamese")):
        pytest.importorskip("torch")
    return getattr(importlib.import_module(module), name)


def test_there_are_as_many_classes_as_one_expects():
    assert len(FOUND) >= 25
    assert {"AnalysisOptions", "FollowUpRequest", "AnonymizeRequest", "TrackRequest"} <= {name for _, name in FOUND}


def test_a_class_named_like_options_is_one():
    others = {node.name for _module, node in dataclasses_in(REPOSITORY) if not is_options(node)}
    assert {name for name in others if name.endswith(NAME_ENDINGS)} == set(NOT_OPTIONS)


def test_the_examples_change_every_field(cls):
    assert changed_fields(cls, examples(cls)) == {field.name for field in option_fields(cls)}


def test_the_command_line_asks_for_the_same(cls):
    for options in examples(cls):
        assert cls.parse(options.to_argv()) == options
        assert cls.parse(options.to_argv(every=True)) == options


def test_json_tells_the_same(cls):
    for options in examples(cls):
        assert cls.from_dict(json.loads(json.dumps(options.to_dict()))) == options


def test_a_parameter_node_keeps_the_same(cls):
    for options in examples(cls):
        node = Node()
        options.to_node(node, "some.")
        assert cls.from_node(node, "some.") == options


def test_options_of_a_command_are_explained(cls):
    """The help of a command says something about every option; classes that no command offers need none."""
    if not cls.__name__.endswith("Request"):
        return
    assert [name for name, field in _flattened(cls) if not (field.declared.help or field.declared.positional)] == []


def _flattened(cls: type, path: str = "") -> list[tuple[str, OptionField]]:
    found = []
    for field in option_fields(cls):
        name = f"{path}{field.name}"
        found += _flattened(field.nested, f"{name}.") if field.nested else [(name, field)]
    return found


def test_the_help_can_be_written(cls):
    parser = argparse.ArgumentParser()
    cls.add_arguments(parser)
    text = parser.format_help()
    assert all(field.flag in text for _name, field in _flattened(cls) if not field.declared.positional)
