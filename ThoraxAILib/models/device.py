"""Which processor learned models run on, chosen once and with the reason stated."""

from __future__ import annotations

from ThoraxAILib.errors import InputError


def select_device(request: str = "auto") -> tuple[str, str]:
    """(device, reason) for ``auto``, ``cpu`` or ``cuda``; raises InputError when CUDA is asked for and absent."""
    if request == "cpu":
        return "cpu", "CPU was asked for"
    try:
        import torch
    except ImportError:
        available, why = False, "PyTorch is not installed"
    else:
        available, why = torch.cuda.is_available(), "PyTorch sees no CUDA device"
    if available:
        return "cuda", "a CUDA device is available"
    if request == "cuda":
        raise InputError(f"CUDA was asked for, but {why}: use --device cpu or auto.")
    return "cpu", why
