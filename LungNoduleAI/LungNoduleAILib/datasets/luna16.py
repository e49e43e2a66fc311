"""LUNA16 folders as training cases: MetaImage scans named by series UID, annotations.csv, annotations_excluded.csv."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from LungNoduleAILib.datasets.luna_tables import read_places
from LungNoduleAILib.datasets.training_case import IgnoredPlace, TrainingCase, TrainingNodule, inside
from LungNoduleAILib.model.findings import NODULE_TYPES
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.tuples import three
from ThoraxAILib.io import read_volume
from ThoraxAILib.io.image_file import image_ending, is_segmentation
from ThoraxAILib.statistics.marks import UNKNOWN_DIAMETER_MM, Places, rows_by_series

ANNOTATIONS, EXCLUDED = "annotations.csv", "annotations_excluded.csv"
TABLE_FOLDERS = ("", "CSVFILES", "evaluationScript/annotations")  # where the challenge's archives put the tables
LUNG_MASKS = "seg-lungs"  # the challenge's lung masks have the names of the scans


class LunaData:
    """The scans of a LUNA16 folder; those without a nodule are cases too."""

    kind = "LUNA16"

    def __init__(self, folder: Path) -> None:
        table = _find(folder, ANNOTATIONS)
        if table is None:
            raise InputError(f"'{folder.name}' holds no {ANNOTATIONS}: add the table of LUNA16.")
        self._nodules = read_places(table)
        excluded = _find(folder, EXCLUDED)
        self._excluded = read_places(excluded) if excluded is not None else Places.none()
        self._rows, self._left_out = rows_by_series(self._nodules.series), rows_by_series(self._excluded.series)
        self._files: dict[str, Path] = {}
        repeated = 0
        for path in sorted(folder.rglob("*")):
            if image_ending(path) and not is_segmentation(path) and LUNG_MASKS not in str(path.relative_to(folder)):
                name = path.name[: len(path.name) - len(image_ending(path))]
                repeated += name in self._files
                self._files.setdefault(name, path)
        self.names = tuple(self._files)
        self.problems = tuple(_problems(len(set(self._rows) - set(self._files)), len(self._files), repeated))

    @staticmethod
    def is_at(folder: Path) -> bool:
        """Whether a folder holds LUNA16's table of nodules."""
        return _find(folder, ANNOTATIONS) is not None

    def load(self, name: str) -> TrainingCase:
        """One scan with its nodules; nodules outside the image are left out and noted."""
        if name not in self._files:
            raise InputError(f"There is no scan '{name}' in this folder.")
        volume = read_volume(self._files[name])
        rows = self._rows.get(name, np.empty(0, dtype=int))
        kept = [row for row in rows if inside(volume, self._nodules.centers_ras_mm[row])]
        notes = volume.notes
        if len(kept) < len(rows):
            notes += (f"{len(rows) - len(kept)} of {len(rows)} nodules lie outside the image and were left out.",)
        ignored = tuple(
            IgnoredPlace(
                three(float(x) for x in self._excluded.centers_ras_mm[row]),
                _known(self._excluded.diameter_mm[row]),
                "excluded by LUNA16",
            )
            for row in self._left_out.get(name, ())
        )
        return TrainingCase(name, volume, tuple(self._nodule(row) for row in kept), None, ignored, notes)

    def _nodule(self, row: int) -> TrainingNodule:
        diameter = _known(self._nodules.diameter_mm[row])
        kind = self._nodules.type[row] if self._nodules.type else None
        return TrainingNodule(
            three(float(x) for x in self._nodules.centers_ras_mm[row]),
            diameter or UNKNOWN_DIAMETER_MM,
            type=kind if kind in NODULE_TYPES else None,
        )


def _find(folder: Path, name: str) -> Path | None:
    return next((folder / place / name for place in TABLE_FOLDERS if (folder / place / name).is_file()), None)


def _problems(missing: int, scans: int, repeated: int) -> list[str]:
    problems = []
    if not scans:
        problems.append("There is no scan beside the tables: add the subset folders.")
    elif missing:
        problems.append(f"The table names nodules in {missing} scans that are not in this folder.")
    if repeated:
        problems.append(f"{repeated} scans occur more than once, the first file of each is taken.")
    return problems


def _known(diameter_mm: float) -> float | None:
    return float(diameter_mm) if diameter_mm > 0 else None
