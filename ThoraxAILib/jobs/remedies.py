"""What a person can do about a failed run, told from the text it left behind."""

from __future__ import annotations

import re

# Looked for in this order; the first hit is the advice.
_REMEDIES: tuple[tuple[str, str], ...] = (
    (
        r"CUDA out of memory|CUDNN_STATUS_ALLOC_FAILED|CUDA error: out of memory",
        "The graphics card has too little free memory: close other programs that use it, or set the device to CPU.",
    ),
    (
        r"MemoryError|std::bad_alloc|Unable to allocate|Cannot allocate memory|can't allocate memory",
        "The computer has too little free memory: close other programs, or crop the CT to the chest first.",
    ),
    (
        r"No space left on device|\[Errno 28\]|There is not enough space on the disk",
        "The disk is full: free some space, or choose a folder on another disk.",
    ),
    (
        r"Permission denied|\[Errno 13\]|Read-only file system|Access is denied",
        "The folder cannot be written: choose another one, or ask for the right to write there.",
    ),
    (
        r"No module named '?(?P<package>[A-Za-z0-9_]+)",
        "The Python package '{package}' is missing: install the packages of ThoraxAI's requirements file and restart.",
    ),
    (
        r"ImportError|DLL load failed|cannot open shared object file",
        "An installed Python package does not fit this Slicer: install the packages of ThoraxAI's requirements again.",
    ),
    (
        r"no kernel image is available|CUDA driver version is insufficient|CUDA error|CUDA was asked for",
        "The graphics card cannot be used by the installed PyTorch: set the device to CPU.",
    ),
)
_KILLED = (
    "The operating system ended the run, most often because memory ran out: close other programs, "
    "or crop the CT to the chest first."
)


def remedy_for(text: str, exit_status: int | None = None) -> str:
    """One sentence of advice for the output ``text`` of a failed run; empty when the text is not known."""
    for pattern, advice in _REMEDIES:
        found = re.search(pattern, text)
        if found:
            return advice.format(**found.groupdict())
    return _KILLED if exit_status in (-9, 137) else ""
