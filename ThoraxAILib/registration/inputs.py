"""What two images must fulfil before they can be registered; one sentence for each thing that can be wrong."""

from __future__ import annotations

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume


def check_image(volume: Volume, name: str) -> None:
    """Raise InputError unless ``volume`` has several slices of finite, varying values."""
    if min(volume.array.shape) < 2:
        raise InputError(f"The {name} has a single slice (shape {volume.array.shape}): give a stack of two or more.")
    if not np.isfinite(volume.array).all():
        count = int((~np.isfinite(volume.array)).sum())
        raise InputError(f"The {name} has {count} voxels that are NaN or infinite: replace them and try again.")
    if float(volume.array.max()) == float(volume.array.min()):
        raise InputError(
            f"The {name} has the same value {volume.array.flat[0]:g} everywhere: check that it is the "
            "image and not an empty export."
        )


def check_same_grid(first: Volume, first_name: str, second: Volume, second_name: str) -> None:
    """Raise InputError unless both lie on the same voxel centres within 0.1 mm."""
    one, other = Grid.of(first), Grid.of(second)
    if one.matches(other, 0.1):
        return
    if one.shape_kji != other.shape_kji:
        found = f"{one.shape_kji} against {other.shape_kji} voxels"
    else:
        found = "the same size, but another spacing, position or orientation"
    raise InputError(
        f"The {first_name} and the {second_name} lie on different grids ({found}): resample one to the other first."
    )


def normalized(array: np.ndarray, inside: np.ndarray | None = None) -> np.ndarray:
    """Values clipped to the 0.5-99.5 percentiles, shifted to mean 0 and scaled to unit variance, float32."""
    values = array.astype(np.float32)
    reference = values[inside] if inside is not None and inside.any() else values
    low, high = np.percentile(reference, (0.5, 99.5))
    if high <= low:
        low, high = float(reference.min()), float(reference.max())
    clipped = values.clip(low, high)
    seen = reference.clip(low, high)
    return ((clipped - seen.mean()) / max(float(seen.std()), 1e-6)).astype(np.float32)
