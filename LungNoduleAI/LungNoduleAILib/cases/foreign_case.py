"""Results of other programs for one CT, from their files to a folder of results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from LungNoduleAILib.analysis.foreign.findings import ForeignFindings
from LungNoduleAILib.cases.result_files import write_result_files
from LungNoduleAILib.model.files import FINDINGS_FILE
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder, output_error
from ThoraxAILib.jobs.progress import Progress

KEPT_FILE = "kept.txt"
OWNED = ("findings.csv", "report.html", "report.pdf", "report.txt", "arrays.npz", KEPT_FILE, FINDINGS_FILE)


def read_foreign_case(
    files: Sequence[Path], ct: Path, progress: Progress | None = None
) -> tuple[AnalysisResult, ForeignFindings]:
    """Return what the files say of a CT; raises InputError for a file or CT that cannot be used."""
    from LungNoduleAILib.analysis.foreign.result import lungs_alone, with_foreign_findings
    from ThoraxAILib.io import read_volume

    progress = progress or Progress()
    volume = read_volume(ct, None, progress.part(0.0, 0.2))
    return with_foreign_findings(lungs_alone(volume, progress.part(0.2, 0.9)), files)


def write_foreign_case(folder: Path, result: AnalysisResult, found: ForeignFindings) -> None:
    """Write findings.json, findings.csv, report, arrays.npz and kept.txt, all or none; raises OutputError."""
    with OutputFolder(folder, OWNED) as partial:
        write_result_files(partial, result, {})
        result.save_arrays(partial)
        try:
            (partial / KEPT_FILE).write_text("".join(f"{line}\n" for line in found.kept), encoding="utf-8")
        except OSError as error:
            raise output_error(error) from error
