"""The image of a scene, compressed while the analysis still runs: it does not change any more once it was read."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType

import numpy as np

from ThoraxAILib.scene.files.array_files import ImageFile, storable
from ThoraxAILib.scene.files.gzip_blocks import gzip_blocks

FILE = ".image.gz"


class PackedAhead:
    """``with PackedAhead(array, folder) as ahead:`` compresses an image in a thread of its own, into a file there.

    The file is gone when the block is left, however it is left, and the thread has ended.
    """

    def __init__(self, array: np.ndarray, folder: Path) -> None:
        self._source, self._path = array, folder / FILE
        self._thread = threading.Thread(target=self._work, name="image of the scene", daemon=True)
        self._stop = threading.Event()
        self._is_whole = False

    def __enter__(self) -> PackedAhead:
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._path.unlink(missing_ok=True)

    def file_of(self, array: np.ndarray) -> Path | None:
        """Return the gzip file of ``array``; None for another array, or when the file could not be written."""
        if array is not self._source:
            return None
        self._thread.join()
        return self._path if self._is_whole else None

    def _work(self) -> None:
        try:
            with self._path.open("wb") as file:
                for piece in gzip_blocks(ImageFile(storable(self._source)).blocks(), 1, ImageFile.is_noise):
                    if self._stop.is_set():
                        return
                    file.write(piece)
        except OSError:  # a full disk: the scene itself will tell
            return
        self._is_whole = True
