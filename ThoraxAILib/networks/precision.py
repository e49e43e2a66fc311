"""Which number format a network runs in: half precision where the processor calculates in it, else float32.

On CPUs with bfloat16 instructions a 3-D U-Net takes less than half the time of float32, with channels as the last
axis in memory; on others bfloat16 is emulated and slower. PyTorch at file scope.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from ThoraxAILib.networks.device import OPENVINO

CPU_FACTS = Path("/proc/cpuinfo")
BF16_FLAGS = ("avx512_bf16", "amx_bf16")
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Precision:
    """A device ("cpu", "cuda", "openvino") with the number format for it; ``dtype`` float32 means plain calculation."""

    device: str
    dtype: torch.dtype
    reason: str

    @contextmanager
    def running(self) -> Iterator[None]:
        """Everything inside is calculated in this format where PyTorch deems it safe."""
        with torch.autocast(self.device, dtype=self.dtype, enabled=self.dtype != torch.float32):
            yield

    def placed(self, network: nn.Module) -> nn.Module:
        """Return the network moved to the device with channels as the last axis in memory (changed in place)."""
        return channels_last(network.to("cpu" if self.device == OPENVINO else self.device))


def channels_last(network: Network) -> Network:
    """Return the network with channels as the last axis in memory (changed in place)."""
    return network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # torch's stub lacks it


def choose_precision(device: str = "cpu", full: bool = False) -> Precision:
    """Return the fastest format that is safe on ``device``; ``full`` asks for float32."""
    if full:
        return Precision(device, torch.float32, "float32 was asked for")
    if device not in ("cpu", OPENVINO):
        half = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        return Precision(device, half, "mixed precision of the CUDA device")
    if calculates_in_bf16():
        return Precision(device, torch.bfloat16, "the processor has bfloat16 instructions")
    return Precision(device, torch.float32, "the processor has no bfloat16 instructions")


def calculates_in_bf16() -> bool:
    """Whether this processor has bfloat16 instructions, as PyTorch or the system say."""
    tests = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    if any(test() for test in tests if test is not None):
        return True
    try:
        facts = CPU_FACTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(flag in facts for flag in BF16_FLAGS)
