"""The labels of a segmented cine as one file, and what is told beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk

from CardiacBiomechLib.cine.label_sequence import write_label_sequence
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.model.heart_labels import ACDC
from CardiacBiomechLib.motion.volumes import volume_ml
from CardiacBiomechLib.segmentation.engines import SegmenterOptions
from CardiacBiomechLib.segmentation.protocol import HeartSegmenter
from ThoraxAILib.engines.chosen import ChosenEngine
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.transform_files import check_writable, write_labels, write_whole
from ThoraxAILib.registration.itk_images import label_image

SCHEMA = "thoraxai.cardiac-segmentation-report/1"
NIFTI = (".nii", ".nii.gz")
SEQUENCE = ".seq.nrrd"


def check_output(path: Path, frames: int | None = None) -> None:
    """Raise InputError unless labels (of so many ``frames``, None: not known yet) can be written to ``path``."""
    check_writable(path, "labels")
    if frames is None or frames == 1 or path.name.lower().endswith((*NIFTI, SEQUENCE)):
        return
    raise InputError(
        f"'{path.name}' cannot hold the labels of {frames} frames: name a .nii.gz or {SEQUENCE} file, or choose one "
        "frame with --frame."
    )


def chosen_frames(cine: Cine, number: int | None) -> tuple[tuple[Volume, ...], list[int]]:
    """Return the frames to segment and their numbers: all, or frame ``number`` (from 1). Raises InputError."""
    if number is None:
        return cine.frames, list(range(1, len(cine.frames) + 1))
    return (cine.frames[cine.index(number)],), [number]


def write_segmentation(labels: Sequence[Volume], path: Path) -> None:
    """Write one label image, or those of all frames as a 4-D NIfTI file or a Slicer sequence; whole or not at all."""
    check_output(path, len(labels))
    if len(labels) == 1:
        write_labels(labels[0], path)
    elif path.name.lower().endswith(SEQUENCE):
        write_whole(path, SEQUENCE, lambda partial: write_label_sequence(labels, partial))
    else:
        joined = sitk.JoinSeries([label_image(frame) for frame in labels])
        ending = next(ending for ending in reversed(NIFTI) if path.name.lower().endswith(ending))
        write_whole(path, ending, lambda partial: sitk.WriteImage(joined, str(partial), True))


def volumes_of(labels: Sequence[Volume]) -> dict[str, list[float]]:
    """Volume (mL) of every part (LV, MYO, RV) in every frame."""
    return {name: [volume_ml(frame, value) for frame in labels] for name, value in ACDC.parts().items()}


def as_json(
    labels: Sequence[Volume], frames: Sequence[int], choice: SegmenterOptions, engine: ChosenEngine[HeartSegmenter]
) -> dict:
    """Return the report of a segmentation; ``frames`` are the frames of the cine that were segmented, from 1."""
    return {
        "schema": SCHEMA,
        "research_use": "Research use only, not a medical device.",
        **choice.reported(engine),
        "options": choice.recorded(),
        "labels": ACDC.parts(),
        "frames": list(frames),
        "volumes_ml": {name: [round(value, 2) for value in row] for name, row in volumes_of(labels).items()},
    }
