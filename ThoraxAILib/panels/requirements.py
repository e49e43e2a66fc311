"""Python packages a run needs and Slicer does not bring: looked for when work starts, installed only when agreed to.

Slicer 5.12 has ``slicer.packaging``, which asks, shows progress and offers a restart; older ones get a plain question.
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from ThoraxAILib.errors import MissingDependencyError

REQUIREMENTS_FILE = Path(__file__).resolve().parents[1] / "requirements.txt"


def missing_requirements(path: Path = REQUIREMENTS_FILE) -> list[str]:
    """Return the lines of a requirements file whose package is not installed in this Python."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("#") and not _is_installed(line)]


def ensure_requirements(requester: str, path: Path = REQUIREMENTS_FILE) -> None:
    """Install what is missing after asking; raises MissingDependencyError when it stays missing."""
    missing = missing_requirements(path)
    if not missing:
        return
    try:
        from slicer.packaging import pip_ensure
    except ImportError:
        _ask_and_install(missing)
    else:
        pip_ensure(missing, requester=requester)
    missing = missing_requirements(path)
    if missing:
        raise MissingDependencyError(
            _("The Python packages {names} are missing: press the button again and agree to install them.").format(
                names=", ".join(missing)
            )
        )


def _ask_and_install(missing: list[str]) -> None:
    names = ", ".join(missing)
    question = _("ThoraxAI needs these Python packages: {names}. Install them now?").format(names=names)
    if slicer.util.confirmOkCancelDisplay(question):
        slicer.util.pip_install(missing)


def _is_installed(requirement: str) -> bool:
    try:
        metadata.version(re.split(r"[<>=!~\[; ]", requirement, maxsplit=1)[0])
    except metadata.PackageNotFoundError:
        return False
    return True
