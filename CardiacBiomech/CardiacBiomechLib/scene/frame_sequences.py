"""Frames as a sequence in Slicer's scene, that a browser plays in step with others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import slicer


def add_sequence(
    browser, name: str, frames: int, times_ms: Sequence[float] | None, make: Callable[[int], slicer.vtkMRMLNode]
):
    """Return a new sequence of nodes, one per frame from ``make(frame)``, that the browser plays with its others."""
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", name)
    sequence.SetIndexName("frame" if times_ms is None else "time")
    sequence.SetIndexUnit("" if times_ms is None else "ms")
    sequence.SetIndexType(slicer.vtkMRMLSequenceNode.NumericIndex)
    for frame in range(frames):
        node = make(frame)
        node.SetName(name)
        sequence.SetDataNodeAtValue(node, str(frame + 1) if times_ms is None else f"{times_ms[frame]:.1f}")
        slicer.mrmlScene.RemoveNode(node)
    browser.AddSynchronizedSequenceNode(sequence)
    return sequence
