"""Matching on rendered pairs of a setting that nothing was trained on: accuracy, new and resolved, calibration.

Both dates come from the noise-free person, each with its own scanner and noise; the current one is moved by up to 15 mm
and 4 degrees rigidly, 10 mm elastically and 12 mm at the lung base. Nodules are given as measurements would give them
(center, size and type with errors); "detector" rows add missed nodules and false alarms. Registered distances are the
true motion plus a smooth error of 1-4 mm; with --registered-volumes the project's own registration of whole volumes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matching_scores import bootstrap, f1, interval_over_groups

from LungNoduleAILib.followup.matching.match import MATCHED, NEW, RESOLVED, UNCERTAIN, Evidence, Match, MatchItem, match
from LungNoduleAILib.followup.matching.siamese import loaded_network
from LungNoduleAILib.synthesis.cohort import load_or_make_body
from LungNoduleAILib.synthesis.two_dates.plan import plan_case
from LungNoduleAILib.training.matching.evidence_fit import BODY_SPACING_MM, FitCase, draw_fit_case

GATE_MM = 20.0
CASES_PER_BODY = 4
MISSED, FALSE_ALARMS = 0.08, 2


def run(arguments: argparse.Namespace) -> None:
    """Print one table for true nodules and one with a detector's misses and false alarms."""
    with tempfile.TemporaryDirectory() as folder:
        bodies = arguments.bodies or Path(folder)
        cases = draw_cases(arguments, bodies)
        random = np.random.default_rng([arguments.seed, 83])
        print_table("true nodules", [without(case, false_alarms, false_alarms) for case in cases])
        print_table(
            f"detector: {100 * MISSED:.0f} % missed, 0-{FALSE_ALARMS} false alarms",
            [without(case, *(lambda _: random.random() < MISSED,) * 2) for case in cases],
        )
        if arguments.registered_volumes:
            from lung_matching_volumes import print_registered

            print_registered(arguments, bodies)


def draw_cases(arguments: argparse.Namespace, bodies: Path) -> list[FitCase]:
    """Rendered and embedded cases with all nodules and some false alarms."""
    network, cases = loaded_network(), []
    for n in range(arguments.cases):
        body = load_or_make_body(arguments.seed + n // CASES_PER_BODY, arguments.setting, BODY_SPACING_MM, bodies)
        if not body.is_chest:
            continue
        plan = plan_case(arguments.seed + n, arguments.setting, body=body)
        random = np.random.default_rng([arguments.seed, 80, n])
        cases.append(draw_fit_case(plan, random, network, missed=0.0, false_alarms=FALSE_ALARMS))
    return cases


def false_alarms(item: MatchItem) -> bool:
    """Whether an item is a look-alike place and no nodule."""
    return item.id.startswith("P")


def without(
    case: FitCase, drop_prior: Callable[[MatchItem], bool], drop_current: Callable[[MatchItem], bool]
) -> FitCase:
    """The case with some items gone from either date."""
    rows = [n for n, item in enumerate(case.prior) if not drop_prior(item)]
    columns = [n for n, item in enumerate(case.current) if not drop_current(item)]
    part = np.ix_(rows, columns)
    evidence = Evidence(
        *(array[part] for array in (case.evidence.similarity, case.evidence.aligned_mm, case.evidence.registered_mm))
    )
    truth = tuple((rows.index(i), columns.index(j)) for i, j in case.truth if i in rows and j in columns)
    return FitCase(
        tuple(case.prior[n] for n in rows), tuple(case.current[n] for n in columns), evidence, truth, case.box_mm[part]
    )


def print_table(title: str, cases: list[FitCase]) -> None:
    """Scores of every method on the cases."""
    nodules = sum(len(case.prior) + len(case.current) - len(case.truth) for case in cases)
    print(
        f"\n{title}: {len(cases)} cases, {nodules} places, {sum(len(case.truth) for case in cases)} of them on both "
        "dates"
    )
    print(f"{'method':<36}{'matching accuracy':>28}{'first candidate':>17}{'new/resolved F1':>24}{'uncertain':>11}")
    for name, method in METHODS.items():
        results = [(case, method(case)) for case in cases]
        print(
            f"{name:<36}{accuracy(results):>28}{first_candidate(results):>17.3f}{alone_f1(results):>24}"
            f"{uncertain(results):>11}"
        )
    print_calibration(cases)


def accuracy(results: list[tuple[FitCase, list[Match]]]) -> str:
    """Share of true pairs that are matched as such; uncertain ones count as wrong."""
    return interval_over_groups(
        [
            (n, pair in pairs_with(rows, case, (MATCHED,)))
            for n, (case, rows) in enumerate(results)
            for pair in case.truth
        ]
    )


def first_candidate(results: list[tuple[FitCase, list[Match]]]) -> float:
    """Share of true pairs that are matched or the first candidate of an uncertain row."""
    return float(
        np.mean([pair in pairs_with(rows, case, (MATCHED, UNCERTAIN)) for case, rows in results for pair in case.truth])
    )


def pairs_with(rows: list[Match], case: FitCase, statuses: tuple[str, ...]) -> set[tuple[int, int]]:
    """Index pairs of the rows with one of some statuses."""
    prior, current = ({item.id: n for n, item in enumerate(items)} for items in (case.prior, case.current))
    return {(prior[row.prior_id], current[row.current_id]) for row in rows if row.status in statuses}


def alone_f1(results: list[tuple[FitCase, list[Match]]]) -> str:
    """F1 of "has no partner" over all nodules of both dates, with its interval over cases."""
    counts = np.array([alone_counts(case, rows) for case, rows in results])
    low, high = bootstrap(counts, f1)
    return f"{f1(counts.sum(axis=0)):.3f} ({low:.3f}-{high:.3f})"


def alone_counts(case: FitCase, rows: list[Match]) -> tuple[int, int, int]:
    """True positives, false positives and false negatives of new and resolved."""
    paired = {("prior", case.prior[i].id) for i, _ in case.truth} | {
        ("current", case.current[j].id) for _, j in case.truth
    }
    everything = {("prior", item.id) for item in case.prior} | {("current", item.id) for item in case.current}
    told = {("prior", row.prior_id) for row in rows if row.status == RESOLVED}
    told |= {("current", row.current_id) for row in rows if row.status == NEW}
    true = everything - paired
    return len(told & true), len(told - true), len(true - told)


def uncertain(results: list[tuple[FitCase, list[Match]]]) -> int:
    """How many rows are left to the reader."""
    return sum(row.status == UNCERTAIN for _, rows in results for row in rows)


def print_calibration(cases: list[FitCase]) -> None:
    """Told probability beside the share of right pairs, for pairs of every row with both dates."""
    told, right = [], []
    for case in cases:
        for row in match(case.prior, case.current, case.evidence):
            if row.prior_id and row.current_id:
                told.append(row.match_probability)
                right.append(row.prior_id == row.current_id)
    told, right = np.array(told), np.array(right)
    print(
        "calibration (network and registration): told -> true, n: "
        + ", ".join(
            f"{told[some].mean():.2f} -> {right[some].mean():.2f}, {some.sum()}"
            for some in ((told >= a) & (told < b) for a, b in ((0, 0.5), (0.5, 0.9), (0.9, 0.99), (0.99, 1.01)))
            if some.any()
        )
    )


def nearest(distance: Callable[[FitCase], np.ndarray]) -> Callable[[FitCase], list[Match]]:
    """Each prior nodule with the nearest current one within 20 mm; the others are new and resolved."""

    def matched(case: FitCase) -> list[Match]:
        far = distance(case)
        rows, taken = [], set()
        for i, item in enumerate(case.prior):
            j = int(far[i].argmin()) if far.shape[1] else -1
            if j >= 0 and far[i, j] <= GATE_MM:
                rows.append(Match(item.id, case.current[j].id, MATCHED, 1.0))
                taken.add(j)
            else:
                rows.append(Match(item.id, None, RESOLVED, 0.0))
        return rows + [Match(None, item.id, NEW, 0.0) for j, item in enumerate(case.current) if j not in taken]

    return matched


def raw_distance(case: FitCase) -> np.ndarray:
    """Distance of the scanner coordinates as they are."""
    prior, current = (
        np.array([item.center_ras_mm for item in items]).reshape(-1, 3) for items in (case.prior, case.current)
    )
    return np.linalg.norm(prior[:, None] - current[None], axis=2)


def ours(*known: str) -> Callable[[FitCase], list[Match]]:
    """The project's matching with some of the evidence."""
    return lambda case: match(
        case.prior, case.current, Evidence(**{name: getattr(case.evidence, name) for name in known})
    )


METHODS: dict[str, Callable[[FitCase], list[Match]]] = {
    "nearest neighbor": nearest(raw_distance),
    "affine (lung boxes), nearest": nearest(lambda case: case.box_mm),
    "ours: positions only": ours(),
    "ours: lung-aligned positions": ours("aligned_mm"),
    "ours: network, no registration": ours("similarity", "aligned_mm"),
    "ours: registration": ours("registered_mm"),
    "ours: network and registration": ours("similarity", "aligned_mm", "registered_mm"),
}
