"""What was done, as an HTML page for people: without any original value, in the frame of all reports of the suite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from AnonymizerLib.profile.options import Option
from AnonymizerLib.profile.table import table
from AnonymizerLib.run.summary import CLEAN, QUARANTINED, SKIPPED, Study, Summary
from ThoraxAILib import __version__
from ThoraxAILib.report.page import Table, render_page

if TYPE_CHECKING:
    from AnonymizerLib.run.worker import WorkerSettings

TEMPLATE = Path(__file__).parent / "templates" / "anonymization.html"


@dataclass(frozen=True)
class Crowd:
    """How well patients hide among those that look alike, and what would help."""

    words: str
    suggestions: tuple[str, ...]


@dataclass(frozen=True)
class StudyContent:
    """One study of the output under its pseudonym, and what was done to which attribute."""

    patient: str
    words: str
    changes: Table


def report_page(summary: Summary, settings: WorkerSettings) -> str:
    """Render the HTML document of one run."""
    profile = settings.profile
    options = ", ".join(sorted(option.label for option in profile.options)) or "none"
    return render_page(
        TEMPLATE,
        "De-identification report",
        promise=summary.promise.sentence if summary.promise else "",
        method=(
            f"ThoraxAI {__version__}, PS3.15 Table E.1-1 edition {table()[0]}, profile {profile.name}, "
            f"options: {options}. Codes of the actions: X removed, Z emptied, D dummy, U new UID, C cleaned."
        ),
        searched=summary.search_sentence,
        warnings=tuple(summary.warnings),
        counts=Table.of(
            [("", False), ("", True)],
            [(status, str(summary.counts[status])) for status in (CLEAN, QUARANTINED, SKIPPED)],
        ),
        reasons=Table.of(
            [("", False), ("", False), ("", True)],
            [(status, reason, str(count)) for (status, reason), count in summary.reasons.most_common()],
        ),
        crowd=_crowd(summary, profile.has(Option.FULL_DATES)),
        studies=tuple(_study(summary, uid, study) for uid, study in summary.studies.items()),
    )


def _crowd(summary: Summary, dates_kept: bool) -> Crowd | None:
    found = summary.linkage
    if found is None or not found.patients:
        return None
    rare = "description occurs" if found.rare_descriptions == 1 else "descriptions occur"
    words = (
        f"{found.patients} patient{'s' * (found.patients != 1)}; the smallest group that shares sex, age band, month, "
        f"modality, device, institution, height and weight has k = {found.smallest_k} (risk {found.largest_risk:.0%}); "
        f"{found.share_below_five:.0%} of patients are in groups below 5; descriptions per group at least "
        f"{found.diversity}; {found.rare_descriptions} {rare} for one patient only."
    )
    return Crowd(words + (" Months are real." if dates_kept else ""), tuple(found.suggestions))


def _study(summary: Summary, uid: str, study: Study) -> StudyContent:
    head = [("Tag", False), ("Attribute", False), ("Action", False), ("Why", False), ("Count", True)]
    rows = [(path, name, action, reason, str(count)) for path, name, action, reason, count in summary.rows_of(uid)]
    words = f"Study {uid}: {len(study.series)} series, {study.instances} instances"
    return StudyContent(study.patient, words, Table.of(head, rows))
