"""Tiles of one image beside each other: threads that never wait for each other, each with one tile at a time.

A network that spreads every operation over the processors joins its threads after each of them, which on a machine
with other work takes longer than one thread alone. PyTorch at file scope.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from ThoraxAILib.jobs.worker_process import thread_limit
from ThoraxAILib.networks.threads import MAX_THREADS, torch_threads


def tile_workers(count: int, device: str) -> int:
    """Return how many of ``count`` tiles are computed at the same time: one where the device is no plain processor."""
    return max(1, min(count, MAX_THREADS, thread_limit())) if device == "cpu" else 1


def in_threads(
    ask: Callable[[Tensor], np.ndarray], tiles: Iterable[Tensor], workers: int
) -> Generator[np.ndarray, None, None]:
    """Yield the answer to every tile, in their order; as many as there are workers are computed ahead."""
    if workers == 1:
        yield from map(ask, tiles)
        return
    waiting: deque[Future[np.ndarray]] = deque()
    with torch_threads(1), ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            for tile in tiles:
                waiting.append(pool.submit(ask, tile))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
