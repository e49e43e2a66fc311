"""Writes docs/validation.md from docs/validation.json and names the rows that are older than the code they measure.

``make validation``, or ``PYTHONPATH=Testing python -m validation.write_validation``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from validation.rows import REPOSITORY, Measured, Row, has_history, old_rows, read_measured

PAGE = REPOSITORY / "docs" / "validation.md"
HEAD = """# Measured

<!-- Written by `make validation` from validation.json: change that file, not this one. -->

{age}

Each line says what was measured, on what, by which script and on which version of the code. A single scan proves
nothing about others, a phantom nothing about patients. Real scans were never used for fitting; where they were used to
choose a rule, the line says so. [Limits](limits.md) says what these numbers mean for use, the
[model cards](../Resources/ModelCards) how each network was made. A row is *older than the code* when a file it measures
was changed after the commit it was measured on: the number may still hold, nobody has shown it. Lines on an earlier
version, or on how a training went, do not grow old.

**CPM** is the mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives per scan, as LUNA16 computes it.
**Dice** is twice the common volume by the sum of both volumes. **F1** is the same for counts. Intervals are of 95 %
where the line does not say otherwise. **Held-out setting** means synthetic bodies of a generator that no training used.
"""
COLUMNS = ("What", "Result", "n")


def main() -> int:
    """Write the page and print the old rows."""
    measured = read_measured()
    if not has_history():
        print("The history of the repository is needed to tell which rows are older than the code: clone it whole.")
        return 2
    old = old_rows(measured)
    PAGE.write_text(page(measured, len(old)), encoding="utf-8")
    print(f"{PAGE.relative_to(REPOSITORY)} written. {age_sentence(len(old), len(measured.rows))}")
    for (commit, date), rows in groupby(old, key=lambda row: (row.commit, row.date)):
        print(f"  measured on {commit}, {date}: {', '.join(row.id for row in rows)}")
    return 0


def page(measured: Measured, old: int) -> str:
    """The text of docs/validation.md."""
    parts = [HEAD.format(age=f"**{age_sentence(old, len(measured.rows))}**")]
    for group, rows in groupby(measured.rows, key=lambda row: row.group):
        parts.append(f"## {group}\n")
        parts += [_table(caption, tuple(alike)) for caption, alike in groupby(rows, key=_caption)]
    return "\n".join(parts)


def age_sentence(old: int, rows: int) -> str:
    """The sentence at the head of the page that a test compares with the code."""
    return f"{old} of {rows} rows are older than the code they measure."


def _caption(row: Row) -> str:
    """Data, script and version, said once for the rows that share them."""
    program, *arguments = row.script.split()
    command = " ".join([f"python {program}" if program.endswith(".py") else program, *arguments])
    return f"On: {row.data}. Measured by `{command}` on {row.date}, commit {row.commit}."


def _table(caption: str, rows: tuple[Row, ...]) -> str:
    lines = [caption, "", _line(COLUMNS), _line(["---"] * len(COLUMNS))]
    return "\n".join(lines + [_line((row.claim, result(row), row.n)) for row in rows]) + "\n"


def result(row: Row) -> str:
    """Value, unit and interval as people write them."""
    unit = "" if row.unit in ("score", "ratio", "strain") else f" {row.unit}"
    text = f"{row.value}{unit}"
    if row.interval is not None:
        text += f" ({row.interval[0]} to {row.interval[1]})"
    return text if row.plus_minus is None else f"{text} +/- {row.plus_minus}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    raise SystemExit(main())
