"""The frame of all reports: what stands in it is text, tables and figures, whatever the text says."""

from __future__ import annotations

import numpy as np
import pytest
from jinja2 import UndefinedError

from fixtures.html_pages import ATTACK, check_page
from ThoraxAILib.report.page import Figure, Table, number, position, render_page
from ThoraxAILib.report.slices import Picture

TEMPLATE = """{% extends "page.html" %}{% import "parts.html" as parts %}{% block content %}
{% call parts.section(name) %}{{ parts.table(rows) }}{{ parts.bullets([name], name) }}{{ parts.quiet(name) }}
{{ parts.figure(figure) }}{% endcall %}{% endblock %}"""


@pytest.fixture
def template(tmp_path):
    """A report that uses every part."""
    path = tmp_path / "report.html"
    path.write_text(TEMPLATE, encoding="utf-8")
    return path


@pytest.fixture
def figure():
    """A small gray picture."""
    return Figure.of(Picture(np.full((4, 6, 3), 90, np.uint8), np.zeros((3, 4)), 1.0), "Caption " + ATTACK)


def test_every_text_is_escaped_wherever_it_stands(template, figure):
    rows = Table.of([("Title " + ATTACK, False)], [["Cell " + ATTACK]])
    text = render_page(template, "Case " + ATTACK, name="Name " + ATTACK, rows=rows, figure=figure)
    page = check_page(text)
    assert "<script" not in text
    assert page.text.count(ATTACK) == 8  # title, heading, section, column, cell, item, note, caption


def test_a_figure_has_its_size_and_its_picture_in_the_page(figure):
    assert (figure.width, figure.height) == (6, 4)
    assert figure.source.startswith("data:image/jpeg;base64,/9j/")


def test_columns_of_numbers_stand_to_the_right_and_a_table_without_titles_has_no_head(template, figure):
    rows = Table.of([("", False), ("", True)], [["a", "1"]])
    text = render_page(template, "Case", name="x", rows=rows, figure=figure)
    assert '<td>a</td><td class="n">1</td>' in text
    assert "<thead>" not in text


def test_a_row_that_does_not_fit_its_columns_is_refused():
    with pytest.raises(ValueError, match="2 cells does not fit 1 columns"):
        Table.of([("A", False)], [["1", "2"]])


def test_a_template_that_names_what_is_not_given_fails_instead_of_leaving_a_gap(template):
    with pytest.raises(UndefinedError):
        render_page(template, "Case", name="x")


def test_numbers_and_positions_are_written_for_people():
    assert number(None) == "–"
    assert number(-1234.56) == "\u22121\u202f234.6"
    assert number(-0.3, 0) == "0"
    assert position((1.0, -2.25, 3.0)) == "1.0,\u00a0\u22122.2,\u00a03.0"
