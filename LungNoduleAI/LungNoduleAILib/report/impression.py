"""What the report says first: the findings in words, the most suspicious one in front, and what limits them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from LungNoduleAILib.analysis.importance import SUSPICIOUS, by_suspicion, category_for_order, is_doubtful
from LungNoduleAILib.guidelines.from_findings import ALL_NODULES, AdviceRow, NoduleBefore, advice_table
from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.model.findings import Finding, QualityNote
from ThoraxAILib.report.page import number

SHOWN = 3  # nodules told one by one


def impression(
    findings: Sequence[Finding],
    quality: Sequence[QualityNote],
    person: PersonAndExam,
    before: Mapping[str, NoduleBefore] | None = None,
) -> tuple[str, ...]:
    """Return sentences: what keeps the result from being used, how many nodules, the most suspicious, the exam."""
    ordered = by_suspicion(findings, before)
    sure = [one for one in ordered if one.status != "rejected" and not is_doubtful(one)]
    doubtful = sum(one.status != "rejected" and is_doubtful(one) for one in ordered)
    rejected = sum(one.status == "rejected" for one in ordered)
    advised = advice_table(ordered, person, before) if person.stated() else None
    rows: tuple[AdviceRow, ...] = () if advised is None else advised.rows
    lines = [note.text for note in quality if note.severity == "error"]
    lines.append(_count(sure, before) + _aside(doubtful, rejected))
    for finding in sure[:SHOWN]:
        told = [_short(row) for row in rows if row.nodule == finding.id]
        lines.append("; ".join([f"{finding.id}: {in_words(finding)}", *told]) + ".")
    if len(sure) > SHOWN:
        more, largest = len(sure) - SHOWN, max(one.mean_diameter_mm for one in sure[SHOWN:])
        lines.append(f"{more} more nodule{'s' * (more > 1)} of up to {number(largest)} mm: see the table.")
    lines += _open([row for row in rows if row.nodule in {one.id for one in sure[:SHOWN]}])
    exam = [f"{row.title} {row.words}" for row in rows if row.nodule == ALL_NODULES]
    if exam:
        lines.append(f"Exam: {'; '.join(exam)}.")
    elif advised is None or person.exam is None:
        lines.append("No guideline category: the kind of exam is not stated.")
    return tuple(lines)


def _count(sure: Sequence[Finding], before: Mapping[str, NoduleBefore] | None) -> str:
    if not sure:
        return "No nodule is reported. This does not exclude one"
    suspicious = sum(category_for_order(one, (before or {}).get(one.id)) in SUSPICIOUS for one in sure)
    nodules = f"{len(sure)} nodule{'s' * (len(sure) > 1)}"
    if not suspicious:
        return f"{nodules}, none of them suspicious by size and type"
    return f"{nodules}, {suspicious} of them suspicious by size and type"


def _aside(doubtful: int, rejected: int) -> str:
    words = [f"{doubtful} doubtful mark{'s' * (doubtful > 1)}"] if doubtful else []
    words += [f"{rejected} rejected by the reader"] if rejected else []
    return f" ({', '.join(words)})." if words else "."


def in_words(finding: Finding) -> str:
    """Return 'RLL, 20.9 mm solid nodule, spiculated, accepted'."""
    where = finding.where("no lobe")
    kind = finding.type if finding.kind == "nodule" else f"{finding.type} {finding.kind}"
    look = [word.replace("_", " ") for word in (finding.margin, finding.attachment) if word and word != "free"]
    if finding.calcification_pattern:
        look.append(f"calcification {finding.calcification_pattern.replace('_', ' ')}")
    source = ["added by the reader"] if finding.source == "reader" else []
    status = finding.status if finding.status != "unreviewed" else "not yet reviewed"
    return ", ".join([where, f"{number(finding.mean_diameter_mm)} mm {kind}", *look, *source, status])


def _short(row: AdviceRow) -> str:
    """Return the guideline with its category, probability or advice; the rest stands in the section on guidelines."""
    return f"{row.title}: {row.result}" if row.is_category_or_probability else f"{row.title}: {row.advice}"


def _open(rows: Sequence[AdviceRow]) -> tuple[str, ...]:
    """Return a sentence on what would change these answers and was not stated."""
    if not any(row.open_to_reader for row in rows):
        return ()
    return ("Something that was not stated would change these answers: see Guidelines.",)
