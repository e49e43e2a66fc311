"""Watch what a person draws: outlines in the Segment Editor and the ends of the calipers; measured when they pause."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer

from LungNoduleAILib.scene.calipers import caliper_nodes
from LungNoduleAILib.scene.result_nodes import ResultNodes

PAUSE_MILLISECONDS = 200


class SceneWatch:
    """Calls ``on_drawn`` after strokes in segments and ``on_dragged`` after an end of a caliper was moved."""

    def __init__(self, on_drawn: Callable[[], None], on_dragged: Callable[[], None]) -> None:
        self._observed: list[tuple] = []
        self._drawn = self._timer(on_drawn)
        self._dragged = self._timer(on_dragged)

    def _timer(self, act: Callable[[], None]) -> qt.QTimer:
        timer = qt.QTimer()
        timer.setSingleShot(True)
        timer.setInterval(PAUSE_MILLISECONDS)
        timer.connect("timeout()", act)
        return timer

    def start(self, nodes: ResultNodes | None) -> None:
        """Watch the nodes of a result, instead of another; None watches nothing."""
        self.stop()
        if nodes is None:
            return
        segmentation = nodes.segmentation.GetSegmentation()
        event = slicer.vtkSegmentation.SourceRepresentationModified
        self._observe(segmentation, event, self._drawn)
        for line in caliper_nodes(nodes.text):
            self._observe(line, slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent, self._dragged)

    def _observe(self, thing, event: int, timer: qt.QTimer) -> None:
        self._observed.append((thing, thing.AddObserver(event, lambda *_arguments: timer.start())))

    def stop(self) -> None:
        """Watch nothing any more."""
        for thing, tag in self._observed:
            thing.RemoveObserver(tag)
        self._observed = []
        self._drawn.stop()
        self._dragged.stop()
