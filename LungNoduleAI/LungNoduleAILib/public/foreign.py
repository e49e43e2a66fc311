"""``thoraxai.read_findings``: nodules that other programs found in a CT, from their DICOM results."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from LungNoduleAILib.cases.foreign_case import read_foreign_case, write_foreign_case
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.result import AnalysisResult


@dataclass(frozen=True, eq=False, repr=False)
class ForeignResult:
    """Findings of other programs in one CT. Made by ``thoraxai.read_findings``.

    ``kept`` names what the files hold beside nodules, line by line; nothing is dropped.
    """

    result: AnalysisResult
    findings: tuple[Finding, ...]
    kept: tuple[str, ...]

    def save(self, folder: Path | str) -> Path:
        """Write findings.json, findings.csv, the report, arrays.npz and kept.txt.

        Args:
            folder: Where to; older results of the same names are replaced, all at once.

        Returns:
            The folder.

        Raises:
            OutputError: The folder cannot be written, or the disk is full.

        Example:
            >>> thoraxai.read_findings(["nodules.seg.dcm"], "ct").save("out") / "report.html"
        """
        from LungNoduleAILib.analysis.foreign.findings import ForeignFindings

        write_foreign_case(Path(folder), self.result, ForeignFindings(self.findings, self.kept))
        return Path(folder)

    def __repr__(self) -> str:
        return f"<ForeignResult: {len(self.findings)} findings, {len(self.kept)} other items kept>"


def read_findings(files: Sequence[Path | str], ct: Path | str) -> ForeignResult:
    """Read what other programs found in a CT as findings.

    Args:
        files: SEG, SR (TID 1500) and RTSTRUCT files of any program.
        ct: The CT they belong to: a DICOM folder, NRRD, NIfTI or MetaImage file.

    Returns:
        The findings, with the sizes that a report states; what it does not state is measured in the outline.

    Raises:
        InputError: A file is something else or damaged, or the CT cannot be read.

    Example:
        >>> found = thoraxai.read_findings(["nodules.seg.dcm", "report.dcm"], "ct")
        >>> print(found.findings, found.kept)
    """
    result, found = read_foreign_case([Path(os.fspath(file)) for file in files], Path(os.fspath(ct)))
    return ForeignResult(result, found.findings, found.kept)
