"""Benchmark: finished cardiac studies asked for once more: seconds of ``cardiac analyze --resume``.

``python Testing/benchmarks/cardiac_resume.py PATIENT [--finished N]``: PATIENT is an ACDC folder with readers' labels;
it is analyzed once, and its files and results stand for those of N studies. Seconds of a clock count what else the
machine does; processor seconds stand beside them.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from CardiacBiomechLib.cases.study_case import study_stamp
from CardiacBiomechLib.cases.study_requests import AnalyzeStudyRequest

OPTIONS = ("--readers-labels", "--no-strain", "--scene", "none")


def main() -> int:
    """Analyze one study, copy it, ask again, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patient", type=Path)
    parser.add_argument("--finished", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        studies, results = Path(folder) / "studies", Path(folder) / "results"
        copy_finished(arguments.patient, studies, results, arguments.finished)
        clock, busy = time.perf_counter(), processor_seconds()
        run("--resume", inputs=studies, output=results)
        clock, busy = time.perf_counter() - clock, processor_seconds() - busy
        with (results / "index.csv").open(encoding="utf-8", newline="") as file:
            resumed = sum(row["status"] == "resumed" for row in csv.DictReader(file))
    print(f"load {os.getloadavg()[0]:.1f}")
    print(f"{resumed} of {arguments.finished} finished studies resumed in {clock:.1f} s (processor {busy:.1f})")
    return 0 if resumed == arguments.finished else 1


def copy_finished(patient: Path, studies: Path, results: Path, count: int) -> None:
    """Make ``count`` studies with finished results of the same files; only the stamp of each is its own."""
    first = studies / "study0000"
    shutil.copytree(patient, first)
    run(inputs=first, output=results / first.name)
    record = json.loads((results / first.name / "run.json").read_text(encoding="utf-8"))
    request = AnalyzeStudyRequest.parse([str(studies), "--output", str(results), *OPTIONS])
    for number in range(1, count):
        study = studies / f"study{number:04d}"
        target = results / study.name
        shutil.copytree(first, study, copy_function=os.link)
        shutil.copytree(results / first.name, target, copy_function=os.link)
        stamp = study_stamp(replace(request, inputs=(study,), output=target), study)
        own = {**record, "inputs": [{**record["inputs"][0], "name": study.name, "stamp": stamp}, *record["inputs"][1:]]}
        (target / "run.json").unlink()
        (target / "run.json").write_text(json.dumps(own), encoding="utf-8")


def run(*more: str, inputs: Path, output: Path) -> None:
    """Run ``thoraxai cardiac analyze`` in a process of its own."""
    command = [sys.executable, "-m", "ThoraxAILib", "cardiac", "analyze", str(inputs), "--output", str(output)]
    subprocess.run([*command, *OPTIONS, *more], check=True, stdout=subprocess.DEVNULL)


def processor_seconds() -> float:
    """User and system time of all child processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    sys.exit(main())
