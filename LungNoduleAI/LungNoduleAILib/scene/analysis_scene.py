"""The scene of one analysis as files: the CT, its findings and their nodes."""

from __future__ import annotations

from pathlib import Path

from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.scene.result_nodes import createResultNodes, removeResultNodes
from LungNoduleAILib.scene.saving import saveResult
from ThoraxAILib.scene.hierarchy import removeNode
from ThoraxAILib.scene.volumes import nodeFromVolume


def writeAnalysisScene(directory: Path, name: str, result: AnalysisResult, run: dict) -> None:
    """Write scene, segmentation and points of a result to a folder and empty the scene again; raises OutputError.

    ``name`` is the name of the CT's node, ``run`` the content of run.json so far.
    """
    volumeNode = nodeFromVolume(result.volume, name)
    nodes = createResultNodes(volumeNode, result, run)
    nodes.setThreshold(0.0)
    try:
        saveResult(directory, nodes)
    finally:
        removeResultNodes(nodes)
        removeNode(volumeNode)  # and all that names this case, before the next one
