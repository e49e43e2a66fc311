"""A person's own nnU-Net as heart segmenter: the folder of a trained model (version 2), run with its own code."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from CardiacBiomechLib.model.heart_classes import LV, MYOCARDIUM, RV
from CardiacBiomechLib.segmentation.protocol import HEART_SEGMENTER
from ThoraxAILib.engines.engine import FINGERPRINT_DIGITS, Engine
from ThoraxAILib.errors import InputError, MissingDependencyError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.inputs import check_image

DATASET = "dataset.json"
FOLDS = "fold_*"
CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_best.pth")
MAX_JSON_BYTES = 1_000_000
# names that data sets of hearts give their parts, in lower case
NAMES = {
    RV: ("rv", "rvc", "right ventricle", "right_ventricle", "rv cavity"),
    MYOCARDIUM: ("myo", "mlv", "lvm", "myocardium", "lv myocardium", "left ventricular myocardium", "lv_myo"),
    LV: ("lv", "lvc", "left ventricle", "left_ventricle", "lv cavity", "lv blood"),
}


class NnunetSegmenter:
    """Runs a trained nnU-Net over every frame; its labels are found by their names in dataset.json."""

    name = "nnunet"

    def __init__(self, device: str = "cpu", weights: Path | None = None) -> None:
        """Raise InputError for a folder that is no trained model, MissingDependencyError without nnU-Net."""
        if weights is None:
            raise InputError(
                "The segmenter nnunet needs the folder of a trained model: give it with --segmenter-weights FOLDER."
            )
        self._folder = Path(weights)
        self._values, self._ending = read_dataset(self._folder)
        self._checkpoint = _checkpoint(self._folder)
        if importlib.util.find_spec("nnunetv2") is None:
            raise MissingDependencyError(missing())
        self.device = "cpu" if device == "openvino" else device
        self.fingerprint = _fingerprint(self._folder, self._checkpoint)

    def segment(self, frames: Sequence[Volume], progress: Progress) -> tuple[Volume, ...]:
        """Return the labels of every frame; see HeartSegmenter."""
        for number, frame in enumerate(frames, start=1):
            check_image(frame, f"frame {number}")
        progress(0.0, "Loading the nnU-Net")
        predictor = self._predictor()
        found = []
        for index, frame in enumerate(frames):
            progress(index / len(frames), f"Drawing frame {index + 1} of {len(frames)}")
            spacing = [float(step) for step in frame.spacing_kji_mm]
            image = np.ascontiguousarray(frame.array, dtype=np.float32)[None]
            labels = np.asarray(predictor.predict_single_npy_array(image, {"spacing": spacing}, None, None, False))
            if labels.shape != frame.array.shape:
                raise InputError("The nnU-Net answered on another grid than that of the frame: use a 2-D or 3-D model.")
            found.append(frame.with_array(renumbered(labels, self._values)))
        progress(1.0, "Heart segmented")
        return tuple(found)

    def _predictor(self) -> Any:
        import torch
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

        predictor = nnUNetPredictor(
            device=torch.device(self.device), perform_everything_on_device=self.device != "cpu", allow_tqdm=False
        )
        predictor.initialize_from_trained_model_folder(
            str(self._folder), use_folds=None, checkpoint_name=self._checkpoint.name
        )
        return predictor


def read_dataset(folder: Path) -> tuple[dict[int, int], str]:
    """Return (ACDC label by the model's value, file ending) from dataset.json of a trained model's folder.

    Raises InputError when the folder is no such one, when a part has no name that is known, or when the model wants
    more than one channel.
    """
    path = folder / DATASET
    if not path.is_file():
        raise InputError(
            f"'{folder.name}' is not the folder of a trained nnU-Net (no {DATASET} in it): give the folder that holds "
            f"{DATASET}, plans.json and fold_0."
        )
    try:
        content = json.loads(path.read_bytes()[:MAX_JSON_BYTES])
        labels = {str(name).lower(): value for name, value in content["labels"].items()}
        channels = len(content["channel_names"])
    except (ValueError, KeyError, AttributeError, TypeError):
        raise InputError(f"'{DATASET}' of the nnU-Net cannot be read: export the model again.") from None
    if channels != 1:
        raise InputError(f"The nnU-Net wants {channels} channels, a cine has one: give a model of one channel.")
    values = {}
    for part, names in NAMES.items():
        value = next((labels[name] for name in names if name in labels), None)
        if not isinstance(value, int):
            known = ", ".join(sorted(labels))
            raise InputError(
                f"No label of the nnU-Net is called {names[0].upper()} (it has {known}): rename the labels in "
                f"{DATASET} to RV, MYO and LV."
            )
        values[value] = part
    return values, str(content.get("file_ending", ".nii.gz"))


def renumbered(labels: np.ndarray, values: Mapping[int, int]) -> np.ndarray:
    """Return ACDC labels (uint8) of labels in a model's own numbers."""
    result = np.zeros(labels.shape, dtype=np.uint8)
    for value, part in values.items():
        result[labels == value] = part
    return result


def missing() -> str:
    """Why nnU-Net cannot run here; empty when it can."""
    return "" if importlib.util.find_spec("nnunetv2") else "nnU-Net is not installed (pip install nnunetv2)"


def _checkpoint(folder: Path) -> Path:
    for fold in sorted(folder.glob(FOLDS)):
        for name in CHECKPOINTS:
            if (fold / name).is_file():
                return fold / name
    raise InputError(f"'{folder.name}' holds no trained fold ({CHECKPOINTS[0]} in fold_0): finish the training first.")


def _fingerprint(folder: Path, checkpoint: Path) -> str:
    """Return a hash of the model's description and of every fold's weights."""
    digest = hashlib.sha256()
    for path in (folder / DATASET, folder / "plans.json", *sorted(folder.glob(f"{FOLDS}/{checkpoint.name}"))):
        if path.is_file():
            with path.open("rb") as file:
                for chunk in iter(lambda: file.read(1 << 20), b""):
                    digest.update(chunk)
    return digest.hexdigest()[:FINGERPRINT_DIGITS]


ENGINE = Engine(
    HEART_SEGMENTER,
    NnunetSegmenter.name,
    "your own nnU-Net: --segmenter-weights names the folder of its trained model; needs nnunetv2",
    "that of the model",
    NnunetSegmenter,
    version="nnunetv2",
    missing=missing,
    uses_device=True,
)
