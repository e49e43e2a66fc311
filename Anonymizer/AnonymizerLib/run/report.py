"""What was done, for people: an HTML page and a CSV per study without any original value, and a manifest of outputs.

In the private folder: the list of what waits for a person. It names input files and must not be shared.
"""

from __future__ import annotations

import html
import io
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from AnonymizerLib.identity.promise import Promise, promise_of
from AnonymizerLib.profile.options import Option
from AnonymizerLib.profile.table import row_by_tag, table
from AnonymizerLib.run.journal import GONE, Journal
from AnonymizerLib.run.linkage import Linkage, linkage
from ThoraxAILib import __version__
from ThoraxAILib.jobs.csv_safety import SafeWriter
from ThoraxAILib.jobs.private_files import write_private

if TYPE_CHECKING:
    from AnonymizerLib.run.worker import WorkerSettings

CLEAN, QUARANTINED, SKIPPED = "clean", "quarantined", "skipped"
REPORT_FOLDER = "report"
STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:68rem;margin:2rem auto;padding:0 1rem;color:#1d2530}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #dde3ea;vertical-align:top}
td.n{text-align:right}summary{cursor:pointer}.note{color:#596473}"""


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


def write_reports(journal: Path, output: Path, private: Path, settings: WorkerSettings) -> Summary:
    """Write report.html, report.csv and manifest.jsonl into the output, quarantine.csv into the private folder."""
    summary = summarize(journal, settings)
    folder = output / REPORT_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    summary.report = folder / "report.html"
    _replace(folder / "report.csv", _csv(summary))
    _replace(summary.report, _page(summary, settings))
    _replace(folder / "summary.json", _summary_json(summary, settings))
    _write_manifest(journal, folder / "manifest.jsonl")
    write_private(private / "quarantine.csv", _quarantine(journal))
    return summary


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def _write_manifest(journal: Path, path: Path) -> None:
    """One line per output: path, hash and new identifiers; what an upload checks before it sends."""
    temporary = path.with_name(path.name + ".part")
    with temporary.open("w", encoding="utf-8") as file:
        for record in latest_records(journal):
            if record.get("status") == CLEAN:
                file.write(
                    json.dumps(
                        {
                            "path": record["output"],
                            "sha256": record["sha256_out"],
                            "patient": record["patient"],
                            "study": record.get("study", ""),
                            "series": record.get("series", ""),
                            "sop_instance": record["sop_instance"],
                            "sop_class": record["sop_class"],
                            "table": table()[0],
                        }
                    )
                    + "\n"
                )
    os.replace(temporary, path)


def _quarantine(journal: Path) -> str:
    text = io.StringIO()
    writer = SafeWriter(text)
    writer.writerow(("status", "reason", "input"))
    for record in latest_records(journal):
        if "source" in record and record["status"] != CLEAN:
            writer.writerow((record["status"], record.get("reason", ""), record["source"]))
    return text.getvalue()


def _csv(summary: Summary) -> str:
    text = io.StringIO()
    writer = SafeWriter(text)
    writer.writerow(("patient", "study", "tag", "attribute", "action", "why", "count"))
    for uid, study in summary.studies.items():
        for path, name, action, reason, count in summary.rows_of(uid):
            writer.writerow((study.patient, uid, path, name, action, reason, count))
    return text.getvalue()


def _summary_json(summary: Summary, settings: WorkerSettings) -> str:
    """The run in a form for programs."""
    found = summary.linkage
    return (
        json.dumps(
            {
                "schema": "thoraxai.anonymization/1",
                "version": __version__,
                "table": table()[0],
                "profile": settings.profile.name,
                "options": sorted(option.label for option in settings.profile.options),
                "strict": settings.profile.strict,
                "counts": {name: summary.counts[name] for name in (CLEAN, QUARANTINED, SKIPPED)},
                "reasons": [
                    {"status": status, "reason": reason, "count": count}
                    for (status, reason), count in summary.reasons.most_common()
                ],
                "pseudonymous": summary.promise.is_pseudonymous if summary.promise else None,
                "promise": summary.promise.sentence if summary.promise else "",
                "linkage": None
                if found is None
                else {
                    "patients": found.patients,
                    "smallest_k": found.smallest_k,
                    "share_below_five": found.share_below_five,
                },
            },
            indent=1,
        )
        + "\n"
    )


def _page(summary: Summary, settings: WorkerSettings) -> str:
    profile = settings.profile
    options = ", ".join(sorted(option.label for option in profile.options)) or "none"
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>De-identification report</title>"
        f"<style>{STYLE}</style><h1>De-identification report</h1>",
        f"<p>{html.escape(summary.promise.sentence if summary.promise else '')}</p>",
        f"<p class=note>ThoraxAI {__version__}, PS3.15 Table E.1-1 edition {table()[0]}, profile "
        f"{html.escape(profile.name)}, options: {html.escape(options)}. Codes of the actions: X removed, Z emptied, "
        "D dummy, U new UID, C cleaned. Research use only.</p>",
        _counts_table(summary),
        _linkage_part(summary, profile.has(Option.FULL_DATES)),
    ]
    parts += [_study_part(summary, uid, study) for uid, study in summary.studies.items()]
    return "\n".join(parts) + "</html>\n"


def _counts_table(summary: Summary) -> str:
    rows = "".join(
        f"<tr><td>{status}</td><td class=n>{summary.counts[status]}</td></tr>"
        for status in (CLEAN, QUARANTINED, SKIPPED)
    )
    reasons = "".join(
        f"<tr><td>{status}</td><td>{html.escape(reason)}</td><td class=n>{count}</td></tr>"
        for (status, reason), count in summary.reasons.most_common()
    )
    table_of_reasons = f"<h2>What did not pass, and why</h2><table>{reasons}</table>" if reasons else ""
    return f"<h2>Files</h2><table>{rows}</table>{table_of_reasons}"


def _linkage_part(summary: Summary, dates_kept: bool) -> str:
    found = summary.linkage
    if found is None or not found.patients:
        return ""
    hints = "".join(f"<li>{html.escape(hint)}</li>" for hint in found.suggestions)
    return (
        f"<h2>Hiding in the crowd</h2><p>{found.patients} patients; the smallest group that shares sex, age band, "
        f"month, modality, device, institution, height and weight has k = {found.smallest_k} (risk "
        f"{found.largest_risk:.0%}); {found.share_below_five:.0%} of patients are in groups below 5; descriptions "
        f"per group at least {found.diversity}; {found.rare_descriptions} descriptions occur for one patient only."
        + (" Months are real." if dates_kept else "")
        + "</p>"
        + (f"<ul>{hints}</ul>" if hints else "")
    )


def _study_part(summary: Summary, uid: str, study: Study) -> str:
    rows = "".join(
        f"<tr><td>{path}</td><td>{html.escape(name)}</td><td>{html.escape(action)}</td>"
        f"<td>{html.escape(reason)}</td><td class=n>{count}</td></tr>"
        for path, name, action, reason, count in summary.rows_of(uid)
    )
    return (
        f"<h2>{html.escape(study.patient)}</h2><p class=note>Study {html.escape(uid)}: {len(study.series)} series, "
        f"{study.instances} instances</p><details><summary>What was done to which attribute</summary><table>"
        f"<tr><th>Tag<th>Attribute<th>Action<th>Why<th>Count</tr>{rows}</table></details>"
    )
