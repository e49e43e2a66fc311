"""An explanation in the scene: the map of importance in red over the CT, and its numbers in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer

from LungNoduleAILib.model.files import EXPLANATION_FILE, IMPORTANCE_FILE
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.itk_geometry import ijk_to_lps_of
from ThoraxAILib.image.lps import ijk_to_ras_from_lps
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.scene.hierarchy import remove_node
from ThoraxAILib.scene.volumes import node_from_volume
from ThoraxAILib.untrusted.plain_json import read_plain_json

MAX_BYTES = 1 << 20
SHOWN_FEATURES = 3
MAP_ATTRIBUTE = "LungNoduleAI.importanceOf"
COLORS = "vtkMRMLColorTableNodeRed"
OPACITY = 0.6
SHARE_SHOWN = 0.15  # of the strongest voxel; below it the CT alone is seen


def show_explanation(
    folder: Path, volume_node: slicer.vtkMRMLScalarVolumeNode, finding_id: str
) -> tuple[slicer.vtkMRMLScalarVolumeNode, str]:
    """Show what ``thoraxai lung explain`` wrote over its CT; returns the map's node and what the numbers say.

    Raises InputError when the files are not there or damaged.
    """
    import SimpleITK as sitk

    try:
        told = read_plain_json(folder / EXPLANATION_FILE, largest_bytes=MAX_BYTES)
        words = "\n".join(explanation_words(told))
        image = sitk.ReadImage(str(folder / IMPORTANCE_FILE))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise InputError("The explanation was not written whole: try again.") from error
    importance = Volume(sitk.GetArrayFromImage(image), ijk_to_ras_from_lps(ijk_to_lps_of(image)))
    node = show_importance(importance, volume_node, finding_id, words)
    return node, words


def explanation_words(told: dict) -> list[str]:
    """Return what an explanation.json says, one sentence each."""
    lines = [
        f"Confidence at this place: {told['confidence_at_the_place']:.2f}. Red is what it rests on.",
        f"Correlation with the map of shuffled weights: {told['shuffled_correlation']:+.2f}.",
    ]
    if not told["is_faithful"]:
        lines.append("This map does not pass its tests: do not take it as the reason.")
    if told["suspicion"] is not None:
        moved = told["suspicion"]["moved"][:SHOWN_FEATURES]
        lines.append(
            "Suspicion was moved most by " + ", ".join(f"{m['feature']} {m['points']:+.2f}" for m in moved) + "."
        )
    return [*lines, "It explains the detector, not the disease."]


def show_importance(importance: Volume, volume_node, finding_id: str, description: str):
    """Return the node of a map over ``volume_node`` in all slice views; an older map of the same CT is replaced."""
    remove_importance(volume_node)
    array = np.maximum(importance.array, 0.0).astype(np.float32)
    node = node_from_volume(Volume(array, importance.ijk_to_ras, "OT"), f"Importance for {finding_id}")
    node.SetAttribute(MAP_ATTRIBUTE, volume_node.GetID())
    node.SetDescription(description)
    node.CreateDefaultDisplayNodes()
    display, strongest = node.GetDisplayNode(), max(float(array.max()), 1e-6)
    display.SetAndObserveColorNodeID(COLORS)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, strongest)
    display.SetLowerThreshold(SHARE_SHOWN * strongest)
    display.SetUpperThreshold(strongest)
    display.SetApplyThreshold(True)
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetBackgroundVolumeID(volume_node.GetID())
        composite.SetForegroundVolumeID(node.GetID())
        composite.SetForegroundOpacity(OPACITY)
    return node


def importance_of(volume_node):
    """Return the node of the map over a CT; None without one."""
    nodes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    return next((node for node in nodes if node.GetAttribute(MAP_ATTRIBUTE) == volume_node.GetID()), None)


def remove_importance(volume_node) -> None:
    """Take the map over a CT out of the scene."""
    node = importance_of(volume_node)
    if node is None:
        return
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        if composite.GetForegroundVolumeID() == node.GetID():
            composite.SetForegroundVolumeID(None)
    remove_node(node)
