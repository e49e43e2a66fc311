"""Which processor learned models run on, chosen once and with the reason stated."""

from __future__ import annotations

from importlib.util import find_spec

from ThoraxAILib.errors import InputError

OPENVINO = "openvino"
DEVICES = ("auto", "cpu", "cuda", OPENVINO)


def select_device(request: str = "auto") -> tuple[str, str]:
    """(device, reason) for one of DEVICES; ``auto`` is CUDA where there is a card, else the CPU.

    "openvino" is the CPU by another engine. Raises InputError for an unknown device and for one that cannot run here.
    """
    check_device(request)
    if request == "cpu":
        return "cpu", "CPU was asked for"
    if request == OPENVINO:
        return _openvino()
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


def check_device(request: str) -> None:
    """Raises InputError for a device that is not one of DEVICES."""
    if request not in DEVICES:
        raise InputError(f"The device '{request}' is not known: use {', '.join(DEVICES[:-1])} or {DEVICES[-1]}.")


def _openvino() -> tuple[str, str]:
    missing = [package for package in ("torch", "openvino") if find_spec(package) is None]
    if missing:
        raise InputError(
            f"OpenVINO was asked for, but the Python package '{missing[0]}' is not installed: run "
            f"pip install {missing[0]}, or choose the device cpu."
        )
    return OPENVINO, "OpenVINO was asked for"
