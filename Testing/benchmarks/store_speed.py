"""How fast CT slices go into a real Orthanc on this machine and come back compared: STOW-RS and WADO-RS over TLS.

``python Testing/benchmarks/store_speed.py [--count 200] [--repeats 3]``. Each repeat uploads another study of slices of
512 x 512 voxels with the whole of ``thoraxai upload`` (hash of every file, batches, retrieval, comparison, journal,
log), and C-STORE over TLS with pynetdicom. The machine's load is told, since everything runs on it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures.anonymized_folders import anonymized_folder
from ThoraxAILib.store.address import open_store
from ThoraxAILib.store.instance import Instance, read_instance
from ThoraxAILib.store.server.local_server import LocalServer
from ThoraxAILib.store.upload.upload import FolderToSend, upload

MB = 1e6
STUDY = "1.2.826.0.1.55"
BATCH_BYTES = 16 << 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, LocalServer(Path(place) / "server") as server:
        for repeat in range(options.repeats):
            folder = anonymized_folder(Path(place) / f"out{repeat}", f"{STUDY}.{repeat}", options.count, 100, 512)
            measure(server, folder, repeat)


def measure(server: LocalServer, folder: Path, repeat: int) -> None:
    """Print one line for each way."""
    files = instances(folder)
    size = sum(len(file.data) for file in files)
    store = open_store(server.address, server.access())
    per_batch = BATCH_BYTES // len(files[0].data)
    with Stopwatch(server, f"{repeat} STOW-RS alone", size):
        for start in range(0, len(files), per_batch):
            if store.send(files[start : start + per_batch]):
                raise SystemExit("the server refused a file")
    with Stopwatch(server, f"{repeat} WADO-RS and SHA-256", size):
        back = {file.sop_uid: file.sha256 for file in store.retrieve(files[0].study_uid)}
    if back != {file.sop_uid: file.sha256 for file in files}:
        raise SystemExit("what came back is not what was sent")
    other = anonymized_folder(folder.with_name(f"all{repeat}"), f"{STUDY}.9{repeat}", len(files), 100, 512)
    with Stopwatch(server, f"{repeat} upload, compared", size):
        if not upload(FolderToSend(other), store).is_complete:
            raise SystemExit("the upload is not complete")
    third = anonymized_folder(folder.with_name(f"dimse{repeat}"), f"{STUDY}.8{repeat}", len(files), 100, 512)
    files = instances(third)
    with Stopwatch(server, f"{repeat} C-STORE over TLS", size):
        open_store(server.dimse_address, server.access()).send(files)


def instances(folder: Path) -> list[Instance]:
    """The files of a folder."""
    return [read_instance(path.read_bytes()) for path in sorted((folder / "THX-ABCD").glob("*.dcm"))]


class Stopwatch:
    """Prints how long a way took, and the processor time of this process and of the server together."""

    def __init__(self, server: LocalServer, way: str, size: int) -> None:
        self.server, self.way, self.size = server, way, size

    def __enter__(self) -> None:
        self._begin, self._cpu = time.perf_counter(), self._processor()

    def __exit__(self, *_exception: object) -> None:
        seconds, cpu = time.perf_counter() - self._begin, self._processor() - self._cpu
        print(
            f"{self.way}: {self.size / MB:.1f} MB, {self.size / MB / seconds:.1f} MB/s ({seconds:.2f} s), "
            f"{self.size / MB / cpu:.1f} MB for a second of processor ({cpu:.2f} s); load {os.getloadavg()[0]:.1f}",
            flush=True,
        )

    def _processor(self) -> float:
        return time.process_time() + self.server.processor_seconds()


if __name__ == "__main__":
    main()
