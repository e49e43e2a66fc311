"""The deformation that turns the schematic chest into one person's: every shape is evaluated in schematic space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.synthesis.body.habitus import Habitus
from LungNoduleAILib.synthesis.geometry.lattice import Lattice
from LungNoduleAILib.synthesis.geometry.shape import smooth_noise
from LungNoduleAILib.synthesis.geometry.tubes import Tubes
from ThoraxAILib.image.tuples import three

_WOBBLE_MM = 3.0


@dataclass(frozen=True, eq=False)
class Warp:
    """Patient to schematic positions, both RAS mm; ``wobble`` (3 fields on ``lattice``, mm) is the irregular part."""

    habitus: Habitus
    lattice: Lattice
    wobble: tuple[np.ndarray, np.ndarray, np.ndarray]

    @staticmethod
    def drawn(habitus: Habitus, lattice: Lattice, rng: np.random.Generator) -> Warp:
        """Return the warp of one person."""
        return Warp(habitus, lattice, three(_WOBBLE_MM * smooth_noise(rng, lattice.shape_xyz, 8) for _ in range(3)))

    def on_lattice(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Schematic R, A, S of the lattice's nodes, float32 (x, y, z)."""
        regular = self._regular(*self.lattice.open_axes())
        return tuple(
            (np.float32(0) + part + wobble).astype(np.float32)
            for part, wobble in zip(regular, self.wobble, strict=True)
        )

    def schematic(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Schematic position (n, 3) of patient points (n, 3)."""
        points = np.asarray(points_ras_mm, dtype=float)
        regular = self._regular(points[:, 0], points[:, 1], points[:, 2])
        return np.stack(
            [part + self.lattice.sample(wobble, points) for part, wobble in zip(regular, self.wobble, strict=True)],
            axis=1,
        )

    def patient(self, schematic_mm: np.ndarray) -> np.ndarray:
        """Patient position (n, 3) of schematic points (n, 3), by fixed-point iteration."""
        goal = np.asarray(schematic_mm, dtype=float)
        scale = np.array([self.habitus.width, self.habitus.depth, self.habitus.height])
        points = goal * scale
        for _ in range(14):
            points = points + 0.9 * scale * (goal - self.schematic(points))
        return points

    def tubes(self, tubes: Tubes) -> Tubes:
        """Tubes of the schematic chest in the patient."""
        count = len(tubes.radius_mm)
        ends = self.patient(np.concatenate([tubes.start_ras_mm, tubes.end_ras_mm]))
        return Tubes(ends[:count], ends[count:], tubes.radius_mm)

    def midline_r(self, s_mm: np.ndarray) -> np.ndarray:
        """Where the middle between the lungs lies, R in mm, at levels S."""
        s = np.asarray(s_mm) / self.habitus.height
        return self.habitus.scoliosis_mm * np.sin((s + 40) / 75)

    def _regular(self, r: np.ndarray, a: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scaling, kyphosis, scoliosis and the difference between the sides."""
        build = self.habitus
        s_out = s / build.height
        bent = ((s_out - 15) / 95) ** 2
        bow = build.kyphosis_mm * (bent / (1 + 0.35 * bent) - 0.6)
        across = (r - self.midline_r(s)) / build.width
        return across * (1 + build.asymmetry * np.tanh(across / 30)), (a - bow) / build.depth, s_out
