"""Label maps lie where the image they belong to is read, however their files state their geometry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ThoraxAILib.io import read_volume
from ThoraxAILib.io.label_map import on_same_grid, read_label_map

nibabel = pytest.importorskip("nibabel")
SHAPE_IJK = (20, 18, 16)


def labels_and_hu() -> tuple[np.ndarray, np.ndarray]:
    hu = np.full(SHAPE_IJK, -1000, np.int16)
    hu[4:14, 5:15, 3:12] = 40
    labels = np.zeros(SHAPE_IJK, np.uint8)
    labels[5:12, 6:12, 4:10] = 7
    return labels, hu


def saved(folder: Path, bend: float, kind=nibabel.Nifti1Image) -> tuple[Path, Path]:
    """Write an image and its labels under one sform whose third axis leans by so many millimetres a slice."""
    affine = np.diag([-2.0, -2.0, 3.0, 1.0])
    affine[0, 2] = bend
    paths = folder / "labels.nii.gz", folder / "ct.nii.gz"
    for path, array in zip(paths, labels_and_hu(), strict=True):
        image = kind(array, None)
        image.set_sform(affine, 1)
        image.set_qform(None, 0)
        image.header.set_xyzt_units("mm")
        nibabel.save(image, path)
    return paths


@pytest.mark.parametrize("bend", [0.0, 0.0003, 0.4])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_labels_lie_on_the_grid_of_their_image(tmp_path, bend, kind):
    labels, ct = saved(tmp_path, bend, kind)
    found, image = read_label_map(labels), read_volume(ct)
    assert on_same_grid(found, image)
    assert set(np.unique(found.array)) == {0, 7}
    voxel_mm3 = float(np.prod(found.spacing_kji_mm))
    assert (found.array == 7).sum() * voxel_mm3 == pytest.approx(7 * 6 * 6 * 12.0, rel=0.1)
    assert (image.array[found.array == 7] > -200).mean() > 0.95


def test_labels_cut_short_are_refused_and_not_filled_with_anything(tmp_path, refused):
    labels, _ct = saved(tmp_path, 0.0)
    content = nibabel.load(labels).to_bytes()
    path = tmp_path / "cut.nii"
    path.write_bytes(content[: len(content) * 2 // 3])
    with refused("'cut.nii' cannot be read as NIfTI"):
        read_label_map(path)


def test_a_missing_label_map_is_told_as_it_was_given(tmp_path, refused):
    path = tmp_path / "no" / "labels.nrrd"
    with refused(f"'{path}' does not exist"):
        read_label_map(path)
