"""Benchmark: CT instances of 512 x 512 per second, beside dicom-anonymizer in the same run; memory over many files.

``python Testing/benchmarks/anonymizer_speed.py [--instances N] [--jobs N] [--ct FOLDER] [--memory-files N]``; nothing
is asserted. Without ``--ct`` synthetic instances with about 110 elements each are made.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from pydicom import dcmread

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures.anonymizer_studies import ct, file_bytes, put, raw_dataset

COMMAND = [sys.executable, "-m", "ThoraxAILib"]
PEER = Path(sys.executable).with_name("dicom-anonymizer")
FILLING = 60


def main() -> int:
    """Make the files, run both tools, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=1000)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--ct", type=Path, help="a real series to copy instead of synthetic instances")
    parser.add_argument("--memory-files", type=int, default=0, help="also watch memory over this many small files")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = make_instances(folder / "in", arguments)
        print(
            f"{count} CT instances of {arguments.size} x {arguments.size} on {os.cpu_count()} processors "
            f"({platform.machine()}), {arguments.jobs} processes"
        )
        ours, ours_cpu = measured(lambda: run_ours(folder / "in", folder / "ours", arguments.jobs))
        print(
            f"ThoraxAI, self-check and report included: {count / ours:7.0f} instances/s, "
            f"{1000 * ours_cpu / count:.1f} ms of processor each"
        )
        if not PEER.exists():
            print("dicom-anonymizer is not installed: pip install dicom-anonymizer")
        else:
            peer, peer_cpu = measured(lambda: run_peer(folder / "in", folder / "peer"))
            print(
                f"dicom-anonymizer (one process):           {count / peer:7.0f} instances/s, "
                f"{1000 * peer_cpu / count:.1f} ms of processor each; {peer / ours:.1f} times slower"
            )
        if arguments.memory_files:
            watch_memory(folder, arguments)
    return 0


def make_instances(folder: Path, arguments: argparse.Namespace) -> int:
    """One flat folder of instances (dicom-anonymizer reads no sub-folders)."""
    folder.mkdir()
    sources = sorted(arguments.ct.rglob("*.dcm")) if arguments.ct else []
    for number in range(arguments.instances):
        if sources:
            ds = dcmread(sources[number % len(sources)])
            ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.99.{number}"
            ds.save_as(folder / f"{number:05d}.dcm")
        else:
            (folder / f"{number:05d}.dcm").write_bytes(synthetic(number, arguments.size))
    return arguments.instances


def synthetic(number: int, size: int) -> bytes:
    """A CT with as many elements as scanners write: sequences, private blocks and descriptions among them."""
    ds = ct(number, size=size)
    put(
        ds,
        0x00081140,
        "SQ",
        [raw_dataset((0x00081150, "UI", b"1.2.840.10008.5.1.4.1.1.2"), (0x00081155, "UI", b"1.2.826.0.1.77.9"))],
    )
    put(ds, 0x00290010, "LO", b"SIEMENS MEDCOM HEADER")
    for element in range(FILLING):
        put(ds, 0x00291000 + element, "LO", b"private value %d" % element)
    return file_bytes(ds)


def measured(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds on the clock and seconds of processor (all child processes) of some work."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run_ours(source: Path, output: Path, jobs: int) -> None:
    """The whole command."""
    subprocess.run(
        [*COMMAND, "anonymize", str(source), str(output), "--profile", "research", "--jobs", str(jobs)],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def run_peer(source: Path, output: Path) -> None:
    """dicom-anonymizer with its defaults."""
    output.mkdir()
    subprocess.run(
        [str(PEER), str(source), str(output)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def watch_memory(folder: Path, arguments: argparse.Namespace) -> None:
    """Memory of all processes of a run at a tenth, half and the end of many small files."""
    shutil.rmtree(folder / "in")
    make_instances(folder / "in", argparse.Namespace(ct=None, instances=arguments.memory_files, size=64))
    child = subprocess.Popen(
        [*COMMAND, "anonymize", str(folder / "in"), str(folder / "many"), "--jobs", str(arguments.jobs)],
        stdout=subprocess.DEVNULL,
    )
    samples: list[float] = []
    watcher = threading.Thread(target=sample_memory, args=(child.pid, samples))
    watcher.start()
    child.wait()
    watcher.join()
    third = max(len(samples) // 3, 1)
    print(
        f"Memory of all processes over {arguments.memory_files} files: first third at most "
        f"{max(samples[:third]):.0f} MiB, middle {max(samples[third : 2 * third]):.0f} MiB, last "
        f"{max(samples[2 * third :]):.0f} MiB"
    )


def sample_memory(process: int, samples: list[float]) -> None:
    """Unique memory of a process and its children in MiB, until it ends."""
    while True:
        try:
            root = psutil.Process(process)
            if root.status() == psutil.STATUS_ZOMBIE:
                return
            total = sum(one.memory_full_info().uss for one in (root, *root.children(recursive=True)))
        except psutil.NoSuchProcess:
            if not psutil.pid_exists(process):
                return
            continue
        samples.append(total / 2**20)
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
