"""Runs a 3-D network over an image of any size: overlapping tiles, blended where they meet, cancelable.

When memory runs out the tiles shrink, then the work moves from CUDA or OpenVINO to the CPU. PyTorch at file scope.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ThoraxAILib.errors import known
from ThoraxAILib.image.tuples import three
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import OPENVINO, NetworkDevice
from ThoraxAILib.networks.precision import Precision, choose_precision
from ThoraxAILib.networks.tile_threads import in_threads, tile_workers

logger = logging.getLogger(__name__)
MIN_TILE = 32
NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "std::bad_alloc")


@dataclass(frozen=True)
class Tiles:
    """How an image is cut: ``size`` voxels along k, j, i, neighbours sharing ``overlap`` voxels.

    ``multiple``: sizes and starts are multiples of it (the network's total stride); ``stride``: voxels of the image per
    voxel of the answer; ``pad_value`` fills what tiles reach beyond the image, None repeats the border.
    """

    size: tuple[int, int, int] = (96, 96, 96)
    overlap: int = 16
    multiple: int = 8
    stride: int = 1
    pad_value: float | None = None

    def smaller(self) -> Tiles | None:
        """Tiles with the longest side halved; None when they are small already."""
        longest = max(self.size)
        half = -(-longest // 2 // self.multiple) * self.multiple
        if half < MIN_TILE or half >= longest or self.overlap >= half:
            return None
        return replace(self, size=three(half if n == longest else n for n in self.size))


def run_tiled(
    network: nn.Module,
    image: np.ndarray,
    tiles: Tiles,
    device: str | NetworkDevice = "cpu",
    *,
    wanted: np.ndarray | None = None,
    progress: Progress | None = None,
    text: str = "Running the network",
    precision: Precision | None = None,
) -> np.ndarray:
    """Answer (channels, k, j, i) / stride, float32, of a network that maps (1, c, k, j, i) to (1, channels, ...).

    ``image`` is (k, j, i) or (c, k, j, i), float32. Tiles without a voxel of ``wanted`` (bool, k, j, i) are skipped and
    stay 0, so a network run this way should answer 0 for nothing. A NetworkDevice as ``device`` learns where it ran.
    Raises MemoryError when even small tiles do not fit, Cancelled when ``progress`` says so.
    """
    place = NetworkDevice.of(device)
    precision = precision or choose_precision(place.given)
    progress = progress or Progress()
    while True:
        try:
            answer = _run(precision.placed(network.eval()), image, tiles, precision, wanted, progress, text)
            place.ran_on(precision.device)
            return answer
        except (RuntimeError, MemoryError) as error:
            if not _is_memory(error):
                raise
        smaller = tiles.smaller()
        if smaller is not None:
            logger.warning("memory ran out with tiles of %s: going on with %s", tiles.size, smaller.size)
            tiles = smaller
        elif precision.device != "cpu":
            logger.warning("memory ran out on %s: going on with PyTorch on the CPU", precision.device)
            precision = choose_precision("cpu")
        else:
            raise MemoryError("the network does not fit into memory")
        if precision.device == "cuda":
            torch.cuda.empty_cache()


def _is_memory(error: Exception) -> bool:
    """Whether an error of PyTorch means that memory ran out (its CPU allocator raises a plain RuntimeError)."""
    return isinstance(error, MemoryError) or any(text in str(error).lower() for text in NO_MEMORY)


def _run(
    network: nn.Module,
    image: np.ndarray,
    tiles: Tiles,
    precision: Precision,
    wanted: np.ndarray | None,
    progress: Progress,
    text: str,
) -> np.ndarray:
    channels_first = image if image.ndim == 4 else image[None]
    shape = channels_first.shape[1:]
    padded = tuple(-(-n // tiles.multiple) * tiles.multiple for n in shape)
    size = tuple(min(n, tile) for n, tile in zip(padded, tiles.size, strict=True))
    places = [
        place
        for place in itertools.product(*(_starts(n, tile, tiles) for n, tile in zip(padded, size, strict=True)))
        if wanted is None or wanted[_box(place, size)].any()
    ]
    out_shape = tuple(n // tiles.stride for n in padded)
    share = _share([n // tiles.stride for n in size], max(1, tiles.overlap // tiles.stride))
    total: np.ndarray | None = None
    weight = np.zeros(out_shape, dtype=np.float32)
    if not places:
        return np.zeros((1, *(-(-n // tiles.stride) for n in shape)), dtype=np.float32)
    ask = predictor(network, (1, len(channels_first), *size), precision)
    cut = (_cut(channels_first, place, size, tiles.pad_value) for place in places)
    progress(0.0, text)
    with closing(in_threads(ask, cut, tile_workers(len(places), precision.device))) as answers:
        for number, (place, answer) in enumerate(zip(places, answers, strict=True)):
            if total is None:
                total = np.zeros((len(answer), *out_shape), dtype=np.float32)
            box = _box([p // tiles.stride for p in place], share.shape)
            total[(slice(None), *box)] += answer * share
            weight[box] += share
            progress((number + 1) / len(places), text)
    total = known(total, "the answer")
    total /= np.maximum(weight, 1e-20)
    return total[(slice(None), *(slice(0, -(-n // tiles.stride)) for n in shape))]


def predictor(network: nn.Module, shape: tuple[int, ...], precision: Precision) -> Callable[[Tensor], np.ndarray]:
    """Return a function from a tile of this shape to the network's answer to it."""
    if precision.device == OPENVINO:
        from ThoraxAILib.networks.openvino_network import compiled

        return compiled(network, shape, precision.dtype)

    def ask(tile: Tensor) -> np.ndarray:
        with torch.inference_mode(), precision.running():
            moved = tile.to(precision.device).contiguous(memory_format=torch.channels_last_3d)
            return network(moved)[0].float().cpu().numpy()

    return ask


def _starts(length: int, size: int, tiles: Tiles) -> list[int]:
    """First voxels of the tiles along one axis: multiples, evenly spread, the last tile ending at ``length``."""
    if size >= length:
        return [0]
    count = -(-(length - tiles.overlap) // max(size - tiles.overlap, tiles.multiple))
    even = np.linspace(0, length - size, max(count, 2)) / tiles.multiple
    return sorted({int(start) * tiles.multiple for start in np.floor(even + 1e-6)})


def _box(place: tuple[int, ...] | list[int], size: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(p, p + n) for p, n in zip(place, size, strict=True))


def _cut(image: np.ndarray, place: tuple[int, ...], size: tuple[int, ...], pad_value: float | None) -> Tensor:
    """Return the tile at ``place`` as a tensor (1, c, k, j, i), padded where it reaches beyond the image."""
    part = torch.from_numpy(np.ascontiguousarray(image[(slice(None), *_box(place, size))], dtype=np.float32))[None]
    missing = [n - have for n, have in zip(size, part.shape[2:], strict=True)]
    if not any(missing):
        return part
    after = [pad for n in reversed(missing) for pad in (0, n)]
    if pad_value is None:
        return functional.pad(part, after, mode="replicate")
    return functional.pad(part, after, value=pad_value)


def _share(size: list[int], overlap: int) -> np.ndarray:
    """Weight of each voxel of a tile, float32: next to none at its rim, then rising over the rest of the overlap."""
    ramps = []
    rim = overlap // 4
    for n in size:
        from_face = np.minimum(np.arange(n), np.arange(n)[::-1]) - rim + 0.5
        ramps.append(np.clip(from_face / (overlap - 2 * rim + 1.0), 1e-5, 1.0))
    return (ramps[0][:, None, None] * ramps[1][:, None] * ramps[2]).astype(np.float32)
