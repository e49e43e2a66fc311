"""Benchmark: which of more than 500 planted identifiers survive ThoraxAI's profiles and other tools, in one run.

``python Testing/benchmarks/anonymizer_leaks.py [--list] [--deid-python PYTHON] [--audit]``. Each plant is a file of its
own (``fixtures/anonymizer_plants.py``). Printed is a table of kind by profile, then the other tools with their
defaults: dicom-anonymizer, gdcmanon and deid (the last may live in another Python). Tools that are not installed are
named and left out. ``--audit`` also asks ``thoraxai anonymize check`` about the outputs of the other tools.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from AnonymizerLib.profile.presets import PRESETS
from fixtures.anonymizer_canaries import leaks, write_canary_study
from fixtures.anonymizer_plant import Plant
from fixtures.anonymizer_plants import plants

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False}
DEID_SCRIPT = """
import sys, warnings
from pathlib import Path
from deid.dicom import get_identifiers, replace_identifiers
from deid.config import DeidRecipe
from pydicom import dcmread
warnings.simplefilter("ignore")
recipe, source, target = DeidRecipe(), Path(sys.argv[1]), Path(sys.argv[2])
for path in sorted(source.glob("*.dcm")):
    try:
        cleaned = replace_identifiers(dicom_files=[str(path)], deid=recipe, save=False, strip_sequences=False)
        cleaned[0].save_as(target / path.name, enforce_file_format=False)
    except Exception:
        pass
"""
Outputs = dict[int, bytes]


@dataclass
class Score:
    """What one tool did: leaks by kind, the places, and how many files came out at all."""

    tool: str
    written: int = 0
    kinds: Counter = field(default_factory=Counter)
    places: list[str] = field(default_factory=list)


def main() -> int:
    """Plant, run every tool on the same files, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="name the places that leak")
    parser.add_argument("--deid-python", default=sys.executable, help="the Python in which deid is installed")
    parser.add_argument("--limit", type=int, default=0, help="only every Nth plant, for a quick look")
    parser.add_argument("--audit", action="store_true", help="also let the check look at the outputs of other tools")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    planted = list(plants())[:: arguments.limit or 1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        for number, plant in enumerate(planted):
            (folder / "in" / f"{number:04d}.dcm").write_bytes(plant.data)
        visible = sum(plant.leaks_in(plant.data) for plant in planted)
        print(f"{len(planted)} planted files, {visible} of them found in the input")
        scores = [score(name, planted, ours(folder, name), name) for name in PRESETS]
        others: dict[str, Callable[[Path], Outputs | None]] = {
            "dicom-anonymizer": dicom_anonymizer,
            "gdcmanon": gdcmanon,
            "deid": lambda place: deid(place, arguments.deid_python),
        }
        missing = []
        for tool, run in others.items():
            outputs = run(folder)
            if outputs is None:
                missing.append(tool)
            else:
                scores.append(score(tool, planted, outputs))
                if arguments.audit:
                    audit(folder, tool, scores[-1])
        print_table(planted, scores, arguments.list)
        for tool in missing:
            print(f"{tool} is not installed")
        whole_study(folder)
    return 0


def score(tool: str, planted: list[Plant], outputs: Outputs, profile: str = "") -> Score:
    """Count the leaks of one tool; what its profile retains on purpose is none."""
    result = Score(tool, len(outputs))
    for number, output in outputs.items():
        plant = planted[number]
        if profile not in plant.kept_by and plant.leaks_in(output):
            result.kinds[plant.kind] += 1
            result.places.append(f"{plant.kind}: {plant.place}")
    return result


def print_table(planted: list[Plant], scores: list[Score], names: bool) -> None:
    """Leaks by kind and tool."""
    kinds = Counter(plant.kind for plant in planted)
    print("| kind | planted | " + " | ".join(result.tool for result in scores) + " |")
    print("| --- | --- |" + " --- |" * len(scores))
    for kind, count in kinds.items():
        print(f"| {kind} | {count} | " + " | ".join(str(result.kinds[kind]) for result in scores) + " |")
    print(f"| all | {len(planted)} | " + " | ".join(str(len(result.places)) for result in scores) + " |")
    print("| files that came out | | " + " | ".join(str(result.written) for result in scores) + " |")
    for result in scores if names else ():
        print(f"{result.tool}:")
        for place in result.places:
            print(f"    {place}")


def ours(folder: Path, profile: str) -> Outputs:
    """``thoraxai anonymize`` with a profile; the journal says which output belongs to which input."""
    output = folder / f"ours-{profile}"
    command = [sys.executable, "-m", "ThoraxAILib", "anonymize", str(folder / "in"), str(output)]
    command += ["--no-ocr", "--accept-pixels"]  # the plants are no pictures
    subprocess.run([*command, "--profile", profile], **QUIET)
    journal = Path(f"{output}-private") / "journal.jsonl"
    found = {}
    for line in journal.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record.get("status") == "clean":
            found[int(record["source"][:4])] = (output / record["output"]).read_bytes()
    return found


def _written(folder: Path) -> Outputs:
    return {int(path.stem): path.read_bytes() for path in folder.glob("*.dcm")}


def dicom_anonymizer(folder: Path) -> Outputs | None:
    """dicom-anonymizer with its defaults, over the folder."""
    program = Path(sys.executable).with_name("dicom-anonymizer")
    if not program.exists():
        return None
    output = folder / "dicom-anonymizer"
    output.mkdir()
    subprocess.run([str(program), str(folder / "in"), str(output)], **QUIET)
    for number, path in enumerate(sorted((folder / "in").glob("*.dcm"))):
        if not (output / path.name).exists():  # one bad file ends its run over the folder
            subprocess.run([str(program), str(path), str(output / f"{number:04d}.dcm")], **QUIET)
    return _written(output)


def gdcmanon(folder: Path) -> Outputs | None:
    """gdcmanon -e with a fresh certificate, file by file."""
    program, openssl = shutil.which("gdcmanon"), shutil.which("openssl")
    if program is None or openssl is None:
        return None
    output, certificate = folder / "gdcmanon", folder / "certificate.pem"
    output.mkdir()
    request = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(folder / "k.pem")]
    subprocess.run([*request, "-out", str(certificate), "-days", "2", "-subj", "/CN=benchmark"], **QUIET)
    for path in sorted((folder / "in").glob("*.dcm")):
        subprocess.run([program, "-e", "-c", str(certificate), str(path), str(output / path.name)], **QUIET)
    return _written(output)


def deid(folder: Path, python: str) -> Outputs | None:
    """pydicom/deid with its default recipe."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if (
        shutil.which(python) is None
        or subprocess.run([python, "-c", "import deid"], env=environment, **QUIET).returncode
    ):
        return None
    output = folder / "deid"
    output.mkdir()
    subprocess.run([python, "-c", DEID_SCRIPT, str(folder / "in"), str(output)], env=environment, **QUIET)
    return _written(output)


def audit(folder: Path, tool: str, result: Score) -> None:
    """How many of the leaking outputs of a tool ``thoraxai anonymize check`` names."""
    command = [sys.executable, "-m", "ThoraxAILib", "anonymize", "check", str(folder / tool)]
    done = subprocess.run([*command, "--against", str(folder / "in")], capture_output=True, text=True, check=False)
    named = {line.strip().split(".dcm")[0] for line in done.stdout.splitlines() if ".dcm" in line}
    print(f"check on the output of {tool}: {len(named)} files named, {len(result.places)} leak")


def whole_study(folder: Path) -> None:
    """One study with an identifier at 108 places, as in earlier editions of this benchmark."""
    canaries = write_canary_study(folder / "study")
    command = [sys.executable, "-m", "ThoraxAILib", "anonymize", str(folder / "study"), str(folder / "study-out")]
    subprocess.run(command, **QUIET)
    found, before = leaks(folder / "study-out", canaries), leaks(folder / "study", canaries)
    print(f"{len(canaries)} canaries of one study, {len(before)} found in the input, {len(found)} in the output")


if __name__ == "__main__":
    sys.exit(main())
