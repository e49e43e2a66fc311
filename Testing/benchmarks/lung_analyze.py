"""Benchmark: a CT of 512 x 512 x 300 voxels from DICOM folder to report, beside SimpleITK-only lungs, in one run.

``python Testing/benchmarks/lung_analyze.py [--slices N] [--size N] [--device D] [--dicom DIR]``; nothing is asserted.
Seconds of a clock count what else the machine does: compare within one run, and by processor seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from phantom_dicom import write_dicom_folder

from LungNoduleAILib.synthesis.test_phantom.small_chest import FIELD_OF_VIEW_MM, make_small_chest

LUNG_STAGE = "lungs"


def main() -> int:
    """Make the CT, run both, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dicom", type=Path, help="folder for the CT, kept for the next run; made where it is not")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dicom = arguments.dicom or Path(folder) / "dicom"
        planted = ""
        if not dicom.exists():
            truth_ml = make_dicom(dicom, arguments.size, arguments.slices)
            planted = f", lungs as planted {truth_ml:.0f} mL"
        before = processor_seconds()
        yardstick = run_yardstick(dicom)
        between = processor_seconds()
        seconds, run = run_analysis(dicom, Path(folder) / "result", arguments.device)
        busy = between - before, processor_seconds() - between
    print(
        f"CT of {' x '.join(map(str, run['inputs'][0]['shape_kji'][::-1]))} voxels on {os.cpu_count()} processors "
        f"({platform.machine()}){planted}"
    )
    print_table(yardstick, seconds, run)
    print(f"processor time: ThoraxAI {busy[1]:.1f} s, SimpleITK only {busy[0]:.1f} s, ratio {busy[1] / busy[0]:.2f}")
    return 0


def processor_seconds() -> float:
    """User and system time of all child processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def make_dicom(folder: Path, size: int, slices: int) -> float:
    """Write the synthetic chest; returns its lung volume in mL."""
    spacing = (FIELD_OF_VIEW_MM[0] / size, FIELD_OF_VIEW_MM[1] / size, FIELD_OF_VIEW_MM[2] / slices)
    phantom = make_small_chest(seed=1, spacing_mm=spacing, shape_ijk=(size, size, slices))
    write_dicom_folder(phantom.volume, folder)
    return phantom.left_lung_ml + phantom.right_lung_ml


def run_yardstick(dicom: Path) -> dict:
    """Lungs by SimpleITK alone, in a process of its own."""
    script = Path(__file__).with_name("sitk_lungs.py")
    done = subprocess.run([sys.executable, str(script), str(dicom)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def run_analysis(dicom: Path, output: Path, device: str) -> tuple[float, dict]:
    """The whole command; seconds from its start to its end, and its run record."""
    started = time.perf_counter()
    subprocess.run(
        [
            sys.executable,
            "-m",
            "ThoraxAILib",
            "lung",
            "analyze",
            str(dicom),
            "--output",
            str(output),
            "--device",
            device,
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - started, json.loads((output / "run.json").read_text(encoding="utf-8"))


def print_table(yardstick: dict, seconds: float, run: dict) -> None:
    """Stage times and memory, then the ratio to the yardstick."""
    print(f"{'stage':<28}{'seconds':>9}{'peak MB':>9}")
    for entry in run["stages"]:
        print(f"{entry['name']:<28}{entry['seconds']:>9.2f}{entry['peak_mb']:>9.0f}")
    print(f"{'whole command':<28}{seconds:>9.2f}{run['peak_memory_mb']:>9.0f}")
    for entry in yardstick["stages"]:
        print(f"{'SimpleITK only: ' + entry['name']:<28}{entry['seconds']:>9.2f}{entry['peak_mb']:>9.0f}")
    found_ml = run["results"]["left_ml"] + run["results"]["right_ml"]
    print(f"lung volume: ThoraxAI {found_ml:.0f} mL, SimpleITK only {yardstick['volume_ml']:.0f} mL")
    ours = next(entry["seconds"] for entry in run["stages"] if entry["name"] == LUNG_STAGE)
    theirs = next(entry["seconds"] for entry in yardstick["stages"] if entry["name"] == "lungs")
    print(f"lungs, lobes and airways take {ours / theirs:.2f} times the SimpleITK-only lungs")
    scene = next((entry["seconds"] for entry in run["stages"] if entry["name"] == "scene"), 0.0)
    print(f"the scene takes {100 * scene / seconds:.1f} % of the whole command")
    print(
        f"the whole command takes {seconds / sum(entry['seconds'] for entry in yardstick['stages']):.2f} times "
        "reading and lungs by SimpleITK only"
    )


if __name__ == "__main__":
    sys.exit(main())
