"""Names of new nodes: the plain word when it is free."""

from __future__ import annotations

import itertools

import slicer


def unused_name(name: str) -> str:
    """``name``, or ``name 2``, ``name 3``...; unlike the scene's own counter it starts anew once nodes are removed."""
    candidates = itertools.chain([name], (f"{name} {number}" for number in itertools.count(2)))
    return next(candidate for candidate in candidates if slicer.mrmlScene.GetFirstNodeByName(candidate) is None)
