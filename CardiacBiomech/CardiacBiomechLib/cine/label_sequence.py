"""Labels of all frames in one file: a sequence NRRD as Slicer writes it, opened as a sequence of label maps."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ThoraxAILib.image.lps import ijk_to_ras_from_lps
from ThoraxAILib.image.volume import Volume


def write_label_sequence(labels: Sequence[Volume], path: Path, first: int = 1) -> None:
    """Write label images on one grid, frame axis last; frames are numbered from ``first`` (values up to 65535)."""
    lps = ijk_to_ras_from_lps(labels[0].ijk_to_ras)
    kind = np.uint8 if max(int(volume.array.max()) for volume in labels) < 256 else np.uint16
    columns = " ".join(_vector(lps[:3, axis]) for axis in range(3))
    slices, rows, width = labels[0].array.shape
    numbers = " ".join(str(first + index) for index in range(len(labels)))
    header = (
        "NRRD0005",
        f"type: {kind.__name__}",
        "dimension: 4",
        "space: left-posterior-superior",
        f"sizes: {width} {rows} {slices} {len(labels)}",
        f"space directions: {columns} none",
        "kinds: domain domain domain list",
        'labels: "" "" "" "frame"',
        "endian: little",
        "encoding: gzip",
        f"space origin: {_vector(lps[:3, 3])}",
        "DataNodeClassName:=vtkMRMLLabelMapVolumeNode",
        "axis 3 index type:=numeric",
        f"axis 3 index values:={numbers}",
    )
    content = np.stack([volume.array.astype(kind) for volume in labels]).tobytes()
    path.write_bytes("\n".join(header).encode("ascii") + b"\n\n" + gzip.compress(content, mtime=0))


def _vector(values: np.ndarray) -> str:
    return "(" + ",".join(repr(float(value)) for value in values) + ")"
