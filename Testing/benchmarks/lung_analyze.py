"""Benchmark: the whole command ``lung analyze`` beside SimpleITK-only reading and lungs, and what batches save.

``python Testing/benchmarks/lung_analyze.py [--parts whole,thin,batch,resume] [--data DIR] [--one-thread]``; nothing is
asserted. ``whole`` is a synthetic CT of 512 x 512 x 300 voxels from DICOM folder to report and scene, ``thin`` the same
chest in 1,200 slices; ``batch`` runs 20 small cases alone and then in one batch; ``resume`` asks once more for 1,000
finished cases. Seconds of a clock count what else the machine does: on a busy one compare processor seconds, with
``--one-thread`` so that threads that wait are not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from phantom_dicom import write_dicom_folder

from LungNoduleAILib.synthesis.test_phantom.small_chest import FIELD_OF_VIEW_MM, make_small_chest
from ThoraxAILib.jobs.worker_process import THREAD_LIMITS

LUNG_STAGE, SCENE_STAGE = "lungs", "scene"
SMALL_SPACING_MM = (2.0, 2.0, 2.5)
PARTS = ("whole", "thin", "batch", "resume")


@dataclass(frozen=True)
class Spent:
    """What a block took: seconds of the clock, and of the processors by child processes that have ended."""

    clock: float
    busy: float


class Watch:
    """Measures from its making to ``read``."""

    def __init__(self) -> None:
        self._clock, self._busy = time.perf_counter(), processor_seconds()

    def read(self) -> Spent:
        """Return what was spent so far."""
        return Spent(time.perf_counter() - self._clock, processor_seconds() - self._busy)


def main() -> int:
    """Make what is measured, run it, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", default="whole", help=f"some of {','.join(PARTS)}")
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--thin", type=int, default=1200)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--finished", type=int, default=1000)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--data", type=Path, help="folder for the CTs, kept for the next run; made where it is not")
    parser.add_argument("--one-thread", action="store_true", help="every program computes with one thread")
    arguments = parser.parse_args()
    if arguments.one_thread:
        os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
    print(f"{os.cpu_count()} processors ({platform.machine()}), load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.data or Path(folder) / "data"
        data.mkdir(parents=True, exist_ok=True)
        for part in arguments.parts.split(","):
            if part in ("whole", "thin"):
                slices = arguments.slices if part == "whole" else arguments.thin
                compare(dicom_in(data, arguments.size, slices), Path(folder) / part, arguments.device)
            elif part == "batch":
                compare_batch(data, Path(folder) / part, arguments.cases)
            elif part == "resume":
                resume(data, Path(folder) / part, arguments.finished)
            else:
                parser.error(f"there is no part '{part}': give some of {','.join(PARTS)}")
    return 0


def compare(dicom: Path, output: Path, device: str) -> None:
    """Run the yardstick and the command on one CT and print both."""
    watch = Watch()
    yardstick = run_yardstick(dicom)
    theirs = watch.read()
    watch = Watch()
    run_command("analyze", dicom, "--output", output, "--device", device)
    ours = watch.read()
    run = json.loads((output / "run.json").read_text(encoding="utf-8"))
    planted = planted_in(dicom).read_text(encoding="utf-8")
    shape = " x ".join(map(str, run["inputs"][0]["shape_kji"][::-1]))
    print(f"\nCT of {shape} voxels, lungs as planted {planted} mL")
    print_table(yardstick, ours, theirs, run)


def processor_seconds() -> float:
    """User and system time of all child processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def dicom_in(data: Path, size: int, slices: int) -> Path:
    """Return the DICOM folder of the synthetic chest of this size; it is made where it is not there."""
    folder = data / f"{size}x{size}x{slices}"
    if not folder.exists():
        spacing = (FIELD_OF_VIEW_MM[0] / size, FIELD_OF_VIEW_MM[1] / size, FIELD_OF_VIEW_MM[2] / slices)
        phantom = make_small_chest(seed=1, spacing_mm=spacing, shape_ijk=(size, size, slices))
        planted_in(folder).write_text(f"{phantom.left_lung_ml + phantom.right_lung_ml:.0f}", encoding="utf-8")
        write_dicom_folder(phantom.volume, folder)
    return folder


def planted_in(dicom: Path) -> Path:
    """Return the file with the volume of the lungs of a synthetic chest, mL."""
    return dicom.with_name(f"{dicom.name}.ml")


def run_yardstick(dicom: Path) -> dict:
    """Lungs by SimpleITK alone, in a process of its own."""
    script = Path(__file__).with_name("sitk_lungs.py")
    done = subprocess.run([sys.executable, str(script), str(dicom)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def run_command(*words: object) -> None:
    """Run ``thoraxai lung`` with these words in a process of its own."""
    command = [sys.executable, "-m", "ThoraxAILib", "lung", *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def print_table(yardstick: dict, ours: Spent, theirs: Spent, run: dict) -> None:
    """Stage times and memory, then the ratios to the yardstick."""
    print(f"{'stage':<28}{'seconds':>9}{'processor':>11}{'peak MB':>9}")
    whole = {"name": "whole command", "seconds": ours.clock, "peak_mb": run["peak_memory_mb"]}
    rows = [*run["stages"], {**whole, "processor_seconds": ours.busy}]
    rows += [{**entry, "name": f"SimpleITK only: {entry['name']}"} for entry in yardstick["stages"]]
    for entry in rows:
        cells = f"{entry['seconds']:>9.2f}{entry['processor_seconds']:>11.2f}{entry['peak_mb']:>9.0f}"
        print(f"{entry['name']:<28}{cells}")
    found_ml = run["results"]["left_ml"] + run["results"]["right_ml"]
    print(f"lung volume: ThoraxAI {found_ml:.0f} mL, SimpleITK only {yardstick['volume_ml']:.0f} mL")
    scene = stage_of(run, SCENE_STAGE)
    print(f"the scene takes {share(scene, ours, 100)} % of the whole command")
    print(f"the whole command takes {ours.clock / theirs.clock:.2f} times SimpleITK only, both from start to end")
    print(f"in processor time {ours.busy / theirs.busy:.2f} times ({ours.busy:.1f} and {theirs.busy:.1f} s)")


def stage_of(run: dict, name: str) -> Spent:
    """Return what one stage of a run took."""
    entry = next(entry for entry in run["stages"] if entry["name"] == name)
    return Spent(entry["seconds"], entry["processor_seconds"])


def share(part: Spent, whole: Spent, of: float = 1.0) -> str:
    """Return a share on the clock and of the processors as words."""
    digits = 1 if of > 1 else 2
    return f"{of * part.clock / whole.clock:.{digits}f} (of processor time {of * part.busy / whole.busy:.{digits}f})"


def small_case(data: Path) -> Path:
    """Return a small synthetic CT as one file; made where it is not there."""
    from ThoraxAILib.io.transform_files import write_image

    path = data / "small.nrrd"
    if not path.exists():
        write_image(make_small_chest(seed=1, spacing_mm=SMALL_SPACING_MM).volume, path)
    return path


def compare_batch(data: Path, output: Path, count: int) -> None:
    """Run small cases one by one, then all in one batch."""
    folder = output / "cases"
    folder.mkdir(parents=True)
    cases = [folder / f"case{number:04d}.nrrd" for number in range(count)]
    for case in cases:
        shutil.copy(small_case(data), case)
    watch = Watch()
    for case in cases:
        run_command("analyze", case, "--output", output / "single" / case.stem)
    single = watch.read()
    watch = Watch()
    run_command("analyze", folder, "--output", output / "batch")
    together = watch.read()
    same = sum(
        (output / "single" / case.stem / "findings.csv").read_bytes()
        == (output / "batch" / case.stem / "findings.csv").read_bytes()
        for case in cases
    )
    print(f"\n{count} small cases: alone {single.clock:.1f} s (processor {single.busy:.1f})")
    print(f"in one batch {together.clock:.1f} s (processor {together.busy:.1f}), {same} with the same findings.csv")
    print(f"the batch takes {share(together, single)} of the single runs")


def resume(data: Path, output: Path, count: int) -> None:
    """Ask again for cases that are finished: one is analyzed, its results stand for those of all."""
    from LungNoduleAILib.cases.analyze_case import case_stamp
    from LungNoduleAILib.cases.requests import AnalyzeRequest
    from ThoraxAILib.io import Case

    folder, results = output / "cases", output / "results"
    folder.mkdir(parents=True)
    first = folder / "case0000.nrrd"
    shutil.copy(small_case(data), first)
    run_command("analyze", first, "--output", results / first.stem)
    run = json.loads((results / first.stem / "run.json").read_text(encoding="utf-8"))
    request = AnalyzeRequest((folder,), results)
    for number in range(1, count):
        case = folder / f"case{number:04d}.nrrd"
        os.link(first, case)
        target = results / case.stem
        shutil.copytree(results / first.stem, target, copy_function=os.link)
        stamp = case_stamp(request.for_case(Case(case.stem, case), target))
        own = {**run, "inputs": [{**run["inputs"][0], "name": case.stem, "stamp": stamp}]}
        (target / "run.json").unlink()
        (target / "run.json").write_text(json.dumps(own), encoding="utf-8")
    watch = Watch()
    run_command("analyze", folder, "--output", results, "--resume")
    spent = watch.read()
    rows = (results / "index.csv").read_text(encoding="utf-8").splitlines()[1:]
    resumed = sum(",resumed," in row for row in rows)
    print(f"\n{resumed} of {count} finished cases resumed in {spent.clock:.1f} s (processor {spent.busy:.1f})")


if __name__ == "__main__":
    sys.exit(main())
