"""A complete random CT of one person: own slices and field of view, several nodules of all kinds, and the truth."""

from __future__ import annotations

import zlib

import numpy as np
from scipy import ndimage

from LungNoduleAILib.model.anatomy import LOBE_OF_LABEL
from LungNoduleAILib.synthesis.body.make import make_body
from LungNoduleAILib.synthesis.model.body import Body
from LungNoduleAILib.synthesis.model.structures import HEART
from LungNoduleAILib.synthesis.model.synthetic_ct import SyntheticCT
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule, numbered
from LungNoduleAILib.synthesis.nodules.planting import NodulePlanter
from LungNoduleAILib.synthesis.nodules.share import nodule_share, paint_into
from LungNoduleAILib.synthesis.scanner.acquisition import reconstruct
from LungNoduleAILib.synthesis.scanner.settings import Scanner, draw_scanner
from ThoraxAILib.errors import known
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import SeriesIdentity, Volume

_FINE_MM = 1.25  # slices are averaged from steps no coarser than this
_LABEL_OF_LOBE = {name: label for label, name in LOBE_OF_LABEL.items()}


def draw_case(
    seed: int, setting: str = "training", *, pixel_mm: float | None = None, scanner: Scanner | None = None
) -> SyntheticCT:
    """Return CT of a seed with its truth, the same for the same arguments; ``pixel_mm`` and ``scanner`` None are drawn.

    Nodules whose centre the field of view cuts off are not in the truth. Raises InputError as make_body does.
    """
    rng = np.random.default_rng([max(seed, 0), 21, zlib.crc32(setting.encode())])
    drawn, drawn_pixel = draw_scanner(rng, setting), float(rng.uniform(0.62, 0.92))
    scanner, pixel = scanner or drawn, drawn_pixel if pixel_mm is None else pixel_mm
    parts = max(1, int(np.ceil(scanner.increment_mm / _FINE_MM)))
    body = make_body(seed, setting, (pixel, pixel, scanner.increment_mm / parts))
    hu, labels = body.clean_hu.astype(np.float32), body.labels.copy()
    nodules = _plant(hu, labels, body, rng)
    _move(hu, body, rng)
    first = int(rng.integers(parts))
    places = np.arange(first, len(hu), parts, dtype=float)
    image = np.rint(reconstruct(hu, body.grid.spacing_kji_mm, scanner, rng, places)).astype(np.int16)
    planes = slice(first, None, parts)
    truth = [array[planes] for array in (labels, body.structures, body.patterns)]
    matrix = body.grid.ijk_to_ras @ _scaled(first, parts)
    return _cut(seed, image, truth, Grid(image.shape, matrix), nodules, scanner, rng)


def _scaled(first: int, parts: int) -> np.ndarray:
    """4x4 from (i, j, slice) to (i, j, k)."""
    matrix = np.eye(4)
    matrix[2, 2], matrix[2, 3] = parts, first
    return matrix


def _plant(hu: np.ndarray, labels: np.ndarray, body: Body, rng: np.random.Generator) -> tuple[PlantedNodule, ...]:
    """One to nine nodules apart from each other, at times a mass, now and then none; changes ``hu`` and ``labels``."""
    planter = NodulePlanter(body)
    planted: list[PlantedNodule] = []
    wanted = 0 if rng.random() < 0.04 else int(rng.integers(1, 10))
    sizes = [None] * wanted + [(30.0, 80.0)] * int(rng.random() < 0.12)
    for size in sizes:
        for _ in range(8):
            nodule = planter.draw(rng, diameter_mm=size)
            if all(_apart(nodule, other) for other in planted):
                planted.append(nodule)
                break
    for nodule in planted:
        paint_into(hu, body.grid, nodule)
        box, share = nodule_share(body.grid, nodule)
        inside = labels[box]
        inside[(share > 0.5) & (inside == 0)] = _LABEL_OF_LOBE[known(nodule.lobe, "the lobe")]
    return numbered(tuple(planted))


def _apart(first: PlantedNodule, second: PlantedNodule) -> bool:
    gap = np.linalg.norm(np.subtract(first.center_ras_mm, second.center_ras_mm))
    return bool(gap > 0.7 * (first.diameter_mm + second.diameter_mm) + 5)


def _move(hu: np.ndarray, body: Body, rng: np.random.Generator) -> None:
    """In one of six scans the heart beats: what lies near it is averaged over a few mm; changes ``hu``."""
    if rng.random() > 1 / 6:
        return
    thinned = (body.structures[::4, ::4, ::4] == HEART).astype(np.float32)
    spacing = body.grid.spacing_kji_mm
    near = np.clip(2.5 * ndimage.gaussian_filter(thinned, 10 / (4 * spacing)), 0, 1)
    reach = np.rint(rng.uniform(1, 3.5) / spacing).astype(int)
    zoomed = [np.minimum(np.arange(n) // 4, m - 1) for n, m in zip(hu.shape, near.shape, strict=True)]
    source = hu.copy()
    for k in range(len(hu)):
        weight = near[zoomed[0][k]][np.ix_(zoomed[1], zoomed[2])]
        rows, columns = np.flatnonzero(weight.any(axis=1)), np.flatnonzero(weight.any(axis=0))
        if not len(rows):
            continue
        box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        planes = [source[np.clip(k + shift, 0, len(hu) - 1)] for shift in (-reach[0], 0, reach[0])]
        moved = (planes[0] + planes[2] + np.roll(planes[1], reach[1], 0) + np.roll(planes[1], -reach[2], 1))[box] / 4
        hu[k][box] += weight[box] * (moved - hu[k][box])


def _cut(
    seed: int,
    image: np.ndarray,
    truth: list[np.ndarray],
    grid: Grid,
    nodules: tuple[PlantedNodule, ...],
    scanner: Scanner,
    rng: np.random.Generator,
) -> SyntheticCT:
    """Return the field of view: square, at times smaller than the body or short; padding outside the scan's circle."""
    spacing = grid.spacing_kji_mm
    size = np.array(image.shape[1:]) * spacing[1:]
    side = float(rng.uniform(0.66, 0.9) * size[1]) if rng.random() < 0.3 else float(max(size) * rng.uniform(0.97, 1.1))
    low = [0, 0, 0]
    high = list(image.shape)
    for axis in (1, 2):
        count = min(image.shape[axis], int(side / spacing[axis]))
        slack = image.shape[axis] - count
        low[axis] = int(np.clip(round(slack * (0.5 + rng.uniform(-0.25, 0.25))), 0, slack))
        high[axis] = low[axis] + count
    if rng.random() < 0.15:
        low[0] = int(rng.uniform(0, 0.25) * len(image))
        high[0] = int(rng.uniform(0.75, 1.0) * len(image))
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    image, truth = image[box].copy(), [np.ascontiguousarray(array[box]) for array in truth]
    _pad(image, truth, side, spacing, rng)
    shift = np.eye(4)
    shift[:3, 3] = low[::-1]
    matrix = grid.ijk_to_ras @ shift
    identity = SeriesIdentity(
        series_uid=f"2.25.{7310000000 + seed}",
        kernel=scanner.kernel,
        slice_thickness_mm=scanner.slice_mm,
        manufacturer="ThoraxAI phantom",
    )
    volume = Volume(image, matrix, identity=identity)
    shown = tuple(n for n in nodules if _inside(volume, n))
    return SyntheticCT(volume, truth[0], shown, {}, seed, scanner.noise_hu, truth[1], truth[2])


def _pad(
    image: np.ndarray, truth: list[np.ndarray], side_mm: float, spacing: np.ndarray, rng: np.random.Generator
) -> None:
    """In half of the scans nothing is known outside a circle; changes image and truth."""
    if rng.random() > 0.5:
        return
    value = int(rng.choice([-1024, -2048, -2000, -3024], p=[0.5, 0.35, 0.1, 0.05]))
    j, i = np.ogrid[: image.shape[1], : image.shape[2]]
    middle = (np.array(image.shape[1:]) - 1) / 2
    beyond = np.hypot((j - middle[0]) * spacing[1], (i - middle[1]) * spacing[2]) > side_mm / 2
    for array, filling in ((image, value), *((array, 0) for array in truth)):
        array[:, beyond] = filling


def _inside(volume: Volume, nodule: PlantedNodule) -> bool:
    place = np.rint(volume.kji_from_ras(np.array(nodule.center_ras_mm))).astype(int)
    if (place < 0).any() or (place >= volume.array.shape).any():
        return False
    return bool(volume.array[tuple(place)] > -1024)
