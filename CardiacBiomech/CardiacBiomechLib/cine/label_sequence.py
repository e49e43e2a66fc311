"""Labels of all frames in one file: a sequence NRRD as Slicer writes it, opened as a sequence of label maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from CardiacBiomechLib.cine.frame_sequence import LABEL_MAPS, write_frame_sequence
from ThoraxAILib.image.volume import Volume


def write_label_sequence(labels: Sequence[Volume], path: Path, first: int = 1) -> None:
    """Write label images on one grid, frame axis last; frames are numbered from ``first`` (values up to 65535)."""
    kind = np.uint8 if max(int(volume.array.max()) for volume in labels) < 256 else np.uint16
    write_frame_sequence([volume.with_array(volume.array.astype(kind)) for volume in labels], path, first, LABEL_MAPS)
