"""Which nodule of the prior CT is which of the current one: matched, new, resolved, or uncertain between candidates.

Log odds of single pairs (matching_evidence) become probabilities under "at most one partner each"
(matching_association); the most probable one-to-one assignment with rejection is reported. The network's opinion, which
needs no registration, and the registration's are formed apart, and their agreement is told for every pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from LungNoduleAILib.followup.matching.association import best_assignment, pair_probabilities
from LungNoduleAILib.followup.matching.evidence import (
    NETWORK,
    POSITIONS,
    REGISTRATION,
    TOGETHER,
    Evidence,
    MatchItem,
    log_odds,
    methods_of,
)
from LungNoduleAILib.followup.matching.points import match_positions
from LungNoduleAILib.model.links import LINK, LinkDecision, checked_decisions
from ThoraxAILib.errors import InputError
from ThoraxAILib.options import Options, option

MATCHED, NEW, RESOLVED, UNCERTAIN = "matched", "new", "resolved", "uncertain"
READER = "reader"


@dataclass(frozen=True)
class MatchOptions(Options):
    """A pair is matched from ``least_probability`` on when it leads the second best by ``clear_lead``.

    A nodule that stays alone is uncertain when its best free candidate reaches ``candidate_from``.
    """

    least_probability: float = option(0.5, at_least=0, at_most=1)
    clear_lead: float = option(0.3, at_least=0, at_most=1)
    candidate_from: float = option(0.3, at_least=0, at_most=1)


@dataclass(frozen=True)
class Candidate:
    """A possible pair and its probability."""

    prior_id: str
    current_id: str
    probability: float


@dataclass(frozen=True)
class Match:
    """One row of the comparison: every nodule of either date is in exactly one row.

    ``match_probability``: that the pair is one nodule; for new and resolved, that it has any partner after all.
    ``candidates``: for uncertain rows all pairs worth a look, best first. ``method_agreement``: whether network and
    registration give the nodules of this row the same partners; None with one opinion. ``opinions``: what each method
    alone gives as the probability above. ``decided_by``: method or reader.
    """

    prior_id: str | None
    current_id: str | None
    status: str
    match_probability: float
    candidates: tuple[Candidate, ...] = ()
    method_agreement: bool | None = None
    opinions: dict[str, float] = field(default_factory=dict)
    decided_by: str = POSITIONS


def match(
    prior: Sequence[MatchItem],
    current: Sequence[MatchItem],
    evidence: Evidence | None = None,
    options: MatchOptions | None = None,
    decisions: Sequence[LinkDecision] = (),
) -> list[Match]:
    """Rows for all nodules of both dates: by prior nodule in the order given, then the new ones.

    Without evidence the coordinates alone are matched. Raises InputError for doubled ids, evidence that does not fit
    or contradictory ``decisions`` (the reader's links and unlinks, which always win).
    """
    options = options or MatchOptions()
    _check_ids(prior, "prior")
    _check_ids(current, "current")
    checked_decisions(decisions, [item.id for item in prior], [item.id for item in current])
    evidence = _with_alignment(prior, current, evidence or Evidence()).checked((len(prior), len(current)))
    methods = methods_of(evidence)
    main = TOGETHER if len(methods) == 2 else methods[0]
    case = _Case(prior, current, _decided(log_odds(prior, current, evidence, main), prior, current, decisions), main)
    rows = case.rows(options, {(d.prior_id, d.current_id) for d in decisions if d.decision == LINK})
    opinions = {method: _Opinion(prior, current, log_odds(prior, current, evidence, method)) for method in methods}
    return [_with_opinions(row, opinions) for row in rows]


class _Case:
    """One comparison: its items, log odds and probabilities."""

    def __init__(self, prior: Sequence[MatchItem], current: Sequence[MatchItem], odds: np.ndarray, method: str) -> None:
        self._prior, self._current, self._method = prior, current, method
        self._odds, self._probability = odds, pair_probabilities(odds)

    def rows(self, options: MatchOptions, linked: set[tuple[str, str]]) -> list[Match]:
        """One row per nodule or pair."""
        pairs = dict(best_assignment(self._odds))
        self._add_doubtful(pairs, options)
        rows = []
        for i, item in enumerate(self._prior):
            if i in pairs:
                rows.append(self._pair_row(i, pairs[i], options, (item.id, self._current[pairs[i]].id) in linked))
            else:
                rows.append(Match(item.id, None, RESOLVED, self._any(i, axis=1), decided_by=self._method))
        taken = set(pairs.values())
        return rows + [
            Match(None, item.id, NEW, self._any(j, axis=0), decided_by=self._method)
            for j, item in enumerate(self._current)
            if j not in taken
        ]

    def _add_doubtful(self, pairs: dict[int, int], options: MatchOptions) -> None:
        """Join two lone nodules that are likely enough each other's partner to be shown as uncertain."""
        taken = set(pairs.values())
        doubtful = [
            (self._probability[i, j], i, j)
            for i, j in np.argwhere(self._probability >= options.candidate_from)
            if i not in pairs and j not in taken
        ]
        for _, i, j in sorted(doubtful, reverse=True):
            if i not in pairs and j not in pairs.values():
                pairs[int(i)] = int(j)

    def _pair_row(self, i: int, j: int, options: MatchOptions, linked: bool) -> Match:
        ids = self._prior[i].id, self._current[j].id
        if linked:
            return Match(*ids, MATCHED, 1.0, decided_by=READER)
        probability = float(self._probability[i, j])
        others = [(float(self._probability[a, b]), a, b) for a, b in self._sharing(i, j)]
        second = max((p for p, _, _ in others), default=0.0)
        if probability >= options.least_probability and probability - second >= options.clear_lead:
            return Match(*ids, MATCHED, round(probability, 4), decided_by=self._method)
        likely = sorted((o for o in others if o[0] >= 0.05), reverse=True)
        candidates = [
            Candidate(*ids, round(probability, 4)),
            *(Candidate(self._prior[a].id, self._current[b].id, round(p, 4)) for p, a, b in likely),
        ]
        return Match(*ids, UNCERTAIN, round(probability, 4), tuple(candidates), decided_by=self._method)

    def _sharing(self, i: int, j: int) -> list[tuple[int, int]]:
        """All other pairs with the prior nodule i or the current nodule j."""
        rows, columns = self._probability.shape
        return [(i, b) for b in range(columns) if b != j] + [(a, j) for a in range(rows) if a != i]

    def _any(self, index: int, axis: int) -> float:
        """Probability that a lone nodule has a partner."""
        of_this = self._probability[index] if axis == 1 else self._probability[:, index]
        return round(float(np.clip(of_this.sum(), 0.0, 1.0)), 4)


def _check_ids(items: Sequence[MatchItem], name: str) -> None:
    ids = [item.id for item in items]
    if len(set(ids)) != len(ids):
        raise InputError(f"The {name} nodules need ids of their own, found a doubled one: number them.")


def _with_alignment(prior: Sequence[MatchItem], current: Sequence[MatchItem], evidence: Evidence) -> Evidence:
    """Return the evidence with distances after laying the points over one another, when no alignment is given."""
    if evidence.aligned_mm is not None:
        return evidence
    prior_points, current_points = (
        np.array([item.center_ras_mm for item in items], dtype=float).reshape(-1, 3) for items in (prior, current)
    )
    return Evidence(
        evidence.similarity, match_positions(prior_points, current_points).distance_mm, evidence.registered_mm
    )


def _decided(
    odds: np.ndarray, prior: Sequence[MatchItem], current: Sequence[MatchItem], decisions: Sequence[LinkDecision]
) -> np.ndarray:
    """Return the log odds after the reader's decisions: a link excludes all else, an unlink that one pair."""
    odds = odds.copy()
    rows, columns = ({item.id: n for n, item in enumerate(items)} for items in (prior, current))
    for decision in decisions:
        i, j = rows[decision.prior_id], columns[decision.current_id]
        if decision.decision == LINK:
            odds[i], odds[:, j] = -np.inf, -np.inf
            odds[i, j] = np.inf
        else:
            odds[i, j] = -np.inf
    return odds


class _Opinion:
    """What one method alone says."""

    def __init__(self, prior: Sequence[MatchItem], current: Sequence[MatchItem], odds: np.ndarray) -> None:
        self._row, self._column = ({item.id: n for n, item in enumerate(items)} for items in (prior, current))
        pairs = best_assignment(odds)
        self.of_prior = {prior[i].id: current[j].id for i, j in pairs}
        self.of_current = {current[j].id: prior[i].id for i, j in pairs}
        self._probability = pair_probabilities(odds)

    def probability(self, row: Match) -> float:
        """Of the row's pair; of any partner for a lone nodule."""
        i = slice(None) if row.prior_id is None else self._row[row.prior_id]
        j = slice(None) if row.current_id is None else self._column[row.current_id]
        return round(float(np.clip(np.sum(self._probability[i, j]), 0.0, 1.0)), 4)


def _with_opinions(row: Match, opinions: dict[str, _Opinion]) -> Match:
    """Return the row with the probability each method gives it, and whether two methods agree on its nodules."""
    told = {method: opinion.probability(row) for method, opinion in opinions.items()}
    if len(opinions) < 2:
        return replace(row, opinions=told)
    one, other = opinions.values()
    same = row.prior_id is None or one.of_prior.get(row.prior_id) == other.of_prior.get(row.prior_id)
    same &= row.current_id is None or one.of_current.get(row.current_id) == other.of_current.get(row.current_id)
    return replace(row, opinions=told, method_agreement=same)


__all__ = [
    "MATCHED",
    "NETWORK",
    "NEW",
    "POSITIONS",
    "REGISTRATION",
    "RESOLVED",
    "TOGETHER",
    "UNCERTAIN",
    "Candidate",
    "Evidence",
    "LinkDecision",
    "Match",
    "MatchItem",
    "MatchOptions",
    "match",
]
