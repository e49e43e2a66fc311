"""Several studies in child processes, each of which takes one after another, and the one table of all of them."""

from __future__ import annotations

import json
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from CardiacBiomechLib.cases.study_files import RESULT
from CardiacBiomechLib.cases.study_requests import ANALYZE, AnalyzeStudyRequest
from CardiacBiomechLib.cine.acdc import is_patient, patients_below, read_info
from ThoraxAILib.errors import Cancelled, InputError
from ThoraxAILib.jobs.child_job import SUCCEEDED
from ThoraxAILib.jobs.child_python import child_environment, child_words
from ThoraxAILib.jobs.csv_safety import SafeWriter
from ThoraxAILib.jobs.output_folder import output_error, remove_left_behind
from ThoraxAILib.jobs.run_record import RUN_FILE
from ThoraxAILib.jobs.serving.workers import WarmWorkers
from ThoraxAILib.jobs.worker_process import THREAD_LIMITS
from ThoraxAILib.options.shard import shard_suffix

INDEX = "index.csv"
POLL_SECONDS = 0.1
DONE, RESUMED, FAILED = "done", "resumed", "failed"
ERROR = "error"
HEAD = (
    "study", "status", "group", "frames", "ed_frame", "es_frame", "lv_edv_ml", "lv_esv_ml", "lv_ef_percent",
    "lv_mass_g", "rv_edv_ml", "rv_esv_ml", "rv_ef_percent", "peak_circumferential_green_lagrange",
    "global_longitudinal_strain", "verdicts", "seconds", "message", "path",
)  # fmt: skip


@dataclass(frozen=True)
class StudyCase:
    """One study and the name of its folder of results."""

    name: str
    path: Path


def gather_studies(inputs: Sequence[Path]) -> list[StudyCase]:
    """Return the studies at the inputs: each one, or every patient of a folder of ACDC patients. Raises InputError."""
    paths: list[Path] = []
    for given in inputs:
        if not given.exists():
            raise InputError(f"'{given}' does not exist: check the path.")
        patients = [] if is_patient(given) or not given.is_dir() else patients_below(given)
        paths += patients or [given]
    taken: dict[str, int] = {}
    cases = []
    for path in dict.fromkeys(path.resolve() for path in paths):
        name = path.name.split(".")[0] if path.is_file() else path.name
        name = "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in name) or "study"
        taken[name.lower()] = taken.get(name.lower(), 0) + 1
        cases.append(StudyCase(name if taken[name.lower()] == 1 else f"{name}_{taken[name.lower()]}", path))
    return cases


class StudyBatch:
    """Runs studies in up to ``jobs`` child processes; ``on_row`` hears of each that has ended."""

    def __init__(
        self,
        request: AnalyzeStudyRequest,
        cases: Sequence[StudyCase],
        on_row: Callable[[dict], None],
        on_progress: Callable[[float, str], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._request, self._pending, self._count = request, deque(cases), len(cases)
        self._on_row, self._on_progress, self._is_cancelled = on_row, on_progress, is_cancelled
        self._workers = WarmWorkers(_environment(request.jobs))
        self._running: list[_RunningStudy] = []
        self.rows: list[dict] = []

    def run(self) -> None:
        """Work through all studies; raises Cancelled after every child has ended."""
        try:
            while self._pending or self._running:
                if self._is_cancelled():
                    raise Cancelled("Cancelled.")
                while self._pending and len(self._running) < self._request.jobs:
                    self._running.append(_RunningStudy(self._request, self._pending.popleft(), self._workers))
                self._collect()
                time.sleep(POLL_SECONDS)
        finally:
            self._stop()
            self._workers.close()

    def _collect(self) -> None:
        for running in list(self._running):
            running.job.poll()
            if running.job.is_finished:
                self._running.remove(running)
                self._workers.release(running.job)
                self.rows.append(running.row())
                self._on_row(self.rows[-1])
        done = len(self.rows) + sum(running.job.progress for running in self._running)
        self._on_progress(done / self._count, f"{len(self.rows)} of {self._count} studies finished")

    def _stop(self) -> None:
        for running in self._running:
            running.job.cancel()
        while any(not running.job.is_finished for running in self._running):
            for running in self._running:
                running.job.poll()
            time.sleep(POLL_SECONDS)
        for running in self._running:
            self._workers.release(running.job)
            remove_left_behind(running.output.parent)
            remove_left_behind(running.output)


class _RunningStudy:
    """A study and the child process that works on it."""

    def __init__(self, request: AnalyzeStudyRequest, case: StudyCase, workers: WarmWorkers) -> None:
        self.case, self.output = case, request.output / case.name
        self._started = time.monotonic()
        self._before = _modified(self.output / RUN_FILE)
        asked = replace(request, inputs=(case.path,), output=self.output, jobs=1, shard=None)
        self.job = workers.job(child_words(ANALYZE, asked))
        self.job.start()

    def row(self) -> dict:
        """How it ended, with its numbers."""
        seconds = round(time.monotonic() - self._started, 1)
        path = str(self.case.path)
        row: dict = {"study": self.case.name, "seconds": seconds, "group": _group(self.case.path), "path": path}
        if self.job.state != SUCCEEDED:
            failure = self.job.failure
            return {**row, "status": FAILED, "message": failure.message if failure else "It was stopped."}
        resumed = _modified(self.output / RUN_FILE) == self._before
        found = json.loads((self.output / RESULT).read_text(encoding="utf-8"))
        return {**row, "status": RESUMED if resumed else DONE, **numbers_of(found), **_contradicted(found)}


def _contradicted(found: dict) -> dict:
    """Return status and message of a study whose result a verdict calls into question; empty for others."""
    errors = [verdict for verdict in found["quality"] if verdict["severity"] == ERROR]
    if not errors:
        return {}
    return {"status": errors[0]["code"].replace("_", " "), "message": " ".join(verdict["text"] for verdict in errors)}


def totals(rows: Sequence[dict]) -> str:
    """Return how many studies ended how: "5 studies: 3 done, 1 labels off heart, 1 failed"."""
    counts = Counter(row["status"] for row in rows)
    order = sorted(counts, key=lambda status: (status not in (DONE, RESUMED), status == FAILED, status))
    listed = ", ".join(f"{counts[status]} {status}" for status in order)
    return f"{len(rows)} stud{'y' if len(rows) == 1 else 'ies'}: {listed or 'none'}"


def numbers_of(found: dict) -> dict:
    """Return the columns of the table that come from a cardiac.json."""
    rv, strain, long_axis = found["rv"] or {}, found["strain"] or {}, found["long_axis"] or {}
    return {
        **{name: found[name] for name in ("frames", "ed_frame", "es_frame")},
        **{f"lv_{name}": found["lv"][name] for name in ("edv_ml", "esv_ml", "ef_percent", "mass_g")},
        **{f"rv_{name}": rv.get(name, "") for name in ("edv_ml", "esv_ml", "ef_percent")},
        "peak_circumferential_green_lagrange": strain.get("circumferential", {}).get("peak", ""),
        "global_longitudinal_strain": long_axis.get("global_longitudinal_strain", ""),
        "verdicts": " ".join(verdict["code"] for verdict in found["quality"]),
    }


def _group(path: Path) -> str:
    try:
        return read_info(path).get("Group", "") if is_patient(path) else ""
    except InputError:
        return ""


def _modified(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def _environment(jobs: int) -> dict[str, str]:
    """Return an environment in which the processors are shared, unless the person has set limits."""
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    limits = {name: threads for name in THREAD_LIMITS if name not in os.environ}
    return {**child_environment(("ThoraxAILib", "CardiacBiomechLib")), **limits}


def index_name(shard: str | None) -> str:
    """Return the name of the table: each shard writes its own."""
    return f"index{shard_suffix(shard)}.csv"


def write_index(output: Path, rows: Sequence[dict], name: str = INDEX) -> None:
    """Write the one table, by study; raises OutputError."""
    partial = output / f".{name}"
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = SafeWriter(file)
            writer.writerow(HEAD)
            writer.writerows([row.get(name, "") for name in HEAD] for row in sorted(rows, key=lambda r: r["study"]))
        partial.replace(output / name)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise output_error(error) from error
