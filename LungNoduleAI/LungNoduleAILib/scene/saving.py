"""The three files in which Slicer users take a result along: scene, segmentation, points."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from LungNoduleAILib.model.files import MARKUPS_FILE, SCENE_FILE, SEGMENTATION_FILE
from LungNoduleAILib.scene.result_nodes import ResultNodes
from ThoraxAILib.errors import OutputError
from ThoraxAILib.scene.files.array_files import ArrayFile
from ThoraxAILib.scene.files.saving import write_scene


def save_result(
    directory: Path, nodes: ResultNodes, arrays: Mapping[object, ArrayFile] | None = None
) -> tuple[Path, ...]:
    """Write the whole scene, the segmentation and the points to an existing folder; raises OutputError.

    ``arrays`` are what nodes that hold a stand-in are written with.
    Files of the same names are replaced once all three are written; a failure leaves the folder as it was.
    """
    try:
        with tempfile.TemporaryDirectory(dir=directory, prefix=".unfinished-") as folder:
            names = (SCENE_FILE, SEGMENTATION_FILE, MARKUPS_FILE)
            scene, segmentation, points = (Path(folder) / name for name in names)
            write_scene(scene, {segmentation: nodes.segmentation, points: nodes.points}, arrays)
            return tuple(path.replace(directory / path.name) for path in (scene, segmentation, points))
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"The result cannot be saved ({error.strerror}): choose a writable folder.") from error
