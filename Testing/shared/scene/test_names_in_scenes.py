"""A node's name may hold any letter: the scene that was written opens again."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.parametrize("name", ["CT & contrast", "a&amp;b", "A&B <late> \"phase\" 'x'", "&", "100%26"])
def test_a_scene_with_any_letter_in_a_name_opens_again(slicer, tmp_path, name):
    from ThoraxAILib.scene.files.saving import write_scene

    voxels = np.arange(27, dtype=np.int16).reshape(3, 3, 3)
    slicer.util.addVolumeFromArray(voxels, name=name)
    write_scene(tmp_path / "scene.mrb")
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    volume = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    assert volume.GetName() == name
    assert (slicer.util.arrayFromVolume(volume) == voxels).all()
