"""Nodules with the outlines of several readers: a folder with ``table.csv`` and one ``ID.npz`` per nodule.

Each file holds ``hu`` (int16, slices x rows x columns, native voxels), ``readers`` (packed bits, 4 readers on the same
grid) and ``spacing`` (dz, dy, dx in mm), as cut from LIDC-IDRI (Armato et al., Medical Physics 38:915, 2011; CC BY
3.0). Only slices that carry the nodule are there, so a stack is padded before an algorithm sees it.
"""

from __future__ import annotations

import csv
import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume

TABLE = "table.csv"
AGREED = 2  # readers: what at least so many drew is the truth (LIDC's usual consensus of half of four)
PAD_SLICES = 8
LUNG_HU = -860.0  # put in the place of a nodule beyond the slices that carry it
AERATED_HU = (-1000.0, -700.0)
MAX_VOXELS = 64_000_000  # of one stack; more is no nodule
JUDGES = re.compile(r"^LIDC-IDRI-(\d{4})$")
KEPT_APART = frozenset({1, 2, 3, 314})
RATINGS = ("malignancy", "texture", "calcification", "spiculation", "lobulation", "margin", "sphericity", "subtlety")
Padding = Literal["removed", "edge"]
Part = Literal["train", "validation", "test"]


@dataclass(frozen=True, eq=False)
class NoduleStack:
    """One nodule: ``hu`` (k, j, i) float32, ``readers`` bool (n, k, j, i), ``spacing_kji_mm``, readers' ``ratings``.

    ``ratings`` holds what the table says of RATINGS; what it does not say is missing.
    """

    name: str
    person: str
    hu: np.ndarray
    readers: np.ndarray
    spacing_kji_mm: np.ndarray
    ratings: dict[str, float]

    @cached_property
    def consensus(self) -> np.ndarray:
        """What at least AGREED readers drew, bool (k, j, i)."""
        return np.asarray(self.readers.sum(axis=0) >= AGREED)

    @property
    def union(self) -> np.ndarray:
        """What any reader drew, bool (k, j, i)."""
        return np.asarray(self.readers.any(axis=0))

    @property
    def voxel_mm3(self) -> float:
        """Volume of a voxel."""
        return float(np.prod(self.spacing_kji_mm))

    @property
    def diameter_mm(self) -> float:
        """Diameter of the ball of the consensus' volume."""
        return float((6 * self.consensus.sum() * self.voxel_mm3 / np.pi) ** (1 / 3))

    @cached_property
    def middle_kji(self) -> np.ndarray:
        """Centroid of the consensus, or its voxel nearest to it when the centroid lies outside; (3,) voxels."""
        index = np.argwhere(self.consensus)
        centroid = index.mean(axis=0)
        if self.consensus[tuple(np.rint(centroid).astype(int))]:
            return centroid
        return index[np.argmin((((index - centroid) * self.spacing_kji_mm) ** 2).sum(axis=1))].astype(float)


def open_stacks(folder: Path) -> tuple[NoduleStack, ...]:
    """Return the nodules of a folder on which AGREED readers agree; raises InputError for a folder of another kind."""
    return tuple(stack for stack in (_read(folder, row) for row in _rows(folder)) if stack.consensus.any())


def _rows(folder: Path) -> list[dict[str, str]]:
    table = folder / TABLE
    if not table.is_file():
        raise InputError(
            f"The folder '{folder.name}' holds no {TABLE}: name a folder with {TABLE} and one npz per nodule."
        )
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    missing = [name for name in ("id", "patient") if rows and name not in rows[0]]
    if not rows or missing:
        raise InputError(f"'{table.name}' lists no nodules with {', '.join(missing) or 'an id and a patient'}.")
    return rows


def _read(folder: Path, row: dict[str, str]) -> NoduleStack:
    name = row["id"]
    path = folder / f"{Path(name).name}.npz"
    wrong = InputError(
        f"'{path.name}' is no nodule with hu, readers and spacing: leave its row out of {TABLE} or give the file again."
    )
    try:
        with np.load(path, allow_pickle=False) as content:
            hu, packed, spacing = content["hu"], content["readers"], np.asarray(content["spacing"], dtype=float)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise wrong from error
    if hu.ndim != 3 or packed.ndim != 4 or spacing.shape != (3,) or not 0 < hu.size < MAX_VOXELS:
        raise wrong
    readers = np.unpackbits(packed, axis=-1)[..., : hu.shape[2]].astype(bool)
    if readers.shape[1:] != hu.shape or not (np.isfinite(spacing).all() and (spacing > 0).all()):
        raise wrong
    ratings = {key: float(row[key]) for key in RATINGS if row.get(key)}
    readers = readers[readers.any(axis=(1, 2, 3))]
    return NoduleStack(name, row["patient"], hu.astype(np.float32), readers, spacing, ratings)


def person_number(person: str) -> int:
    """Return the number of a person as LIDC counts them; of another name a number that stays the same."""
    found = JUDGES.match(person)
    return int(found.group(1)) if found else zlib.crc32(person.encode())


def part_of(person: str) -> Part | None:
    """Return the part a person belongs to: None for those of LIDC that only judge from outside (see the card).

    Numbers that leave 1 when divided by five test; of the others a sixth validates and the rest trains.
    """
    number = person_number(person)
    if JUDGES.match(person) and (number % 5 == 0 or number in KEPT_APART):
        return None
    if number % 5 == 1:
        return "test"
    return "validation" if number // 5 % 6 == 0 else "train"


def stacks_of(stacks: Iterable[NoduleStack], *parts: Part) -> tuple[NoduleStack, ...]:
    """Return the nodules of the people of some parts."""
    return tuple(stack for stack in stacks if part_of(stack.person) in parts)


def fingerprint(stacks: Iterable[NoduleStack]) -> str:
    """Return a hash of the HU and outlines of nodules, whatever their order."""
    lines = sorted(
        f"{stack.name} {hashlib.sha256(stack.hu.tobytes() + np.packbits(stack.readers).tobytes()).hexdigest()}"
        for stack in stacks
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def edge_slices(stack: NoduleStack, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last slice with lung and its noise in the place of the nodule, (2, j, i) HU.

    The place is two voxels around what any reader drew there.
    """
    import scipy.ndimage as ndi

    found = []
    for k in (0, -1):
        plane, place = stack.hu[k].copy(), ndi.binary_dilation(stack.union[k], iterations=2)
        lung = plane[(plane > AERATED_HU[0]) & (plane < AERATED_HU[1]) & ~place]
        noise = float(lung.std()) if lung.size >= 20 else 30.0
        plane[place] = rng.normal(LUNG_HU, noise, int(place.sum())).astype(np.float32)
        found.append(plane)
    return found[0], found[1]


def padded(stack: NoduleStack, rng: np.random.Generator, padding: Padding = "removed") -> Volume:
    """Return the stack as a CT with PAD_SLICES more on both sides: the edge slices repeated.

    With "removed" the nodule is replaced by lung there; with "edge" it goes on, the hardest that a cut can do.
    Voxel (k, j, i) of the stack is (k + PAD_SLICES, j, i) of the CT.
    """
    first, last = edge_slices(stack, rng) if padding == "removed" else (stack.hu[0], stack.hu[-1])
    array = np.concatenate([np.repeat(first[None], PAD_SLICES, 0), stack.hu, np.repeat(last[None], PAD_SLICES, 0)])
    dz, dy, dx = stack.spacing_kji_mm
    return Volume(array, np.diag([-dx, -dy, dz, 1.0]))
