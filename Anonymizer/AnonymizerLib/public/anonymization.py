"""``thoraxai.anonymize``: a folder of DICOM files to a folder without identity, with a report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from AnonymizerLib.identity.identities import read_patient_table
from AnonymizerLib.identity.key_store import PASSWORD_VARIABLE, load_key, save_key
from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.pixels.clean import PixelPolicy
from AnonymizerLib.profile.options import Option, Profile
from AnonymizerLib.profile.presets import profile_named
from AnonymizerLib.profile.regions import Box
from AnonymizerLib.profile.rules import read_rules
from AnonymizerLib.run.report import REPORT_FILE, REPORT_FOLDER
from AnonymizerLib.run.run import RunOptions, run
from AnonymizerLib.run.summary import CLEAN, QUARANTINED, SKIPPED, Summary
from AnonymizerLib.run.worker import WorkerSettings
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress, Report
from ThoraxAILib.public.keywords import with_keywords


@dataclass(frozen=True)
class AnonymizeOptions:
    """How to de-identify; the fields are the options of ``thoraxai anonymize``.

    Attributes:
        profile: basic, research, longitudinal, teaching or strict.
        options: Names of further options of PS3.15 Annex E.
        rules: YAML file of own rules: keep, remove, replace, blank.
        key: File of the project key, made when it does not exist; without it pseudonyms are thrown away after the run.
        patients: CSV file of own pseudonyms, rows of original,pseudonym.
        prefix: How pseudonyms begin.
        jobs: Number of processes.
        blank: Rectangles to blank in doubtful images, as Box(left, top, width, height) in pixels.
        accept_pixels: Doubtful images pass: a person has looked at all of them.
        use_ocr: Read burned-in text with tesseract where it is installed.
        approve_faces: A person has seen the pictures of the removed faces.
        private: Folder for journal and quarantine list; by default the neighbor of the output.
    """

    profile: str = "basic"
    options: tuple[str, ...] = ()
    rules: Path | None = None
    key: Path | None = None
    patients: Path | None = None
    prefix: str = "P"
    jobs: int = 1
    blank: tuple[Box, ...] = ()
    accept_pixels: bool = False
    use_ocr: bool = True
    approve_faces: bool = False
    private: Path | None = None

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise InputError(f"The number of jobs must be at least 1, {self.jobs} was given.")
        if isinstance(self.options, str):
            raise InputError("The options are a list of names: write options=['retain-device'].")
        object.__setattr__(self, "options", tuple(self.options))
        object.__setattr__(self, "blank", tuple(self.blank))
        for name in ("rules", "key", "patients", "private"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, Path(getattr(self, name)))

    def chosen_profile(self) -> Profile:
        """The preset with options and rules; regions to blank imply the option that blanks them."""
        rules = read_rules(self.rules) if self.rules else None
        labels = list(self.options)
        if self.blank or (rules is not None and rules.regions):
            labels.append(Option.CLEAN_PIXELS.label)
        return profile_named(self.profile, labels, rules)


@dataclass(frozen=True, eq=False, repr=False)
class Anonymization:
    """What became of a folder. Made by ``thoraxai.anonymize``; the results lie in ``output`` already.

    Attributes:
        output: The folder of the results, which may be shared.
        report: The report as HTML; it holds no original value.
        private: The folder of journal and quarantine list; it names input files and must not be shared.
        summary: All that the report says.

    Example:
        >>> done = thoraxai.anonymize("in", "out", profile="research")
        >>> print(done.counts, done.report)
    """

    output: Path
    report: Path
    private: Path
    summary: Summary

    @property
    def counts(self) -> dict[str, int]:
        """How many files are clean, quarantined (they wait for a person) and skipped (no DICOM)."""
        return {status: self.summary.counts[status] for status in (CLEAN, QUARANTINED, SKIPPED)}

    @property
    def reasons(self) -> Mapping[str, int]:
        """Why files did not pass, and how many for each reason."""
        return {reason: count for (_, reason), count in self.summary.reasons.most_common()}

    @property
    def promise(self) -> str:
        """What can be said of the result: anonymous or pseudonymous, in one sentence."""
        return "" if self.summary.promise is None else self.summary.promise.sentence

    def __repr__(self) -> str:
        told = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        return f"<De-identification into {self.output.name}: {told}>"


def anonymize(
    source: Path | str,
    output: Path | str,
    settings: AnonymizeOptions | None = None,
    *,
    password: str | None = None,
    progress: Report | None = None,
    **keywords: object,
) -> Anonymization:
    """De-identify a folder of DICOM files after PS3.15 Annex E, search the results for identity, and write a report.

    Args:
        source: The folder with the DICOM files; it is never changed.
        output: The folder of the results, outside of ``source``. What an interrupted run finished is not done again.
        settings: How; the defaults without it.
        password: Of the project key; without it the environment variable THORAXAI_KEY_PASSWORD is asked.
        progress: Called with a fraction (0 to 1) and a sentence; may raise Cancelled to stop.
        **keywords: Single options by name, instead of those in ``settings``: the fields of AnonymizeOptions.

    Returns:
        What became of the files: ``counts``, ``reasons``, ``report``, ``private``.

    Raises:
        InputError: A folder or an option cannot be used; one sentence says why and what to do.
        OutputError: The results cannot be written.

    Example:
        >>> import thoraxai
        >>> thoraxai.anonymize("in", "out", profile="research").counts
        {'clean': 3, 'quarantined': 0, 'skipped': 0}
    """
    options = with_keywords("anonymize", settings or AnonymizeOptions(), keywords)
    source, output = Path(source), Path(output)
    profile = options.chosen_profile()
    regions = profile.rules.regions if profile.rules else ()
    policy = PixelPolicy(regions, options.blank, options.use_ocr, options.accept_pixels)
    patients = read_patient_table(options.patients) if options.patients else {}
    work = WorkerSettings(
        source, output, profile, _key(options.key, output, password), policy, patients, options.prefix
    )
    told = RunOptions(work, options.jobs, options.private, options.approve_faces)
    summary = run(told, Progress(progress)).summary or Summary()
    return Anonymization(output, output / REPORT_FOLDER / REPORT_FILE, told.private_folder, summary)


def _key(path: Path | None, output: Path, password: str | None) -> ProjectKey:
    """The project key: opened, made anew, or a throw-away one; never beside the results."""
    if path is None:
        return ProjectKey.new()
    if output.resolve() in path.resolve().parents:
        raise InputError("The project key must not lie in the output folder: keep it apart from the results.")
    password = os.environ.get(PASSWORD_VARIABLE) if password is None else password
    if password is None:
        raise InputError(f"The key {path.name} needs its password: give password=... or set {PASSWORD_VARIABLE}.")
    if not path.exists():
        save_key(ProjectKey.new(), path, password)
    return load_key(path, password)
