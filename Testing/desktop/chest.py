"""A small chest CT and the result a worker would write for it, for panel tests that need no analysis."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from LungNoduleAILib.model.findings import Finding, Findings, Lungs, QualityNote
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.volume import Volume

SHAPE_KJI = (24, 32, 32)
SPACING_MM = 8.0
CENTERS_KJI = {"N1": (6, 16, 8), "N2": (12, 14, 9), "N3": (16, 18, 24)}
# what a worker does, for worker_script()
SUCCESS = (
    "say(event='progress', value=0.5, text='Lungs')",
    "chest.write_worker_folder(folder / 'result', chest.chest_volume())",
    "say(event='result', output=str(folder / 'result'))",
)
ENDLESS = ("say(event='progress', value=0.25, text='Lungs')", "print('a log line', flush=True)", "time.sleep(60)")
CONFIDENCES = {"N1": 0.95, "N2": 0.65, "N3": 0.75}


def chest_volume() -> Volume:
    """Air around tissue around two lungs with three dense voxels, 8 mm apart."""
    array = np.full(SHAPE_KJI, -1000, np.int16)
    array[2:22, 4:28, 2:30] = 40
    array[4:20, 6:26, 4:14] = -850
    array[4:20, 6:26, 18:28] = -850
    for center in CENTERS_KJI.values():
        array[center] = 30
    matrix = np.diag([-SPACING_MM, -SPACING_MM, SPACING_MM, 1.0])
    matrix[:3, 3] = (120, 120, -90)
    return Volume(array, matrix)


def chest_result(volume: Volume) -> AnalysisResult:
    """Two lungs, three findings, one verdict with a place and two without."""
    labels = np.zeros(SHAPE_KJI, np.uint8)
    labels[4:20, 6:26, 4:14] = 1
    labels[4:20, 6:26, 18:28] = 4
    place = tuple(volume.ras_from_kji(np.array([16, 18, 24])).tolist())
    quality = (
        QualityNote("ok", "Both lungs found.", "info"),
        QualityNote("lobes_approximate", "The lobes are approximate.", "info"),
        QualityNote("large_opacity", "A large opacity lies in the left lung.", "warning", place, (30.0, 30.0, 30.0)),
    )
    findings = tuple(_finding(volume, name) for name in CENTERS_KJI)
    return AnalysisResult(
        volume,
        labels,
        Findings("1.2.3", Lungs(2100.4, 2300.6, quality), findings, notes=("Lungs by a classical method.",)),
    )


def _finding(volume: Volume, name: str) -> Finding:
    center = CENTERS_KJI[name]
    ras = tuple(volume.ras_from_kji(np.array(center)).tolist())
    size = 5.0 + 2 * list(CENTERS_KJI).index(name)
    side = "right" if ras[0] > 0 else "left"
    return Finding(
        name,
        ras,
        size,
        size + 1,
        size - 1,
        size**3 / 2,
        "solid",
        20.0,
        80.0,
        "RUL" if side == "right" else "LUL",
        side,
        CONFIDENCES[name],
        mask=Mask(center, np.ones((1, 1, 1), np.uint8)),
    )


def write_worker_folder(directory: Path, volume: Volume) -> None:
    """The files a worker leaves for the panel."""
    directory.mkdir(parents=True)
    result = chest_result(volume)
    result.save_arrays(directory)
    (directory / "findings.json").write_text(json.dumps(result.findings.to_dict()), encoding="utf-8")
    (directory / "report.html").write_text("<html>report</html>", encoding="utf-8")
    run = {"schema": "thoraxai.run/1", "command": "lung analyze", "options": {"threshold": 0.5}, "notice": "x"}
    (directory / "run.json").write_text(json.dumps(run), encoding="utf-8")


def worker_script(*statements: str) -> list[str]:
    """A command that imports this file as ``chest`` and runs the statements; ``say`` prints an event."""
    lines = [
        "import json, sys, time",
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})",
        "import chest",
        "from pathlib import Path",
        "say = lambda **event: print(json.dumps(event), flush=True)",
        *statements,
    ]
    return [sys.executable, "-c", "\n".join(lines)]
