"""The Reload button of a module: Slicer reloads the module file only, its Lib must be forgotten first."""

from __future__ import annotations

import sys


def forget_packages(*packages: str) -> None:
    """Drop these packages and everything below them from sys.modules, so that the next import reads the files."""
    for name in list(sys.modules):
        if name.split(".")[0] in packages:
            del sys.modules[name]
