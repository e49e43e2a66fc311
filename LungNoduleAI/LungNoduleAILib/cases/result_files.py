"""The files of a reviewed result: findings, report and run record, written from the state that stands now."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from LungNoduleAILib.cases.cohort.findings_csv import write_findings_csv
from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.model.files import FINDINGS_CSV, FINDINGS_FILE
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.errors import OutputError
from ThoraxAILib.jobs.run_record import RUN_FILE

if TYPE_CHECKING:
    from LungNoduleAILib.report.prior_exam import PriorExam


def write_result_files(
    directory: Path, result: AnalysisResult, run: dict[str, Any], prior: PriorExam | None = None
) -> tuple[Path, ...]:
    """Write findings.json, findings.csv, run.json and the report (HTML, PDF, text) to a folder, all or none of them.

    ``run`` is the content of the analysis' run.json, empty when it is not known: then no run.json is written.
    ``prior`` is what a follow-up says of the findings. Raises OutputError when the folder cannot be written.
    """
    from LungNoduleAILib.cases.analyze_case import write_reports
    from LungNoduleAILib.report.methods import case_name

    findings = result.findings
    try:
        with tempfile.TemporaryDirectory(dir=directory, prefix=".unfinished-") as name:
            folder = Path(name)
            text = json.dumps(findings.to_dict(), indent=2)
            (folder / FINDINGS_FILE).write_text(text + "\n", encoding="utf-8")
            write_findings_csv(folder / FINDINGS_CSV, findings)
            write_reports(folder, result, run, case_name(run), PersonAndExam(**findings.review.person), prior)
            if run:
                record = {**run, "files": {path.name: path.stat().st_size for path in sorted(folder.iterdir())}}
                (folder / RUN_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
            return tuple(path.replace(directory / path.name) for path in sorted(folder.iterdir()))
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"The findings cannot be saved ({error.strerror}): choose a writable folder.") from error


def write_report_of(path: Path, result: AnalysisResult, run: dict[str, Any], prior: PriorExam | None = None) -> Path:
    """Write the report alone; raises OutputError when that is impossible."""
    from LungNoduleAILib.report.analysis_report import write_report

    try:
        write_report(path, result, run or None, PersonAndExam(**result.findings.review.person), prior)
    except OSError as error:
        raise OutputError(f"The report cannot be written ({error.strerror}): choose a writable folder.") from error
    return path
