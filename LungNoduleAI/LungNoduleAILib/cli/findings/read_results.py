"""``thoraxai lung read-results FILE... --ct CT --output DIR``: nodules that other programs found, as findings."""

from __future__ import annotations

import argparse
from pathlib import Path

DESCRIPTION = """Read nodules out of segmentations (SEG), measurement reports (SR) and contours (RTSTRUCT) of any
program and write them as findings of the CT: table, report and outlines. Sizes that a report states are kept; others
are measured. What is no nodule, or lies outside of the CT, is named in kept.txt."""


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``read-results``."""
    parser = commands.add_parser("read-results", help="findings of other programs in a CT", description=DESCRIPTION)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="SEG, SR or RTSTRUCT")
    parser.add_argument("--ct", type=Path, required=True, metavar="CT", help="the CT they belong to")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for findings and report")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from LungNoduleAILib.cases.foreign_case import KEPT_FILE, read_foreign_case, write_foreign_case
    from LungNoduleAILib.cli.findings.summary import describe_findings

    result, found = read_foreign_case(arguments.files, arguments.ct)
    write_foreign_case(arguments.output, result, found)
    print("\n".join(describe_findings(arguments.ct.name, result.findings)))
    for finding in found.findings:
        for note in finding.notes:
            if "outside of the CT" in note:
                print(f"{finding.id}: {note}")
    for line in found.kept:
        if "this CT" in line or "outside of the CT" in line:
            print(f"Not a finding: {line}")
    if found.kept:
        print(f"{len(found.kept)} other items are named in {KEPT_FILE}.")
    return 0
