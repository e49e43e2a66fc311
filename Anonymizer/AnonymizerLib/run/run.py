"""A run over a folder: find the files, share them among processes, keep the journal, write the report at the end."""

from __future__ import annotations

import gc
import hashlib
import json
import multiprocessing
import os
import shutil
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from AnonymizerLib.deidentify.instance import QUARANTINED
from AnonymizerLib.profile.options import Option
from AnonymizerLib.profile.table import table
from AnonymizerLib.run.journal import Journal
from AnonymizerLib.run.report import write_reports
from AnonymizerLib.run.summary import Summary
from AnonymizerLib.run.worker import UNFINISHED, Done, Worker, WorkerSettings
from ThoraxAILib import __version__
from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.worker_process import end_with_parent

BATCH = 8
BATCHES_AHEAD = 3
GARBAGE_THRESHOLDS = (50_000, 50, 100)  # a data set is hundreds of small objects: look for garbage less often
PRIVATE_SUFFIX = "-private"
JOURNAL, FACES = "journal.jsonl", "faces"

_worker: Worker | None = None


@dataclass(frozen=True)
class RunOptions:
    """A run: what the workers need, how many there are, and where the things go that must not be shared.

    ``faces_approved`` means that a person has seen the pictures of the removed faces.
    """

    settings: WorkerSettings
    jobs: int = 1
    private: Path | None = None
    faces_approved: bool = False

    @property
    def private_folder(self) -> Path:
        """Journal and quarantine list: they name input files, so they stay out of the output."""
        return private_folder_of(self.settings.output, self.private)


@dataclass
class RunResult:
    """Counts by status, why instances wait, and where the report is."""

    counts: Counter = field(default_factory=Counter)
    report: Path | None = None
    private: Path | None = None
    summary: Summary | None = None

    @property
    def has_quarantined(self) -> bool:
        """Whether something waits for a person."""
        return self.counts[QUARANTINED] > 0


def private_folder_of(output: Path, private: Path | None = None) -> Path:
    """The private folder of an output: the given one, else its neighbor."""
    return private or output.with_name(output.name + PRIVATE_SUFFIX)


def run(options: RunOptions, progress: Progress | None = None) -> RunResult:
    """De-identify a folder; what an earlier, interrupted run with the same settings finished is not done again."""
    progress = progress or Progress()
    settings = options.settings
    files = list_files(settings.source)
    _check_folders(options)
    journal = _open_journal(options)
    _prepare(settings.output)
    try:
        if settings.profile.has(Option.CLEAN_FACES):
            options = _with_faces(options, files, progress.part(0.0, 0.3))
        todo = [name for name in files if not _is_done(journal, settings.source, name)]
        done = len(files) - len(todo)
        for number, result in enumerate(_results(options, todo), start=done + 1):
            journal.add(result.entry, result.changes, result.quasi)
            progress(0.95 * number / max(len(files), 1), f"{number} of {len(files)} files")
    finally:
        journal.close()
        shutil.rmtree(settings.output / UNFINISHED, ignore_errors=True)
    progress(0.97, "Writing the report")
    summary = write_reports(journal.path, settings.output, options.private_folder, settings)
    progress(1.0, "Done")
    return RunResult(summary.counts, summary.report, options.private_folder, summary)


def _with_faces(options: RunOptions, files: list[str], progress: Progress) -> RunOptions:
    """Look for faces first; the masks go to the workers."""
    from AnonymizerLib.pixels.face_removal import Faces, prepare_faces

    faces = Faces(options.private_folder / FACES, options.settings.key, options.faces_approved)
    prepare_faces(options.settings.source, files, faces, progress)
    return replace(options, settings=replace(options.settings, faces=faces))


def list_files(source: Path) -> list[str]:
    """Every file below a folder, relative to it, in a stable order; InputError when there is none."""
    if not source.is_dir():
        raise InputError(f"'{source.name}' is not a folder: give the folder that holds the DICOM files.")
    found = []
    for folder, folders, names in os.walk(source):
        folders.sort()
        found += [os.path.relpath(os.path.join(folder, name), source) for name in sorted(names)]
    if not found:
        raise InputError(f"The folder '{source.name}' holds no file: choose the folder with the DICOM files.")
    return found


def _check_folders(options: RunOptions) -> None:
    source, output = options.settings.source.resolve(), options.settings.output.resolve()
    private = options.private_folder.resolve()
    if source == output or source in output.parents or output in source.parents:
        raise InputError("Input and output overlap: choose an output folder outside of the input folder.")
    if private == output or output in private.parents or source == private or source in private.parents:
        raise InputError("The private folder must lie outside of input and output.")


def settings_name(settings: WorkerSettings) -> str:
    """A hash of everything that decides the result, so that a run is never finished with other settings."""
    rules = settings.profile.rules
    parts = {
        "version": __version__,
        "table": table()[0],
        "project": settings.key.project_id,
        "check": settings.key.short_name("settings", ""),
        "options": sorted(option.label for option in settings.profile.options),
        "strict": settings.profile.strict,
        "rules": [] if rules is None else [repr(item) for item in (*rules.by_tag.items(), *rules.by_creator.items())],
        "policy": repr(settings.policy),
        "prefix": settings.prefix,
        "patients": settings.key.short_name("settings", json.dumps(settings.patients, sort_keys=True)),
        "source": settings.key.short_name("settings", str(settings.source.resolve())),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8")).hexdigest()


def _open_journal(options: RunOptions) -> Journal:
    output, private = options.settings.output, options.private_folder
    journal = private / JOURNAL
    if not journal.exists() and output.is_dir() and any(output.iterdir()):
        raise InputError(f"The output folder '{output.name}' is not empty and has no journal: choose an empty one.")
    try:
        return Journal(journal, settings_name(options.settings))
    except OSError as error:
        raise OutputError("The private folder beside the output cannot be written: choose another place.") from error


def _prepare(output: Path) -> None:
    """An output folder without leftovers of a killed run."""
    try:
        shutil.rmtree(output / UNFINISHED, ignore_errors=True)
        (output / UNFINISHED).mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"The output folder '{output.name}' cannot be written: choose another place.") from error


def _is_done(journal: Journal, source: Path, name: str) -> bool:
    if name not in journal.finished:
        return False
    stat = (source / name).stat()
    return journal.is_done(name, stat.st_size, stat.st_mtime_ns)


def _results(options: RunOptions, todo: list[str]) -> Iterator[Done]:
    if options.jobs <= 1:
        worker = Worker(options.settings)
        for name in todo:
            yield worker.process(name)
        return
    yield from _parallel(options, todo)


def _parallel(options: RunOptions, todo: list[str]) -> Iterator[Done]:
    """Results of worker processes, with only a few batches on their way, so memory does not grow with the folder."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(options.jobs, context, _start_worker, (options.settings,))
    waiting: deque[Future] = deque()
    try:
        for batch in _batches(todo):
            waiting.append(pool.submit(_process_batch, batch))
            if len(waiting) >= options.jobs * BATCHES_AHEAD:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _batches(names: list[str]) -> Iterable[list[str]]:
    for start in range(0, len(names), BATCH):
        yield names[start : start + BATCH]


def _start_worker(settings: WorkerSettings) -> None:
    """Runs once in each worker process; it ends when the parent is gone, however that happened."""
    global _worker
    _worker = Worker(settings)
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    end_with_parent()


def _process_batch(names: list[str]) -> list[Done]:
    assert _worker is not None
    return [_worker.process(name) for name in names]
