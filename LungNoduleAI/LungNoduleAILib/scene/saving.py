"""The three files in which Slicer users take a result along: scene, segmentation, points."""

from __future__ import annotations

import tempfile
from pathlib import Path

from LungNoduleAILib.model.files import MARKUPS_FILE, SCENE_FILE, SEGMENTATION_FILE
from LungNoduleAILib.scene.result_nodes import ResultNodes
from ThoraxAILib.errors import OutputError
from ThoraxAILib.scene.files.saving import write_scene


def save_result(directory: Path, nodes: ResultNodes) -> tuple[Path, ...]:
    """Write the whole scene, the segmentation and the points to an existing folder; raises OutputError.

    Files of the same names are replaced once all three are written; a failure leaves the folder as it was.
    """
    try:
        with tempfile.TemporaryDirectory(dir=directory, prefix=".unfinished-") as folder:
            names = (SCENE_FILE, SEGMENTATION_FILE, MARKUPS_FILE)
            scene, segmentation, points = (Path(folder) / name for name in names)
            write_scene(scene, {segmentation: nodes.segmentation, points: nodes.points})
            return tuple(path.replace(directory / path.name) for path in (scene, segmentation, points))
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"The result cannot be saved ({error.strerror}): choose a writable folder.") from error
