"""Volume nodes and Volume: the same voxels at the same places, or a sentence that says why not."""

from __future__ import annotations

import numpy as np
import pytest
import vtk
from scipy.spatial.transform import Rotation

from fixtures.synthetic_chest import GEOMETRIES, SERIES_UID, chest_volume
from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.io.volumes import read_volume

MOVE = np.eye(4)
MOVE[:3, :3] = Rotation.from_euler("zx", [30, 12], degrees=True).as_matrix()
MOVE[:3, 3] = (11.0, -7.5, 3.25)


@pytest.fixture(params=GEOMETRIES)
def volume(request):
    """A CT in each orientation."""
    return chest_volume(GEOMETRIES[request.param])


@pytest.fixture
def volume_node(slicer, volume):
    """The node of ``volume``."""
    from ThoraxAILib.scene.volumes import node_from_volume

    return node_from_volume(volume, "CT")


@pytest.fixture
def moved_node(slicer, chest_node):
    """A volume node under two nested linear transforms."""
    inner, outer = (slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode") for _ in range(2))
    inner.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(MOVE))
    outer.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(np.diag([1.0, -1.0, 1.0, 1.0])))
    inner.SetAndObserveTransformNodeID(outer.GetID())
    chest_node.SetAndObserveTransformNodeID(inner.GetID())
    return chest_node


def test_a_volume_comes_back_from_its_node_unchanged(logic, volume, volume_node):
    back = logic.volume_from_node(volume_node)
    np.testing.assert_array_equal(back.array, volume.array)
    np.testing.assert_allclose(back.ijk_to_ras, volume.ijk_to_ras, atol=1e-9)
    assert back.array.dtype == np.int16
    assert (back.modality, back.identity.series_uid) == ("CT", SERIES_UID)


def test_the_voxels_of_a_node_are_not_copied_and_cannot_be_changed(slicer, logic, chest_node):
    array = logic.volume_from_node(chest_node).array
    assert np.shares_memory(array, slicer.util.arrayFromVolume(chest_node))
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0, 0] = 1


def test_parent_transforms_move_the_volume(slicer, logic, chest, moved_node):
    moved = logic.volume_from_node(moved_node)
    np.testing.assert_allclose(moved.ijk_to_ras, np.diag([1.0, -1.0, 1.0, 1.0]) @ MOVE @ chest.ijk_to_ras, atol=1e-9)


def test_a_volume_under_a_bending_transform_is_refused(slicer, logic, chest_node):
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    spline = slicer.vtkOrientedBSplineTransform()
    transform.SetAndObserveTransformToParent(spline)
    chest_node.SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(InputError, match="harden the transform"):
        logic.volume_from_node(chest_node)


def test_a_missing_or_empty_volume_is_refused(slicer, logic):
    for node in (None, slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")):
        with pytest.raises(InputError, match="holds no voxels"):
            logic.volume_from_node(node)


def test_a_color_volume_is_refused(slicer, logic):
    image = vtk.vtkImageData()
    image.SetDimensions(4, 4, 4)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode")
    node.SetAndObserveImageData(image)
    with pytest.raises(InputError, match="several values per voxel"):
        logic.volume_from_node(node)


def test_series_and_modality_are_found_where_slicers_dicom_module_notes_them(slicer, logic):
    from ThoraxAILib.scene.hierarchy import ensure_item, subject_hierarchy

    node = slicer.util.addVolumeFromArray(np.zeros((3, 4, 5), np.int16))
    item = ensure_item(node)
    subject_hierarchy().SetItemUID(item, "DICOM", "1.2.3")
    subject_hierarchy().SetItemAttribute(item, "DICOM.Modality", "PT")
    volume = logic.volume_from_node(node)
    assert (volume.modality, volume.identity.series_uid) == ("PT", "1.2.3")


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [
        (np.bool_, np.int16),
        (np.uint8, np.int16),
        (np.int64, np.int16),
        (np.float64, np.float32),
        (np.float16, np.float32),
    ],
)
def test_every_number_type_becomes_one_that_slicer_stores(slicer, chest, dtype, stored):
    from ThoraxAILib.scene.volumes import node_from_volume

    array = (chest.array > -800).astype(dtype)
    node = node_from_volume(chest.with_array(array), "A")
    assert slicer.util.arrayFromVolume(node).dtype == stored
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), array)


def test_a_worker_reads_the_exported_volume_on_the_same_grid(logic, tmp_path, volume, volume_node):
    read = read_volume(logic.export_volume(volume_node, tmp_path / "volume.nrrd"))
    np.testing.assert_array_equal(read.array, volume.array)
    np.testing.assert_allclose(read.ijk_to_ras, volume.ijk_to_ras, atol=1e-6)


def test_a_worker_reads_the_exported_volume_where_its_transforms_put_it(logic, tmp_path, chest, moved_node):
    read = read_volume(logic.export_volume(moved_node, tmp_path / "volume.nrrd"))
    np.testing.assert_allclose(read.ijk_to_ras, logic.volume_from_node(moved_node).ijk_to_ras, atol=1e-6)


def test_date_kernel_slices_and_contrast_go_along_to_a_worker(slicer, logic, tmp_path, chest):
    from dataclasses import replace

    from ThoraxAILib.scene.volumes import node_from_volume

    told = {"study_date": "20240115", "kernel": "B30f", "slice_thickness_mm": 1.25, "contrast": "OMNIPAQUE"}
    node = node_from_volume(replace(chest, identity=replace(chest.identity, **told)), "CT")
    read = read_volume(logic.export_volume(node, tmp_path / "volume.nrrd")).identity
    assert {name: getattr(read, name) for name in told} == told


def test_exporting_leaves_the_node_and_the_scene_as_they_were(slicer, logic, tmp_path, chest_node):
    logic.export_volume(chest_node, tmp_path / "volume.nrrd")
    assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") == [chest_node]
    assert slicer.util.getNodesByClass("vtkMRMLStorageNode") == []
    assert chest_node.GetStorageNode() is None
    assert [path.name for path in tmp_path.iterdir()] == ["volume.nrrd"]


def test_exporting_to_a_missing_folder_raises_and_writes_nothing(logic, tmp_path, chest_node):
    with pytest.raises(OutputError, match=r"volume\.nrrd could not be written"):
        logic.export_volume(chest_node, tmp_path / "missing" / "volume.nrrd")
    assert list(tmp_path.iterdir()) == []
