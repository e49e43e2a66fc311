"""Growth told from sizes measured in both scans of rendered pairs, against the true volumes.

Around each persisting nodule a block of each date is rendered with that date's own scanner (slices of 1 to 2.5 mm) and
the nodule is delineated and measured by the project's own code from a center and diameter as a detector gives them.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matching_scores import bootstrap

from LungNoduleAILib.analysis.engines import choose_engines
from LungNoduleAILib.followup.growth.assessment import ScanContext, assess_growth
from LungNoduleAILib.measurement.lung_depth import LungDepth
from LungNoduleAILib.measurement.measure import measure
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.growth import Growth
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.synthesis.cohort import load_or_make_body
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.two_dates.plan import plan_case
from LungNoduleAILib.synthesis.two_dates.rendering import DateView
from LungNoduleAILib.training.matching.evidence_fit import BODY_SPACING_MM
from ThoraxAILib.image.grid import Grid

DELINEATOR = choose_engines(AnalysisOptions()).delineator.made

TRULY_GROWN = 1.25  # volume ratio, as in BTS 2015
SLICES_MM = (1.0, 1.25, 2.0, 2.5)
PIXEL_MM = 0.8
CASES_PER_BODY = 4
RATIO_BINS = (0.0, 0.8, 0.99, 1.01, 1.25, 1.5, 2.0, 3.0, 9.0)


@dataclass(frozen=True)
class Followed:
    """One persisting nodule: its truth and what was told; ``growth`` None when it could not be measured twice."""

    case: int
    diameter_mm: float
    ratio: float
    measured_ratio: float | None
    growth: Growth | None


def run(arguments: argparse.Namespace) -> None:
    """Print sensitivity and precision of growth, and how the answers fall by true volume ratio."""
    with tempfile.TemporaryDirectory() as folder:
        followed = [
            one for n in range(arguments.cases) for one in follow(n, arguments, arguments.bodies or Path(folder))
        ]
    print_scores(followed)
    print(f"\n{'true volume ratio':<20}{'n':>5}{'told':>8}  answers")
    for low, high in itertools.pairwise(RATIO_BINS):
        some = [one for one in followed if low <= one.ratio < high]
        answers = Counter("not measured" if one.growth is None else one.growth.growth for one in some)
        told = [one.measured_ratio for one in some if one.measured_ratio is not None]
        print(
            f"{low:4.2f} to {high:4.2f}        {len(some):>5}{np.median(told) if told else np.nan:>8.2f}  "
            + ", ".join(f"{name} {count}" for name, count in sorted(answers.items()))
        )


def follow(number: int, arguments: argparse.Namespace, bodies: Path) -> list[Followed]:
    """All persisting nodules of one case, measured in both dates."""
    seed = arguments.seed + number
    body = load_or_make_body(arguments.seed + number // CASES_PER_BODY, arguments.setting, BODY_SPACING_MM, bodies)
    if not body.is_chest:
        return []
    plan = plan_case(seed, arguments.setting, body=body)
    random = np.random.default_rng([arguments.seed, 81, number])
    slices = random.choice(SLICES_MM, 2)
    views = [
        replace(view, scanner=replace(view.scanner, slice_mm=float(mm), increment_mm=float(mm)))
        for view, mm in zip((plan.prior, plan.current), slices, strict=True)
    ]
    days = 365
    results = []
    for link in plan.links:
        if link.status != "matched":
            continue
        found = [measured(view, nodule, random) for view, nodule in zip(views, (link.prior, link.current), strict=True)]
        growth = ratio = None
        if all(one is not None for one, _ in found):
            growth = assess_growth(found[0][0], found[1][0], days, found[0][1], found[1][1])
            ratio = found[1][0].volume_mm3 / found[0][0].volume_mm3
        results.append(Followed(number, link.prior.diameter_mm, link.volume_ratio, ratio, growth))
    return results


def measured(view: DateView, nodule: PlantedNodule, random: np.random.Generator) -> tuple[Finding | None, ScanContext]:
    """The finding at a nodule of one date, and the context of the scan."""
    size = 2 * (1.3 * nodule.diameter_mm + 16.0)
    spacing = (PIXEL_MM, PIXEL_MM, view.scanner.increment_mm)
    center = np.array(nodule.center_ras_mm)
    grid = Grid.around(
        center + random.uniform(-0.5, 0.5, 3) * spacing, spacing, tuple(int(np.ceil(size / step)) for step in spacing)
    )
    volume, labels = view.volume(grid, random)
    anatomy = Anatomy(labels)
    given = center + random.normal(0, 0.5 + 0.03 * nodule.diameter_mm, 3)
    candidate = Candidate(tuple(float(x) for x in given), float(nodule.diameter_mm * random.uniform(0.85, 1.15)), 1.0)
    return measure(volume, anatomy, LungDepth(volume, anatomy), candidate, "truth", DELINEATOR), ScanContext.of(volume)


def print_scores(followed: list[Followed]) -> None:
    """Sensitivity over truly grown nodules and precision over those told to grow, with intervals over cases."""
    measured_twice = [one for one in followed if one.growth is not None]
    print(
        f"{len(followed)} nodules on both dates, {len(measured_twice)} measured on both; truly grown: volume "
        f"ratio of {TRULY_GROWN} or more"
    )
    cases = sorted({one.case for one in followed})
    counts = np.array([growth_counts([one for one in followed if one.case == case]) for case in cases])
    for name, column in (("sensitivity", 1), ("precision", 2)):
        low, high = bootstrap(counts, lambda sums, c=column: sums[..., 0] / np.maximum(sums[..., c], 1))
        hit, of = counts.sum(axis=0)[[0, column]]
        print(f"growth {name}: {hit / max(of, 1):.3f} ({low:.3f}-{high:.3f}), {hit} of {of}")


def growth_counts(some: list[Followed]) -> tuple[int, int, int]:
    """Rightly told to grow, truly grown, told to grow."""
    grown = [one for one in some if one.ratio >= TRULY_GROWN]
    told = [one for one in some if one.growth is not None and one.growth.growth == "growing"]
    return sum(one.ratio >= TRULY_GROWN for one in told), len(grown), len(told)
