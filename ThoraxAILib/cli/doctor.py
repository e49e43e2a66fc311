"""``thoraxai doctor``: what is installed here, what can therefore run, and how to get the rest. One line each."""

from __future__ import annotations

import ctypes.util
import importlib.metadata
import sys
from pathlib import Path

from ThoraxAILib.engines.registry import REGISTRY
from ThoraxAILib.jobs.run_record import machine, software
from ThoraxAILib.networks.device import select_device
from ThoraxAILib.scene import host

FONT_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/Library/Fonts",
    "/System/Library/Fonts",
    "C:/Windows/Fonts",
    "~/.fonts",
    "~/.local/share/fonts",
)


def examine() -> list[str]:
    """Return the lines ``thoraxai doctor`` prints."""
    versions, here = software(), machine()
    lines = [
        f"thoraxai: {versions['thoraxai']} (research use only, not a medical device)",
        f"Python: {versions['python']}",
        f"Machine: {here['system']} {here['machine']}, {here['cpus']} processors, {here['memory_gb']} GB memory",
    ]
    lines += [f"{name}: {version}" for name, version in versions["libraries"].items()]
    return [*lines, _scene(), _learning(), _opengl(), _qt(), _fonts(), _server(), _checkers(), *REGISTRY.faults]


def _scene() -> str:
    if host.is_available():
        return "Scenes (.mrb, .seg.nrrd, .mrk.json): can be written"
    return 'Scenes (.mrb, .seg.nrrd, .mrk.json): cannot be written here; pip install "thoraxai[scene]"'


def _learning() -> str:
    if _version("torch") is None:
        return 'Learned models: cannot run here; pip install "thoraxai[learning]"'
    device, reason = select_device("auto")
    other = "" if _version("openvino") is None else "; --device openvino can be chosen too"
    return f"Learned models: run on {device} ({reason}){other}"


def _opengl() -> str:
    if sys.platform.startswith("linux") and not (ctypes.util.find_library("EGL") or ctypes.util.find_library("OSMesa")):
        return "OpenGL without a display: missing; install libegl1 libgl1-mesa-dri (only pictures of scenes need it)"
    return "OpenGL: found"


def _qt() -> str:
    version = _version("PySide6-Essentials")
    return (
        f"Qt for tests of the panels: PySide6 {version}"
        if version
        else 'Qt for tests of the panels: missing; pip install "thoraxai[test]"'
    )


def _fonts() -> str:
    for folder in FONT_FOLDERS:
        if next(Path(folder).expanduser().rglob("*.[to]t[fc]"), None) is not None:
            return "Fonts: found"
    return "Fonts: none found; install fonts-dejavu-core (only pictures of the panels need it)"


def _server() -> str:
    from ThoraxAILib.store.server.local_server import INSTALL, missing_programs

    missing = missing_programs()
    return (
        f"DICOM server: {', '.join(missing)} missing; {INSTALL}" if missing else "DICOM server: thoraxai serve can run"
    )


def _checkers() -> str:
    from ThoraxAILib.io.dicom_checks.checkers import CHECKERS

    missing = dict.fromkeys(checker.package for checker in CHECKERS if checker.find() is None)
    found = f"missing some; {', '.join(missing)}" if missing else "all found"
    return f"Validators of DICOM files: {found}"


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
