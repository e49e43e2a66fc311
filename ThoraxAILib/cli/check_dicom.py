"""``thoraxai check-dicom FOLDER``: what outside validators say about DICOM files, and which of them are missing."""

from __future__ import annotations

import argparse
from pathlib import Path

from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.parse_errors import parse_errors

FAULTY_EXIT = 3
DESCRIPTION = """Run dciodvfy, DicomSRValidator and dcmqi on every DICOM file below FOLDER, as far as they are
installed. Errors are told without values of the files. Exit status: 0 no error, 3 errors, 2 bad input."""


def add_commands(modules: argparse._SubParsersAction) -> None:
    """Mount ``check-dicom``."""
    check = modules.add_parser(
        "check-dicom", help="judge DICOM files with the validators that are installed", description=DESCRIPTION
    )
    check.add_argument("folder", type=Path, metavar="FOLDER", help="folder, or one file")
    check.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.io.dicom_checks.checkers import CHECKERS, checkers_of, judge

    files = _files(arguments.folder)
    is_there = {checker: checker.find() is not None for checker in CHECKERS}
    if not any(is_there.values()):
        installs = ", ".join(dict.fromkeys(checker.package for checker in CHECKERS))
        raise InputError(f"No validator of DICOM files is installed here: {installs}.")
    errors = runs = 0
    left_out: dict[str, int] = {}
    for path, sop_class in files:
        for checker in checkers_of(sop_class):
            if not is_there[checker]:
                left_out[checker.name] = left_out.get(checker.name, 0) + 1
                continue
            verdict = judge(checker, path)
            runs, errors = runs + 1, errors + len(verdict.errors)
            name = path.relative_to(arguments.folder) if path != arguments.folder else path.name
            told = f"{len(verdict.errors)} errors" if verdict.errors else "no error"
            warnings = f", {verdict.warnings} warnings" if verdict.warnings else ""
            print(f"{name}: {checker.name}: {told}{warnings}")
            for error in verdict.errors:
                print(f"    {error}")
    for checker in CHECKERS:
        if checker.name in left_out:
            print(f"not installed: {checker.name}, for {left_out[checker.name]} files ({checker.package})")
    print(f"{len(files)} files, {runs} verdicts, {errors} errors.")
    return FAULTY_EXIT if errors else 0


def _files(folder: Path) -> list[tuple[Path, str]]:
    """Return the DICOM files with their SOP class."""
    from ThoraxAILib.io.slices.dicom_headers import files_below, looks_like_dicom

    if not folder.exists():
        raise InputError(f"'{folder}' was not found: give a folder with DICOM files.")
    found = [folder] if folder.is_file() else files_below(folder)
    files = [(path, _sop_class(path)) for path in sorted(found) if looks_like_dicom(path)]
    if not files:
        raise InputError(f"'{folder.name}' holds no DICOM file: give a folder that does.")
    return files


def _sop_class(path: Path) -> str:
    from pydicom import dcmread

    try:
        return str(dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID"]).get("SOPClassUID", ""))
    except parse_errors() as error:
        return type(error).__name__
