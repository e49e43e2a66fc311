"""A graphics card without enough memory: the processor takes over, or one sentence says what to do."""

from __future__ import annotations

import pytest

from LungNoduleAILib.published.memory import within_memory
from ThoraxAILib.errors import Cancelled, ThoraxAIError

torch = pytest.importorskip("torch")
TILE = (96, 96, 80)


def failing_on(*devices: str, error: Exception):
    """Work that fails on some devices, and the devices it was tried on."""
    tried: list[str] = []

    def work(device: str) -> str:
        tried.append(device)
        if device in devices:
            raise error
        return f"found on {device}"

    return work, tried


def test_the_processor_takes_over_from_a_full_card():
    work, tried = failing_on("cuda", error=torch.OutOfMemoryError("CUDA out of memory"))
    assert within_memory(work, "cuda", TILE) == "found on cpu"
    assert tried == ["cuda", "cpu"]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_too_little_memory_everywhere_is_one_sentence(error):
    work, _tried = failing_on("cuda", "cpu", error=error)
    with pytest.raises(ThoraxAIError, match="does not suffice for tiles of 96 x 96 x 80 voxels: close other programs"):
        within_memory(work, "cpu", TILE)


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), Cancelled("Cancelled by the user.")])
def test_another_failure_is_not_taken_for_it(error):
    work, tried = failing_on("cuda", error=error)
    with pytest.raises(type(error), match=str(error)):
        within_memory(work, "cuda", TILE)
    assert tried == ["cuda"]
