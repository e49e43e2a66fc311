"""Benchmark: how many planted identifiers survive ThoraxAI, dicom-anonymizer and gdcmanon with their defaults.

``python Testing/benchmarks/anonymizer_leaks.py [--list]``; tools that are not installed are named and left out.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

from pydicom import dcmread

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures.anonymizer_canaries import Canary, leaks, write_canary_study

ENCRYPTED_ATTRIBUTES = 0x04000500
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False}


def main() -> int:
    """Plant, run every tool on the same study, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="name the places that leak")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        canaries = write_canary_study(folder / "in")
        print(f"{len(canaries)} planted identifiers, {len(leaks(folder / 'in', canaries))} found in the input")
        for tool, run in (("ThoraxAI basic", ours), ("dicom-anonymizer", dicom_anonymizer), ("gdcmanon", gdcmanon)):
            report(tool, run(folder / "in", folder / tool.replace(" ", "-")), canaries, arguments.list)
    return 0


def report(tool: str, output: Path | None, canaries: list[Canary], names: bool) -> None:
    """One line per tool."""
    if output is None:
        print(f"{tool:18s} is not installed")
        return
    written = sum(1 for path in output.rglob("*") if path.is_file())
    found = leaks(output, canaries)
    print(f"{tool:18s} {len(found):3d} leaks ({written} files written)")
    for place in found if names else ():
        print(f"    {place}")


def ours(source: Path, output: Path) -> Path:
    """thoraxai anonymize with its basic profile."""
    subprocess.run([sys.executable, "-m", "ThoraxAILib", "anonymize", str(source), str(output)], **QUIET)
    return output


def dicom_anonymizer(source: Path, output: Path) -> Path | None:
    """dicom-anonymizer with its defaults, file by file under neutral names, as it keeps names."""
    program = Path(sys.executable).with_name("dicom-anonymizer")
    if not program.exists():
        return None
    output.mkdir()
    for number, path in enumerate(sorted(path for path in source.rglob("*") if path.is_file())):
        subprocess.run([str(program), str(path), str(output / f"{number}.dcm")], **QUIET)
    return output


def gdcmanon(source: Path, output: Path) -> Path | None:
    """gdcmanon -e with a fresh certificate, file by file under neutral names."""
    program = shutil.which("gdcmanon")
    if program is None or shutil.which("openssl") is None:
        return None
    output.mkdir()
    certificate = source.parent / "certificate.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            str(source.parent / "k.pem"),
            "-out",
            str(certificate),
            "-days",
            "2",
            "-subj",
            "/CN=benchmark",
        ],
        **QUIET,
    )
    for number, path in enumerate(sorted(path for path in source.rglob("*") if path.is_file())):
        readable = source.parent / f"for-gdcmanon-{number}.dcm"
        ds = dcmread(path)
        ds.pop(ENCRYPTED_ATTRIBUTES, None)  # it gives up on files that already have some
        ds.save_as(readable)
        subprocess.run([program, "-e", "-c", str(certificate), str(readable), str(output / f"{number}.dcm")], **QUIET)
    return output


if __name__ == "__main__":
    sys.exit(main())
