"""Where disease lies in one body: parts of a lung by gravity, by distance to the hilum, around a place (bool, k, j, i).

Everything is decided on a coarse grid and brought back by interpolation: borders of disease are not sharp.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LungNoduleAILib.model.anatomy import LEFT_LUNG_LABELS, RIGHT_LUNG_LABELS
from LungNoduleAILib.synthesis.model.body import Body

COARSE_MM = 2.5
HUG_MM, HUG_WEIGHT_MM = 8.0, 26.0  # how far from the pleura, and how strongly, fluid and air climb along it
ROUGH_MM = 5.0


class LungParts:
    """Draws regions of one body's lungs; ``rng`` decides how ragged they are."""

    def __init__(self, body: Body, rng: np.random.Generator) -> None:
        spacing = body.grid.spacing_kji_mm
        self._body, self._rng = body, rng
        self._step = np.maximum(1, np.rint(COARSE_MM / spacing)).astype(int)
        self.labels = np.ascontiguousarray(body.labels[tuple(slice(None, None, int(s)) for s in self._step)])
        self.spacing_kji_mm = spacing * self._step
        self.voxel_ml = float(np.prod(self.spacing_kji_mm)) / 1000.0
        noise = rng.standard_normal(self.labels.shape).astype(np.float32)
        noise = ndimage.gaussian_filter(noise, 14.0 / self.spacing_kji_mm)
        self._noise = noise / max(float(noise.std()), 1e-6)

    def side(self, name: str) -> np.ndarray:
        """Return the right or left lung on the coarse grid."""
        return np.isin(self.labels, RIGHT_LUNG_LABELS if name == "right" else LEFT_LUNG_LABELS)

    def dependent(self, side: str, volume_ml: float) -> np.ndarray:
        """Return where free fluid of ``volume_ml`` lies in a person on the back: behind, below, along the pleura."""
        k, j, _ = self._open_axes()
        return self._highest(self.side(side), j - self._rng.uniform(0.2, 0.6) * k, volume_ml)

    def raised(self, side: str, volume_ml: float) -> np.ndarray:
        """Return where free air of ``volume_ml`` lies in a person on the back: in front, above, along the pleura."""
        k, j, _ = self._open_axes()
        return self._highest(self.side(side), self._rng.uniform(0.1, 0.5) * k - j, volume_ml)

    def near_hilum(self, lobe: int, share: float) -> np.ndarray:
        """Return the ``share`` of a lobe that lies nearest to its hilum: what a collapsed lobe shrinks to."""
        within = self.labels == lobe
        lung = self.side("right" if lobe in RIGHT_LUNG_LABELS else "left")
        k, j, i = self._open_axes()
        center = np.argwhere(lung).mean(axis=0) * self.spacing_kji_mm
        medial = self._medial_i(lung)
        gap = np.sqrt((k - center[0]) ** 2 + (j - center[1]) ** 2 + (i - medial) ** 2) + ROUGH_MM * self._noise
        limit = np.quantile(gap[within], share)
        return within & (gap <= limit)

    def around(self, lobe: int, radius_mm: float) -> np.ndarray:
        """Return the part of a lobe within about ``radius_mm`` of a random place in it."""
        within = self.labels == lobe
        places = np.argwhere(within)
        middle = places[int(self._rng.integers(len(places)))] * self.spacing_kji_mm
        k, j, i = self._open_axes()
        gap = np.sqrt((k - middle[0]) ** 2 + (j - middle[1]) ** 2 + (i - middle[2]) ** 2)
        return within & (gap * (1 + 0.15 * self._noise) <= radius_mm)

    def beside(self, region: np.ndarray, side: str, depth_mm: float) -> np.ndarray:
        """Return the lung of a side within ``depth_mm`` of a region, the region left out."""
        import edt

        spacing = tuple(float(s) for s in self.spacing_kji_mm)
        return self.side(side) & ~region & (edt.edt(~region, anisotropy=spacing) <= depth_mm)

    def soft(self, region: np.ndarray, blur_mm: float = 1.5) -> np.ndarray:
        """Return how much of each voxel of the body a coarse region fills, 0 to 1, float32."""
        share = ndimage.gaussian_filter(region.astype(np.float32), blur_mm / self.spacing_kji_mm)
        axes = [
            np.clip(np.arange(n) / s, 0, m - 1)
            for n, s, m in zip(self._body.clean_hu.shape, self._step, region.shape, strict=True)
        ]
        low = [np.floor(axis).astype(int) for axis in axes]
        for axis, (place, base) in enumerate(zip(axes, low, strict=True)):
            upper = np.minimum(base + 1, share.shape[axis] - 1)
            weight = (place - base).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
            share = share.take(base, axis) * (1 - weight) + share.take(upper, axis) * weight
        return share

    def _highest(self, lung: np.ndarray, score: np.ndarray, volume_ml: float) -> np.ndarray:
        """Return the part of a lung of the highest score, near the pleura and ragged by noise, that has a volume."""
        import edt

        spacing = tuple(float(s) for s in self.spacing_kji_mm)
        depth = edt.edt(lung, anisotropy=spacing)
        score = score + HUG_WEIGHT_MM * np.exp(-depth / HUG_MM) + 0.5 * ROUGH_MM * self._noise
        share = min(volume_ml / max(float(lung.sum()) * self.voxel_ml, 1e-6), 1.0)
        return lung & (score >= np.quantile(score[lung], 1 - share))

    def _open_axes(self) -> list[np.ndarray]:
        """Positions in mm along k, j and i that broadcast over the coarse grid."""
        return [
            (np.arange(n) * s).reshape([-1 if a == axis else 1 for a in range(3)])
            for axis, (n, s) in enumerate(zip(self.labels.shape, self.spacing_kji_mm, strict=True))
        ]

    def _medial_i(self, lung: np.ndarray) -> float:
        """Position in mm along i of the inner side of a lung."""
        columns = np.flatnonzero(lung.any(axis=(0, 1)))
        other = np.flatnonzero((self.labels > 0).any(axis=(0, 1)))
        inner = columns[-1] if columns.mean() < other.mean() else columns[0]
        return float(inner * self.spacing_kji_mm[2])
