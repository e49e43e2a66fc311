"""ImageGroup: images that may form one volume because their planes fit, and what was noted on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ThoraxAILib.image.tuples import two
from ThoraxAILib.io.slices.dicom_headers import SliceHeader
from ThoraxAILib.io.slices.slice_grid import SAME_POSITION_MM, depths_along_normal

SAME_ORIENTATION = 0.005  # largest difference of a direction cosine
# Relative. Vendors and exporters round PixelSpacing to two or three digits: 0.9766 becomes 0.98 (0.35 %), 1.805 1.8.
# Another field of view of the same reconstruction differs by several percent.
SAME_PIXEL_SPACING = 0.01
NOTED_PIXEL_SPACING = 1e-4  # relative; less is told by nobody
MIN_SLICES_OF_A_VOLUME = 3


@dataclass(frozen=True, eq=False)
class ImageGroup:
    """``images`` in any order; ``cause`` ends a sentence that says why they are no volume when they turn out not to be.

    ``notes`` are sentences for the volume they become.
    """

    images: tuple[SliceHeader, ...]
    notes: tuple[str, ...] = ()
    cause: str = ""

    def with_images(self, images: Sequence[SliceHeader], *notes: str) -> ImageGroup:
        """Return the same with other images and more notes."""
        return replace(self, images=tuple(images), notes=(*self.notes, *notes))


def directions(image: SliceHeader) -> tuple[np.ndarray, np.ndarray]:
    """Directions (LPS) of a row and of a column of an image with a plane."""
    return two(np.reshape(image.plane.orientation_lps, (2, 3)))


def is_plane(image: SliceHeader) -> bool:
    """Whether an image states a plane that is one."""
    return image.has_plane and bool(np.linalg.norm(np.cross(*directions(image))) >= 0.5)


def depths_mm(images: Sequence[SliceHeader]) -> np.ndarray:
    """Positions (n,) of images along the normal of the first one."""
    row, column = directions(images[0])
    return depths_along_normal(np.array([image.plane.position_lps_mm for image in images]), row, column)


def by_depth(images: Sequence[SliceHeader]) -> list[SliceHeader]:
    """Return images sorted along their normal, those at one position by their files."""
    depths = np.round(depths_mm(images), 3)
    order = sorted(range(len(images)), key=lambda i: (depths[i], str(images[i].path), images[i].frame or 0))
    return [images[index] for index in order]


def by_position(images: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """Return images sorted along their normal, those at the same position together."""
    ordered = by_depth(images)
    depths = depths_mm(ordered)
    places: list[list[SliceHeader]] = [[ordered[0]]]
    for index in range(1, len(ordered)):
        if depths[index] - depths[index - 1] > SAME_POSITION_MM:
            places.append([])
        places[-1].append(ordered[index])
    return places


def in_groups(
    images: Sequence[SliceHeader], fits: Callable[[SliceHeader, SliceHeader], bool]
) -> list[list[SliceHeader]]:
    """Images grouped with the first one they fit."""
    groups: list[list[SliceHeader]] = []
    for image in images:
        for group in groups:
            if fits(image, group[0]):
                group.append(image)
                break
        else:
            groups.append([image])
    return groups


def fits(image: SliceHeader, other: SliceHeader) -> bool:
    """Whether two images could be slices of one volume: same kind, size, orientation and, but for rounding, pixels.

    What differs otherwise (kernel, frame of reference, times) does not part images whose positions form one volume.
    """

    def kind(header: SliceHeader) -> tuple:
        return (
            header.modality,
            header.is_localizer,
            header.has_plane,
            header.rows,
            header.columns,
            header.samples,
            header.frames > 1 and header.frame is None,
        )

    if kind(image) != kind(other):
        return False
    return not image.has_plane or bool(
        np.allclose(image.plane.orientation_lps, other.plane.orientation_lps, atol=SAME_ORIENTATION, rtol=0)
        and np.allclose(image.plane.pixel_spacing_mm, other.plane.pixel_spacing_mm, rtol=SAME_PIXEL_SPACING, atol=0)
    )


def same_word(text: str) -> str:
    """Return a text as it is compared: without case and spaces at its ends."""
    return text.strip().upper()


def most_frequent(values: Sequence[str]) -> str:
    """Return the value that most images state; empty when none states any."""
    stated = Counter(value for value in values if value.strip())
    return stated.most_common(1)[0][0] if stated else ""


def usual_pixel_spacing(images: Sequence[SliceHeader]) -> tuple[tuple[float, float], tuple[str, ...]]:
    """Return the pixel spacing (between rows, between columns; mm) that most images state, and the note on others."""
    spacings = np.array([image.plane.pixel_spacing_mm for image in images])
    values, counts = np.unique(spacings, axis=0, return_counts=True)
    spacing = two(float(value) for value in values[counts.argmax()])
    off = float(np.abs(spacings / spacing - 1).max())
    if off <= NOTED_PIXEL_SPACING:
        return spacing, ()
    note = (
        f"PixelSpacing differs by up to {100 * off:.2g} % between the images, as after rounding: "
        f"{spacing[0]:.5g} x {spacing[1]:.5g} mm, which most state, was taken for all."
    )
    return spacing, (note,)
