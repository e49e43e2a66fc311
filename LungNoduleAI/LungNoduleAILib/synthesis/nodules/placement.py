"""Where a nodule of a given kind goes: free in a lobe, on a vessel, or on the pleura of the chest wall."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from LungNoduleAILib.model.anatomy import LOBE_OF_LABEL
from LungNoduleAILib.synthesis.geometry.shape import Shapes
from LungNoduleAILib.synthesis.geometry.tubes import Tubes
from LungNoduleAILib.synthesis.nodules.planted import CORE_HU, PLACEMENTS, TYPICAL_HU, PlantedNodule
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.tuples import three

_DIRECTIONS = np.array([d for d in np.ndindex(3, 3, 3) if d != (1, 1, 1)], dtype=float) - 1
_DIRECTIONS /= np.linalg.norm(_DIRECTIONS, axis=1, keepdims=True)


@dataclass(frozen=True)
class NoduleRecipe:
    """What to plant; where exactly follows from the seed. ``stretch`` scales the three semi-axes at equal volume."""

    diameter_mm: float
    type: str = "solid"
    placement: str = "isolated"
    lobe: str | None = None
    hu: float | None = None
    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)
    core_share: float = 0.5

    def __post_init__(self) -> None:
        if self.placement not in PLACEMENTS:
            raise InputError(f"The placement '{self.placement}' is not known: use one of {', '.join(PLACEMENTS)}.")
        if self.lobe is not None and self.lobe not in LOBE_OF_LABEL.values():
            raise InputError(f"The lobe '{self.lobe}' is not known: use one of {', '.join(LOBE_OF_LABEL.values())}.")

    def nodule(self, center_ras_mm: np.ndarray, axes_ras: np.ndarray) -> PlantedNodule:
        """Return the nodule at a place, its semi-axes in the directions of the rows of ``axes_ras``."""
        factors = np.array(self.stretch) / np.prod(self.stretch) ** (1 / 3)
        semi = three(float(x) for x in self.diameter_mm / 2 * factors)
        core = three(x * self.core_share for x in semi) if self.type == "part-solid" else None
        return PlantedNodule(
            three(float(x) for x in center_ras_mm),
            semi,
            self.type,
            TYPICAL_HU[self.type] if self.hu is None else self.hu,
            core,
            CORE_HU,
            tuple(three(float(x) for x in row) for row in axes_ras),
            self.placement,
        )


DEFAULT_RECIPES = (
    NoduleRecipe(8.0, "solid", "isolated", "RUL"),
    NoduleRecipe(12.0, "solid", "juxtapleural", "RLL", stretch=(1.15, 1.0, 0.9)),
    NoduleRecipe(16.0, "part-solid", "isolated", "LUL"),
    NoduleRecipe(14.0, "ground-glass", "isolated", "RML"),
    NoduleRecipe(6.0, "calcified", "isolated", "LLL"),
    NoduleRecipe(7.0, "solid", "juxtavascular", "LLL"),
    NoduleRecipe(22.0, "solid", "isolated", "RLL", stretch=(1.25, 1.0, 0.85)),
    NoduleRecipe(5.0, "solid", "isolated", "LUL"),
    NoduleRecipe(4.0, "solid", "isolated", "RUL"),
)


def mass_recipe(diameter_mm: float = 60.0, lobe: str = "LLL") -> NoduleRecipe:
    """Return a mass on the pleura, as large as late tumours are."""
    return NoduleRecipe(diameter_mm, "solid", "juxtapleural", lobe, stretch=(1.2, 1.0, 0.9))


class Placer:
    """Finds places one nodule after the other, apart from each other."""

    def __init__(self, shapes: Shapes, vessels: Tubes, rng: np.random.Generator) -> None:
        self._shapes, self._vessels, self._rng = shapes, vessels, rng
        pieces = vessels.where(vessels.radius_mm > 0.9).cut(3.0)
        self._tree = cKDTree((pieces.start_ras_mm + pieces.end_ras_mm) / 2)
        self._piece_radius = pieces.radius_mm
        inside = np.argwhere(shapes.lung < -1)
        self._inside = shapes.lattice.low_ras_mm + shapes.lattice.step_mm * inside
        self._depth = -shapes.lung[tuple(inside.T)]
        self._lobe = shapes.lobe_at(self._inside)
        self._placed: list[PlantedNodule] = []

    def place(self, wish: NoduleRecipe | PlantedNodule) -> PlantedNodule:
        """Return the nodule with its place, lobe and side; raises InputError when the lobe has no room for it."""
        nodule = wish if isinstance(wish, PlantedNodule) else self._placed_by_rule(wish)
        self._placed.append(nodule)
        lobe = LOBE_OF_LABEL[int(self._shapes.lobe_at(np.array([nodule.center_ras_mm]))[0])]
        return replace(nodule, lobe=lobe, side="right" if lobe.startswith("R") else "left")

    def _placed_by_rule(self, recipe: NoduleRecipe) -> PlantedNodule:
        rule: dict[str, Callable[[NoduleRecipe, float], Iterable[np.ndarray]]] = {
            "isolated": self._free,
            "juxtavascular": self._on_vessel,
            "juxtapleural": self._on_pleura,
        }
        radius = recipe.diameter_mm / 2
        for center in rule[recipe.placement](recipe, radius):
            if recipe.placement != "juxtapleural" and not self._has_room(center, radius * max(recipe.stretch) + 3):
                continue
            if all(np.linalg.norm(center - n.center_ras_mm) > radius + max(n.semi_axes_mm) + 10 for n in self._placed):
                return recipe.nodule(center, self._axes(recipe, center))
        raise InputError(
            f"A nodule of {recipe.diameter_mm:g} mm finds no {recipe.placement} place in "
            f"{recipe.lobe or 'the lungs'}: choose a smaller one or another lobe."
        )

    def _has_room(self, center: np.ndarray, radius: float) -> bool:
        """Whether a sphere lies inside the lung."""
        around = center + radius * _DIRECTIONS
        return bool((self._shapes.lattice.sample(self._shapes.lung, around) < 0).all())

    def _axes(self, recipe: NoduleRecipe, center: np.ndarray) -> np.ndarray:
        """Random axes; on the pleura the shortest (last) axis stands upright on it."""
        turn = np.linalg.qr(self._rng.standard_normal((3, 3)))[0].T
        if recipe.placement == "juxtapleural":
            normal = self._shapes.gradient_at(self._shapes.lung, center)
            first = np.cross(normal, turn[0])
            first /= np.linalg.norm(first)
            turn = np.stack([first, np.cross(normal, first), normal])
        return turn

    def _candidates(self, recipe: NoduleRecipe, allowed: np.ndarray, count: int) -> np.ndarray:
        """Return indices of inner points in the wished lobe, in random order."""
        if recipe.lobe is not None:
            allowed = allowed & (self._lobe == {name: label for label, name in LOBE_OF_LABEL.items()}[recipe.lobe])
        found = np.flatnonzero(allowed)
        return self._rng.permutation(found)[:count]

    def _free(self, recipe: NoduleRecipe, radius: float) -> np.ndarray:
        """Points away from pleura and fissures, those with most room between the vessels first."""
        picked = self._candidates(recipe, (self._depth > radius * 1.3 + 4) & (self._depth < radius + 42), 500)
        points = self._inside[picked]
        fissure = np.abs(self._shapes.lattice.sample(self._shapes.oblique, points))
        horizontal = np.abs(self._shapes.lattice.sample(self._shapes.horizontal, points))
        points = points[np.minimum(fissure, horizontal) > radius * 1.3 + 2]
        distance, nearest = self._tree.query(points)
        room = np.minimum(distance - self._piece_radius[nearest] - radius, 4.0)
        return points[np.argsort(-room, kind="stable")]

    def _on_vessel(self, recipe: NoduleRecipe, radius: float) -> list[np.ndarray]:
        """Points beside the middle of a mid-sized vessel."""
        middle = (self._vessels.start_ras_mm + self._vessels.end_ras_mm) / 2
        depth = -self._shapes.lattice.sample(self._shapes.lung, middle)
        sized = (self._vessels.radius_mm > 0.9) & (self._vessels.radius_mm < 2.0) & (depth > radius + 8)
        labels = self._shapes.lobe_at(middle)
        wished = [label for label, name in LOBE_OF_LABEL.items() if recipe.lobe in (None, name)]
        found = self._rng.permutation(np.flatnonzero(sized & np.isin(labels, wished)))[:60]
        axis = self._vessels.end_ras_mm[found] - self._vessels.start_ras_mm[found]
        across = np.cross(axis, self._rng.standard_normal(axis.shape))
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        return list(middle[found] + across * (0.85 * radius + self._vessels.radius_mm[found])[:, None])

    def _on_pleura(self, recipe: NoduleRecipe, radius: float) -> list[np.ndarray]:
        """Points at 0.85 radii below the costal pleura, so that the nodule reaches a little into the wall."""
        costal = self._shapes.lattice.sample(self._shapes.cavity, self._inside) > -8
        away = self._shapes.lattice.sample(self._shapes.diaphragm, self._inside) < -radius - 15
        flatness = recipe.stretch[2] / np.prod(recipe.stretch) ** (1 / 3)
        thickness = (1.0 if flatness > 1.0 else flatness) * radius
        centers = []
        for index in self._candidates(recipe, costal & away & (self._depth < 5), 60):
            inward = -self._shapes.gradient_at(self._shapes.lung, self._inside[index])
            centers.append(self._inside[index] + inward * (0.85 * thickness - self._depth[index]))
        return centers
