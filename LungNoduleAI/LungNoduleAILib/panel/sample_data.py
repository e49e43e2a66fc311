"""Sample data in Slicer: the synthetic chest as a volume node, from the panel or from the Sample Data module."""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path

import slicer

from LungNoduleAILib.cases.sample import PAIR_FOLDERS, PAIR_TRUTH
from LungNoduleAILib.logic.planted import PAIR_TRUTH_ATTRIBUTE
from LungNoduleAILib.panel.input_choice import show_in_views
from LungNoduleAILib.synthesis.truth import CT_FILE, TRUTH_FILE
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.scene.volumes import LUNG_WINDOW_HU

NAME = "Synthetic chest CT"
CATEGORY = "ThoraxAI"
logger = logging.getLogger(__name__)


def load_sample(folder: Path) -> slicer.vtkMRMLScalarVolumeNode:
    """Return the sample in ``folder`` (written by ``thoraxai lung phantom``) as a volume node, shown in the views.

    The planted nodules stand in the node's description, for comparison with what is found.
    """
    image = folder / CT_FILE
    if not image.is_file():
        raise InputError("The sample CT was not written: try again, or load a CT of your own.")
    volume_node = slicer.util.loadVolume(str(image), {"name": NAME, "show": False})
    planted = json.loads((folder / TRUTH_FILE).read_text(encoding="utf-8"))["nodules"]
    volume_node.SetDescription("Synthetic, with planted nodules: " + "; ".join(_words(entry) for entry in planted))
    volume_node.CreateDefaultDisplayNodes()
    volume_node.GetDisplayNode().AutoWindowLevelOff()
    volume_node.GetDisplayNode().SetWindowLevel(*LUNG_WINDOW_HU)
    # the file lies in a temporary folder: saving the scene must write the voxels anew
    slicer.mrmlScene.RemoveNode(volume_node.GetStorageNode())
    show_in_views(volume_node)
    return volume_node


def load_sample_pair(folder: Path) -> tuple[slicer.vtkMRMLScalarVolumeNode, slicer.vtkMRMLScalarVolumeNode]:
    """Return prior and current CT of the sample pair in ``folder``; what was planted is kept with the current one."""
    from ThoraxAILib.io import read_volume
    from ThoraxAILib.scene.volumes import node_from_volume

    files = [folder / name / CT_FILE for name in PAIR_FOLDERS]
    if not all(file.is_file() for file in (*files, folder / PAIR_TRUTH)):
        raise InputError("The sample pair was not written: try again, or load two CTs of your own.")
    prior, current = (
        node_from_volume(read_volume(file), f"{NAME}, {name}") for file, name in zip(files, PAIR_FOLDERS, strict=True)
    )
    current.SetAttribute(PAIR_TRUTH_ATTRIBUTE, (folder / PAIR_TRUTH).read_text(encoding="utf-8"))
    show_in_views(current)
    return prior, current


def _words(entry: dict) -> str:
    right, anterior, superior = entry["center_ras_mm"]
    return (
        f"{entry['id']} {entry['type']} {entry['diameter_mm']:.1f} mm at RAS "
        f"({right:.0f}, {anterior:.0f}, {superior:.0f}) mm"
    )


def register_sample_data() -> None:
    """Offer the sample in Slicer's Sample Data module, where that module is present."""
    try:
        from SampleData import SampleDataLogic
    except ImportError:
        logger.debug("Slicer runs without its Sample Data module")
        return
    SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName="SyntheticChestCT",
        uris=[],
        fileNames=[],
        nodeNames=[],
        thumbnailFileName=str(Path(__file__).parents[2] / "Resources" / "Icons" / "LungNoduleAI.png"),
        customDownloader=lambda _source: [make_sample_here()],
    )


def make_sample_here() -> slicer.vtkMRMLScalarVolumeNode:
    """Make and load the sample in this process; takes some seconds."""
    from LungNoduleAILib.cases.sample import SAMPLE_SEED, write_sample

    with tempfile.TemporaryDirectory(prefix="thoraxai-sample-") as folder:
        sample = Path(folder) / "sample"
        write_sample(sample, SAMPLE_SEED, Progress())
        return load_sample(sample)
