"""The scene of one analysis as files: the CT, its findings and their nodes."""

from __future__ import annotations

from pathlib import Path

from LungNoduleAILib.analysis.turned_masks import in_lps
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.scene.result_nodes import create_result_nodes, remove_result_nodes
from LungNoduleAILib.scene.saving import save_result
from LungNoduleAILib.scene.segmentation import segmentation_layers
from LungNoduleAILib.scene.stand_in import stand_in
from ThoraxAILib.scene.files.array_files import ArrayFile, ImageFile, SegmentsFile, storable
from ThoraxAILib.scene.files.packed_ahead import PackedAhead
from ThoraxAILib.scene.hierarchy import remove_node
from ThoraxAILib.scene.volumes import node_from_volume


def write_analysis_scene(
    directory: Path, name: str, result: AnalysisResult, run: dict, ahead: PackedAhead | None = None
) -> None:
    """Write scene, segmentation and points of a result to a folder and empty the scene again; raises OutputError.

    ``name`` is the name of the CT's node, ``run`` the content of run.json so far, ``ahead`` its image as far as it is
    compressed already. The nodes are those of a stand-in:
    image and segments go to their files without a detour over Slicer.
    """
    image = storable(result.volume.array)
    small = stand_in(result, image.dtype)
    volume_node = node_from_volume(small.volume, name)
    nodes = create_result_nodes(volume_node, small, run)
    nodes.set_findings(in_lps(result).findings)  # the outlines of the whole result
    nodes.set_threshold(0.0)
    arrays: dict[object, ArrayFile] = {
        volume_node: ImageFile(image, None if ahead is None else ahead.file_of(result.volume.array)),
        nodes.segmentation: SegmentsFile(segmentation_layers(result)),
    }
    try:
        save_result(directory, nodes, arrays)
    finally:
        remove_result_nodes(nodes)
        remove_node(volume_node)  # and all that names this case, before the next one
