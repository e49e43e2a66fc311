"""The reader's own links between two dates, and their file ``links.csv`` (prior_id, current_id, decision)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter, plain_cell
from ThoraxAILib.options import Options, option

LINK, UNLINK = "link", "unlink"
COLUMNS = ("prior_id", "current_id", "decision")


@dataclass(frozen=True)
class LinkDecision(Options):
    """A reader's word on one pair: ``link`` (the same nodule) or ``unlink`` (not the same)."""

    prior_id: str = option()
    current_id: str = option()
    decision: str = option(choices=(LINK, UNLINK))


def checked_decisions(decisions: Sequence[LinkDecision], prior_ids: Sequence[str], current_ids: Sequence[str]) -> None:
    """Raise InputError for decisions on nodules that do not exist or that contradict one another."""
    seen: dict[tuple[str, str], str] = {}
    partner: dict[tuple[str, str], str] = {}
    for one in decisions:
        for date, name, ids in (("prior", one.prior_id, prior_ids), ("current", one.current_id, current_ids)):
            if name not in ids:
                raise InputError(f"The links name a {date} nodule '{name}' that does not exist: use ids of the table.")
        if seen.setdefault((one.prior_id, one.current_id), one.decision) != one.decision:
            raise InputError(f"The pair '{one.prior_id}' and '{one.current_id}' is both linked and unlinked: keep one.")
        if one.decision == LINK:
            for key, other in ((("prior", one.prior_id), one.current_id), (("current", one.current_id), one.prior_id)):
                if partner.setdefault(key, other) != other:
                    raise InputError(f"The {key[0]} nodule '{key[1]}' is linked twice: a nodule has one partner.")


def read_links(path: Path) -> tuple[LinkDecision, ...]:
    """Return the decisions of a ``links.csv``; raises InputError when it cannot be read or lacks a column."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The links '{path.name}' cannot be read: give a CSV file with the columns {', '.join(COLUMNS)}."
        ) from error
    reader = csv.DictReader(io.StringIO(text))
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError(f"The links '{path.name}' lack the column {missing[0]}: the columns are {', '.join(COLUMNS)}.")
    rows = [[plain_cell(row[name] or "").strip() for name in COLUMNS] for row in reader]
    return tuple(
        LinkDecision(prior, current, decision.lower())
        for prior, current, decision in rows
        if prior or current or decision
    )


def write_links(decisions: Sequence[LinkDecision], path: Path) -> None:
    """Write decisions as ``links.csv``; raises OutputError when the file cannot be written."""
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = SafeWriter(file)
            writer.writerow(COLUMNS)
            writer.writerows((one.prior_id, one.current_id, one.decision) for one in decisions)
        partial.replace(path)
    except OSError as error:
        raise OutputError(
            f"The links '{path.name}' cannot be written ({type(error).__name__}): choose a folder that can be written."
        ) from error
