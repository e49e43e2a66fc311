"""The cases of the practice: a schematic chest per seed, its nodules by difficulty, and three look-alikes with why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.model.anatomy import LOBE_OF_LABEL
from LungNoduleAILib.synthesis.geometry.trees import Tree
from LungNoduleAILib.synthesis.model.synthetic_ct import SyntheticCT
from LungNoduleAILib.synthesis.nodules.placement import NoduleRecipe
from LungNoduleAILib.synthesis.test_phantom.small_chest import make_small_chest
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.tuples import three
from ThoraxAILib.practice.score_book import DIFFICULTIES, EASY, HARD, MEDIUM

SPACING_MM = (0.9, 0.9, 1.5)
# least and most diameter in mm, kinds, and places of the nodules
_NODULES = {
    EASY: ((9.0, 20.0), ("solid", "solid", "calcified"), ("isolated",)),
    MEDIUM: ((6.0, 14.0), ("solid", "part-solid", "ground-glass"), ("isolated", "juxtapleural")),
    HARD: ((4.0, 8.0), ("solid", "ground-glass", "ground-glass"), ("isolated", "juxtapleural", "juxtavascular")),
}
_COUNT = (0, 5)  # a case may have no nodule at all
_APART_MM = 12.0
_SEEN_RADIUS_MM = (1.2, 4.0)


@dataclass(frozen=True)
class LookAlike:
    """A place that looks like a nodule in a slice and is none."""

    center_ras_mm: tuple[float, float, float]
    what: str
    why: str

    def to_dict(self) -> dict:
        """JSON form."""
        return {"center_ras_mm": [round(mm, 1) for mm in self.center_ras_mm], "what": self.what, "why": self.why}


@dataclass(frozen=True, eq=False)
class PracticeCase:
    """A case with its truth; the trainee gets ``phantom.volume`` alone."""

    seed: int
    difficulty: str
    phantom: SyntheticCT
    look_alikes: tuple[LookAlike, ...]


def make_practice_case(
    seed: int, difficulty: str = MEDIUM, spacing_mm: tuple[float, float, float] = SPACING_MM
) -> PracticeCase:
    """Return the case of a seed: same arguments, same case. Raises InputError for another difficulty."""
    if difficulty not in DIFFICULTIES:
        raise InputError(f"The difficulty {difficulty!r} is not known: use {', '.join(DIFFICULTIES)}.")
    (least, most), kinds, places = _NODULES[difficulty]
    rng = np.random.default_rng([seed, 90, DIFFICULTIES.index(difficulty)])
    lobes = list(LOBE_OF_LABEL.values())
    recipes = [
        NoduleRecipe(float(rng.uniform(least, most)), str(rng.choice(kinds)), str(rng.choice(places)), str(lobe))
        for lobe in rng.choice(lobes, int(rng.integers(_COUNT[0], _COUNT[1] + 1)))
    ]
    phantom = make_small_chest(seed, spacing_mm, nodules=recipes)
    return PracticeCase(seed, difficulty, phantom, _look_alikes(phantom, rng))


def _look_alikes(phantom: SyntheticCT, rng: np.random.Generator) -> tuple[LookAlike, ...]:
    """Return a vessel cut across, a place where a vessel divides, and a bronchus with its artery; all off nodules."""
    vessels = [tree for name, tree in phantom.trees.items() if "bronchi" not in name]
    bronchi = [tree for name, tree in phantom.trees.items() if "bronchi" in name]
    taken = [np.array(nodule.center_ras_mm) for nodule in phantom.nodules]
    kinds = (
        (
            _across(vessels),
            "vessel cut across",
            "It is round in this slice, but goes on as a line in the slices above and below: scroll, or use a slab of "
            "maximum intensity.",
        ),
        (
            _divisions(vessels),
            "vessel that divides",
            "Where branches leave, a vessel is thicker for one slice; in the other planes the branches are seen to "
            "leave the dot.",
        ),
        (
            _across(bronchi),
            "bronchus with its wall",
            "It has air in its middle and runs on towards the hilum; a nodule has no straight tube of air in it.",
        ),
    )
    found = []
    for places, what, why in kinds:
        inside = [place for place in rng.permutation(places) if _is_in_lung(phantom, place)] if len(places) else []
        free = (place for place in inside if all(np.linalg.norm(place - one) > _APART_MM for one in taken))
        place = next(free, None)
        if place is not None:
            taken.append(place)
            found.append(LookAlike(three(float(mm) for mm in place), what, why))
    return tuple(found)


def _across(trees: list[Tree]) -> np.ndarray:
    """Return the middles of branches of visible width that run through the slices rather than along them."""
    places = []
    for tree in trees:
        along = tree.end_ras_mm - tree.start_ras_mm
        steep = np.abs(along[:, 2]) > 0.8 * np.linalg.norm(along, axis=1)
        places.append(((tree.start_ras_mm + tree.end_ras_mm) / 2)[steep & _is_visible(tree)])
    return np.concatenate(places) if places else np.zeros((0, 3))


def _divisions(trees: list[Tree]) -> np.ndarray:
    """Return the ends of visible branches from which at least two others go on."""
    places = []
    for tree in trees:
        children = np.bincount(tree.parent[tree.parent >= 0], minlength=len(tree.parent))
        places.append(tree.end_ras_mm[(children >= 2) & _is_visible(tree)])
    return np.concatenate(places) if places else np.zeros((0, 3))


def _is_visible(tree: Tree) -> np.ndarray:
    return (tree.radius_mm >= _SEEN_RADIUS_MM[0]) & (tree.radius_mm <= _SEEN_RADIUS_MM[1])


def _is_in_lung(phantom: SyntheticCT, place: np.ndarray) -> bool:
    index = np.rint(phantom.volume.kji_from_ras(place)).astype(int)
    inside = bool((index >= 0).all() and (index < phantom.labels.shape).all())
    return inside and int(phantom.labels[tuple(index)]) in LOBE_OF_LABEL
