"""The scene of a follow-up as one file: both last scans, their nodules, and the nodes of the follow-up."""

from __future__ import annotations

from pathlib import Path

from LungNoduleAILib.analysis.follow_up import FollowUpResult
from LungNoduleAILib.scene.follow_up_nodes import FollowUpData, alignPrior, createFollowUpNodes, removeFollowUpNodes
from LungNoduleAILib.scene.segmentation import segmentationNode
from ThoraxAILib.scene.files.saving import writeScene
from ThoraxAILib.scene.hierarchy import removeNode
from ThoraxAILib.scene.volumes import nodeFromVolume


def writeFollowUpScene(path: Path, result: FollowUpResult, transformFile: Path | None) -> None:
    """Write the scene and empty it again; the prior lies over the current scan where it was registered."""
    scans = []
    for name, analysis in zip(("Prior CT", "Current CT"), result.analyses[-2:], strict=True):
        volumeNode = nodeFromVolume(analysis.volume, name)
        segmentation = segmentationNode(volumeNode, analysis)
        segmentation.SetName(f"{name} nodules")
        scans.append((volumeNode, segmentation))
    text = createFollowUpNodes(scans[0][0], scans[1][0], followUpData(result, transformFile))
    alignPrior(text, True)
    scans[0][1].SetAndObserveTransformNodeID(scans[0][0].GetTransformNodeID())
    try:
        writeScene(path)
    finally:
        removeFollowUpNodes(text)
        for volumeNode, segmentation in scans:
            removeNode(segmentation)
            removeNode(volumeNode)


def followUpData(result: FollowUpResult, transformFile: Path | None, withWarpedPrior: bool = False) -> FollowUpData:
    """What the scene shows of a follow-up; ``transformFile`` holds the registration of the last two scans."""
    last = result.comparisons[-1]
    return FollowUpData(
        result.follow_up.to_dict(),
        transformFile,
        None if last.difference is None else last.difference.volume,
        last.registration.warped_prior if withWarpedPrior and last.registration is not None else None,
    )
