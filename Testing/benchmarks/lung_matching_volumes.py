"""Whole volumes of rendered pairs through the project's own patches, network and lung registration.

Lungs are the true labels, nodules the true ones with a detector's center error; the field is what registration found.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from matching_scores import interval_over_groups

from LungNoduleAILib.followup.matching.lung_frame import LungFrame, aligned_distances, points_of
from LungNoduleAILib.followup.matching.match import MATCHED, Evidence, MatchItem, match
from LungNoduleAILib.followup.matching.siamese import Siamese
from LungNoduleAILib.followup.registration.register import register_lungs
from LungNoduleAILib.synthesis.cohort import load_or_make_body
from LungNoduleAILib.synthesis.two_dates.plan import LongitudinalCase, make_longitudinal_case
from LungNoduleAILib.training.matching.evidence_fit import BODY_SPACING_MM

SPACING_MM = (1.0, 1.0, 1.5)
CENTER_ERROR_MM = 1.0


def print_registered(arguments: argparse.Namespace, bodies: Path) -> None:
    """Registration error at the nodules and matching accuracy of whole volumes."""
    marks: dict[str, list[tuple[int, bool]]] = {"network": [], "registration": [], "network and registration": []}
    errors, seconds = [], []
    for n in range(arguments.registered_volumes):
        body = load_or_make_body(arguments.seed + n, arguments.setting, BODY_SPACING_MM, bodies)
        if not body.is_chest:
            continue
        case = make_longitudinal_case(arguments.seed + 500 + n, arguments.setting, body=body, spacing_mm=SPACING_MM)
        items = _items(case, np.random.default_rng([arguments.seed, 82, n]))
        network, aligned = _without_registration(case, items)
        started = time.process_time()
        registration = register_lungs(case.prior, case.current, case.prior_labels, case.current_labels)
        seconds.append(time.process_time() - started)
        back = registration.map_points_to_prior(points_of(items[1]))
        registered = np.linalg.norm(points_of(items[0])[:, None] - back[None], axis=2)
        errors += _errors(case, registration)
        for name, evidence in (
            ("network", Evidence(network, aligned)),
            ("registration", Evidence(None, aligned, registered)),
            ("network and registration", Evidence(network, aligned, registered)),
        ):
            rows = match(*items, evidence)
            told = {row.prior_id: row.current_id for row in rows if row.status == MATCHED}
            marks[name] += [(n, told.get(link.id) == link.id) for link in case.links if link.status == "matched"]
    print(
        f"\nwhole volumes of {SPACING_MM} mm, registered: error at the nodules mean {np.mean(errors):.2f} mm, "
        f"95 % below {np.percentile(errors, 95):.2f} mm, {np.mean(seconds):.0f} CPU-s per registration"
    )
    for name, some in marks.items():
        print(f"{name:<36}{interval_over_groups(some):>28}")


def _items(case: LongitudinalCase, random: np.random.Generator) -> tuple[list[MatchItem], list[MatchItem]]:
    """The true nodules of both dates with center and size errors."""
    return tuple(
        [
            MatchItem(
                n.id,
                tuple(np.array(n.center_ras_mm) + random.normal(0, CENTER_ERROR_MM / 3**0.5, 3)),
                n.volume_mm3 * float(np.exp(random.normal(0, 0.15))),
                n.type,
                n.side,
            )
            for n in nodules
        ]
        for nodules in (case.prior_nodules, case.current_nodules)
    )


def _without_registration(
    case: LongitudinalCase, items: tuple[list[MatchItem], list[MatchItem]]
) -> tuple[np.ndarray, np.ndarray]:
    """Similarity and lung-aligned distance of all pairs."""
    network = Siamese()
    frames = LungFrame.of(case.prior, case.prior_labels), LungFrame.of(case.current, case.current_labels)
    told = [
        network.embed(volume, some, frame)
        for volume, some, frame in zip((case.prior, case.current), items, frames, strict=True)
    ]
    return network.similarity(*told), aligned_distances(*items, *frames)


def _errors(case: LongitudinalCase, registration: object) -> list[float]:
    """Distance in mm between where registration and truth put each current nodule in the prior scan."""
    centers = np.array([n.center_ras_mm for n in case.current_nodules]).reshape(-1, 3)
    return list(np.linalg.norm(registration.map_points_to_prior(centers) - case.motion.to_prior(centers), axis=1))
