"""Work of a network that the memory of a graphics card may not hold: the processor takes over, or it is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ThoraxAILib.errors import ThoraxAIError

Found = TypeVar("Found")


def within_memory(work: Callable[[str], Found], device: str, tile: tuple[int, int, int]) -> Found:
    """Return ``work(device)``, or ``work("cpu")`` where the memory of the device does not suffice.

    Raises ThoraxAIError with one sentence when that of the CPU does not either.
    """
    import torch

    try:
        return work(device)
    except (torch.OutOfMemoryError, MemoryError) as error:
        if device == "cpu":
            raise ThoraxAIError(_too_large(tile)) from error
        torch.cuda.empty_cache()
        return within_memory(work, "cpu", tile)
    except RuntimeError as error:  # what the CPU's allocator raises
        if "memory" not in str(error):
            raise
        raise ThoraxAIError(_too_large(tile)) from error


def _too_large(tile: tuple[int, int, int]) -> str:
    size = " x ".join(map(str, tile))
    return f"The memory does not suffice for tiles of {size} voxels: close other programs, or take another --detector."
