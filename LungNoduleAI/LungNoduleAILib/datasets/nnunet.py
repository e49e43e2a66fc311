"""Training cases as an nnU-Net v2 raw data set: dataset.json, imagesTr/NAME_0000.nii.gz, labelsTr/NAME.nii.gz.

Source: documentation/dataset_format.md of nnU-Net v2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from LungNoduleAILib.datasets.training_case import TrainingCase
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.itk_geometry import placed_image
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.jobs.progress import Progress

ENDING = ".nii.gz"
IMAGES, LABELS, DATASET_FILE = "imagesTr", "labelsTr", "dataset.json"
NODULE = 1
_NOT_FOR_NAMES = re.compile(r"[^A-Za-z0-9]+")


def export_nnunet(cases: Iterable[TrainingCase], count: int, output: Path, name: str, progress: Progress) -> int:
    """Write ``count`` cases to the new folder ``output`` and return how many were written.

    Every nodule has label 1: its mask, or a sphere of its diameter where only a diameter is known. Raises InputError
    when ``output`` holds something, or when there is no case.
    """
    if output.is_dir() and any(output.iterdir()):
        raise InputError(f"The folder '{output.name}' is not empty: give a new one with --output.")
    with OutputFolder(output, (IMAGES, LABELS, DATASET_FILE)) as folder:
        (folder / IMAGES).mkdir()
        (folder / LABELS).mkdir()
        taken: set[str] = set()
        with_spheres = False
        for number, case in enumerate(cases):
            progress(number / max(count, 1), f"Case {number + 1} of {count}")
            case_name = _unique(case.name, taken)
            _write(folder / IMAGES / f"{case_name}_0000{ENDING}", case.volume, case.volume.array)
            labels = (case.label_mask() > 0).astype(np.uint8) * NODULE
            _write(folder / LABELS / f"{case_name}{ENDING}", case.volume, labels)
            with_spheres |= case.mask is None
        if not taken:
            raise InputError("There is no case that could be written: see thoraxai lung dataset inspect.")
        content = dataset_content(name, len(taken), with_spheres)
        (folder / DATASET_FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return len(taken)


def dataset_content(name: str, count: int, with_spheres: bool) -> dict:
    """Return the content of dataset.json."""
    drawn = "spheres of the annotated diameter" if with_spheres else "outlines of the data set"
    return {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, "nodule": NODULE},
        "numTraining": count,
        "file_ending": ENDING,
        "name": name,
        "description": f"Lung nodules, labels are {drawn}.",
    }


def _write(path: Path, volume: Volume, array: np.ndarray) -> None:
    image = placed_image(sitk.GetImageFromArray(np.ascontiguousarray(array)), volume)
    sitk.WriteImage(image, str(path), True)


def _unique(name: str, taken: set[str]) -> str:
    """Return a name of letters, digits and single underscores that is not taken, also where only case differs."""
    clean = _NOT_FOR_NAMES.sub("_", name).strip("_") or "case"
    unique, number = clean, 1
    while unique.lower() in taken:
        number += 1
        unique = f"{clean}_{number}"
    taken.add(unique.lower())
    return unique
