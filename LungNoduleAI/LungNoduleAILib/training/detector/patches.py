"""Patches the detector learns from: parts of synthetic bodies, nodules painted in, scanned by a random scanner.

Every patch is a function of (seed, step, place in the batch). Half of them are centred on a nodule, the others on what
imitates one, on the border of the lung, or anywhere in it. A nodule that the finished patch hardly shows is neither to
be found nor to be denied, as in sets that several readers annotated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np

from LungNoduleAILib.anatomy.lung_box import lung_box
from LungNoduleAILib.detection.two_levels import SHRINK, SPACING_MM
from LungNoduleAILib.synthesis.model.body import Body
from LungNoduleAILib.synthesis.nodules.annotatable import lies_in_lung
from LungNoduleAILib.synthesis.nodules.conspicuity import conspicuity
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.nodules.planting import NodulePlanter
from LungNoduleAILib.synthesis.nodules.share import paint_into
from LungNoduleAILib.synthesis.scanner.acquisition import acquire
from LungNoduleAILib.synthesis.scanner.settings import Scanner, draw_scanner
from ThoraxAILib.image.block_mean import block_mean
from ThoraxAILib.image.grid import Grid

MARGIN_MM = 30.0
GAP_MM = 4.0
CENTERS = {"nodule": 0.5, "imitation": 0.15, "border": 0.15, "lung": 0.2}
NEIGHBOR_CHANCE = 0.4
DRAWS = 4
FLIPS = (0.15, 0.15, 0.5)
SUBSOLID = ("ground-glass", "part-solid")
PLAIN_MM = 12.0  # solid nodules from this size on are seen anyway
LUNG_HU = -300.0
LEAST_HU, LEAST_DEVIATIONS = 75.0, 1.5


@dataclass(frozen=True)
class Level:
    """What one network is taught: nodules of ``diameters_mm`` on voxels of ``shrink`` times SPACING_MM.

    ``planted`` nodules are drawn per body, of ``types`` with these chances; ``noise_share`` is what averaging over the
    larger voxels leaves of the noise.
    """

    name: str
    shrink: int
    patch: int
    planted: int
    diameters_mm: tuple[float, float]
    types: dict[str, float]
    noise_share: float = 1.0

    @property
    def spacing_mm(self) -> float:
        """Edge of a voxel."""
        return SPACING_MM * self.shrink


FINE = Level(
    "nodules", 1, 64, 140, (3.0, 34.0), {"solid": 0.46, "part-solid": 0.2, "ground-glass": 0.27, "calcified": 0.07}
)
# from 14 mm on, so that the size of what is no mass is known too and it can be left to the other network
COARSE = Level("masses", SHRINK, 48, 60, (14.0, 90.0), {"solid": 0.8, "part-solid": 0.12, "ground-glass": 0.08}, 0.35)
MASSES_MM = (22.0, 90.0)


@dataclass(frozen=True, eq=False)
class Scene:
    """One body at one level: ``hu`` int16 around the lungs on ``grid``, nodules that may be painted, centres (voxels).

    ``centers`` holds for each name of CENTERS but "nodule" an array (n, 3) of voxel positions k, j, i.
    """

    hu: np.ndarray
    grid: Grid
    nodules: tuple[PlantedNodule, ...]
    places_kji: np.ndarray
    centers: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Patch:
    """``hu`` float32 (k, j, i) and its nodules: centre (n, 3) and radius (n,) in voxels, whether subsolid (n,).

    ``seen`` (n,) is False for those that hardly stand out.
    """

    hu: np.ndarray
    center_kji: np.ndarray
    radius: np.ndarray
    subsolid: np.ndarray
    seen: np.ndarray


def make_scene(body: Body, level: Level, seed: int) -> Scene:
    """The scene of a body (isotropic voxels of SPACING_MM); its nodules follow from ``seed`` and the body's own."""
    rng = np.random.default_rng((seed, body.seed, level.shrink))
    box = body_box(body)
    grid = body.grid.part(box, level.shrink)
    hu = body.clean_hu[box]
    hu = block_mean(hu, level.shrink).astype(np.int16) if level.shrink > 1 else hu.copy()
    lungs = body.labels[box][:: level.shrink, :: level.shrink, :: level.shrink]
    lungs = ((lungs > 0) & (lungs < 6))[: hu.shape[0], : hu.shape[1], : hu.shape[2]]
    nodules = planted(body, level, box, rng)
    places = np.array([grid.frame_mm(np.array(n.center_ras_mm)) for n in nodules]) / grid.spacing_kji_mm
    return Scene(hu, grid, nodules, places, _centers(body, grid, lungs, rng))


def body_box(body: Body) -> tuple[slice, slice, slice]:
    """The box of a body's lungs that is looked at (isotropic voxels of SPACING_MM); the body must show lungs."""
    return lung_box(body.labels, np.full(3, SPACING_MM), MARGIN_MM)


def planted(
    body: Body, level: Level, box: tuple[slice, slice, slice], rng: np.random.Generator
) -> tuple[PlantedNodule, ...]:
    """Nodules that lie in the lung as far as some draws can make them."""
    planter, grid = NodulePlanter(body), body.grid.part(box, level.shrink)
    structures = body.structures[box][:: level.shrink, :: level.shrink, :: level.shrink]
    nodules = []
    for kind in rng.choice(list(level.types), level.planted, p=list(level.types.values())):
        for _ in range(DRAWS):
            nodule = planter.draw(rng, diameter_mm=level.diameters_mm, type=str(kind))
            if lies_in_lung(structures, grid, nodule):
                break
        nodules.append(nodule)
    return tuple(nodules)


def _centers(body: Body, grid: Grid, lungs: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Up to 2000 voxels anywhere in the lungs and at their border, and all imitations."""
    border = np.zeros_like(lungs)
    for axis in range(3):
        low = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        border[low] |= lungs[low] != lungs[high]
    imitations = np.array([grid.frame_mm(np.array(n.center_ras_mm)) for n in body.negatives]).reshape(-1, 3)
    found = {"imitation": imitations / grid.spacing_kji_mm}
    for name, mask in (("border", border), ("lung", lungs)):
        index = np.flatnonzero(mask)
        picked = index[rng.integers(len(index), size=min(2000, len(index)))]
        found[name] = np.stack(np.unravel_index(picked, mask.shape), axis=1).astype(float)
    if not len(imitations):
        found["imitation"] = found["border"]
    return found


@singledispatch
def draw_patch(scene: Scene, level: Level, rng: np.random.Generator, extra: np.ndarray | None = None) -> Patch:
    """One patch of a scene; ``extra`` (n, 3) are further centres that take the place of those anywhere in the lung."""
    half = level.patch / 2
    name = str(rng.choice(list(CENTERS), p=list(CENTERS.values())))
    chosen = int(rng.integers(len(scene.nodules)))
    if name == "nodule":
        center = scene.places_kji[chosen]
    else:
        pool = scene.centers[name]
        if name == "lung" and extra is not None and len(extra):
            pool = extra
        center = pool[int(rng.integers(len(pool)))]
    start = np.rint(center - half + rng.uniform(-0.7, 0.7, 3) * half).astype(int)
    start = np.clip(start, 0, np.maximum(np.array(scene.hu.shape) - level.patch, 0))
    painted = _chosen(scene, level, start, chosen if name == "nodule" else None, rng)
    return _render(scene, level, start, painted, rng)


def _chosen(scene: Scene, level: Level, start: np.ndarray, first: int | None, rng: np.random.Generator) -> list[int]:
    """Nodules of a patch: the one it was made for, then some of those in reach that keep their distance."""
    place = scene.places_kji - start
    near = np.flatnonzero(
        ((place > -6) & (place < level.patch + 6)).all(axis=1) & (rng.random(len(place)) < NEIGHBOR_CHANCE)
    )
    kept = [] if first is None else [first]
    for n in near:
        nodule = scene.nodules[n]
        gaps = [
            np.linalg.norm(np.subtract(nodule.center_ras_mm, scene.nodules[m].center_ras_mm))
            - (nodule.diameter_mm + scene.nodules[m].diameter_mm) / 2
            for m in kept
        ]
        if min(gaps, default=np.inf) > GAP_MM:
            kept.append(int(n))
    return kept


def _render(scene: Scene, level: Level, start: np.ndarray, painted: list[int], rng: np.random.Generator) -> Patch:
    box = tuple(slice(int(s), int(s) + level.patch) for s in start)
    hu = scene.hu[box].astype(np.float32)
    missing = [(0, level.patch - n) for n in hu.shape]
    if any(after for _, after in missing):
        hu = np.pad(hu, missing, mode="edge")
    matrix = scene.grid.ijk_to_ras.copy()
    matrix[:3, 3] += matrix[:3, :3] @ start[::-1]
    grid = Grid(hu.shape, matrix)
    lung = hu < LUNG_HU
    for n in painted:
        paint_into(hu, grid, scene.nodules[n])
    scanner = for_level(draw_scanner(rng), level)
    hu = acquire(hu, grid.spacing_kji_mm, scanner, rng) + np.float32(rng.normal(0, 8))
    places = scene.places_kji[painted] - start
    kept = [n for n, at in zip(painted, places, strict=True) if ((at >= 0) & (at <= level.patch - 1)).all()]
    nodules = [scene.nodules[n] for n in kept]
    center = scene.places_kji[kept] - start
    seen = [is_seen(hu, lung, at, nodule, level.spacing_mm) for at, nodule in zip(center, nodules, strict=True)]
    patch = Patch(
        hu,
        center,
        np.array([nodule.diameter_mm / 2 / level.spacing_mm for nodule in nodules]),
        np.array([nodule.type in SUBSOLID for nodule in nodules], dtype=bool),
        np.array(seen, dtype=bool),
    )
    return flipped(patch, rng.random(3) < FLIPS)


def is_seen(hu: np.ndarray, lung: np.ndarray, center_kji: np.ndarray, nodule: PlantedNodule, spacing_mm: float) -> bool:
    """Whether a nodule differs from the lung around (``lung``: bool, without nodules) by more than that from itself."""
    if nodule.type not in SUBSOLID and nodule.diameter_mm >= PLAIN_MM:
        return True
    found = conspicuity(hu, lung, center_kji, nodule.diameter_mm, np.full(3, spacing_mm))
    return not found.beside_lung or found.at_least(LEAST_HU, LEAST_DEVIATIONS)


def for_level(scanner: Scanner, level: Level) -> Scanner:
    """The scanner as seen on the voxels of a level: larger voxels average noise away."""
    return replace(scanner, noise_hu=scanner.noise_hu * level.noise_share) if level.shrink > 1 else scanner


def flipped(patch: Patch, axes: np.ndarray) -> Patch:
    """The patch mirrored along the axes where ``axes`` is true."""
    if not axes.any():
        return patch
    hu = np.ascontiguousarray(patch.hu[tuple(slice(None, None, -1) if flip else slice(None) for flip in axes)])
    center = np.where(axes, np.array(patch.hu.shape) - 1 - patch.center_kji, patch.center_kji)
    return Patch(hu, center, patch.radius, patch.subsolid, patch.seen)
