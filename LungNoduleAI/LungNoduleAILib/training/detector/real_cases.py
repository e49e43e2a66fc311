"""The user's own annotated CT as volumes of a detector training, half and half with synthetic bodies.

A case is brought onto the detector's voxels exactly as a CT is when the detector searches it. Its nodules are taught as
they are annotated; nothing is painted and no scanner imitated, noise and level of the CT alone are varied.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LungNoduleAILib.anatomy.classical import ClassicalSegmenter
from LungNoduleAILib.anatomy.lung_box import lung_box
from LungNoduleAILib.datasets.open import open_training_data
from LungNoduleAILib.datasets.training_case import TrainingCase
from LungNoduleAILib.detection.search_image import MARGIN_MM, SearchImage
from LungNoduleAILib.training.detector.patches import CENTERS, FLIPS, SUBSOLID, Patch, draw_patch, flipped
from LungNoduleAILib.training.detector.training_volumes import Level, TrainingVolume, TrainingVolumes
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.image.block_mean import block_mean
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.jobs.progress import Progress

if TYPE_CHECKING:
    from LungNoduleAILib.training.detector.batches import DetectorRecipe
    from LungNoduleAILib.training.request import TrainingRequest

logger = logging.getLogger(__name__)
FOLDER, INDEX_FILE = "cases", "cases.json"
BRIGHT_HU = -500  # vessels and walls: what a nodule is mistaken for
IGNORED_MM = 8.0  # no patch is centered this close to what is neither a nodule nor surely none
MAX_CENTERS = 2000
TRIES = 10
MAX_KEPT = 40  # volumes in memory, some 30 MB each
MAX_NOISE_HU, SHIFT_HU = 20.0, 15.0


@dataclass(frozen=True, eq=False)
class CaseVolume(TrainingVolume):
    """A real CT at one level: nodules of the level with ``radius`` (n,) in voxels and whether ``subsolid`` (n,).

    ``others_kji`` (m, 3) are nodules of sizes that another level teaches.
    """

    radius: np.ndarray
    subsolid: np.ndarray
    others_kji: np.ndarray


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """A case around its lungs on cubes of SPACING_MM: HU int16, search mask, nodules and ignored places (voxels)."""

    hu: np.ndarray
    wanted: np.ndarray
    ijk_to_ras: np.ndarray
    places_kji: np.ndarray
    diameter_mm: np.ndarray
    subsolid: np.ndarray
    ignored_kji: np.ndarray

    def save(self, path: Path) -> None:
        """Write to an npz file, all or nothing."""
        partial = path.with_suffix(".partial.npz")
        np.savez_compressed(partial, **vars(self))
        partial.replace(path)

    @staticmethod
    def load(path: Path) -> PreparedCase:
        """Inverse of save."""
        with np.load(path) as arrays:
            return PreparedCase(**{name: arrays[name] for name in arrays.files})


def prepare_case(case: TrainingCase) -> PreparedCase:
    """Return the case as the detector sees it; raises InputError when no lungs are found in it."""
    volume = case.volume.in_lps_order()
    anatomy = ClassicalSegmenter().segment(volume, Progress())
    box = lung_box(anatomy.labels, volume.spacing_kji_mm, MARGIN_MM)
    if box is None:
        raise InputError(f"No lungs were found in the case '{case.name}': leave it out.")
    image = SearchImage.around(volume, anatomy, box)

    def places(centers: list[tuple[float, float, float]]) -> np.ndarray:
        return image.grid.kji_from_ras(np.array(centers, dtype=float).reshape(-1, 3))

    return PreparedCase(
        np.rint(image.hu).astype(np.int16),
        image.wanted,
        image.grid.ijk_to_ras,
        places([nodule.center_ras_mm for nodule in case.nodules]),
        np.array([nodule.equivalent_diameter_mm for nodule in case.nodules]),
        np.array([nodule.type in SUBSOLID for nodule in case.nodules], dtype=bool),
        places([place.center_ras_mm for place in case.ignored]),
    )


def make_case_volume(case: PreparedCase, level: Level, rng: np.random.Generator) -> CaseVolume:
    """Return a prepared case at one level; centers of patches without a nodule are drawn from ``rng``."""
    factor = level.shrink
    hu = block_mean(case.hu, factor).astype(np.int16) if factor > 1 else case.hu
    wanted = case.wanted[::factor, ::factor, ::factor][: hu.shape[0], : hu.shape[1], : hu.shape[2]]
    places, ignored = ((points - (factor - 1) / 2) / factor for points in (case.places_kji, case.ignored_kji))
    low, high = level.diameters_mm
    taught = (case.diameter_mm >= low) & (case.diameter_mm <= high)
    return CaseVolume(
        hu,
        Grid(case.hu.shape, case.ijk_to_ras).part(tuple(slice(0, n) for n in case.hu.shape), factor),
        (),
        places[taught],
        _centers(hu, wanted, ignored, level, rng),
        case.diameter_mm[taught] / 2 / level.spacing_mm,
        case.subsolid[taught],
        places[~taught],
    )


def _centers(
    hu: np.ndarray, wanted: np.ndarray, ignored_kji: np.ndarray, level: Level, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Voxels (n, 3) for each name of CENTERS but "nodule": bright ones, the border, and anywhere in the search."""
    border = np.zeros_like(wanted)
    for axis in range(3):
        low = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        border[low] |= wanted[low] != wanted[high]
    found: dict[str, np.ndarray] = {}
    for name, mask in (("lung", wanted), ("border", border), ("imitation", wanted & (hu > BRIGHT_HU))):
        index = np.flatnonzero(mask)
        if not len(index):
            found[name] = found["lung"]
            continue
        picked = np.sort(index[rng.integers(len(index), size=min(MAX_CENTERS, len(index)))])
        points = np.stack(np.unravel_index(picked, mask.shape), axis=1).astype(float)
        for place in ignored_kji:
            far = np.linalg.norm(points - place, axis=1) * level.spacing_mm > IGNORED_MM
            points = points[far] if far.any() else points
        found[name] = points
    return found


@draw_patch.register(CaseVolume)
def _(volume: CaseVolume, level: Level, rng: np.random.Generator, extra: np.ndarray | None = None) -> Patch:
    """One patch of a real CT with every annotated nodule in it; sizes of another level are avoided where possible."""
    for _ in range(TRIES):
        start = _start(volume, level, rng, extra)
        others = volume.others_kji - start
        if not ((others > -2) & (others < level.patch + 2)).all(axis=1).any():
            break
    hu = volume.hu[tuple(slice(int(s), int(s) + level.patch) for s in start)].astype(np.float32)
    missing = [(0, level.patch - n) for n in hu.shape]
    if any(after for _, after in missing):
        hu = np.pad(hu, missing, mode="edge")
    hu += rng.normal(0, rng.uniform(0, MAX_NOISE_HU) * level.noise_share, hu.shape).astype(np.float32)
    hu += np.float32(rng.normal(0, SHIFT_HU))
    center = volume.places_kji - start
    inside = ((center >= 0) & (center <= level.patch - 1)).all(axis=1)
    return flipped(
        Patch(hu, center[inside], volume.radius[inside], volume.subsolid[inside], np.ones(int(inside.sum()), bool)),
        rng.random(3) < FLIPS,
    )


def _start(volume: CaseVolume, level: Level, rng: np.random.Generator, extra: np.ndarray | None) -> np.ndarray:
    """First voxel of a patch around a nodule, something like one, the border, or anywhere; as for synthetic bodies."""
    name = str(rng.choice(list(CENTERS), p=list(CENTERS.values())))
    if name == "nodule" and not len(volume.places_kji):
        name = "lung"
    pool = volume.places_kji if name == "nodule" else volume.centers[name]
    if name == "lung" and extra is not None and len(extra):
        pool = extra
    half = level.patch / 2
    center = pool[int(rng.integers(len(pool)))]
    start = np.rint(center - half + rng.uniform(-0.7, 0.7, 3) * half).astype(int)
    return np.clip(start, 0, np.maximum(np.array(volume.hu.shape) - level.patch, 0))


class CaseVolumes:
    """TrainingVolume ``number`` of a level from the cases at ``data``, prepared once and kept in ``folder``.

    Cases that cannot be used are left out and logged; raises InputError when none is left, or when ``folder`` was
    prepared from other data.
    """

    def __init__(self, data: Path, folder: Path, seed: int, progress: Progress) -> None:
        self._seed = seed
        self._kept: OrderedDict[tuple[int, str], CaseVolume] = OrderedDict()
        source = open_training_data(data)
        index = folder / INDEX_FILE
        content = {"kind": source.kind, "names": list(source.names)}
        if index.is_file() and json.loads(index.read_text(encoding="utf-8")) != content:
            raise InputError(
                f"The folder '{folder.parent.name}' holds a training on other data: choose another --output."
            )
        folder.mkdir(parents=True, exist_ok=True)
        self._files = []
        for number, name in enumerate(source.names):
            progress(number / len(source.names), f"Preparing case {number + 1} of {len(source.names)}")
            path = folder / f"{number:05d}.npz"
            try:
                if not path.is_file():
                    prepare_case(source.load(name)).save(path)
            except InputError as error:
                logger.warning("case %d is left out: %s", number + 1, error)
                continue
            self._files.append(path)
        if not self._files:
            raise InputError(
                f"None of the {len(source.names)} cases in '{data.name}' can be used: see thoraxai lung "
                "dataset inspect."
            )
        index.write_text(json.dumps(content), encoding="utf-8")

    def __len__(self) -> int:
        return len(self._files)

    def __call__(self, number: int, level: Level) -> CaseVolume:
        """Return the volume; the last MAX_KEPT stay in memory."""
        key = number, level.name
        if key not in self._kept:
            rng = np.random.default_rng((self._seed, number, level.shrink))
            self._kept[key] = make_case_volume(PreparedCase.load(self._files[number]), level, rng)
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


class MixedVolumes:
    """Real cases at even numbers, synthetic bodies at odd ones; the fewer of them come more than once."""

    def __init__(self, cases: CaseVolumes, bodies: TrainingVolumes, body_count: int) -> None:
        self._cases, self._bodies, self._body_count = cases, bodies, body_count

    @property
    def case_count(self) -> int:
        """How many real cases take part."""
        return len(self._cases)

    def __len__(self) -> int:
        return 2 * max(len(self._cases), self._body_count)

    def __call__(self, number: int, level: Level) -> TrainingVolume:
        """TrainingVolume ``number`` (0..len - 1) of a level."""
        half, synthetic = divmod(number, 2)
        if synthetic:
            return self._bodies(half % self._body_count, level)
        return self._cases(half % len(self._cases), level)


def mix_in(
    request: TrainingRequest, recipe: DetectorRecipe, bodies: TrainingVolumes, progress: Progress
) -> tuple[MixedVolumes, DetectorRecipe]:
    """Return volumes of a training on ``request.data`` and synthetic bodies, and the recipe that counts all of them."""
    cases = CaseVolumes(known(request.data, "the folder of cases"), request.output / FOLDER, recipe.seed, progress)
    mixed = MixedVolumes(cases, bodies, recipe.bodies)
    return mixed, replace(recipe, bodies=len(mixed))
