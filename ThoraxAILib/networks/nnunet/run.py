"""Run a trained nnU-Net on one image with nnU-Net's own pre- and post-processing, in this process, tile by tile."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from ThoraxAILib.errors import InputError, MissingDependencyError, ThoraxAIError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.nnunet.model_folder import MAX_CHECKPOINT_BYTES, TrainedFolder, missing_nnunet
from ThoraxAILib.untrusted.pickled_names import unexpected_names


class NnunetRun:
    """A trained nnU-Net, loaded when it is first used; it takes one channel."""

    def __init__(self, trained: TrainedFolder, device: str = "cpu") -> None:
        """Raise InputError for weights that hold more than numbers, MissingDependencyError without nnU-Net."""
        lacks = missing_nnunet()
        if lacks:
            raise MissingDependencyError(f"The nnU-Net cannot run here, because {lacks}.")
        self.trained = trained
        self.device = "cuda" if device == "cuda" else "cpu"
        self._loaded: Any = None

    def labels(self, volume: Volume, progress: Progress) -> np.ndarray:
        """Return the model's own labels (k, j, i) on the grid of ``volume``; raises InputError, Cancelled."""
        found = self._predicted(volume, progress, with_probabilities=False)
        return _same_grid(np.asarray(found), volume)

    def probabilities(self, volume: Volume, name: str, progress: Progress) -> np.ndarray:
        """Return how likely each voxel (k, j, i) of ``volume`` is of the class ``name``; raises InputError, Cancelled.

        It is the mean of the folds, softmax over the classes, resampled as nnU-Net does.
        """
        channel = self.trained.channel_of(name)
        _labels, every = self._predicted(volume, progress, with_probabilities=True)
        return _same_grid(np.asarray(every[channel], np.float32), volume)

    def _predicted(self, volume: Volume, progress: Progress, with_probabilities: bool) -> Any:
        import torch

        from ThoraxAILib.networks.threads import torch_threads

        progress(0.0, "Loading the nnU-Net")
        self._loaded = self._loaded or self._load()
        self._loaded.watch(progress.part(0.05, 0.95))
        image = np.ascontiguousarray(volume.array, dtype=np.float32)[None]
        spacing = {"spacing": [float(step) for step in volume.spacing_kji_mm]}
        try:
            with torch_threads(None):
                found = self._loaded.predict_single_npy_array(image, spacing, None, None, with_probabilities)
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise ThoraxAIError(
                "The memory does not suffice for this nnU-Net: close other programs, or choose another device."
            ) from error
        progress(1.0, "The nnU-Net has answered")
        return found

    def _load(self) -> Any:
        for path in self.trained.checkpoints():
            check_harmless(path)
        with contextlib.redirect_stdout(io.StringIO()):  # its advice on environment variables is for training
            import torch

            from ThoraxAILib.networks.nnunet.watched_predictor import WatchedPredictor

            on_card = self.device == "cuda"
            predictor = WatchedPredictor(
                device=torch.device(self.device), perform_everything_on_device=on_card, allow_tqdm=False
            )
            try:
                predictor.initialize_from_trained_model_folder(
                    str(self.trained.folder),
                    use_folds=tuple(fold.removeprefix("fold_") for fold in self.trained.folds),
                    checkpoint_name=self.trained.checkpoint,
                )
            except (RuntimeError, KeyError, AttributeError, TypeError, ValueError, ImportError, OSError) as error:
                raise InputError(
                    f"The nnU-Net in '{self.trained.folder.name}' cannot be loaded ({type(error).__name__}): plans, "
                    "weights and trainer must be those of one training, and the trainer be known to the nnunetv2 here."
                ) from error
        return predictor


def check_harmless(checkpoint: Path) -> None:
    """Raise InputError unless a checkpoint holds tensors and numbers only: reading anything else can run any code."""
    if checkpoint.stat().st_size > MAX_CHECKPOINT_BYTES:
        raise InputError(f"'{checkpoint.name}' is larger than {MAX_CHECKPOINT_BYTES >> 30} GiB: no nnU-Net is.")
    try:
        unexpected = unexpected_names(checkpoint)
    except ValueError as error:
        raise InputError(f"'{checkpoint.name}' cannot be read as weights ({error}): copy the folder again.") from error
    if unexpected:
        raise InputError(
            f"'{checkpoint.name}' would run code when it is read ({unexpected[0]}): it was not opened. Take the model "
            "from a source you trust, written by nnU-Net version 2."
        )


def _same_grid(answer: np.ndarray, volume: Volume) -> np.ndarray:
    if answer.shape != volume.array.shape:
        raise InputError("The nnU-Net answered on another grid than that of the image: use a 2-D or 3-D model.")
    return answer
