"""index.csv and findings.csv of a cohort: how each case ended and why, and the findings of all of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from LungNoduleAILib.cases.cohort.findings_csv import COLUMNS, finding_cells
from LungNoduleAILib.model.files import FINDINGS_CSV, FINDINGS_FILE, INDEX_FILE
from LungNoduleAILib.model.findings import Findings
from LungNoduleAILib.triage.priority import priority_of
from ThoraxAILib.io import Case
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter
from ThoraxAILib.jobs.outputs.whole_file import whole_file
from ThoraxAILib.networks.file_cache import cached_by_file

DONE, RESUMED, FAILED, LEFT_OUT = "done", "resumed", "failed", "left out"
ERROR = "error"
STATUS_OF_VERDICT = {"not_a_chest": "no lungs"}  # of the other verdicts the code, in words


@dataclass(frozen=True)
class IndexRow:
    """One line of index.csv; ``findings`` and ``seconds`` are empty where there are none.

    ``status`` is done, resumed, failed, left out (a mask beside a scan), or the gravest verdict on the lungs that is
    an error, such as "no lungs"; ``message`` is its reason, else why this series was read. ``path`` is where the case
    was read, ``series`` the UID of its series; ``priority`` is HIGH, MEDIUM or LOW (LungNoduleAILib.triage).
    """

    case: str
    status: str
    findings: int | str = ""
    seconds: float | str = ""
    message: str = ""
    path: str = ""
    series: str = ""
    priority: str = ""

    @property
    def is_good(self) -> bool:
        """Whether there is a result that no verdict calls into question."""
        return self.status in (DONE, RESUMED, LEFT_OUT)


def finished_row(case: Case, folder: Path, resumed: bool, seconds: float) -> IndexRow:
    """Return the line of a case whose result lies in ``folder``."""
    found = findings_in(folder)
    errors = [note for note in found.lungs.quality if note.severity == ERROR]
    status = RESUMED if resumed else DONE
    if errors:
        status = STATUS_OF_VERDICT.get(errors[0].code, errors[0].code.replace("_", " "))
    message = " ".join(note.text for note in errors) or case.reason
    return IndexRow(
        case.name,
        status,
        len(found.findings),
        seconds,
        message,
        str(case.path),
        found.series_uid or _series(case),
        priority_of(found).level,
    )


def failed_row(case: Case, message: str, seconds: float | str = "") -> IndexRow:
    """Return the line of a case without a result."""
    return IndexRow(case.name, FAILED, "", seconds, message, str(case.path), _series(case))


def _series(case: Case) -> str:
    return case.series_uid or ""


def findings_in(folder: Path) -> Findings:
    """Return what a case's findings.json says."""
    return _findings_of(folder / FINDINGS_FILE)


@cached_by_file  # a row is made of it, and later the table of all findings
def _findings_of(path: Path) -> Findings:
    return Findings.from_dict(json.loads(path.read_text(encoding="utf-8")))


def totals(rows: Sequence[IndexRow]) -> str:
    """Return how many cases ended how: "5 cases: 3 done, 1 no lungs, 1 failed"."""
    counts = Counter(row.status for row in rows)
    order = sorted(
        counts, key=lambda status: (status not in (DONE, RESUMED), status == LEFT_OUT, status == FAILED, status)
    )
    listed = ", ".join(f"{counts[status]} {status}" for status in order)
    return f"{len(rows)} case{'s' * (len(rows) != 1)}: {listed or 'none'}"


def write_tables(output: Path, rows: Sequence[IndexRow], part: str = "") -> None:
    """Write index.csv and findings.csv of all cases, by case name; raises OutputError.

    ``part`` stands in the names of the files where each shard writes its own.
    """
    ordered = sorted(rows, key=lambda row: row.case)
    _write(_named(output / INDEX_FILE, part), lambda writer: _write_index(writer, ordered))
    _write(_named(output / FINDINGS_CSV, part), lambda writer: _write_findings(writer, ordered, output))


def _write_index(writer: SafeWriter, rows: Iterable[IndexRow]) -> None:
    writer.writerow([field.name for field in fields(IndexRow)])
    writer.writerows(astuple(row) for row in rows)


def _write_findings(writer: SafeWriter, rows: Iterable[IndexRow], output: Path) -> None:
    writer.writerow(["case", "series", *COLUMNS])
    for row in rows:
        if row.status not in (FAILED, LEFT_OUT):
            found = findings_in(output / row.case)
            writer.writerows([row.case, row.series, *finding_cells(finding)] for finding in found.findings)


def _named(path: Path, part: str) -> Path:
    return path.with_name(f"{path.stem}{part}{path.suffix}")


def _write(path: Path, fill: Callable[[SafeWriter], None]) -> None:
    with whole_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        fill(SafeWriter(file))
