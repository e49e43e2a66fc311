"""The tables of a cohort of hearts: index.csv, how each study ended with its numbers, and the segments of all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from CardiacBiomechLib.cases.study_files import RESULT, SEGMENTS, segment_table
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter
from ThoraxAILib.jobs.outputs.whole_file import whole_file
from ThoraxAILib.options.shard import shard_suffix

INDEX = "index.csv"
DONE, RESUMED, FAILED = "done", "resumed", "failed"
ERROR = "error"
HEAD = (
    "study", "status", "group", "frames", "ed_frame", "es_frame", "lv_edv_ml", "lv_esv_ml", "lv_ef_percent",
    "lv_mass_g", "rv_edv_ml", "rv_esv_ml", "rv_ef_percent", "peak_circumferential_green_lagrange",
    "global_longitudinal_strain", "verdicts", "seconds", "message", "path", "series",
)  # fmt: skip


def result_columns(folder: Path) -> dict:
    """Return the columns of a study whose result lies in ``folder``; a verdict that is an error is its status."""
    found = _result(folder)
    return {**numbers_of(found), "series": found["source"], **_contradicted(found)}


def _contradicted(found: dict) -> dict:
    """Return status and message of a study whose result a verdict calls into question; empty for others."""
    errors = [verdict for verdict in found["quality"] if verdict["severity"] == ERROR]
    if not errors:
        return {}
    return {"status": errors[0]["code"].replace("_", " "), "message": " ".join(verdict["text"] for verdict in errors)}


def totals(rows: Sequence[dict]) -> str:
    """Return how many studies ended how: "5 studies: 3 done, 1 labels off heart, 1 failed"."""
    counts = Counter(row["status"] for row in rows)
    order = sorted(counts, key=lambda status: (status not in (DONE, RESUMED), status == FAILED, status))
    listed = ", ".join(f"{counts[status]} {status}" for status in order)
    return f"{len(rows)} stud{'y' if len(rows) == 1 else 'ies'}: {listed or 'none'}"


def numbers_of(found: dict) -> dict:
    """Return the columns of the table that come from a cardiac.json."""
    rv, strain, long_axis = found["rv"] or {}, found["strain"] or {}, found["long_axis"] or {}
    return {
        **{name: found[name] for name in ("frames", "ed_frame", "es_frame")},
        **{f"lv_{name}": found["lv"][name] for name in ("edv_ml", "esv_ml", "ef_percent", "mass_g")},
        **{f"rv_{name}": rv.get(name, "") for name in ("edv_ml", "esv_ml", "ef_percent")},
        "peak_circumferential_green_lagrange": strain.get("circumferential", {}).get("peak", ""),
        "global_longitudinal_strain": long_axis.get("global_longitudinal_strain", ""),
        "verdicts": " ".join(verdict["code"] for verdict in found["quality"]),
    }


def index_name(shard: str | None) -> str:
    """Return the name of the table: each shard writes its own."""
    return f"index{shard_suffix(shard)}.csv"


def write_tables(output: Path, rows: Sequence[dict], shard: str | None = None) -> None:
    """Write index.csv and segments.csv of all studies, by study; raises OutputError."""
    ordered = sorted(rows, key=lambda row: row["study"])
    _write(output / index_name(shard), HEAD, ([row.get(name, "") for name in HEAD] for row in ordered))
    finished = [row for row in ordered if row["status"] != FAILED]
    if finished:
        tables = [(row, segment_table(_result(output / row["study"])["segments"])) for row in finished]
        head = ["study", "series", *tables[0][1][0]]
        lines = ([row["study"], row["series"], *line] for row, (_head, lines) in tables for line in lines)
        _write(output / segments_name(shard), head, lines)


def segments_name(shard: str | None) -> str:
    """Return the name of the table of all segments: each shard writes its own."""
    stem, _, ending = SEGMENTS.partition(".")
    return f"{stem}{shard_suffix(shard)}.{ending}"


def _result(folder: Path) -> dict:
    return json.loads((folder / RESULT).read_text(encoding="utf-8"))


def _write(path: Path, head: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    with whole_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = SafeWriter(file)
        writer.writerow(head)
        writer.writerows(lines)
