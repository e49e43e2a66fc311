"""An explanation in the scene: the map of importance over the CT, and its numbers in words."""

from __future__ import annotations

from pathlib import Path

import slicer

from LungNoduleAILib.model.files import EXPLANATION_FILE, IMPORTANCE_FILE
from LungNoduleAILib.scene.importance_map import show_importance
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.itk_geometry import ijk_to_lps_of
from ThoraxAILib.image.lps import ijk_to_ras_from_lps
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.untrusted.plain_json import read_plain_json

MAX_BYTES = 1 << 20
SHOWN_FEATURES = 3


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
