"""An earlier exam as the report of a later one tells it: sizes then, in words, and the nodule as it looked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from LungNoduleAILib.guidelines.from_findings import NoduleBefore, before_of_follow_up
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.growth import percent_words
from LungNoduleAILib.model.pairs import MATCHED, FollowUp, Pair
from LungNoduleAILib.report.head import iso_date
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.report.page import number


@dataclass(frozen=True, eq=False)
class PriorExam:
    """What an earlier CT says of the findings of a later one; all mappings are by the id of the later finding.

    ``before`` is for guidelines and order, ``told`` for people. ``volume`` is the earlier CT, ``places`` are RAS mm
    there, ``findings`` the earlier ones with their masks on it.
    """

    words: str
    before: Mapping[str, NoduleBefore]
    told: Mapping[str, str] = field(default_factory=dict)
    date: str = ""
    volume: Volume | None = None
    places: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    findings: Mapping[str, Finding] = field(default_factory=dict)


def prior_exam(
    follow_up: FollowUp, current: tuple[Finding, ...], volume: Volume | None, prior: Mapping[str, Finding]
) -> PriorExam:
    """Return what the last step of a follow-up says of the ``current`` findings.

    ``volume`` is the prior CT where it is at hand, ``prior`` its findings by their own ids.
    """
    before = before_of_follow_up(follow_up, current)
    pairs = {pair.current_id: pair for pair in follow_up.intervals[-1].pairs if pair.current_id in before}
    earlier = {one.id: one for one in follow_up.scans[-2].findings}
    date = iso_date(follow_up.scans[-2].date)
    since = f"Since {date}" if date else "Since the prior CT"
    now = {one.id: one for one in current}
    return PriorExam(
        fates_words(follow_up),
        before,
        {name: f"{since}: {_told(pair, earlier.get(pair.prior_id or ''), now[name])}" for name, pair in pairs.items()},
        date,
        volume,
        {name: pair.prior_center_ras_mm for name, pair in pairs.items() if pair.prior_center_ras_mm is not None},
        {name: prior[pair.prior_id or ""] for name, pair in pairs.items() if pair.prior_id in prior},
    )


def _told(pair: Pair, then: Finding | None, now: Finding) -> str:
    """Return what became of one nodule, without a full stop inside."""
    if then is None or pair.growth is None:
        return f"{pair.status}."
    growth = pair.growth
    words = [
        f"{number(then.mean_diameter_mm)} to {number(now.mean_diameter_mm)} mm",
        f"{percent_words(growth.volume_change_percent)} in volume",
        growth.growth,
    ]
    if growth.growth == "growing" and growth.doubling_words:
        words.append(f"doubling time {growth.doubling_words}")
    if then.status == "rejected":
        words.append(f"rejected then ({then.reason})" if then.reason else "rejected then")
    return ", ".join(words) + "."


def fates_words(follow_up: FollowUp) -> str:
    """Return a sentence with how many nodules grew, are new, went away, and so on; rejected ones do not count."""
    last = follow_up.intervals[-1]
    rejected = [{one.id for one in scan.findings if one.status == "rejected"} for scan in follow_up.scans[-2:]]
    fates = [
        pair.growth.growth if pair.growth and pair.status == MATCHED else pair.status
        for pair in last.pairs
        if pair.prior_id not in rejected[0] and pair.current_id not in rejected[1]
    ]
    told = ", ".join(f"{fates.count(fate)} {fate}" for fate in dict.fromkeys(sorted(fates)))
    time = "at an unknown interval" if last.days is None else f"after {last.days} days"
    return f"Compared {time}: {told}." if told else f"Compared {time}: no nodule at either date."


def decided_words(prior: Finding | None, current: Finding | None) -> str:
    """Return ', rejected' or ', accepted' as the reader decided on the current CT, else on the prior one."""
    if current is not None and current.status != "unreviewed":
        return f", {current.status}"
    if prior is None or prior.status == "unreviewed":
        return ""
    return f", {prior.status}" if current is None else f", {prior.status} on the prior CT"
