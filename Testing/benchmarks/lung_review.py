"""Benchmark: how long it takes until an edit of the reader is measured and shown, on the nodes of a real result.

``python Testing/benchmarks/lung_review.py [--data ../shared/data] [--result DIR] [--repeats 5]``; nothing is asserted.
C3N-00247 is analyzed (or ``--result`` names the folder of its analysis), its scene is opened, and each act is done and
taken back ``--repeats`` times on the largest finding, as the panel does it, without drawing of views. What the panel
does once, at the end of the analysis or when a tool is chosen, is timed by itself before: it prepares the lungs. The
first added nodule loads the network. Seconds of the processor stand beside those of the clock, which other work on the
machine lengthens.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SERIES = "ct/C3N-00247/2-LUNG 3.0  B70f-04083"
LIMIT_SECONDS = 1.0


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--result", type=Path, help="folder of an analysis with scene.mrb")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = arguments.result or analyzed(arguments.data / SERIES, Path(folder) / "result")
        logic = opened(result)
    review = logic.review
    largest = max(logic.findings(), key=lambda finding: finding.volume_mm3)
    print(f"{largest.id}, {largest.mean_diameter_mm:.1f} mm, CT {review.volume().array.shape[::-1]}")
    print(f"prepared once: {timed(review.prepare).words}")
    print(f"first added nodule (loads the network): {timed(lambda: review.add_nodule(largest.center_ras_mm)).words}")
    review.undo()
    times: list[Taken] = []
    for name, act in acts(logic, largest).items():
        measured = [timed_and_undone(review, act) for _ in range(arguments.repeats)]
        times += measured
        longest = Taken(*(max(getattr(one, kind) for one in measured) for kind in ("clock", "processor")))
        middle = Taken(*(statistics.median(getattr(one, kind) for one in measured) for kind in ("clock", "processor")))
        print(f"{name}: median {middle.words}; longest {longest.words}; n = {len(measured)}")
    for kind in ("clock", "processor"):
        seconds = [getattr(one, kind) for one in times]
        within = sum(value <= LIMIT_SECONDS for value in seconds)
        print(f"all, {kind}: longest {max(seconds):.2f} s; {within} of {len(times)} within {LIMIT_SECONDS:g} s")
    return 0


@dataclass(frozen=True)
class Taken:
    """Seconds of the clock and of the processor."""

    clock: float
    processor: float

    @property
    def words(self) -> str:
        """Both in words."""
        return f"{self.clock:.2f} s (processor {self.processor:.2f} s)"


def analyzed(series: Path, output: Path) -> Path:
    """Return the folder of an analysis of the series, made in a process of its own."""
    command = [sys.executable, "-m", "ThoraxAILib", "lung", "analyze", str(series), "--output", str(output)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return output


def opened(result: Path) -> Any:
    """Return the logic with the saved scene of a result."""
    from ThoraxAILib.scene import host

    slicer = host.install()
    from LungNoduleAILib.logic.logic import LungNoduleAILogic
    from ThoraxAILib.scene.files.opening import safe_description

    with safe_description((result / "scene.mrb").resolve()) as description:
        slicer.util.loadScene(str(description))
    return LungNoduleAILogic()


def acts(logic: Any, finding: Any) -> dict[str, Callable[[], object]]:
    """Return what is timed, by its name."""
    import slicer

    review, nodes = logic.review, logic.result_nodes()

    def drawn() -> object:
        """A stroke of the Segment Editor takes the lowest slices of the outline away; then the panel measures."""
        segment = slicer.util.arrayFromSegmentBinaryLabelmap(nodes.segmentation, finding.id, nodes.volume)
        slices = np.flatnonzero(segment.any(axis=(1, 2)))
        segment[slices[: max(len(slices) // 4, 1)]] = 0
        slicer.util.updateSegmentBinaryLabelmapFromArray(segment, nodes.segmentation, finding.id, nodes.volume)
        return timed(lambda: review.remeasure_all())

    return {
        "outline drawn": drawn,
        "grown by a voxel": lambda: review.resize(finding.id, review.step_mm()),
        "moved by 5 mm": lambda: review.move(finding.id, (5.0, 0.0, 0.0)),
        "nodule added by a click": lambda: review.add_nodule(finding.center_ras_mm),
        "type stated": lambda: review.state(finding.id, "type", "part-solid"),
        "rejected": lambda: review.decide(finding.id, "rejected", "scar"),
    }


def timed(act: Callable[[], object]) -> Taken:
    """Return the seconds an act takes."""
    clock, processor = time.perf_counter(), time.process_time()
    act()
    return Taken(time.perf_counter() - clock, time.process_time() - processor)


def timed_and_undone(review: Any, act: Callable[[], object]) -> Taken:
    """Return the seconds of an act, or what it says it took, and take it back."""
    said: list[object] = []
    taken = timed(lambda: said.append(act()))
    review.undo()
    return said[0] if isinstance(said[0], Taken) else taken


if __name__ == "__main__":
    sys.exit(main())
