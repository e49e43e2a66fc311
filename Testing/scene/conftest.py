"""An empty scene for every test, in plain Python on slicer-core; skipped where that is not installed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ThoraxAILib.image.volume import Volume
from ThoraxAILib.scene import host

HERE = str(Path(__file__).resolve().parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

import synthetic_chest  # noqa: E402


@pytest.fixture(autouse=True)
def slicer() -> Iterator:
    """The ``slicer`` package with an empty scene."""
    if not host.isAvailable():
        pytest.skip("slicer-core is not installed")
    package = host.install()
    package.mrmlScene.Clear(0)
    yield package
    package.mrmlScene.Clear(0)


@pytest.fixture
def logic(slicer):
    """A LungNoduleAILogic."""
    from LungNoduleAILib.logic.logic import LungNoduleAILogic

    return LungNoduleAILogic()


@pytest.fixture
def chest() -> Volume:
    """A small CT in the usual orientation."""
    return synthetic_chest.chest_volume(synthetic_chest.GEOMETRIES["axial"])


@pytest.fixture
def chest_node(slicer, chest):
    """The volume node of ``chest``."""
    from ThoraxAILib.scene.volumes import nodeFromVolume

    return nodeFromVolume(chest, "CT")


@pytest.fixture
def result(chest):
    """What an analysis of ``chest`` found: both lungs, all lobes, airway and three nodules."""
    return synthetic_chest.result_on(chest)


@pytest.fixture
def shown(logic, chest_node, result):
    """The nodes of ``result``."""
    return logic.showResult(chest_node, result, {"schema": "thoraxai.run/1", "options": {"detector": "classical"}})


@pytest.fixture
def segment_mask(slicer) -> Callable:
    """A function from segmentation, segment id and volume node to the segment's voxels, bool (k, j, i)."""
    def mask(segmentation, segment_id: str, volume_node):
        return slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, segment_id, volume_node) > 0

    return mask
