"""dciodvfy (dicom3tools), DicomSRValidator (PixelMed) and the readers of dcmqi: what each says about a file.

None of their lines is passed on as it is, since they quote values of the file: of an error only the attribute, the tag
and the kind of fault are kept.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

SECONDS = 1200.0  # DicomSRValidator took 340 on the report of a heart, on a busy machine
MAX_ERRORS = 50
SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4",)
LABEL_MAPS = ("1.2.840.10008.5.1.4.1.1.66.7",)  # newer than dicom3tools 1.00~20220618 of Debian 12
REPORTS = tuple(f"1.2.840.10008.5.1.4.1.1.88.{number}" for number in (11, 22, 33, 34, 35))
TAG = re.compile(r"\(?(?:0x)?([0-9a-fA-F]{4}),(?:0x)?([0-9a-fA-F]{4})\)?")
QUOTED = re.compile(r"<[^<>]*>|'[^']*'|\"[^\"]*\"|=.*$")
# its own limits of XPath are too small for its own rules on Java 17
JAVA_LIMITS = ("jdk.xml.xpathTotalOpLimit=0", "jdk.xml.xpathExprOpLimit=0", "jdk.xml.xpathExprGrpLimit=0")


@dataclass(frozen=True)
class Verdict:
    """What one program said: its errors, and how many warnings."""

    checker: str
    errors: tuple[str, ...]
    warnings: int = 0


@dataclass(frozen=True)
class Checker:
    """An outside program; ``package`` is what to install to have it."""

    name: str
    package: str
    program: str

    def find(self) -> str | None:
        """Return where it is, None when it is not installed."""
        beside = Path(sys.executable).parent / self.program
        return str(beside) if beside.is_file() else shutil.which(self.program)


DCIODVFY = Checker("dciodvfy", "apt-get install dicom3tools", "dciodvfy")
SR_VALIDATOR = Checker("DicomSRValidator", "apt-get install pixelmed-apps", "DicomSRValidator")
SEGMENT_READER = Checker("dcmqi segimage2itkimage", "pip install dcmqi", "segimage2itkimage")
REPORT_READER = Checker("dcmqi tid1500reader", "pip install dcmqi", "tid1500reader")
CHECKERS = (DCIODVFY, SR_VALIDATOR, SEGMENT_READER, REPORT_READER)


def checkers_of(sop_class: str) -> tuple[Checker, ...]:
    """Return which programs can judge an object of this class."""
    if sop_class in SEGMENTATIONS:
        return DCIODVFY, SEGMENT_READER
    if sop_class in LABEL_MAPS:
        return (SEGMENT_READER,)
    if sop_class in REPORTS:
        return DCIODVFY, SR_VALIDATOR, REPORT_READER
    return (DCIODVFY,)


def judge(checker: Checker, path: Path) -> Verdict:
    """Run an installed program on a file; a program that fails without a word is an error too."""
    if checker == DCIODVFY:
        return _lines(checker, _run([_found(checker), path]))
    if checker == SR_VALIDATOR:
        return _lines(checker, _run([_found(checker), path], _java()))
    with tempfile.TemporaryDirectory() as folder:
        if checker == SEGMENT_READER:
            words = [_found(checker), "--inputDICOM", path, "--outputDirectory", folder, "-t", "nrrd"]
        else:
            words = [_found(checker), "--inputDICOM", path, "--outputMetadata", Path(folder) / "out.json"]
        done = _run(words)
        failed = () if done.returncode == 0 and any(Path(folder).iterdir()) else ("cannot read the file",)
        return Verdict(checker.name, failed)


def _found(checker: Checker) -> str:
    found = checker.find()
    if found is None:
        raise ValueError(f"{checker.name} is not installed")
    return found


def _run(words: list, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(
            [str(word) for word in words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, -1, b"Error - no answer in time\n")


def _java() -> dict[str, str]:
    limits = " ".join(f"-D{limit}" for limit in JAVA_LIMITS)
    return {**os.environ, "JAVA_TOOL_OPTIONS": f"{os.environ.get('JAVA_TOOL_OPTIONS', '')} {limits}".strip()}


def _lines(checker: Checker, done: subprocess.CompletedProcess) -> Verdict:
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    errors = [without_values(line) for line in lines if line.startswith(("Error", "Exception"))]
    if not errors and (done.returncode < 0 or not lines):
        errors = ["the program ended without a verdict"]
    warnings = sum(line.startswith("Warning") for line in lines)
    return Verdict(checker.name, tuple(dict.fromkeys(errors))[:MAX_ERRORS], warnings)


def without_values(line: str) -> str:
    """Return an error line without what it quotes from the file; tags and names of attributes stay."""
    words = line.split(" - ")
    kept = words[1:] if words[0] in ("Error", "Exception") else words
    kept = [word for word in kept if not word.startswith(("</", "Tag"))]
    tags = " ".join(f"({group},{element})" for group, element in TAG.findall(line))
    names = " ".join(re.findall(r"(?:Attribute|Element|Module)=<([A-Za-z0-9]+)>", line))
    text = QUOTED.sub("", " - ".join(kept))
    return " ".join(f"{text} {names} {tags}".split())
