"""Nodules at fissure or pleura that look like lymph nodes: what Fleischner 2017 and BTS 2015 call typical."""

from __future__ import annotations

from LungNoduleAILib.guidelines.terms.answer import Trace
from LungNoduleAILib.guidelines.terms.inputs import Inputs


def is_typical_perifissural(inputs: Inputs, shapes: tuple[str, ...], trace: Trace) -> bool:
    """Solid, smooth and of one of ``shapes``; a perifissural nodule of unstated margin or shape counts as typical."""
    if inputs.type not in (None, "solid"):
        return False
    if not inputs.perifissural:
        return bool(inputs.juxtapleural) and inputs.margin == "smooth" and inputs.shape in shapes
    if inputs.margin not in (None, "smooth") or inputs.shape not in (None, *shapes):
        return False
    if inputs.margin is None or inputs.shape is None:
        trace.unsure("Margin or shape of the perifissural nodule is not stated; it is taken as typical.")
    return True
