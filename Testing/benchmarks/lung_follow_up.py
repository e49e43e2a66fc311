"""Benchmark: the whole follow-up of two rendered CTs of a setting that nothing was trained on, beside the truth.

``python Testing/benchmarks/lung_follow_up.py whole [--cases N] [--detector NAME] [--peer]``: statuses right and wrong,
CPU seconds, peak memory, as a ratio to elastix registering the same two CTs (``--peer``).
``python Testing/benchmarks/lung_follow_up.py again [--cases N]``: how often ``search_other_date`` finds a nodule
on the other date, where it is and where it is not; training setting, registration errors of 1-4 mm.
Nothing is asserted.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from lung_matching_growth import SLICES_MM, measured
from matching_scores import interval_over_groups

from LungNoduleAILib.analysis.follow_up import FollowUpResult, follow_up
from LungNoduleAILib.analysis.other_date import MIN_REACH_MM, looks_like
from LungNoduleAILib.analysis.remeasure import MAX_VOLUME_RATIO, MIN_VOLUME_RATIO
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.synthesis.cohort import load_or_make_body
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.two_dates.plan import (
    LongitudinalCase,
    LongitudinalPlan,
    NoduleLink,
    make_longitudinal_case,
    plan_case,
)
from LungNoduleAILib.training.matching.evidence_fit import BODY_SPACING_MM, registration_error
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages

NEAR_MM = 3.0  # or half of the nodule: a finding this close to its true center is this nodule


def main() -> int:
    """Run one mode and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    modes = parser.add_subparsers(dest="mode", required=True)
    whole = modes.add_parser("whole")
    whole.add_argument("--cases", type=int, default=2)
    whole.add_argument("--detector", default="auto")
    whole.add_argument("--spacing", type=float, nargs=3, default=(0.9, 0.9, 1.5), metavar="MM")
    whole.add_argument("--peer", action="store_true", help="elastix registers the same CTs")
    again = modes.add_parser("again")
    again.add_argument("--cases", type=int, default=20)
    for mode, seed in ((whole, 92000), (again, 7500)):
        mode.add_argument("--seed", type=int, default=seed)
        mode.add_argument("--bodies", type=Path, help="folder that keeps the bodies between runs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (run_whole if arguments.mode == "whole" else run_again)(arguments, arguments.bodies or Path(folder))
    return 0


def run_whole(arguments: argparse.Namespace, bodies: Path) -> None:
    """Follow every case up and print what became of its true nodules."""
    answers: Counter[tuple[str, str]] = Counter()
    for number in range(arguments.cases):
        body = load_or_make_body(arguments.seed + number, "held-out", BODY_SPACING_MM, bodies)
        if not body.is_chest:
            continue
        case = make_longitudinal_case(arguments.seed + number, "held-out", body=body, spacing_mm=arguments.spacing)
        started = time.process_time()
        options = FollowUpOptions(AnalysisOptions(detector=arguments.detector))
        stages = Stages()
        result = follow_up((case.prior, case.current), options, Progress(), stages)
        seconds = time.process_time() - started
        told = [(link.status, status_of(link, result)) for link in case.links]
        answers.update(told)
        pairs = result.follow_up.intervals[0].pairs
        shape = "x".join(map(str, case.current.array.shape[::-1]))
        print(
            f"case {number}: two CTs of {shape} voxels, {len(case.links)} nodules, {len(pairs)} rows, {seconds:.0f} "
            f"CPU-s, peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2:.1f} GiB"
        )
        print("  " + ", ".join(f"{entry['name']} {entry['seconds']:.0f} s" for entry in stages.entries))
        for text in result.follow_up.intervals[0].warnings:
            print(f"  warning: {text}")
        if arguments.peer:
            peer = peer_seconds(case)
            print(
                f"  elastix registers the same two CTs in {peer:.0f} CPU-s: the whole follow-up takes "
                f"{seconds / peer:.2f} times as long"
            )
    print("truth -> told: " + ", ".join(f"{true} -> {told} {count}" for (true, told), count in sorted(answers.items())))


def status_of(link: NoduleLink, result: FollowUpResult) -> str:
    """What the follow-up says of a true nodule: right, or how it is wrong."""
    pairs = result.follow_up.intervals[0].pairs
    found = [
        _found(nodule, analysis.findings.findings)
        for nodule, analysis in zip((link.prior, link.current), result.analyses, strict=True)
    ]
    if found == [None, None]:
        return "not found"
    if None not in found:
        same = [pair for pair in pairs if (pair.prior_id, pair.current_id) == tuple(f.id for f in found)]
        return same[0].status if same else "wrong partner"
    side = 0 if found[1] is None else 1
    row = next(pair for pair in pairs if (pair.prior_id, pair.current_id)[side] == found[side].id)
    missed = "" if link.status != "matched" else ", found at one date"
    return ("wrong partner" if row.status == "matched" else row.status) + missed


def _found(nodule: PlantedNodule | None, findings: Sequence[Finding]) -> Finding | None:
    """The finding nearest to a true nodule, if it is near."""
    if nodule is None or not findings:
        return None
    gap = [float(np.linalg.norm(np.subtract(f.center_ras_mm, nodule.center_ras_mm))) for f in findings]
    nearest = int(np.argmin(gap))
    return findings[nearest] if gap[nearest] <= max(NEAR_MM, nodule.diameter_mm / 2) else None


def peer_seconds(case: LongitudinalCase) -> float:
    """CPU seconds of elastix on the windowed lungs of both dates."""
    from lung_registration import Scan, elastix

    dates = [
        Scan(volume, labels > 0, np.zeros((0, 3)))
        for volume, labels in ((case.prior, case.prior_labels), (case.current, case.current_labels))
    ]
    started = time.process_time()
    elastix(*dates)
    return time.process_time() - started


def run_again(arguments: argparse.Namespace, bodies: Path) -> None:
    """How often a nodule of one date is found at its place on the other, where it is and where it is not."""
    kept: dict[bool, list[tuple[int, bool]]] = {True: [], False: []}
    for number in range(arguments.cases):
        body = load_or_make_body(arguments.seed + number // 4, "training", BODY_SPACING_MM, bodies)
        if not body.is_chest:
            continue
        random = np.random.default_rng([arguments.seed, 84, number])
        plan = plan_case(arguments.seed + number, "training", body=body)
        for link in plan.links:
            for shown, nodule in enumerate((link.prior, link.current)):
                if nodule is not None:
                    there = (link.prior, link.current)[1 - shown] is not None
                    kept[there].append((number, seen_again(plan, nodule, shown, random)))
    for there, marks in kept.items():
        print(
            f"nodule {'there' if there else 'not there'} at the other date: a partner is found there in "
            f"{interval_over_groups(marks)}"
        )


def seen_again(plan: LongitudinalPlan, nodule: PlantedNodule, shown: int, random: np.random.Generator) -> bool:
    """Whether ``search_other_date`` would add a partner of a nodule, found at date ``shown``, at the other date."""
    views = [
        replace(view, scanner=replace(view.scanner, slice_mm=mm, increment_mm=mm))
        for view, mm in zip((plan.prior, plan.current), random.choice(SLICES_MM, 2).tolist(), strict=True)
    ]
    finding, _ = measured(views[shown], nodule, random)
    if finding is None:
        return False
    carried = plan.motion.to_prior if shown else plan.motion.to_current
    place = carried(np.array([finding.center_ras_mm])) + registration_error(np.array([finding.center_ras_mm]), random)
    size_mm = finding.mean_diameter_mm
    partner, _ = measured(
        views[1 - shown],
        replace(nodule, center_ras_mm=tuple(place[0].tolist()), semi_axes_mm=(size_mm / 2,) * 3),
        random,
    )
    if partner is None or partner.lobe is None:
        return False
    near = np.linalg.norm(np.subtract(partner.center_ras_mm, place[0])) <= max(MIN_REACH_MM, 0.3 * size_mm)
    ratio = partner.volume_mm3 / finding.volume_mm3
    return bool(near and MIN_VOLUME_RATIO <= ratio <= MAX_VOLUME_RATIO and looks_like(partner, finding))


if __name__ == "__main__":
    sys.exit(main())
