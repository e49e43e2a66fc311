"""SeriesSummary: what a person needs to see to choose a series, and the stated rule that chooses when nobody does.

No patient attribute is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.io.kernels import kernel_rank

SAME_EXTENT = 0.8  # of the longest: a shorter series is not preferred for thinner slices


@dataclass(frozen=True)
class SeriesSummary:
    """One volume that could be read: a DICOM series, a part of one that holds several volumes, or an image file.

    ``part`` counts the volumes of a series from 1; ``plane`` is axial, coronal, sagittal, oblique or empty.
    ``spacing_ijk_mm`` is the grid read_volume would return, None when there is none, and ``grid_slices`` its number of
    slices, filled ones included. ``reason`` says why a series is
    not ``usable``, as the end of a sentence.
    """

    series_uid: str
    study_uid: str
    modality: str
    files: tuple[Path, ...]
    slice_count: int
    rows: int
    columns: int
    spacing_ijk_mm: tuple[float, float, float] | None = None
    kernel: str = ""
    slice_thickness_mm: float | None = None
    series_number: int | None = None
    plane: str = ""
    original: bool = True
    part: int = 1
    usable: bool = True
    reason: str = ""
    grid_slices: int = 0

    @property
    def choice(self) -> str:
        """What to pass as ``series_uid`` to read exactly this volume: the UID, with ``#2`` for a second part."""
        return self.series_uid if self.part == 1 else f"{self.series_uid}#{self.part}"

    @property
    def slice_spacing_mm(self) -> float:
        """Distance between slices along their normal in mm; 0 when there is no grid."""
        return 0.0 if self.spacing_ijk_mm is None else self.spacing_ijk_mm[2]

    @property
    def extent_mm(self) -> float:
        """Length covered along the slices' normal in mm."""
        return (self.grid_slices or self.slice_count) * self.slice_spacing_mm

    @property
    def label(self) -> str:
        """One line for lists and notes, without UIDs."""
        number = "series without number" if self.series_number is None else f"series {self.series_number}"
        part = f" part {self.part}" if self.part > 1 else ""
        kernel = f", kernel {self.kernel.split(chr(92))[0]}" if self.kernel else ""
        every = f" every {self.spacing_ijk_mm[2]:.4g} mm" if self.spacing_ijk_mm else ""
        noun = "slice" if self.spacing_ijk_mm else "image"
        images = f"{self.slice_count} {noun}{'s' * (self.slice_count != 1)}{every}"
        return (
            f"{number}{part} ({self.modality or 'unknown modality'}, {self.plane + ', ' if self.plane else ''}"
            f"{images}{kernel})"
        )


@dataclass(frozen=True)
class _Criterion:
    """Smaller ``key`` wins; ``reason`` completes "chosen because ..."."""

    reason: str
    key: Callable[[SeriesSummary, float], float]


# In this order: the first criterion on which two series differ decides.
_RULE = (
    _Criterion("it is axial", lambda series, longest: series.plane != "axial"),
    _Criterion("it is original, not derived", lambda series, longest: not series.original),
    _Criterion("it covers more of the body", lambda series, longest: series.extent_mm < SAME_EXTENT * longest),
    _Criterion("its slices are closer", lambda series, longest: round(series.slice_spacing_mm, 1)),
    _Criterion("its kernel is softer", lambda series, longest: kernel_rank(series.kernel)),
    _Criterion("it has more slices", lambda series, longest: -series.slice_count),
    _Criterion("its series number is lower", lambda series, longest: series.series_number or 0),
    _Criterion("it comes first", lambda series, longest: series.part),
)


def in_order_of_preference(summaries: Sequence[SeriesSummary]) -> list[SeriesSummary]:
    """Return the usable series, the one to read first; ties are broken by UID so that the order never depends on the
    disk.
    """
    usable = [series for series in summaries if series.usable]
    longest = max((series.extent_mm for series in usable), default=0.0)
    return sorted(usable, key=lambda series: (*(c.key(series, longest) for c in _RULE), series.choice))


def reason_of_choice(chosen: SeriesSummary, runner_up: SeriesSummary) -> str:
    """Why ``chosen`` stands before ``runner_up`` in the order of preference."""
    longest = max(chosen.extent_mm, runner_up.extent_mm)
    for criterion in _RULE:
        if criterion.key(chosen, longest) < criterion.key(runner_up, longest):
            return criterion.reason
    return "it comes first by UID"
