"""A run over a folder: find the files, share them among processes, keep the journal, write the report at the end."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from AnonymizerLib.bounds.worker_limits import FileLimits
from AnonymizerLib.bounds.worker_pool import results
from AnonymizerLib.deidentify.instance import CLEAN, QUARANTINED
from AnonymizerLib.profile.options import Option
from AnonymizerLib.profile.table import table
from AnonymizerLib.run.journal import Entry, Journal
from AnonymizerLib.run.listing import Listing, list_inputs
from AnonymizerLib.run.report import write_reports
from AnonymizerLib.run.run_lock import RunLock
from AnonymizerLib.run.summary import Summary, latest_records
from AnonymizerLib.run.worker import UNFINISHED, CleaningJob, WorkerSettings
from ThoraxAILib import __version__
from ThoraxAILib.errors import InputError, OutputError, known
from ThoraxAILib.jobs.outputs.private_files import make_private_folder
from ThoraxAILib.jobs.progress import Progress

PRIVATE_SUFFIX = "-private"
JOURNAL, FACES = "journal.jsonl", "faces"


@dataclass(frozen=True)
class RunOptions:
    """A run: what the workers need, how many there are, and where the things go that must not be shared.

    ``faces_approved`` means that a person has seen the pictures of the removed faces. ``is_isolated`` has the files
    read by worker processes even when one is enough, so that no file can end the run; more than one job implies it.
    """

    settings: WorkerSettings
    jobs: int = 1
    private: Path | None = None
    faces_approved: bool = False
    is_isolated: bool = False
    limits: FileLimits = field(default_factory=FileLimits)

    @property
    def private_folder(self) -> Path:
        """Journal and quarantine list: they name input files, so they stay out of the output."""
        return private_folder_of(self.settings.output, self.private)


@dataclass
class RunResult:
    """Counts by status, why instances wait, and where the report is."""

    counts: Counter
    report: Path
    private: Path
    summary: Summary
    note: str = ""

    @property
    def outputs(self) -> list[str]:
        """The outputs that lie in the output folder, by name."""
        if self.private is None:
            return []
        records = latest_records(self.private / JOURNAL)
        return sorted(record["output"] for record in records if record.get("status") == CLEAN)

    @property
    def has_quarantined(self) -> bool:
        """Whether something waits for a person."""
        return self.counts[QUARANTINED] > 0


def private_folder_of(output: Path, private: Path | None = None) -> Path:
    """Name the private folder of an output: the given one, else its neighbor."""
    return private or output.with_name(output.name + PRIVATE_SUFFIX)


def run(options: RunOptions, progress: Progress | None = None) -> RunResult:
    """De-identify a folder; what an earlier, interrupted run with the same settings finished is not done again.

    Raises InputError when another run works on the same output.
    """
    progress = progress or Progress()
    settings = options.settings
    listing = list_inputs(settings.source)
    _check_folders(options)
    _make_folders(options)
    with RunLock(settings.output, options.private_folder):
        journal = _open_journal(options)
        try:
            _prepare(settings.output)
            _clean_all(options, listing, journal, progress.part(0.0, 0.95))
        finally:
            journal.close()
            shutil.rmtree(settings.output / UNFINISHED, ignore_errors=True)
        progress(0.97, "Writing the report")
        summary = _write_reports(journal, options)
    progress(1.0, "Done")
    return RunResult(summary.counts, known(summary.report, "the report"), options.private_folder, summary, journal.note)


def _clean_all(options: RunOptions, listing: Listing, journal: Journal, progress: Progress) -> None:
    """Every file that is not done yet; folders that could not be looked into count as waiting for a person."""
    settings, files = options.settings, listing.files
    journal.add_gone({*files, *listing.set_aside})
    for name, reason in listing.set_aside.items():
        journal.add(Entry(name, 0, 0, QUARANTINED, reason))
    if settings.profile.has(Option.CLEAN_FACES):
        options = _with_faces(options, files, progress.part(0.0, 0.3))
    todo = [name for name in files if not _is_done(journal, settings, name)]
    outcomes = results(CleaningJob(options.settings), todo, options.jobs, options.limits, options.is_isolated)
    for number, result in enumerate(outcomes, start=len(files) - len(todo) + 1):
        journal.add(result.entry, result.changes, result.quasi)
        progress(number / max(len(files), 1), f"{number} of {len(files)} files")


def _write_reports(journal: Journal, options: RunOptions) -> Summary:
    try:
        return write_reports(journal.path, options.settings.output, options.private_folder, options.settings)
    except OSError as error:
        raise OutputError(
            f"The report cannot be written ({error.strerror}): free space, then start the same command again."
        ) from error


def _with_faces(options: RunOptions, files: list[str], progress: Progress) -> RunOptions:
    """Look for faces first; the masks go to the workers."""
    from AnonymizerLib.pixels.face_removal import Faces
    from AnonymizerLib.run.face_search import Workforce, look_for_faces

    faces = Faces(options.private_folder / FACES, options.settings.key, options.faces_approved)
    workforce = Workforce(options.jobs, options.limits, options.is_isolated)
    faces = look_for_faces(options.settings.source, files, faces, workforce, progress)
    return replace(options, settings=replace(options.settings, faces=faces))


def _check_folders(options: RunOptions) -> None:
    source, output = options.settings.source.resolve(), options.settings.output.resolve()
    private = options.private_folder.resolve()
    if source == output or source in output.parents or output in source.parents:
        raise InputError("Input and output overlap: choose an output folder outside of the input folder.")
    if private == output or output in private.parents or source == private or source in private.parents:
        raise InputError("The private folder must lie outside of input and output.")


def settings_name(settings: WorkerSettings) -> str:
    """Hash everything that decides the result, so that a run is never finished with other settings."""
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


def _make_folders(options: RunOptions) -> None:
    """Output and private folder; an output that some other program filled is refused before anything is made."""
    output, private = options.settings.output, options.private_folder
    has_content = output.is_dir() and any(output.iterdir())  # looked at first: a journal precedes every content
    if has_content and not (private / JOURNAL).exists():
        raise InputError(f"The output folder '{output.name}' is not empty and has no journal: choose an empty one.")
    try:
        make_private_folder(private)
    except OSError as error:
        raise OutputError("The private folder beside the output cannot be written: choose another place.") from error
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The output folder '{output.name}' cannot be written: choose another place.") from error


def _open_journal(options: RunOptions) -> Journal:
    try:
        return Journal(options.private_folder / JOURNAL, settings_name(options.settings))
    except OutputError:
        raise
    except OSError as error:
        raise OutputError("The private folder beside the output cannot be written: choose another place.") from error


def _prepare(output: Path) -> None:
    """Clear an output folder of leftovers of a killed run."""
    try:
        shutil.rmtree(output / UNFINISHED, ignore_errors=True)
        (output / UNFINISHED).mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"The output folder '{output.name}' cannot be written: choose another place.") from error


def _is_done(journal: Journal, settings: WorkerSettings, name: str) -> bool:
    if name not in journal.finished:
        return False
    try:
        stat = (settings.source / name).stat()
    except OSError:  # it vanished or broke since: the worker says so
        return False
    return journal.is_done(name, stat.st_size, stat.st_mtime_ns, settings.output)
