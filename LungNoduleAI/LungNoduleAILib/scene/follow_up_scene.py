"""The scene of a follow-up as one file: both last scans, their nodules, and the nodes of the follow-up."""

from __future__ import annotations

from pathlib import Path

from LungNoduleAILib.analysis.follow_up import FollowUpResult
from LungNoduleAILib.scene.follow_up_nodes import (
    FollowUpData,
    align_prior,
    create_follow_up_nodes,
    remove_follow_up_nodes,
)
from LungNoduleAILib.scene.segmentation import segmentation_node
from ThoraxAILib.scene.files.saving import write_scene
from ThoraxAILib.scene.hierarchy import remove_node
from ThoraxAILib.scene.volumes import node_from_volume


def write_follow_up_scene(path: Path, result: FollowUpResult, transform_file: Path | None, pictures: str = "") -> None:
    """Write the scene and empty it again; the prior lies over the current scan where it was registered."""
    scans = []
    for name, analysis in zip(("Prior CT", "Current CT"), result.analyses[-2:], strict=True):
        volume_node = node_from_volume(analysis.volume, name)
        segmentation = segmentation_node(volume_node, analysis)
        segmentation.SetName(f"{name} nodules")
        scans.append((volume_node, segmentation))
    text = create_follow_up_nodes(scans[0][0], scans[1][0], follow_up_data(result, transform_file, pictures=pictures))
    align_prior(text, True)
    scans[0][1].SetAndObserveTransformNodeID(scans[0][0].GetTransformNodeID())
    try:
        write_scene(path)
    finally:
        remove_follow_up_nodes(text)
        for volume_node, segmentation in scans:
            remove_node(segmentation)
            remove_node(volume_node)


def follow_up_data(
    result: FollowUpResult, transform_file: Path | None, with_warped_prior: bool = False, pictures: str = ""
) -> FollowUpData:
    """Return what the scene shows of a follow-up; ``transform_file`` holds the registration of the last two scans."""
    last = result.comparisons[-1]
    return FollowUpData(
        result.follow_up.to_dict(),
        transform_file,
        None if last.difference is None else last.difference.volume,
        last.registration.warped_prior if with_warped_prior and last.registration is not None else None,
        pictures,
    )
