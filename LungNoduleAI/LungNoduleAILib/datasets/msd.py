"""MSD-style folders as training cases: dataset.json with imagesTr and labelsTr, also nnU-Net v2 raw data sets."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from LungNoduleAILib.datasets.training_case import IgnoredPlace, TrainingCase, TrainingNodule
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.spheres import sphere_diameter_mm
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import read_volume
from ThoraxAILib.io.image_file import image_ending
from ThoraxAILib.io.label_map import on_same_grid, read_label_map
from ThoraxAILib.untrusted.plain_json import read_plain_json

DATASET_FILE, IMAGES, LABELS = "dataset.json", "imagesTr", "labelsTr"
NODULE_WORDS = ("nodule", "cancer", "tumor", "tumour", "lesion", "mass", "metasta")
MIN_MM = 3.0  # smaller parts are specks of a drawing: no LUNA16 nodule is smaller
FIRST_CHANNEL = "_0000"


class MsdData:
    """The training cases of a data set; every connected part of a nodule label is one nodule."""

    kind = "MSD"

    def __init__(self, folder: Path) -> None:
        content = _read_content(folder)
        self._labels = nodule_labels(content.get("labels"))
        self._pairs, missing = _pairs(folder, content)
        self.names = tuple(self._pairs)
        self.problems: tuple[str, ...] = ()
        if not self._pairs:
            self.problems = (f"{DATASET_FILE} is there, but no image in {IMAGES} has its label map in {LABELS}.",)
        elif missing:
            total = missing + len(self._pairs)
            self.problems = (f"{missing} of {total} training images lack their file or label map.",)

    @staticmethod
    def is_at(folder: Path) -> bool:
        """Whether a folder holds a dataset.json with training images."""
        return (folder / DATASET_FILE).is_file() and (folder / IMAGES).is_dir()

    def load(self, name: str) -> TrainingCase:
        """One image with the connected parts of its nodule labels; the label map must lie on the image's grid."""
        import cc3d

        if name not in self._pairs:
            raise InputError(f"There is no case '{name}' in this data set.")
        image, label_file = self._pairs[name]
        volume, labels = read_volume(image), read_label_map(label_file)
        if not on_same_grid(volume, labels):
            raise InputError(f"Image and label map of '{name}' lie on different grids: resample one to the other.")
        parts = cc3d.connected_components(np.isin(labels.array, self._labels), connectivity=26)
        return _case_of_parts(name, volume, parts)


def nodule_labels(labels: object) -> tuple[int, ...]:
    """Return the values of the labels that are nodules, by their names; a single label is taken whatever its name.

    Accepts MSD's form (value: name) and nnU-Net's (name: value or values).
    """
    if not isinstance(labels, dict) or not labels:
        raise InputError(f'{DATASET_FILE} names no labels: add e.g. "labels": {{"background": 0, "nodule": 1}}.')
    values: dict[str, tuple[int, ...]] = {}
    try:
        for key, value in labels.items():
            name, numbers = (value, key) if isinstance(value, str) else (key, value)
            found = tuple(int(n) for n in (numbers if isinstance(numbers, list) else [numbers]))
            values[str(name).lower()] = tuple(n for n in found if n > 0)
    except (TypeError, ValueError):
        raise InputError(f"The labels in {DATASET_FILE} are no whole numbers with names: correct them.") from None
    values = {name: found for name, found in values.items() if found}
    chosen = {n for name, found in values.items() if any(word in name for word in NODULE_WORDS) for n in found}
    if not chosen and len(values) == 1:
        chosen = set(*values.values())
    if not chosen:
        raise InputError(
            f"None of the labels in {DATASET_FILE} ({', '.join(values) or 'only background'}) is named as "
            "a nodule: name one nodule, lesion, tumor, cancer or mass."
        )
    return tuple(sorted(chosen))


def _case_of_parts(name: str, volume: Volume, parts: np.ndarray) -> TrainingCase:
    """Nodules from MIN_MM on in the order of their parts; smaller parts are ignored places."""
    import cc3d

    found = cc3d.statistics(parts)
    nodules, ignored, number_of_part = [], [], np.zeros(len(found["voxel_counts"]), dtype=np.uint16)
    for part in range(1, len(number_of_part)):
        center = three(float(x) for x in volume.ras_from_kji(found["centroids"][part]))
        volume_mm3 = float(found["voxel_counts"][part]) * volume.voxel_mm3
        diameter = sphere_diameter_mm(volume_mm3)
        if diameter < MIN_MM:
            ignored.append(IgnoredPlace(center, diameter, f"smaller than {MIN_MM:g} mm"))
            continue
        nodules.append(TrainingNodule(center, diameter, volume_mm3))
        number_of_part[part] = len(nodules)
    notes = volume.notes
    if ignored:
        notes += (f"{len(ignored)} parts of the label map are smaller than {MIN_MM:g} mm and were left out.",)
    return TrainingCase(name, volume, tuple(nodules), number_of_part[parts], tuple(ignored), notes)


def _read_content(folder: Path) -> dict:
    try:
        content = read_plain_json(folder / DATASET_FILE)
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        raise InputError(f"{DATASET_FILE} in '{folder.name}' cannot be read as JSON: correct it.")
    return content


def _pairs(folder: Path, content: dict) -> tuple[dict[str, tuple[Path, Path]], int]:
    """Image and label map by case name, and how many named or present images lack one of them."""
    listed = content.get("training")
    entries = (
        [(str(entry.get("image")), str(entry.get("label"))) for entry in listed if isinstance(entry, dict)]
        if isinstance(listed, list)
        else _present(folder)
    )
    pairs, missing = {}, 0
    for image_name, label_name in entries:
        image, label = (folder / _path_inside(name) for name in (image_name, label_name))
        if not image.is_file() and image_ending(image):
            ending = image_ending(image)
            image = image.with_name(image.name[: len(image.name) - len(ending)] + FIRST_CHANNEL + ending)
        if image.is_file() and label.is_file():
            pairs[label.name[: len(label.name) - len(image_ending(label))]] = (image, label)
        else:
            missing += 1
    return dict(sorted(pairs.items())), missing


def _path_inside(name: str) -> PurePosixPath:
    """Return a path below the folder of the data set; raises InputError for one that leads elsewhere."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or PureWindowsPath(name).drive:
        raise InputError(
            f"{DATASET_FILE} names a file outside its own folder: put images and label maps into {IMAGES} and {LABELS}."
        )
    return path


def _present(folder: Path) -> list[tuple[str, str]]:
    """Images (first channel only) and the label maps they ask for, by nnU-Net's names."""
    entries = []
    for path in sorted((folder / IMAGES).iterdir()):
        ending = image_ending(path)
        stem = path.name[: len(path.name) - len(ending)]
        if ending and not path.name.startswith(".") and stem.endswith(FIRST_CHANNEL):
            entries.append((f"{IMAGES}/{path.name}", f"{LABELS}/{stem.removesuffix(FIRST_CHANNEL)}{ending}"))
    return entries
