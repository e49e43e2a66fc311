"""Fresh random nodules for one body: where they may sit, what they are made of, and painting them into patches."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from LungNoduleAILib.model.anatomy import LOBE_OF_LABEL
from LungNoduleAILib.model.findings import NODULE_TYPES
from LungNoduleAILib.synthesis.model.body import Body
from LungNoduleAILib.synthesis.model.structures import LUNG_VESSEL
from LungNoduleAILib.synthesis.nodules.models import NoduleModel, model_of
from LungNoduleAILib.synthesis.nodules.planted import PLACEMENTS, PlantedNodule
from LungNoduleAILib.synthesis.nodules.share import Box, nodule_share, paint_into
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.tuples import three

_WORKING_MM = 2.5
_TRIES = 40


@dataclass(frozen=True, eq=False)
class _Places:
    """Voxels (n, 3) of the working grid where nodules of each kind may be centred."""

    inside: np.ndarray
    vessel: np.ndarray
    pleura: dict[str, np.ndarray]


class NodulePlanter:
    """Draws nodules that fit one body; setting up takes about a quarter second, each draw a few milliseconds."""

    def __init__(self, body: Body) -> None:
        """Raise InputError for a body without lungs."""
        self._body = body
        self._model: NoduleModel = model_of(body.setting)
        step = np.maximum(1, np.rint(_WORKING_MM / body.grid.spacing_kji_mm)).astype(int)
        self._step, self._labels = step, np.ascontiguousarray(body.labels[:: step[0], :: step[1], :: step[2]])
        lungs = (self._labels > 0) & (self._labels < 6)
        if lungs.sum() < 500:
            raise InputError("The body has no lungs to plant nodules in: use a chest.")
        self._spacing = body.grid.spacing_kji_mm * step
        self._depth = _depth_mm(lungs, self._spacing)
        self._normals = _SmoothedMask(lungs, self._spacing)
        structures = body.structures[:: step[0], :: step[1], :: step[2]]
        self._places = self._found(lungs, structures)

    def draw(
        self,
        rng: np.random.Generator,
        *,
        diameter_mm: float | tuple[float, float] | None = None,
        type: str | None = None,
        placement: str | None = None,
    ) -> PlantedNodule:
        """Return a random nodule; ``diameter_mm`` is a value or a log-uniform range (default 3-30 mm).

        ``type`` is one of NODULE_TYPES, ``placement`` isolated, juxtavascular or juxtapleural; None draws them.
        Raises InputError for values that are not known.
        """
        kind, place, diameter = self._choices(rng, diameter_mm, type, placement)
        nodule = self._model.nodule(rng, diameter, kind)
        if place == "juxtavascular" and len(self._places.vessel):
            center, outline = self._on_vessel(rng, nodule), nodule
        elif place == "juxtapleural":
            center, outline = self._on_pleura(rng, nodule)
        else:
            center, outline, place = self._free(rng, nodule), nodule, "isolated"
        lobe = self._lobe_at(center)
        return replace(
            outline,
            center_ras_mm=three(float(x) for x in center),
            placement=place,
            lobe=lobe,
            side="right" if lobe.startswith("R") else "left",
        )

    def paint(self, hu: np.ndarray, grid: Grid, nodule: PlantedNodule) -> None:
        """Blend a nodule into a float32 HU patch on any grid, with partial volume; changes ``hu``."""
        paint_into(hu, grid, nodule)

    def nodule_share(self, grid: Grid, nodule: PlantedNodule) -> tuple[Box, np.ndarray]:
        """Box of the grid and share (0..1) of each voxel inside the true outline."""
        return nodule_share(grid, nodule)

    def _choices(
        self,
        rng: np.random.Generator,
        diameter_mm: float | tuple[float, float] | None,
        type: str | None,
        placement: str | None,
    ) -> tuple[str, str, float]:
        kind, place, diameter = self._model.choices(rng)
        if type is not None:
            if type not in NODULE_TYPES:
                raise InputError(f"The nodule type '{type}' is not known: use one of {', '.join(NODULE_TYPES)}.")
            kind = type
        if placement is not None:
            if placement not in PLACEMENTS:
                raise InputError(f"The placement '{placement}' is not known: use one of {', '.join(PLACEMENTS)}.")
            place = placement
        if diameter_mm is not None:
            low, high = diameter_mm if isinstance(diameter_mm, tuple) else (diameter_mm, diameter_mm)
            if not 0 < low <= high:
                raise InputError(f"A diameter must be positive, found {diameter_mm}: give mm or (low, high).")
            diameter = float(np.exp(rng.uniform(np.log(low), np.log(high)))) if high > low else float(low)
        return kind, place, diameter

    def _found(self, lungs: np.ndarray, structures: np.ndarray) -> _Places:
        """Candidate voxels, as kji indices of the working grid."""
        inside = np.argwhere(lungs & (self._depth > 3))
        vessel = np.argwhere((structures == LUNG_VESSEL) & (self._depth > 7))
        shell = np.argwhere(lungs & (self._depth <= 1.2 * self._spacing.max()))
        normal = self._normals.outward(shell)  # k up, j back, i left
        middle = np.array(
            [
                np.argwhere(lungs & (self._labels >= 4 if left else self._labels <= 3)).mean(axis=0)
                if (lungs & (self._labels >= 4 if left else self._labels <= 3)).any()
                else np.zeros(3)
                for left in (False, True)
            ]
        )
        left = self._labels[tuple(shell.T)] >= 4
        inward = np.where(left, -normal[:, 2], normal[:, 2])  # toward the midline
        medial = np.where(left, shell[:, 2] < middle[1, 2], shell[:, 2] > middle[0, 2])
        below = normal[:, 0] < -0.65
        mediastinal = ~below & (inward > 0.4) & medial
        lobe_edge = np.argwhere(_between_lobes(self._labels) & (self._depth > 5))
        sides = {
            "diaphragmatic": shell[below],
            "mediastinal": shell[mediastinal],
            "costal": shell[~below & ~mediastinal],
            "fissural": lobe_edge,
        }
        return _Places(inside, vessel, {side: places for side, places in sides.items() if len(places)})

    def _free(self, rng: np.random.Generator, nodule: PlantedNodule) -> np.ndarray:
        """Return a place with room; the deepest of those tried when none has enough."""
        room = 0.55 * nodule.diameter_mm + 2
        picked = self._places.inside[rng.integers(len(self._places.inside), size=_TRIES)]
        depth = self._depth[tuple(picked.T)]
        fits = np.flatnonzero(depth > room)
        return self._ras(rng, picked[fits[0] if len(fits) else int(depth.argmax())])

    def _on_vessel(self, rng: np.random.Generator, nodule: PlantedNodule) -> np.ndarray:
        """Beside a vessel, touching it."""
        picked = self._places.vessel[rng.integers(len(self._places.vessel), size=_TRIES)]
        depth = self._depth[tuple(picked.T)]
        fits = np.flatnonzero(depth > 0.8 * nodule.diameter_mm)
        at = self._ras(rng, picked[fits[0] if len(fits) else int(depth.argmax())])
        away = rng.standard_normal(3)
        return at + away / np.linalg.norm(away) * rng.uniform(0.15, 0.55) * nodule.diameter_mm

    def _on_pleura(self, rng: np.random.Generator, nodule: PlantedNodule) -> tuple[np.ndarray, PlantedNodule]:
        """On chest wall, mediastinum, diaphragm or fissure; its outline ends flat at the pleura."""
        chances = np.array([self._model.pleural_chance[side] for side in self._places.pleura])
        side = list(self._places.pleura)[int(rng.choice(len(chances), p=chances / chances.sum()))]
        places = self._places.pleura[side]
        picked = places[rng.integers(len(places), size=_TRIES)]
        if side == "fissural":
            depth = self._depth[tuple(picked.T)]
            fits = np.flatnonzero(depth > 0.5 * nodule.diameter_mm)
            return self._ras(rng, picked[fits[0] if len(fits) else int(depth.argmax())]), nodule
        outward = self._normals.outward(picked)
        lung = self._is_lung(picked - outward * (0.8 * nodule.diameter_mm + 2) / self._spacing)
        index = int(lung.argmax())  # the first with lung on the far side, not a thin recess
        at, normal = self._ras(rng, picked[index]), outward[index] @ self._body.grid.axes_ras.T
        surface = at + normal * self._depth[tuple(picked[index])]
        cut_mm = rng.uniform(0.3, 0.95) * nodule.diameter_mm / 2
        return surface - normal * cut_mm, self._model.flattened(nodule, normal, cut_mm)

    def _is_lung(self, kji: np.ndarray) -> np.ndarray:
        """Whether points (n, 3) of the working grid lie in lung."""
        near = np.clip(np.rint(kji).astype(int), 0, np.array(self._labels.shape) - 1)
        return np.isin(self._labels[tuple(near.T)], (1, 2, 3, 4, 5))

    def _ras(self, rng: np.random.Generator, index: np.ndarray) -> np.ndarray:
        """RAS of a voxel of the working grid, somewhere within it."""
        kji = index * self._step + rng.uniform(-0.5, 0.5, 3) * self._step
        matrix = self._body.grid.ijk_to_ras
        return matrix[:3, :3] @ kji[::-1] + matrix[:3, 3]

    def _lobe_at(self, center_ras_mm: np.ndarray) -> str:
        """Return the lobe at a point, or the nearest within reach."""
        kji = self._body.grid.frame_mm(center_ras_mm) / self._spacing
        for reach in (0, 2, 4, 8, 16):
            low = np.clip(np.rint(kji).astype(int) - reach, 0, np.array(self._labels.shape) - 1)
            high = np.clip(np.rint(kji).astype(int) + reach + 1, 1, self._labels.shape)
            near = self._labels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
            counts = np.bincount(near.reshape(-1), minlength=7)[1:6]
            if counts.any():
                return LOBE_OF_LABEL[int(counts.argmax()) + 1]
        return LOBE_OF_LABEL[1]


class _SmoothedMask:
    """Outward normals of a mask from its blurred copy, in the frame's k, j, i directions."""

    def __init__(self, mask: np.ndarray, spacing_mm: np.ndarray) -> None:
        self._field = ndimage.gaussian_filter(mask.astype(np.float32), 4.0 / spacing_mm, truncate=2.5)
        self._spacing = spacing_mm

    def outward(self, index: np.ndarray) -> np.ndarray:
        """Return unit normals (n, 3) at voxels (n, 3)."""
        last = np.array(self._field.shape) - 1
        slopes = []
        for axis in range(3):
            ahead, behind = index.copy(), index.copy()
            ahead[:, axis] = np.minimum(ahead[:, axis] + 1, last[axis])
            behind[:, axis] = np.maximum(behind[:, axis] - 1, 0)
            slopes.append((self._field[tuple(behind.T)] - self._field[tuple(ahead.T)]) / self._spacing[axis])
        normal = np.stack(slopes, axis=1)
        return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)


def _depth_mm(lungs: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    """Distance to the nearest voxel outside the lungs."""
    import edt

    return edt.edt(
        np.ascontiguousarray(lungs), anisotropy=tuple(float(x) for x in spacing_mm), black_border=False, parallel=1
    )


def _between_lobes(labels: np.ndarray) -> np.ndarray:
    """Voxels with another lobe of the same lung next to them."""
    found = np.zeros(labels.shape, dtype=bool)
    for axis in range(3):
        low = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        first, second = labels[low], labels[high]
        right = (first >= 1) & (first <= 3) & (second >= 1) & (second <= 3)
        left = (first >= 4) & (first <= 5) & (second >= 4) & (second <= 5)
        found[low] |= (first != second) & (right | left)
    return found
