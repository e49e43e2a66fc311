"""Planted nodules: analytic ellipsoids with their truth, and their rendering with exact volume on any grid."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property

import numpy as np

from LungNoduleAILib.model.findings import NODULE_TYPES
from LungNoduleAILib.synthesis.nodules.shapes import NoduleShape
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.boxes import Box
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.spheres import ellipsoid_volume_mm3

PLACEMENTS = ("isolated", "juxtavascular", "juxtapleural")
TYPICAL_HU = {"solid": 30.0, "part-solid": -620.0, "ground-glass": -640.0, "calcified": 450.0}
CORE_HU = 20.0
_UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class PlantedNodule:
    """An ellipsoid in the lung; ``axes_ras`` rows are the unit RAS directions of its semi-axes.

    ``core_semi_axes_mm`` is the solid part of a part-solid nodule, concentric and of ``core_hu``.
    ``shape`` makes its outline lobulated, spiculated or irregular instead; the core stays an ellipsoid.
    """

    center_ras_mm: tuple[float, float, float]
    semi_axes_mm: tuple[float, float, float]
    type: str = "solid"
    hu: float = TYPICAL_HU["solid"]
    core_semi_axes_mm: tuple[float, float, float] | None = None
    core_hu: float = CORE_HU
    axes_ras: tuple[tuple[float, float, float], ...] = _UPRIGHT
    placement: str = "isolated"
    lobe: str | None = None
    side: str | None = None
    id: str = ""
    shape: NoduleShape | None = None

    def __post_init__(self) -> None:
        if self.type not in NODULE_TYPES:
            raise InputError(f"The nodule type '{self.type}' is not known: use one of {', '.join(NODULE_TYPES)}.")
        if min(self.semi_axes_mm) <= 0:
            raise InputError(f"A nodule needs positive semi-axes, found {self.semi_axes_mm}: give them in mm.")
        if not np.allclose(np.array(self.axes_ras) @ np.array(self.axes_ras).T, np.eye(3), atol=1e-6):
            raise InputError("The axes of a nodule must be orthonormal rows: give a rotation matrix.")

    @property
    def volume_mm3(self) -> float:
        """Volume of the whole nodule: 4/3 pi abc, times the factor of its shape."""
        return ellipsoid_volume_mm3(self.semi_axes_mm) * self._volume_factor

    @cached_property
    def _volume_factor(self) -> float:
        return 1.0 if self.shape is None else self.shape.volume_factor()

    @property
    def core_volume_mm3(self) -> float | None:
        """Volume of the solid core, if it has one."""
        return None if self.core_semi_axes_mm is None else ellipsoid_volume_mm3(self.core_semi_axes_mm)

    @property
    def diameter_mm(self) -> float:
        """Diameter of the sphere of the same volume."""
        return float(2 * np.prod(self.semi_axes_mm) ** (1 / 3)) * self._volume_factor ** (1 / 3)

    @property
    def mean_hu(self) -> float:
        """Mean HU over the whole nodule, core included."""
        share = 0.0 if self.core_volume_mm3 is None else self.core_volume_mm3 / self.volume_mm3
        return float(self.hu + share * (self.core_hu - self.hu))

    def axial_axes_mm(self) -> tuple[float, float]:
        """Long and short axis in mm of its largest axial section (through the centre)."""
        turn = np.array(self.axes_ras)
        if self.shape is not None:
            return self._outline_axes_mm(self.shape, turn)
        shape = turn.T @ np.diag(np.array(self.semi_axes_mm) ** -2.0) @ turn
        values = np.linalg.eigvalsh(shape[:2, :2])
        return float(2 / np.sqrt(values[0])), float(2 / np.sqrt(values[1]))

    def _outline_axes_mm(self, shape: NoduleShape, turn: np.ndarray) -> tuple[float, float]:
        """Largest extent of the axial outline through the centre, and the extent at right angles to it."""
        angle = np.arange(0, 2 * np.pi, np.pi / 180)
        around = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
        scaled = (around @ turn.T) / np.array(self.semi_axes_mm)
        length = np.linalg.norm(scaled, axis=1)
        outline = around[:, :2] * (shape.radius(scaled / length[:, None]) / length)[:, None]
        extent = np.ptp(outline @ around[:180, :2].T, axis=0)
        longest = int(extent.argmax())
        return float(extent[longest]), float(extent[(longest + 90) % 180])

    def to_dict(self) -> dict:
        """Truth as written to truth.json."""
        long_mm, short_mm = self.axial_axes_mm()
        derived = {
            "volume_mm3": self.volume_mm3,
            "diameter_mm": self.diameter_mm,
            "long_axis_mm": long_mm,
            "short_axis_mm": short_mm,
            "mean_diameter_mm": (long_mm + short_mm) / 2,
            "mean_hu": self.mean_hu,
            "core_volume_mm3": self.core_volume_mm3,
            "kind": "mass" if self.diameter_mm > 30 else "nodule",
        }
        rounded = {name: round(v, 3) if isinstance(v, float) else v for name, v in derived.items()}
        kept = asdict(self)
        kept["shape"] = "ellipsoid" if self.shape is None else self.shape.kind
        return {**kept, **rounded}


def paint_nodule(image: np.ndarray, grid: Grid, nodule: PlantedNodule) -> None:
    """Blend a nodule into a float HU image on ``grid``; vessels stay visible through ground glass."""
    box, share = ellipsoid_share(grid, nodule, nodule.semi_axes_mm)
    if share.size:
        goal = np.float32(nodule.hu)
        if nodule.hu < -300:
            goal = np.maximum(image[box], goal)
        image[box] += share * (goal - image[box])
    if nodule.core_semi_axes_mm is not None:
        box, share = ellipsoid_share(grid, nodule, nodule.core_semi_axes_mm)
        image[box] += share * (np.float32(nodule.core_hu) - image[box])


def ellipsoid_share(
    grid: Grid, nodule: PlantedNodule, semi_axes_mm: tuple[float, float, float]
) -> tuple[Box, np.ndarray]:
    """Share (0..1) of each voxel of a box that lies inside the ellipsoid, by supersampling at a 12th of its size."""
    frame_axes = np.array(nodule.axes_ras) @ grid.axes_ras
    semi = np.array(semi_axes_mm, dtype=float)
    center = grid.frame_mm(np.array(nodule.center_ras_mm))
    reach = np.sqrt(((frame_axes * semi[:, None]) ** 2).sum(axis=0)) + grid.spacing_kji_mm
    box = grid.box(center - reach, center + reach)
    fine_mm = float(np.clip(semi.min() / 12, 0.1, 0.6))
    parts = np.maximum(2, np.ceil(grid.spacing_kji_mm / fine_mm)).astype(int)
    axes = []
    for axis, (span, n, step) in enumerate(zip(box, parts, grid.spacing_kji_mm, strict=True)):
        inner = (np.arange(n) + 0.5) / n - 0.5
        axes.append(((np.arange(span.start, span.stop)[:, None] + inner) * step - center[axis]).reshape(-1))
    k, j, i = np.meshgrid(*(axis.astype(np.float32) for axis in axes), indexing="ij", sparse=True)
    squared = sum(
        ((k * d[0] + j * d[1] + i * d[2]) / np.float32(length)) ** 2
        for d, length in zip(frame_axes.astype(np.float32), semi, strict=True)
    )
    shape = [n for span, part in zip(box, parts, strict=True) for n in (span.stop - span.start, part)]
    return box, (squared <= 1).reshape(shape).mean(axis=(1, 3, 5), dtype=np.float32)


def numbered(nodules: tuple[PlantedNodule, ...]) -> tuple[PlantedNodule, ...]:
    """Return the same nodules with ids N1, N2, ... where they had none."""
    return tuple(n if n.id else replace(n, id=f"N{k}") for k, n in enumerate(nodules, start=1))
