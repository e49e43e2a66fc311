"""Fields as files that Slicer opens as grid transforms: displacement images, or ITK transform files.

NIfTI files tell that they hold displacements (intent 1006), so their vectors are RAS as all of NIfTI is; ITK and Slicer
turn them to LPS when they read them. Files without that intent hold LPS vectors, as ITK writes them.
"""

from __future__ import annotations

import gzip
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.image_file import image_io
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.itk_images import (
    affine_transform,
    displacement_image,
    field_from_image,
    itk_image,
    label_image,
)
from ThoraxAILib.untrusted.detached_data import require_data_beside
from ThoraxAILib.untrusted.hdf5_references import require_own_data

IMAGES = (".nii.gz", ".nii", ".nrrd", ".mha")
TRANSFORMS = (".h5", ".tfm")
NIFTI = (".nii.gz", ".nii")
DISPLACEMENTS, INTENT_BYTES = 1006, slice(68, 70)  # NIFTI_INTENT_DISPVECT and where the header holds an intent


def write_field(field: Field, path: Path) -> None:
    """Write a field as .nii.gz, .nii, .nrrd or .mha (displacements), or .h5 or .tfm (ITK transform); whole or not."""
    ending = _ending(path, IMAGES + TRANSFORMS)
    image = displacement_image(field)
    if ending in TRANSFORMS:
        transform = sitk.DisplacementFieldTransform(image)
        write_whole(path, ending, lambda partial: sitk.WriteTransform(transform, str(partial)))
    elif ending in NIFTI:
        write_whole(path, ending, lambda partial: _write_nifti_field(image, partial))
    else:
        write_whole(path, ending, lambda partial: sitk.WriteImage(image, str(partial), True))


def _write_nifti_field(image: sitk.Image, path: Path) -> None:
    """Write displacements in LPS as NIfTI that says so: RAS vectors, intent 1006 (SimpleITK cannot set it)."""
    values = sitk.GetArrayFromImage(image)
    values[..., :2] *= -1.0
    turned = sitk.GetImageFromArray(values, isVector=True)
    turned.CopyInformation(image)
    plain = path.with_suffix(".plain.nii")
    try:
        sitk.WriteImage(turned, str(plain), False)
        content = bytearray(plain.read_bytes())
    finally:
        plain.unlink(missing_ok=True)
    content[INTENT_BYTES] = DISPLACEMENTS.to_bytes(2, "little")
    if path.name.endswith(".gz"):
        path.write_bytes(gzip.compress(content, 6, mtime=0))
    else:
        path.write_bytes(content)


def write_field_then_affine(field: Field, matrix: np.ndarray, path: Path) -> None:
    """Write x -> A (x + u(x)) as one composite .h5 or .tfm: u on its grid (0 beyond it), then the 4x4 RAS matrix A."""
    ending = _ending(path, TRANSFORMS)
    displacement = sitk.DisplacementFieldTransform(displacement_image(field))
    composite = sitk.CompositeTransform([affine_transform(matrix), displacement])  # the last one acts first
    write_whole(path, ending, lambda partial: sitk.WriteTransform(composite, str(partial)))


def write_affine(matrix: np.ndarray, path: Path) -> None:
    """Write a 4x4 RAS matrix as an ITK affine in .tfm or .h5; whole or not at all."""
    transform = affine_transform(matrix)
    write_whole(path, _ending(path, TRANSFORMS), lambda partial: sitk.WriteTransform(transform, str(partial)))


def read_field(path: Path) -> Field:
    """Return a field written by ``write_field`` or by ITK; raises InputError when it is no displacement field."""
    ending = _ending(path, IMAGES + TRANSFORMS)
    if ending == ".h5" and path.is_file():
        require_own_data(path)
    require_data_beside(path)
    try:
        if ending in TRANSFORMS:
            image = sitk.DisplacementFieldTransform(sitk.ReadTransform(str(path))).GetDisplacementField()
        else:
            image = sitk.ReadImage(str(path), sitk.sitkVectorFloat64, imageIO=image_io(path))
    except RuntimeError:
        raise InputError(f"'{path.name}' cannot be read as a displacement field: write it again.") from None
    if image.GetNumberOfComponentsPerPixel() != 3 or image.GetDimension() != 3:
        raise InputError(
            f"'{path.name}' holds {image.GetNumberOfComponentsPerPixel()} values per voxel, a field has "
            "three: give the file that --field wrote."
        )
    return field_from_image(image)


def write_labels(labels: Volume, path: Path) -> None:
    """Write a label image as .nii.gz, .nii, .nrrd or .mha; whole or not at all."""
    image = label_image(labels)
    write_whole(path, _ending(path, IMAGES), lambda partial: sitk.WriteImage(image, str(partial), True))


def write_image(volume: Volume, path: Path) -> None:
    """Write a scalar image as .nii.gz, .nii, .nrrd or .mha; whole or not at all."""
    image = itk_image(volume)
    write_whole(path, _ending(path, IMAGES), lambda partial: sitk.WriteImage(image, str(partial), True))


def check_writable(path: Path, kind: str) -> None:
    """Raise InputError or OutputError early, before long work, when ``path`` cannot be written as ``kind``."""
    _ending(path, IMAGES + TRANSFORMS if kind == "field" else IMAGES)
    if not path.parent.is_dir():
        raise OutputError(f"The folder for '{path}' does not exist: make it or choose another place.")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"'{path.name}' cannot be written (no permission for its folder): choose another place.")


def _ending(path: Path, allowed: tuple[str, ...]) -> str:
    name = path.name.lower()
    for ending in allowed:
        if name.endswith(ending):
            return ending
    raise InputError(f"'{path.name}' has no ending this program writes: use one of {', '.join(allowed)}.")


def write_whole(path: Path, ending: str, write: Callable[[Path], None]) -> None:
    """Let ``write`` make a file with this ending and give it the name ``path`` once it is complete."""
    partial = path.with_name(f".partial-{uuid.uuid4().hex[:8]}{ending}")
    try:
        write(partial)
        partial.replace(path)
    except (RuntimeError, OSError) as error:
        raise OutputError(
            f"'{path.name}' cannot be written (disk full or no permission): choose another place."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
