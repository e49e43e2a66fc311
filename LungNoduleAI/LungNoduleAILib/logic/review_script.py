"""A review written down: a list of acts from a JSON or CSV file, done one after another on the current result.

JSON: a list of objects, each ``{"act": NAME, ...}`` with the inputs of the act (see ACTS). CSV: a row per finding with
the columns ``finding``, ``status`` and ``reason``, and any of type, lobe, attachment, margin, shape and
calcification_pattern; an empty cell states nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from LungNoduleAILib.analysis.review.reviewing import STATABLE
from LungNoduleAILib.logic.review import LungReview
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.tuples import three
from ThoraxAILib.untrusted.bounded_bytes import read_bounded
from ThoraxAILib.untrusted.plain_json import read_plain_json

MAX_BYTES = 1 << 24
MAX_ACTS = 10_000
Inputs = dict[str, Any]


def _place(inputs: Inputs, name: str) -> tuple[float, float, float]:
    return three(float(v) for v in inputs[name])


def _ends(inputs: Inputs, name: str) -> tuple[float, float, float, float, float, float]:
    r0, a0, s0, r1, a1, s1 = (float(v) for v in inputs[name])
    return r0, a0, s0, r1, a1, s1


# name of an act: its inputs, and what does it
ACTS: dict[str, tuple[tuple[str, ...], Callable[[LungReview, Inputs], object]]] = {
    "decide": (
        ("finding", "status", "reason"),
        lambda r, i: r.decide(i["finding"], i["status"], str(i.get("reason", ""))),
    ),
    "state": (("finding", "field", "value"), lambda r, i: r.state(i["finding"], i["field"], i.get("value"))),
    "person": (("person",), lambda r, i: r.state_person(dict(i["person"]))),
    "add": (("at_ras_mm",), lambda r, i: r.add_nodule(_place(i, "at_ras_mm"))),
    "move": (("finding", "shift_ras_mm"), lambda r, i: r.move(i["finding"], _place(i, "shift_ras_mm"))),
    "resize": (("finding", "margin_mm"), lambda r, i: r.resize(i["finding"], float(i["margin_mm"]))),
    "axes": (
        ("finding", "long_ras_mm", "short_ras_mm"),
        lambda r, i: r.set_axes(i["finding"], _ends(i, "long_ras_mm"), _ends(i, "short_ras_mm")),
    ),
    "merge": (("finding", "other"), lambda r, i: r.merge(i["finding"], i["other"])),
    "split": (("finding",), lambda r, i: r.split(i["finding"])),
    "delete": (("finding",), lambda r, i: r.delete(i["finding"])),
    "undo": ((), lambda r, _i: r.undo()),
    "redo": ((), lambda r, _i: r.redo()),
}


def read_acts(path: Path) -> list[Inputs]:
    """Return the acts of a JSON or CSV file; raises InputError with one sentence when it holds none."""
    try:
        acts = _of_csv(path) if path.suffix.lower() == ".csv" else read_plain_json(path, "utf-8-sig", MAX_BYTES)
    except (OSError, ValueError) as error:
        raise InputError(
            f"'{path.name}' cannot be read as a list of acts ({type(error).__name__}): give JSON or CSV."
        ) from error
    if not isinstance(acts, list) or not all(isinstance(act, dict) for act in acts) or len(acts) > MAX_ACTS:
        raise InputError(f"'{path.name}' holds no list of acts: give a JSON list of objects, each with its 'act'.")
    return acts


def _of_csv(path: Path) -> list[Inputs]:
    acts: list[Inputs] = []
    rows = csv.DictReader(io.StringIO(read_bounded(path, MAX_BYTES).decode("utf-8-sig")))
    unknown = set(rows.fieldnames or ()) - {"finding", "status", "reason", *STATABLE}
    if unknown or "finding" not in (rows.fieldnames or ()):
        raise ValueError("unknown columns")
    for row in rows:
        acts += [
            {"act": "state", "finding": row["finding"], "field": field, "value": row[field]}
            for field in STATABLE
            if row.get(field)
        ]
        if row.get("status"):
            acts.append(
                {"act": "decide", "finding": row["finding"], "status": row["status"], "reason": row.get("reason") or ""}
            )
    return acts


def do_acts(review: LungReview, acts: list[Inputs]) -> int:
    """Do all acts in their order; returns how many. Raises InputError that names the first that cannot be done."""
    for number, inputs in enumerate(acts, start=1):
        name = inputs.get("act")
        if name not in ACTS:
            raise InputError(f"Act {number} is '{name}', which is not known: choose {', '.join(ACTS)}.")
        wanted, act = ACTS[name]
        unknown = sorted(set(inputs) - {"act", *wanted})
        if unknown:
            raise InputError(f"Act {number} ({name}) has '{unknown[0]}', which it does not take: {', '.join(wanted)}.")
        try:
            act(review, inputs)
        except InputError as error:
            raise InputError(f"Act {number} ({name}): {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"Act {number} ({name}) needs {', '.join(wanted)}: look at its values.") from error
    return len(acts)
