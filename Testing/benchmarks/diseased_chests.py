"""Synthetic chests with disease that takes lung away, with the anatomy the product finds in them; kept in a folder.

``python Testing/benchmarks/diseased_chests.py KEEP [--bodies N] [--first-seed S] [--spacing-mm X Y Z]`` makes them
ahead, so that ``lung_opacities.py KEEP`` only has to look for what is there. One body carries every combination in
turn. Bodies that the generator itself gave fluid or took a lobe from are passed over: they are no healthy start, and
nothing tells where their disease lies.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LungNoduleAILib.analysis.engines import choose_anatomy
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.synthesis import Body, make_body
from LungNoduleAILib.synthesis.body.make import has_whole_lungs
from LungNoduleAILib.synthesis.disease.chest import (
    COLLAPSE,
    CONSOLIDATION,
    EFFUSION,
    MASS,
    PNEUMOTHORAX,
    Disease,
    with_disease,
)
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

FIRST_SEED, BODIES = 95_000, 24
SPACING_MM = (2.0, 2.0, 2.5)
COMBINATIONS: dict[str, tuple[str, ...]] = {
    "healthy": (),
    "mass": (MASS,),
    "mass and effusion": (MASS, EFFUSION),
    "mass and collapse": (MASS, COLLAPSE),
    "effusion": (EFFUSION,),
    "consolidation": (CONSOLIDATION,),
    "collapse": (COLLAPSE,),
    "pneumothorax": (PNEUMOTHORAX,),
}


@dataclass(frozen=True, eq=False)
class Chest:
    """One CT in LPS order, what was painted into it (masks on its grid) and the anatomy found in it.

    ``pressed`` is lung without air beside fluid: no disease of its own, but a verdict there is not false.
    """

    seed: int
    combination: str
    volume: Volume
    anatomy: Anatomy
    diseases: tuple[Disease, ...]
    pressed: np.ndarray


def main() -> int:
    """Make and keep the chests."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("keep", type=Path)
    parser.add_argument("--bodies", type=int, default=BODIES)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--setting", default="held-out")
    parser.add_argument("--spacing-mm", type=float, nargs=3, default=SPACING_MM, metavar=("X", "Y", "Z"))
    parser.add_argument("--combinations", nargs="+", choices=COMBINATIONS, default=list(COMBINATIONS))
    arguments = parser.parse_args()
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.bodies):
        started = time.process_time()
        spacing = three(arguments.spacing_mm)
        made = len(list(chests_of(seed, arguments.setting, arguments.keep, arguments.combinations, spacing)))
        print(f"seed {seed}: {made} chests, {time.process_time() - started:.0f} CPU s", flush=True)
    return 0


def chests_of(
    seed: int,
    setting: str,
    keep: Path,
    combinations: Iterable[str] = tuple(COMBINATIONS),
    spacing_mm: tuple[float, float, float] = SPACING_MM,
) -> Iterator[Chest]:
    """Yield the chests of a body, from ``keep`` or made and kept there; none for a body without whole lungs.

    ``keep`` holds chests of one spacing: give another folder for another.
    """
    if not has_whole_lungs(seed, setting):
        return
    keep.mkdir(parents=True, exist_ok=True)
    body: Body | None = None
    for combination in combinations:
        path = keep / f"{setting}-{seed}-{combination.replace(' ', '_')}.pickle"
        if path.is_file():
            with path.open("rb") as file:
                chest = pickle.load(file)
        else:
            body = make_body(seed, setting, spacing_mm) if body is None else body
            chest = _made(body, combination, COMBINATIONS[combination])
            partial = path.with_suffix(".partial")
            with partial.open("wb") as file:
                pickle.dump(chest, file, protocol=4)
            partial.replace(path)
        yield chest


def _made(body: Body, combination: str, kinds: tuple[str, ...]) -> Chest:
    made = with_disease(body, kinds)
    anatomy = choose_anatomy().anatomy.made.segment(made.volume, Progress())
    return Chest(body.seed, combination, made.volume, anatomy, made.diseases, made.pressed)


if __name__ == "__main__":
    sys.exit(main())
