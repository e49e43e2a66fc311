"""Every measured number that a page tells is a row of docs/validation.json; rows older than their code are counted."""

from __future__ import annotations

import re
import subprocess
import warnings
from dataclasses import replace
from decimal import Decimal

import pytest
from validation.numbers import (
    CARDS,
    DEFINITIONS_FILE,
    Quantity,
    documents,
    known_quantities,
    prose,
    quantities,
    read_definitions,
    unknown_numbers,
)
from validation.rows import REPOSITORY, Measured, Row, SameResults, has_history, old_rows, read_measured
from validation.write_validation import PAGE, age_sentence, page

MEASURED = read_measured()
OLD_ROWS = re.compile(r"\*\*(\d+) of (\d+) rows are older than the code they measure\.\*\*")
ROW = Row("a.b", "G", "Dice of something", Decimal("0.986"), "score", "8 CTs", "data", "x.py", "HEAD", "2026-01-01", ())


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_every_measured_number_of_a_page_is_in_the_rows_it_quotes(path):
    card = path.stem if path.parent == CARDS else ""
    assert unknown_numbers(path.read_text(encoding="utf-8"), MEASURED, card) == []


def test_a_number_that_no_row_holds_is_found_with_its_line():
    measured = Measured((ROW,), (), {})
    quoted = "Dice {} <!-- rows: a.b -->"
    assert unknown_numbers(quoted.format("0.986"), measured) == []
    assert unknown_numbers(quoted.format("0.99"), measured) == []
    assert unknown_numbers(quoted.format("0.985"), measured) == [f"0.985: {quoted.format('0.985')}"]
    assert unknown_numbers("Dice 0.986, quoting no row", measured) == ["0.986: Dice 0.986, quoting no row"]
    assert unknown_numbers("- Dice 0.986", Measured((ROW,), (), {"card": ("a.",)}), "card") == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("from 3 to 30 mm", ["3 mm", "30 mm"]),
        ("1.809 +/- 0.157 mm", ["1.809 mm", "0.157 mm"]),
        ("1,603 nodules, 9.3 CPU-seconds", ["9.3 s"]),
        ("0.93 (0.89 to 0.97) of 226 nodules", ["0.93", "0.89", "0.97"]),
        ("a 4-mm nodule, 25 %, 4.1 times", ["4 mm", "25 %", "4.1 times"]),
        ("version 0.1.0 of PS3.15, kernel B70f, `--threshold 0.5`", []),
    ],
)
def test_quantities_are_numbers_with_a_unit_or_a_decimal_point(text, told):
    assert [str(quantity) for quantity in quantities(prose(text))] == told


def test_a_number_may_be_rounded_but_one_digit_with_a_unit_is_taken_as_it_is():
    assert Quantity(Decimal("0.82"), "").tells(Quantity(Decimal("0.823"), ""))
    assert not Quantity(Decimal("0.83"), "").tells(Quantity(Decimal("0.823"), ""))
    assert not Quantity(Decimal("1"), "mm").tells(Quantity(Decimal("1.3"), "mm"))
    assert not Quantity(Decimal("40"), "mm").tells(Quantity(Decimal("40"), "s"))


def test_every_definition_has_a_reason_and_is_still_needed():
    definitions = read_definitions()
    lines = [line for path in documents() for line in path.read_text(encoding="utf-8").splitlines()]
    assert all(definition.reason for definition in definitions)
    unused = [item for item in definitions if not any(re.search(item.expression, line) for line in lines)]
    assert unused == [], f"remove them from {DEFINITIONS_FILE.name}"


def test_every_row_is_complete_and_has_a_name_of_its_own():
    assert len({row.id for row in MEASURED.rows}) == len(MEASURED.rows)
    for row in MEASURED.rows:
        assert all((row.claim, row.n, row.data, row.script, row.group)), row.id
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", row.date), row.id
        assert re.fullmatch("[0-9a-f]{7,40}", row.commit), row.id
        if row.interval is not None:
            assert row.interval[0] <= row.value <= row.interval[1], row.id


def test_scripts_and_code_of_the_rows_exist():
    programs = {row.script.split()[0] for row in MEASURED.rows}
    paths = {path for row in MEASURED.rows for path in row.code} | {name for name in programs if "/" in name}
    assert sorted(path for path in paths if not (REPOSITORY / path).exists()) == []


def test_every_model_card_has_rows():
    stems = {path.stem for path in CARDS.glob("*.md")} - {"README"}
    assert set(MEASURED.cards) == stems
    for beginnings in MEASURED.cards.values():
        assert known_quantities(row for row in MEASURED.rows if row.id.startswith(beginnings))


def test_the_page_is_written_from_the_rows():
    told = OLD_ROWS.search(PAGE.read_text(encoding="utf-8"))
    assert told is not None
    assert PAGE.read_text(encoding="utf-8") == page(MEASURED, int(told[1])), "run make validation"


@pytest.mark.skipif(not has_history(), reason="the whole history of the repository is needed")
def test_the_page_says_how_many_rows_are_older_than_their_code():
    old = old_rows(MEASURED)
    sentence = age_sentence(len(old), len(MEASURED.rows))
    assert sentence in PAGE.read_text(encoding="utf-8"), f"{sentence} Run make validation"
    if old:
        warnings.warn(f"{sentence} make validation names them", stacklevel=1)


@pytest.fixture
def history(tmp_path):
    """A repository of two commits: code.py changes in the second, other.py does not; gives folder and both commits."""

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=n", "-c", "user.email=n@example.org")
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q")
    commits = []
    for text in ("1", "2"):
        (tmp_path / "code.py").write_text(text)
        (tmp_path / "other.py").write_text("1")
        git("add", ".")
        git("commit", "-qm", text)
        commits.append(git("rev-parse", "HEAD"))
    return tmp_path, *commits


def test_a_row_is_old_when_its_code_changed_later_or_its_commit_is_unknown(history):
    folder, first, second = history
    measured_on = {
        "changed later": (replace(ROW, commit=first, code=("code.py",)), True),
        "measured after": (replace(ROW, commit=second, code=("code.py",)), False),
        "other code": (replace(ROW, commit=first, code=("other.py",)), False),
        "no code": (replace(ROW, commit=first, code=()), False),
        "unknown commit": (replace(ROW, commit="0" * 40, code=("other.py",)), True),
    }
    for name, (row, is_old) in measured_on.items():
        assert bool(old_rows(Measured((row,), (), {}), folder)) == is_old, name


@pytest.mark.parametrize(("code", "is_old"), [(("code.py",), False), (("other.py",), True)])
def test_a_change_that_was_shown_to_change_no_result_of_this_code_makes_no_row_old(history, code, is_old):
    folder, first, second = history
    row = replace(ROW, commit=first, code=("code.py",))
    shown = SameResults(first, second, code, "compared value by value")
    assert bool(old_rows(Measured((row,), (shown,), {}), folder)) == is_old


def test_a_file_that_moved_keeps_the_changes_it_had_before(history):
    folder, first, second = history
    (folder / "room").mkdir()
    identity = ("-c", "user.name=n", "-c", "user.email=n@example.org")
    for arguments in (("mv", "code.py", "room/code.py"), (*identity, "commit", "-qm", "3")):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    moved = replace(ROW, code=("room",))
    assert old_rows(Measured((replace(moved, commit=first),), (), {}), folder) != ()
    assert old_rows(Measured((replace(moved, commit=second),), (), {}), folder) == ()


def test_a_change_that_is_not_committed_makes_a_row_old_too(history):
    folder, _first, second = history
    (folder / "other.py").write_text("2")
    row = replace(ROW, commit=second, code=("other.py",))
    assert old_rows(Measured((row,), (), {}), folder) == (row,)
