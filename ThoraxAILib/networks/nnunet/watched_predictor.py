"""nnU-Net's own predictor, which tells its progress and stops between tiles. PyTorch and nnU-Net at file scope."""

from __future__ import annotations

from typing import Any

from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

from ThoraxAILib.jobs.progress import Progress


class WatchedPredictor(nnUNetPredictor):
    """What it answers is nnU-Net's; only the tiles are counted."""

    def watch(self, progress: Progress) -> None:
        """Tell this progress of the next image's tiles; it may raise to stop."""
        self._progress, self._tiles, self._done = progress, 0, 0

    def _internal_get_sliding_window_slicers(self, image_size: Any) -> Any:
        slicers = super()._internal_get_sliding_window_slicers(image_size)
        self._tiles = len(slicers) * len(self.list_of_parameters)
        return slicers

    def _internal_maybe_mirror_and_predict(self, x: Any) -> Any:
        tiles = max(self._tiles, self._done + 1)
        self._progress(self._done / tiles, f"Tile {self._done + 1} of {tiles}")
        self._done += 1
        return super()._internal_maybe_mirror_and_predict(x)
