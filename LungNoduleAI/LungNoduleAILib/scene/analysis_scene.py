"""The scene of one analysis as files: the CT, its findings and their nodes."""

from __future__ import annotations

from pathlib import Path

from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.scene.result_nodes import create_result_nodes, remove_result_nodes
from LungNoduleAILib.scene.saving import save_result
from ThoraxAILib.scene.hierarchy import remove_node
from ThoraxAILib.scene.volumes import node_from_volume


def write_analysis_scene(directory: Path, name: str, result: AnalysisResult, run: dict) -> None:
    """Write scene, segmentation and points of a result to a folder and empty the scene again; raises OutputError.

    ``name`` is the name of the CT's node, ``run`` the content of run.json so far.
    """
    volume_node = node_from_volume(result.volume, name)
    nodes = create_result_nodes(volume_node, result, run)
    nodes.set_threshold(0.0)
    try:
        save_result(directory, nodes)
    finally:
        remove_result_nodes(nodes)
        remove_node(volume_node)  # and all that names this case, before the next one
