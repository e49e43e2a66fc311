"""The two large files of a scene, written from arrays: the image and its segments, as Slicer's own storage nodes name
them.

Slicer copies every layer several times and compresses in one thread before a segmentation is on disk. Here the nodes
of a scene hold stand-ins of a few voxels, Slicer writes those, and the headers it wrote (names, codes, colors,
conversions) are kept with the sizes of the arrays in place of the stand-ins'.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar

import numpy as np

from ThoraxAILib.image.boxes import Box, mask_box
from ThoraxAILib.jobs.worker_process import thread_limit
from ThoraxAILib.scene.files.gzip_blocks import gzip_blocks
from ThoraxAILib.scene.labels.layers import Layer

BLOCK_BYTES = 4 << 20
COPY_BYTES = 1 << 20
MAX_WORKERS = 4
END_OF_HEADER = b"\n\n"
SEGMENT_ID = re.compile(r"^Segment(\d+)_ID:=(.*)$", re.MULTILINE)
REFERENCE_EXTENT = re.compile(r"(Reference image geometry\|(?:[^;|]*;){16})[^|]*\|")


@dataclass(frozen=True, eq=False)
class ImageFile:
    """An image (k, j, i) of int16 or float32; ``packed`` is its gzip file where one was made ahead."""

    array: np.ndarray
    packed: Path | None = None

    def header(self, stand_in: str) -> str:
        """Return the header of the stand-in's file with the sizes of the array."""
        return _with_line(stand_in, "sizes", " ".join(map(str, self.array.shape[::-1])))

    def blocks(self) -> Iterator[memoryview]:
        """Yield the voxels, i fastest."""
        for planes in _slabs(len(self.array), self.array[:1].nbytes):
            yield _bytes_of(np.ascontiguousarray(self.array[planes]))

    is_noise: ClassVar[bool] = True


@dataclass(frozen=True, eq=False)
class SegmentsFile:
    """Label arrays (k, j, i) and what their values are; the file has a layer for each, fastest, as Slicer writes it."""

    layers: Sequence[Layer]

    def header(self, stand_in: str) -> str:
        """Return the header of the stand-in's file with sizes, extents, layers and label values of the arrays."""
        shape = self.layers[0].labels.shape
        text = _with_line(stand_in, "sizes", " ".join(map(str, (len(self.layers), *shape[::-1]))))
        text = REFERENCE_EXTENT.sub(rf"\g<1>{';'.join(map(str, _extent(_whole(shape))))};|", text)
        number_of = {segment_id: number for number, segment_id in SEGMENT_ID.findall(text)}
        for index, layer in enumerate(self.layers):
            extent = " ".join(map(str, _extent(_filled_box(layer.labels) or _whole(shape))))
            for value, segment in layer.segments.items():
                if segment.id in number_of:
                    name = f"Segment{number_of[segment.id]}"
                    for key, content in (("Extent", extent), ("Layer", index), ("LabelValue", value)):
                        text = _with_line(text, f"{name}_{key}", str(content), ":=")
        return text

    def blocks(self) -> Iterator[memoryview]:
        """Yield the voxels, the layers of one voxel beside each other."""
        arrays = [layer.labels for layer in self.layers]
        for planes in _slabs(len(arrays[0]), len(arrays) * arrays[0][:1].nbytes):
            yield _bytes_of(np.stack([array[planes] for array in arrays], axis=-1))

    is_noise: ClassVar[bool] = False
    packed: ClassVar[None] = None


ArrayFile = ImageFile | SegmentsFile


def write_array_file(target: IO[bytes], stand_in: bytes, content: ArrayFile) -> None:
    """Write the NRRD file of arrays under the header of their stand-in's file, compressed in several threads."""
    text = stand_in[: stand_in.index(END_OF_HEADER)].decode("utf-8")
    header = _with_line(content.header(text), "encoding", "gzip")
    target.write(header.encode("utf-8") + END_OF_HEADER)
    if content.packed is not None:
        with content.packed.open("rb") as source:
            shutil.copyfileobj(source, target, COPY_BYTES)
        return
    for piece in gzip_blocks(content.blocks(), min(MAX_WORKERS, thread_limit()), content.is_noise):
        target.write(piece)


def storable(array: np.ndarray) -> np.ndarray:
    """Return an image as Slicer's files keep it: int16 where that holds every value, else float32."""
    return np.ascontiguousarray(array, dtype=_storable_type(array))


def _storable_type(array: np.ndarray) -> type[np.int16] | type[np.float32]:
    """int16 where it holds every value, else float32: types every Slicer file format keeps."""
    if array.dtype == np.int16 or array.dtype == np.bool_:
        return np.int16
    if np.issubdtype(array.dtype, np.integer) and array.size and np.abs(array).max() < 2**15:
        return np.int16
    return np.float32


def _bytes_of(array: np.ndarray) -> memoryview:
    """Return the bytes of a contiguous array, not copied."""
    return array.reshape(-1).view(np.uint8).data


def _with_line(header: str, key: str, value: str, sign: str = ": ") -> str:
    """Return a header with another value of a line that it has."""
    changed, count = re.subn(rf"^{re.escape(key + sign)}.*$", lambda _: key + sign + value, header, flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"the header of a NRRD file has {count} lines '{key}'")
    return changed


def _slabs(count: int, plane_bytes: int) -> Iterator[slice]:
    step = max(1, BLOCK_BYTES // max(1, plane_bytes))
    return (slice(start, start + step) for start in range(0, count, step))


def _filled_box(labels: np.ndarray) -> Box | None:
    """Return the box of all labels, without a mask of the whole array."""
    planes = mask_box(labels.reshape(len(labels), -1).max(axis=1) > 0)
    within = mask_box(labels.max(axis=0) > 0)
    return None if planes is None or within is None else (*planes, *within)


def _whole(shape: tuple[int, ...]) -> Box:
    return tuple(slice(0, n) for n in shape)


def _extent(box: Box) -> list[int]:
    """First and last index along i, j and k, as VTK states an extent."""
    return [end for along in reversed(box) for end in (along.start, along.stop - 1)]
