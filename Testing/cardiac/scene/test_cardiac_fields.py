"""Fields written by ``cardiac propagate --field`` open in Slicer as grid transforms that move points and images."""

from __future__ import annotations

import numpy as np
import pytest

from ThoraxAILib.image.grid import Grid
from ThoraxAILib.io.transform_files import read_field, write_field
from ThoraxAILib.registration.field import Field, warp_image


def oblique_grid() -> Grid:
    """An anisotropic short-axis grid turned in the patient."""
    q, _ = np.linalg.qr(np.random.default_rng(4).standard_normal((3, 3)))
    q[:, 2] *= np.sign(np.linalg.det(q))
    matrix = np.eye(4)
    matrix[:3, :3] = q @ np.diag([1.5, 1.5, 8.0])
    matrix[:3, 3] = (20.0, -35.0, 60.0)
    return Grid((9, 30, 34), matrix)


@pytest.fixture
def field() -> Field:
    """A smooth field of a few mm with another direction everywhere."""
    grid = oblique_grid()
    k, j, i = np.meshgrid(*(np.linspace(-1, 1, n) for n in grid.shape_kji), indexing="ij")
    return Field.from_axes(np.stack([2.0 * np.cos(i), 4.0 * np.sin(k + j), -3.0 * np.cos(j - i)]), grid)


def load(slicer, path):
    """A transform node from a file, as Slicer's Add Data does."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    storage = slicer.vtkMRMLTransformStorageNode()
    slicer.mrmlScene.AddNode(storage)
    storage.SetFileName(str(path))
    assert storage.ReadData(node) == 1
    return node


def moved_by(node, point_ras: np.ndarray) -> np.ndarray:
    """Where the transform from parent takes a RAS point: what resampling through the node does."""
    from vtk import vtkGeneralTransform

    transform = vtkGeneralTransform()
    node.GetTransformFromWorld(transform)
    return np.array(transform.TransformPoint(*point_ras))


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha", ".h5", ".tfm"])
def test_a_written_field_opens_as_a_grid_transform_and_moves_points_as_the_field_does(slicer, field, tmp_path, ending):
    path = tmp_path / f"field{ending}"
    write_field(field, path)
    node = load(slicer, path)
    assert node.GetTransformFromParent().GetClassName() == "vtkOrientedGridTransform"
    random = np.random.default_rng(0)
    for _ in range(20):
        index = random.uniform([1, 2, 2], np.array(field.grid.shape_kji) - [2, 3, 3])
        point = field.grid.volume(np.zeros(field.grid.shape_kji)).ras_from_kji(index)
        np.testing.assert_allclose(moved_by(node, point), point + field.at(point), atol=0.05)


def test_hardening_the_transform_on_the_moving_volume_makes_it_look_like_the_fixed_one(slicer, field, tmp_path):
    from ThoraxAILib.scene.volumes import node_from_volume, volume_from_node

    grid = field.grid
    k, j, i = np.meshgrid(*(np.linspace(-2, 2, n) for n in grid.shape_kji), indexing="ij")
    moving = grid.volume((500 * np.exp(-(k**2 + j**2 + i**2))).astype(np.float32))
    write_field(field, tmp_path / "field.nrrd")
    transform = load(slicer, tmp_path / "field.nrrd")
    node = node_from_volume(moving, "moving")
    node.SetAndObserveTransformNodeID(transform.GetID())
    assert node.HardenTransform()
    hardened = warp_image(volume_from_node(node), Field.zero(grid)).array  # Slicer changes the extent
    expected = warp_image(moving, field).array
    inner = (slice(2, -2), slice(5, -5), slice(5, -5))
    assert np.abs(hardened - moving.array)[inner].max() > 50
    np.testing.assert_allclose(hardened[inner], expected[inner], atol=10)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha", ".h5", ".tfm"])
def test_a_field_read_again_is_the_same(field, tmp_path, ending):
    path = tmp_path / f"field{ending}"
    write_field(field, path)
    again = read_field(path)
    assert again.grid.matches(field.grid)
    np.testing.assert_allclose(again.displacement_ras_mm, field.displacement_ras_mm, atol=1e-4)


@pytest.mark.parametrize("ending", [".nii.gz", ".nii"])
def test_a_nifti_file_says_that_it_holds_displacements_so_that_slicer_does_not_warn(field, tmp_path, ending):
    import gzip

    path = tmp_path / f"field{ending}"
    write_field(field, path)
    content = path.read_bytes()
    header = (gzip.decompress(content) if ending == ".nii.gz" else content)[:348]
    assert int.from_bytes(header[68:70], "little") == 1006


def test_vectors_of_a_nifti_field_are_ras_on_the_disk(field, tmp_path):
    path = tmp_path / "field.nii"
    write_field(field, path)
    first = np.frombuffer(path.read_bytes()[352:], "<f8").reshape(3, *field.grid.shape_kji)[:, 0, 0, 0]
    assert first == pytest.approx(field.displacement_ras_mm[0, 0, 0], abs=1e-6)
