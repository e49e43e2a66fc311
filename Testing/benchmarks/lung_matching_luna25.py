"""Matching by coordinates alone on LUNA25: the same NoduleID at two dates is the truth.

The table's coordinates are those of the scanner (LPS mm); table height and length differ from date to date by up to
metres. All pairs of dates of a person count. Only links that exist are graded for accuracy; a nodule without a partner
in the table may still have one in the images, so rejections are told apart.
"""

from __future__ import annotations

import argparse
import csv
import itertools
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matching_scores import interval_over_groups

from LungNoduleAILib.followup.matching.points import match_positions

Points = dict[str, np.ndarray]
Matcher = Callable[[np.ndarray, np.ndarray], dict[int, int]]


def run(arguments: argparse.Namespace) -> None:
    """Print accuracy with its interval for every method."""
    people = read_people(arguments.table)
    pairs = [
        (person, one, other)
        for person, dates in people.items()
        for one, other in itertools.combinations([dates[d] for d in sorted(dates)], 2)
        if set(one) & set(other)
    ]
    print(
        f"{len(pairs)} pairs of dates of {len({p for p, _, _ in pairs})} people, "
        f"{sum(len(set(a) & set(b)) for _, a, b in pairs)} links of "
        f"{len({name for _, a, b in pairs for name in set(a) & set(b)})} nodules"
    )
    print(f"{'method':<34}{'all links':>30}{'links with a choice':>30}{'rejects':>10}")
    for name, matcher in METHODS.items():
        print(f"{name:<34}" + "".join(cells(pairs, matcher)))
    print(
        "95 % intervals: bootstrap over people. A link has a choice when either date shows more than one nodule. "
        "rejects: nodules without a partner in the table that are left alone."
    )


def read_people(table: Path) -> dict[str, dict[str, Points]]:
    """Nodule positions in RAS mm by person and date."""
    people: dict[str, dict[str, Points]] = defaultdict(lambda: defaultdict(dict))
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            lps = np.array([float(row[f"Coord{axis}"]) for axis in "XYZ"])
            people[row["PatientID"]][row["StudyDate"]][row["NoduleID"]] = lps * (-1, -1, 1)
    return people


def cells(pairs: list[tuple[str, Points, Points]], matcher: Matcher) -> list[str]:
    """Accuracy over all links, over those with a choice, and the share of rightly rejected nodules."""
    right, choice, alone = [], [], []
    for person, prior, current in pairs:
        names, others = list(prior), list(current)
        found = matcher(np.array(list(prior.values())), np.array(list(current.values())))
        for i, name in enumerate(names):
            if name not in current:
                alone.append(i not in found)
                continue
            right.append((person, found.get(i) == others.index(name)))
            if len(names) + len(others) > 2:
                choice.append(right[-1])
    return [f"{interval_over_groups(right):>30}", f"{interval_over_groups(choice):>30}", f"{np.mean(alone):>10.3f}"]


def nearest(prior: np.ndarray, current: np.ndarray) -> dict[int, int]:
    """Each prior nodule with the nearest current one."""
    return {i: int(np.argmin(np.linalg.norm(current - point, axis=1))) for i, point in enumerate(prior)}


def nearest_after_centering(prior: np.ndarray, current: np.ndarray) -> dict[int, int]:
    """The same after laying the centroids over one another."""
    return nearest(prior - prior.mean(axis=0), current - current.mean(axis=0))


METHODS: dict[str, Matcher] = {
    "nearest neighbor": nearest,
    "nearest after centroids": nearest_after_centering,
    "match_positions": lambda prior, current: dict(match_positions(prior, current).pairs),
}
