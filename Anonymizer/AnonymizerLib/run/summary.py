"""What a run did, counted from its journal: by status, reason, study and attribute, without any original value."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from AnonymizerLib.check.identifiers import DATES, NAMES, NUMBERS, TEXTS, TOO_SHORT, UIDS
from AnonymizerLib.identity.promise import Promise, promise_of
from AnonymizerLib.profile.table import row_by_tag
from AnonymizerLib.run.journal import GONE, Journal
from AnonymizerLib.run.linkage import Linkage, linkage

if TYPE_CHECKING:
    from AnonymizerLib.run.worker import WorkerSettings

CLEAN, QUARANTINED, SKIPPED = "clean", "quarantined", "skipped"
SEARCHED = (NAMES, NUMBERS, DATES, UIDS, TEXTS)


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
    searched: Counter = field(default_factory=Counter)
    nobody_studies: int = 0
    shared_ids: int = 0
    promise: Promise | None = None
    report: Path | None = None

    @property
    def search_sentence(self) -> str:
        """What the self-check looked for: how many identifiers of which kind, in how many bytes."""
        if not self.searched["bytes"]:
            return ""
        kinds = ", ".join(f"{self.searched[kind]:,} {kind}" for kind in SEARCHED if self.searched[kind])
        sentence = f"Self-check: {kinds or 'no identifiers'} searched in {self.searched['bytes']:,} bytes of output."
        short = self.searched[TOO_SHORT]
        return f"{sentence} {short:,} identifiers are too short to search (one letter or digit)." if short else sentence

    @property
    def warnings(self) -> list[str]:
        """What a person should know about who is who, without any ID."""
        found = []
        if self.nobody_studies:
            found.append(
                f"{self.nobody_studies} studies have no patient ID or only a placeholder: each was kept apart as a "
                "person of its own. To join them, give --patients rows of Study Instance UID,pseudonym,same."
            )
        if self.shared_ids:
            found.append(
                f"{self.shared_ids} patient IDs come from more than one issuer: they were kept apart as different "
                "people. To join them, give --patients rows of ID@issuer,pseudonym,same."
            )
        return found

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
    """Name the tags of a path; private ones are only called private."""
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
    people_of_id: dict[str, set[str]] = defaultdict(set)
    for record in latest_records(journal):
        if "quasi_of" in record:
            quasi.append((record["patient"], record["quasi"]))
            summary.nobody_studies += "nobody" in record["quasi"]
            people_of_id[record["quasi"].get("id", "")].add(record["patient"])
        elif "changes" in record:
            summary.changes[record["signature"]] = record["changes"]
        elif "source" in record:
            _count(summary, record)
    summary.linkage = linkage(quasi)
    summary.shared_ids = sum(len(people) > 1 for number, people in people_of_id.items() if number)
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
    summary.searched.update(record.get("searched") or {})
    study = summary.studies.setdefault(record.get("study", ""), Study(record["patient"]))
    study.instances += 1
    study.series.add(record.get("series", ""))
    study.signatures[record["signature"]] += 1
