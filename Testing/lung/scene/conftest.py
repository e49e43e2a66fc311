"""Every test of this folder starts with an empty scene."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def empty_scene(slicer):
    """The ``slicer`` package with an empty scene."""
    return slicer
