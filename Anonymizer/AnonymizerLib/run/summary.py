"""What a run did, counted from its journal: by status, reason, study and attribute, without any original value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from AnonymizerLib.identity.promise import Promise, promise_of
from AnonymizerLib.profile.table import row_by_tag
from AnonymizerLib.run.journal import GONE, Journal
from AnonymizerLib.run.linkage import Linkage, linkage

if TYPE_CHECKING:
    from AnonymizerLib.run.worker import WorkerSettings

CLEAN, QUARANTINED, SKIPPED = "clean", "quarantined", "skipped"


@dataclass
class Study:
    """One study of the output."""

    patient: str
    instances: int = 0
    series: set[str] = field(default_factory=set)
    signatures: Counter = field(default_factory=Counter)


@dataclass
class Summary:
    """Everything the report says."""

    counts: Counter = field(default_factory=Counter)
    studies: dict[str, Study] = field(default_factory=dict)
    reasons: Counter = field(default_factory=Counter)
    changes: dict[str, list[list[str]]] = field(default_factory=dict)
    linkage: Linkage | None = None
    promise: Promise | None = None
    report: Path | None = None

    def rows_of(self, study: str) -> list[tuple[str, str, str, str, int]]:
        """(tag path, name, action, why, how often) of a study, most frequent first."""
        total: Counter = Counter()
        for signature, count in self.studies[study].signatures.items():
            for path, action, reason in self.changes.get(signature, ()):
                total[path, action, reason] += count
        return [
            (path, name_of(path), action, reason, count)
            for (path, action, reason), count in sorted(total.items(), key=lambda item: (-item[1], item[0]))
        ]


def name_of(path: str) -> str:
    """The names of the tags of a path; private ones are only called private."""
    from pydicom.datadict import dictionary_description

    names = []
    for part in path.split("/"):
        tag = int(part, 16)
        row = row_by_tag().get(tag)
        try:
            names.append("private" if (tag >> 16) % 2 else row.name if row else dictionary_description(tag))
        except KeyError:
            names.append("unknown")
    return " > ".join(names)


def summarize(journal: Path, settings: WorkerSettings) -> Summary:
    """Everything the report needs, read from the journal line by line; the last outcome of a file counts."""
    summary = Summary(promise=promise_of(settings.profile, settings.key, bool(settings.patients)))
    quasi: list[tuple[str, dict[str, str]]] = []
    for record in latest_records(journal):
        if "quasi_of" in record:
            quasi.append((record["patient"], record["quasi"]))
        elif "changes" in record:
            summary.changes[record["signature"]] = record["changes"]
        elif "source" in record:
            _count(summary, record)
    summary.linkage = linkage(quasi)
    return summary


def latest_records(journal: Path) -> Iterator[dict]:
    """Journal lines without outcomes that a later line about the same file replaced."""
    last: dict[str, int] = {}
    for number, record in enumerate(Journal.records(journal)):
        if "source" in record:
            last[record["source"]] = number
    return (
        record
        for number, record in enumerate(Journal.records(journal))
        if "source" not in record or (last[record["source"]] == number and record["status"] != GONE)
    )


def _count(summary: Summary, record: dict) -> None:
    summary.counts[record["status"]] += 1
    if record["status"] != CLEAN:
        summary.reasons[record["status"], record.get("reason", "")] += 1
        return
    study = summary.studies.setdefault(record.get("study", ""), Study(record["patient"]))
    study.instances += 1
    study.series.add(record.get("series", ""))
    study.signatures[record["signature"]] += 1
