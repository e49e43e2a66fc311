"""No table of the suite holds a cell that a spreadsheet would run, and reading it back gives the text again."""

from __future__ import annotations

import ast
import csv
import io
from pathlib import Path

import pytest

from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter, plain_cell, safe_cell


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\uff1dHYPERLINK(1)",
        "'=1",
        "-",
        "+49 30 1234",
    ],
)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe_and_comes_back(text):
    assert safe_cell(text) == f"'{text}"
    assert plain_cell(safe_cell(text)) == text


@pytest.mark.parametrize(
    "text", ["", "-12.5", "+3", "-1e-05", "1.2.3", "P-ABC", "it's", "'quoted'", "a=b", ".5", "-.5"]
)
def test_numbers_and_other_text_stay_as_they_are(text):
    assert safe_cell(text) == text
    assert plain_cell(text) == text


@pytest.mark.parametrize("value", [-3, -2.5, None, True])
def test_values_that_are_no_text_stay_as_they_are(value):
    assert safe_cell(value) is value


def test_a_written_table_is_safe_in_every_cell():
    text = io.StringIO()
    writer = SafeWriter(text)
    writer.writerow(("=a", "b"))
    writer.writerows([("c", "@d"), ("-5", -5)])
    assert list(csv.reader(io.StringIO(text.getvalue()))) == [["'=a", "b"], ["c", "'@d"], ["-5", "-5"]]


def test_every_table_of_the_suite_is_written_by_the_safe_writer():
    root = Path(__file__).resolve().parents[3]
    shipped = [
        path
        for name in ("ThoraxAILib", "LungNoduleAI", "CardiacBiomech", "Anonymizer")
        for path in (root / name).rglob("*.py")
    ]
    assert len(shipped) > 100
    direct = [
        path.name
        for path in shipped
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in ("writer", "DictWriter")
        and isinstance(node.value, ast.Name)
        and node.value.id == "csv"
    ]
    assert direct == ["csv_safety.py"]
