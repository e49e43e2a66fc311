"""Which processor learned models run on: chosen once with the reason stated, and where they really ran."""

from __future__ import annotations

from importlib.util import find_spec

from ThoraxAILib.errors import InputError

OPENVINO = "openvino"
DEVICES = ("auto", "cpu", "cuda", OPENVINO)


class NetworkDevice:
    """The device given to the networks of one engine, and those they really ran on: memory may run out on the first.

    Takes the place of a device's name wherever a network is run.
    """

    def __init__(self, given: str) -> None:
        self.given = given
        self._used: list[str] = []

    @staticmethod
    def of(device: str | NetworkDevice) -> NetworkDevice:
        """Itself, or a new one for the name of a device."""
        return device if isinstance(device, NetworkDevice) else NetworkDevice(device)

    def ran_on(self, device: str) -> None:
        """Note where a network has just answered."""
        if device not in self._used:
            self._used.append(device)

    @property
    def used(self) -> str:
        """Where the networks ran, several joined by "and"; the device given as long as none has run."""
        return " and ".join(self._used) or self.given


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
    """Raise InputError for a device that is not one of DEVICES."""
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
