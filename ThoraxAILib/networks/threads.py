"""How many processor threads PyTorch may use, for as long as one registration runs. PyTorch at file scope."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

MAX_THREADS = 4  # images of one heart are too small to keep more busy


def default_threads() -> int:
    """One core is left to the person: on a busy machine threads that wait for each other cost ten times the time."""
    return max(1, min(MAX_THREADS, (os.cpu_count() or 1) - 1))


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """Run with ``count`` threads (None: ``default_threads``) and put the old number back."""
    before = torch.get_num_threads()
    torch.set_num_threads(default_threads() if count is None else count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
