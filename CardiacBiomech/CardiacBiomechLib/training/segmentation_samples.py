"""What the segmentation network learns from: synthetic slices, and slices of people with the left cavity labeled.

A sample is a function of (seed, step, place in the batch) alone. Slices of people come from a folder with ``Images``
and ``Labels`` (PNG, the cavity of the left ventricle white), such as those of the Sunnybrook Cardiac Data (CC0).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.ndimage import map_coordinates

from CardiacBiomechLib.model.heart_classes import LV
from CardiacBiomechLib.segmentation.intensities import normalized
from CardiacBiomechLib.synthesis.short_axis.appearance import PIXEL_MM, SLICES, draw_sample
from CardiacBiomechLib.synthesis.short_axis.scene import Scene, load_or_make
from ThoraxAILib.errors import InputError

SIZE = 96
REAL_PIXEL_MM = 1.37  # Sunnybrook's spacing as published; the PNG files do not tell it


@dataclass(frozen=True, eq=False)
class SliceSample:
    """``image`` (slices, j, i) float32 0..1; ``labels`` (j, i) uint8; ``only_lv``: nothing else is labeled."""

    image: np.ndarray
    labels: np.ndarray
    only_lv: bool = False


@dataclass(frozen=True)
class SliceSamples:
    """Draws samples; ``scenes`` synthetic scenes are made in ``cache`` as they are needed."""

    seed: int
    scenes: int
    cache: Path
    real: Path | None = None
    held_out: tuple[str, ...] = ()
    valves: str = "spread"

    def synthetic(self, step: int, place: int) -> SliceSample:
        """Return a slice of a synthetic heart."""
        random = np.random.default_rng((self.seed, step, place))
        scene = self._scene(self.seed + int(random.integers(self.scenes)))
        drawn = draw_sample(scene, random, SIZE)
        image = normalized(drawn.image) ** np.float32(np.exp(random.normal(0.0, 0.2)))
        lone = random.uniform()
        if lone < 0.08:  # a lone slice
            image = np.repeat(image[SLICES // 2][None], SLICES, axis=0)
        elif lone < 0.2:  # the last slice of a stack stands in for the one beyond
            image[-1 if lone < 0.14 else 0] = image[SLICES // 2]
        return SliceSample(image, drawn.labels)

    def person(self, step: int, place: int) -> SliceSample:
        """Return a slice of a person; only its left cavity is labeled."""
        random = np.random.default_rng((self.seed, step, place, 1))
        image, label = self._people[int(random.integers(len(self._people)))]
        angle, scale = random.normal(0.0, 0.35), float(np.exp(random.normal(0.0, 0.12))) * REAL_PIXEL_MM / PIXEL_MM
        middle = np.argwhere(label).mean(axis=0) + random.normal(0.0, 14.0, 2)
        j, i = np.meshgrid(*[np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2] * 2, indexing="ij")
        rows = (np.cos(angle) * j - np.sin(angle) * i) / scale + middle[0]
        columns = (np.sin(angle) * j + np.cos(angle) * i) / scale + middle[1]
        seen = map_coordinates(image, [rows, columns], order=1)
        known = map_coordinates(label.astype(np.float32), [rows, columns], order=1) > 0.5
        seen = normalized(
            seen + np.float32(random.uniform(0, 4)) * random.standard_normal(seen.shape, dtype=np.float32)
        )
        seen = seen ** np.float32(np.exp(random.normal(0.0, 0.25)))
        return SliceSample(np.repeat(seen[None], SLICES, axis=0), known.astype(np.uint8) * LV, only_lv=True)

    def _scene(self, seed: int) -> Scene:
        kept = self._kept
        if seed not in kept:
            kept[seed] = load_or_make(seed, self.cache, self.valves)
        return kept[seed]

    @cached_property
    def _kept(self) -> dict[int, Scene]:
        return {}

    @cached_property
    def _people(self) -> list[tuple[np.ndarray, np.ndarray]]:
        return read_labeled_slices(self.real, self.held_out) if self.real is not None else []


def read_labeled_slices(
    folder: Path, without: tuple[str, ...] = (), only: tuple[str, ...] = ()
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (image float32, label bool) of every labeled slice whose name begins with none of ``without``.

    With ``only``, names must begin with one of these. Raises InputError when the folder holds none.
    """
    from PIL import Image

    found = []
    for path in sorted((folder / "Images").glob("*.png")):
        if path.name.startswith(without or ("\0",)) or (only and not path.name.startswith(only)):
            continue
        label = np.asarray(Image.open(folder / "Labels" / path.name).convert("L")) > 127
        if label.any():
            found.append((np.asarray(Image.open(path).convert("L")).astype(np.float32), label))
    if not found:
        raise InputError(f"'{folder.name}' holds no labeled slices: give a folder with Images/*.png and Labels/*.png.")
    return found
