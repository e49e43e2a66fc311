"""Options: what a declaration means on the command line, in JSON and in a parameter node, and how mistakes are told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from fixtures.option_values import Node
from ThoraxAILib.options import Options, option
from ThoraxAILib.options.declare import option_fields


@dataclass(frozen=True)
class Spot(Options):
    name: str = option()
    sizes_mm: tuple[float, ...] = option((), unit="mm", more_than=0)
    weight: float | None = option(None)


@dataclass(frozen=True)
class Inner(Options):
    kind: str = option("round", choices=("round", "flat", "long"))
    sure: bool | None = option(None, "whether it is sure")


@dataclass(frozen=True)
class Scan(Options):
    source: Path = option(positional=True)
    output: Path = option()
    width_mm: float = option(5.0, "how far", unit="mm", at_least=0, at_most=50, advice="choose e.g. 5")
    count: int = option(2, at_least=1, label="number of looks")
    quick: bool = option(False)
    smooth: bool = option(True)
    kept: bool = option(True, flag="--keep", words=("all", "none"))
    day: date | None = option(None)
    spots: tuple[Spot, ...] = option((), flag="--spot")
    inner: Inner = option(factory=Inner)


GIVEN = ["ct", "--output", "out"]


def test_only_what_differs_from_the_defaults_is_asked_for():
    scan = Scan(Path("ct"), Path("out"), 7.5, quick=True, smooth=False, kept=False, inner=Inner("flat", False))
    changes = ["--width-mm", "7.5", "--quick", "--no-smooth", "--keep", "none", "--kind", "flat", "--sure", "no"]
    assert scan.to_argv() == GIVEN + changes
    assert Scan(Path("ct"), Path("out")).to_argv() == GIVEN


def test_records_are_one_word_each():
    scan = Scan.parse([*GIVEN, "--spot", "a,1.5/2", '"b, c",,0.5', "--spot", "d"])
    assert scan.spots == (Spot("a", (1.5, 2.0)), Spot("b, c", (), 0.5), Spot("d"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--width-mm", "51"], "The width must lie between 0 and 50 mm, 51 was given: choose e.g. 5."),
        (["--width-mm", "nan"], "The width must be a number, 'nan' was given: choose e.g. 5."),
        (["--width-mm", "inf"], "The width must be a number, 'inf' was given: choose e.g. 5."),
        (["--count", "0"], "The number of looks must be at least 1, 0 was given."),
        (["--count", "1.5"], "The number of looks must be a whole number, '1.5' was given."),
        (["--kind", "square"], "The kind 'square' is not known: use round, flat or long."),
        (["--keep", "some"], "The kept must be all or none, 'some' was given."),
        (["--sure", "maybe"], "The sure must be yes or no, 'maybe' was given."),
        (["--day", "2023-02-29"], "The day must be a date as YYYY-MM-DD, '2023-02-29' was given."),
        (["--spot", "a,wide"], "The spots must be name,sizes_mm,weight with commas between them, 'a,wide' was given."),
        (["--spot", "a,-1"], "The sizes must be more than 0 mm, -1 was given."),
        (["--spot", "a,1,2,3"], "The spots must be name,sizes_mm,weight with commas between them"),
    ],
)
def test_an_impossible_value_is_told_in_one_sentence(words, sentence, refused):
    with refused(sentence.replace("(", r"\(")):
        Scan.parse([*GIVEN, *words])


def test_the_same_sentence_comes_from_json_and_from_python(refused):
    for make in (
        lambda: Scan(Path("ct"), Path("out"), 51.0),
        lambda: Scan.from_dict({"source": "ct", "output": "out", "width_mm": 51}),
    ):
        with refused("The width must lie between 0 and 50 mm, 51 was given"):
            make()


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ({"source": "ct", "output": "out", "widht_mm": 3}, "'widht_mm' is not known: use source, output, width_mm"),
        ({"source": "ct"}, "The output is missing"),
        ({"source": "ct", "output": "out", "count": True}, "whole number, True was given"),
        ({"source": "ct", "output": "out", "count": None}, "whole number, nothing was given"),
        ({"source": "ct", "output": "out", "quick": "yes"}, "The quick must be yes or no, 'yes' was given"),
        ({"source": "ct", "output": "out", "spots": "a"}, "must be a list"),
        ({"source": "ct", "output": "out", "inner": []}, "must be one object"),
        ({"source": "ct", "output": "out", "inner": {"kind": 3}}, "The kind 3 is not known"),
        ([], "must be one object"),
    ],
)
def test_json_that_says_something_else_is_refused(plain, words, refused):
    with refused(words):
        Scan.from_dict(plain)


def test_what_a_node_holds_and_cannot_be_read_counts_as_absent():
    node = Node()
    Scan(Path("ct"), Path("out"), 7.0, 3, True, day=date(2024, 5, 1), inner=Inner("long", True)).to_node(node)
    assert node.texts["inner.kind"] == "long"
    node.texts |= {"width_mm": "wide", "count": "-1", "inner.kind": "square", "spots": "[{"}
    assert Scan.from_node(node) == Scan(
        Path("ct"), Path("out"), quick=True, day=date(2024, 5, 1), inner=Inner(sure=True)
    )


def test_an_empty_node_gives_the_defaults_and_names_what_has_none(refused):
    assert Inner.from_node(Node()) == Inner()
    with refused("The source is missing: choose it in the panel"):
        Scan.from_node(Node())


def test_a_real_parameter_node_keeps_options(slicer):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    options = Scan(Path("a b"), Path("out"), 0.1, 3, True, False, False, date(2024, 2, 29), (Spot("é,", (1.0,)),))
    options.to_node(node)
    assert Scan.from_node(node) == options


def test_a_type_that_no_option_can_have_is_a_mistake_of_the_programmer():
    @dataclass(frozen=True)
    class Wrong(Options):
        table: dict = option(factory=dict)

    with pytest.raises(TypeError, match=r"Wrong\.table"):
        option_fields(Wrong)
