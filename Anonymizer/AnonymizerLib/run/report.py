"""What was done, as files: an HTML page and a CSV per study without any original value, and a manifest of outputs.

In the private folder: the list of what waits for a person. It names input files and must not be shared.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from AnonymizerLib.check.identifiers import TOO_SHORT
from AnonymizerLib.profile.table import table
from AnonymizerLib.run.report_page import report_page
from AnonymizerLib.run.summary import CLEAN, QUARANTINED, SEARCHED, SKIPPED, Summary, latest_records, summarize
from ThoraxAILib import __version__
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter
from ThoraxAILib.jobs.outputs.private_files import write_private

if TYPE_CHECKING:
    from AnonymizerLib.run.worker import WorkerSettings

REPORT_FOLDER, REPORT_FILE = "report", "report.html"


def write_reports(journal: Path, output: Path, private: Path, settings: WorkerSettings) -> Summary:
    """Write report.html, report.csv and manifest.jsonl into the output, quarantine.csv into the private folder."""
    summary = summarize(journal, settings)
    folder = output / REPORT_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    summary.report = folder / REPORT_FILE
    _replace(folder / "report.csv", _csv(summary))
    _replace(summary.report, report_page(summary, settings))
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
    """Describe the run in a form for programs."""
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
                "searched": {kind: summary.searched[kind] for kind in (*SEARCHED, TOO_SHORT, "bytes")},
                "warnings": summary.warnings,
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
