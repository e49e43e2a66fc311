"""The published networks that engines of this suite can run, with the files, hashes and licences their makers state.

Sources: Project-MONAI/model-zoo, ``large_files.yml``, ``metadata.json`` and ``docs`` of each model.
"""

from __future__ import annotations

from dataclasses import dataclass

from ThoraxAILib.errors import InputError

NVIDIA = "https://developer.download.nvidia.com/assets/Clara/monai/tutorials/model_zoo"


@dataclass(frozen=True)
class PublishedFile:
    """One file of a network: its path in the model's folder, where it is published, and its MD5 as published."""

    path: str
    url: str
    md5: str


@dataclass(frozen=True)
class PublishedModel:
    """One network of others.

    ``trained_on`` says on which data, so that nobody scores it on them; ``training_series`` names a file in its
    folder with one Series Instance UID of the training in each line, which ``lung evaluate`` compares where it is
    there.
    """

    name: str
    title: str
    files: tuple[PublishedFile, ...]
    licence: str
    trained_on: str
    source: str
    training_series: str = "training_series.txt"


MODELS = (
    PublishedModel(
        "lung_nodule_ct_detection",
        "MONAI RetinaNet: lung nodules in chest CT",
        (
            PublishedFile(
                "models/model.pt",
                f"{NVIDIA}/model_lung_nodule_ct_detection.pt",
                "b2e732a7c2786e2f8398fa45293b1e73",
            ),
        ),
        "Apache-2.0, example, not for diagnostic purposes",
        "LUNA16 (LIDC-IDRI, CC BY 3.0): no score on LIDC-IDRI is clean",
        "https://github.com/Project-MONAI/model-zoo/tree/dev/models/lung_nodule_ct_detection",
    ),
    PublishedModel(
        "wholeBody_ct_segmentation",
        "MONAI SegResNet: 104 structures in CT",
        (
            PublishedFile(
                "models/model.pt",
                f"{NVIDIA}/model_wholebody_ct_segmentation.pt",
                "aded45dea52f9c00b37922bcd0a98502",
            ),
            PublishedFile(
                "models/model_lowres.pt",
                f"{NVIDIA}/model_lowres_wholebody_ct_segmentation.pt",
                "dbdebeae650f4fb5ea7f4ad01e0d2431",
            ),
        ),
        "Apache-2.0, example, not for diagnostic purposes",
        "TotalSegmentator's data set v1 (CC BY 4.0): no score on it is clean",
        "https://github.com/Project-MONAI/model-zoo/tree/dev/models/wholeBody_ct_segmentation",
    ),
)


def find_published(name: str) -> PublishedModel:
    """Return the model of this name; raises InputError naming those that are known."""
    for model in MODELS:
        if model.name == name:
            return model
    raise InputError(f"No published model '{name}' is known: choose one of {', '.join(one.name for one in MODELS)}.")
