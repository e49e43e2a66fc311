"""What patches are cut from: synthetic bodies around their lungs at the voxel size of a network, made once and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LungNoduleAILib.anatomy.lung_box import lung_box
from LungNoduleAILib.detection.two_levels import SHRINK, SPACING_MM
from LungNoduleAILib.synthesis.cohort import body_file, load_or_make_body
from LungNoduleAILib.synthesis.model.body import Body
from LungNoduleAILib.synthesis.nodules.annotatable import lies_in_lung
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.nodules.planting import NodulePlanter
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.image.block_mean import block_mean
from ThoraxAILib.image.boxes import Box
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.jobs.pool import open_pool

SPACING = (SPACING_MM, SPACING_MM, SPACING_MM)
MIN_LUNG_L = 0.3  # less is a scan of something else
MARGIN_MM = 30.0
DRAWS = 4


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
class TrainingVolume:
    """One body at one level: ``hu`` int16 around the lungs on ``grid``, nodules that may be painted, centres (voxels).

    ``centers`` holds for each name of CENTERS but "nodule" an array (n, 3) of voxel positions k, j, i.
    """

    hu: np.ndarray
    grid: Grid
    nodules: tuple[PlantedNodule, ...]
    places_kji: np.ndarray
    centers: dict[str, np.ndarray]


def make_training_volume(body: Body, level: Level, seed: int) -> TrainingVolume:
    """Return volume of a body (isotropic voxels of SPACING_MM); its nodules follow from ``seed`` and the body's own."""
    rng = np.random.default_rng((seed, body.seed, level.shrink))
    box = body_box(body)
    grid = body.grid.part(box, level.shrink)
    hu = body.clean_hu[box]
    hu = block_mean(hu, level.shrink).astype(np.int16) if level.shrink > 1 else hu.copy()
    lungs = body.labels[box][:: level.shrink, :: level.shrink, :: level.shrink]
    lungs = ((lungs > 0) & (lungs < 6))[: hu.shape[0], : hu.shape[1], : hu.shape[2]]
    nodules = planted(body, level, box, rng)
    places = np.array([grid.frame_mm(np.array(n.center_ras_mm)) for n in nodules]) / grid.spacing_kji_mm
    return TrainingVolume(hu, grid, nodules, places, _centers(body, grid, lungs, rng))


def body_box(body: Body) -> Box:
    """Return the box of a body's lungs that is looked at (isotropic voxels of SPACING_MM); the body must show lungs."""
    return known(lung_box(body.labels, np.full(3, SPACING_MM), MARGIN_MM), "the box of the lungs")


def planted(body: Body, level: Level, box: Box, rng: np.random.Generator) -> tuple[PlantedNodule, ...]:
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


VolumeSource = Callable[[int, Level], TrainingVolume]  # the volume of a number and a level


class TrainingVolumes:
    """Volume ``number`` (0..``bodies`` - 1) of a level; bodies have the seeds from ``seed`` on, kept in ``folder``.

    A body that shows no lungs stands back for the one before it.
    """

    def __init__(self, folder: Path, seed: int, bodies: int) -> None:
        self._folder, self._seed, self._bodies = folder, seed, bodies
        self._kept: dict[tuple[int, str], TrainingVolume | None] = {}

    @contextmanager
    def made_ahead(self, jobs: int) -> Iterator[None]:
        """While this runs, ``jobs`` - 1 other processes make the bodies before the training asks for them."""
        if jobs < 2:
            yield
            return
        with open_pool(jobs - 1) as pool:
            for number in range(self._bodies):
                pool.submit(_make, self._seed + number, self._folder)
            yield

    def __call__(self, number: int, level: Level) -> TrainingVolume:
        """Return the volume, read when first asked for; raises InputError when no body shows lungs."""
        for other in range(self._bodies):
            volume = self._volume((number - other) % self._bodies, level)
            if volume is not None:
                return volume
        raise InputError("None of the synthetic bodies shows lungs: take more of them (--bodies).")

    def _volume(self, number: int, level: Level) -> TrainingVolume | None:
        if (number, level.name) not in self._kept:
            body = load_or_make_body(self._seed + number, "training", SPACING, self._folder)
            for one in (FINE, COARSE):
                self._kept[number, one.name] = (
                    make_training_volume(body, one, self._seed) if shows_lungs(body) else None
                )
        return self._kept[number, level.name]


def _make(seed: int, folder: Path) -> None:
    if not body_file(seed, "training", SPACING, folder).is_file():
        load_or_make_body(seed, "training", SPACING, folder)


def shows_lungs(body: Body) -> bool:
    """Whether there is enough lung to look for nodules."""
    return body.is_chest and int(((body.labels > 0) & (body.labels < 6)).sum()) >= MIN_LUNG_L * 1e6 / SPACING_MM**3
