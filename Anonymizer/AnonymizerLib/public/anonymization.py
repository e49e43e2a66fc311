"""``thoraxai.anonymize``: a folder of DICOM files to a folder without identity, with a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from AnonymizerLib.identity.key_store import PASSWORD_VARIABLE
from AnonymizerLib.run.anonymize_folder import anonymize_folder
from AnonymizerLib.run.report import REPORT_FILE, REPORT_FOLDER
from AnonymizerLib.run.request import AnonymizeOptions
from AnonymizerLib.run.run import private_folder_of
from AnonymizerLib.run.summary import CLEAN, QUARANTINED, SKIPPED, Summary
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress, Report
from ThoraxAILib.public.keywords import with_keywords


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

    def given_password(path: Path, _is_new: bool) -> str:
        raise InputError(f"The key {path.name} needs its password: give password=... or set {PASSWORD_VARIABLE}.")

    ask = given_password if password is None else lambda _path, _is_new: password
    result, _settings = anonymize_folder(source, output, options, ask, Progress(progress))
    private = private_folder_of(output, options.private)
    return Anonymization(output, output / REPORT_FOLDER / REPORT_FILE, private, result.summary or Summary())
