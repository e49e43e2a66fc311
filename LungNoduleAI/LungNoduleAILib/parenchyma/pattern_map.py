"""Which pattern each part of the lungs shows, by a small network trained on synthetic bodies, and how much of a lobe.

The network sees the CT at about 2 mm, inside the lungs of any anatomy segmenter; its chances are smoothed over a few
millimetres, because a pattern is a property of a region, not of a voxel.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.anatomy.learned.prediction import load_network, network_input
from LungNoduleAILib.anatomy.work_image import make_work_image
from LungNoduleAILib.model.anatomy import LOBE_OF_LABEL, Anatomy
from ThoraxAILib.engines.engine import learned_engine, weights_fingerprint
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.image.boxes import mask_box, whole_voxels
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import NetworkDevice

SCHEMA = "thoraxai.lung-patterns/1"
MAKER = "thoraxai lung train patterns"
PATTERN_MAPPER = "pattern mapper"
WEIGHTS = Path(__file__).with_name("lung_patterns.pt")
PATTERNS = ("normal", "ground glass", "reticular")  # those the network tells apart
CLASSES = (*PATTERNS, "solid")
NORMAL, GROUND_GLASS, RETICULAR, SOLID = 1, 2, 3, 4
SOLID_HU, SOLID_RIM_HU = -150.0, -400.0
SOLID_RADIUS_MM, SOLID_RIM_MM = 4.0, 4.0  # thicker than vessels; blur at its border
LOW_ATTENUATION_HU = -950  # emphysema on inspiratory CT (Gevenois et al., AJRCCM 152:653, 1995)
WORK_MM = 1.2
MARGIN_MM = 12.0
TILE, OVERLAP = 128, 32
SMOOTH_MM = 3.0


@dataclass(frozen=True, eq=False)
class PatternMap:
    """``labels`` uint8 on the grid of the CT: 0 not lung, 1 normal, 2 ground glass, 3 reticular, 4 solid.

    ``shares`` maps each lobe present, and "lungs", to its volume in mL, the percentage of each of CLASSES and
    of voxels below -950 HU (``laa950_percent``: emphysema; noise raises it).
    """

    labels: np.ndarray
    shares: dict[str, dict[str, float]]


class LearnedPatterns:
    """The pattern network on one device; needs PyTorch. ``fingerprint`` changes with its weights."""

    name = "learned"

    def __init__(self, device: str = "cpu", weights: Path = WEIGHTS) -> None:
        self._device, self._weights = NetworkDevice(device), weights
        self.fingerprint = weights_fingerprint(weights)

    @property
    def device(self) -> str:
        """Where the network ran."""
        return self._device.used

    def map(self, volume: Volume, anatomy: Anatomy, progress: Progress) -> PatternMap:
        """Return the patterns of the lungs; see ``map_patterns``."""
        return map_patterns(volume, anatomy, progress, self._device, self._weights)


def map_patterns(
    volume: Volume, anatomy: Anatomy, progress: Progress, device: str | NetworkDevice = "cpu", weights: Path = WEIGHTS
) -> PatternMap:
    """Return the patterns of the lungs of ``anatomy`` in ``volume`` (HU, axes in LPS order).

    Raises InputError for an image without lungs or weights of another kind.
    """
    from ThoraxAILib.networks.tiles import Tiles, run_tiled

    lungs = anatomy.lungs
    if not lungs.any():
        raise InputError("No lungs were found, so there are no patterns to map: choose a CT of the chest.")
    network = load_network(weights, SCHEMA, MAKER, len(PATTERNS))
    spacing_mm = network.settings.spacing_mm
    box = known(mask_box(lungs, whole_voxels(MARGIN_MM, volume.spacing_kji_mm)), "the box of the lungs")
    part = Grid.of(volume).part(box).volume(np.ascontiguousarray(volume.array[box]), volume.modality)
    seen = network_input(make_work_image(part, WORK_MM), spacing_mm)
    index = [
        _nearest(n, s, m, spacing_mm)
        for n, s, m in zip(part.array.shape, volume.spacing_kji_mm, seen.shape, strict=True)
    ]
    wanted = _sampled(lungs[box], seen.shape, volume.spacing_kji_mm, spacing_mm)
    logits = run_tiled(
        network,
        seen,
        Tiles((TILE,) * 3, OVERLAP, network.stride),
        device,
        wanted=wanted,
        progress=progress,
        text="Mapping patterns",
    )
    best = _smoothed_best(logits, wanted, SMOOTH_MM / spacing_mm)
    best[solid_tissue(seen, wanted, spacing_mm)] = SOLID - 1
    labels = np.zeros(volume.array.shape, np.uint8)
    within = labels[box]
    within[...] = best[np.ix_(*index)] + 1
    within[~lungs[box]] = 0
    return PatternMap(labels, _shares(labels, anatomy, volume))


def _smoothed_best(logits: np.ndarray, inside: np.ndarray, sigma: float) -> np.ndarray:
    """Likeliest class after smoothing the chances within the lungs (normalized convolution)."""
    chance = np.exp(logits - logits.max(axis=0))
    chance *= inside / chance.sum(axis=0)
    return np.argmax([ndi.gaussian_filter(part, sigma) for part in chance], axis=0).astype(np.uint8)


def solid_tissue(hu: np.ndarray, inside: np.ndarray, spacing_mm: float) -> np.ndarray:
    """Return where lung (``inside``, bool) is solid, on cubic voxels: masses and consolidation, but no vessel.

    The network knows none of them and calls them ground glass or reticular.
    """
    import edt

    spacing = (spacing_mm,) * 3
    quiet = ndi.gaussian_filter(hu, 1.0 / spacing_mm * 2.0)
    core = edt.edt(inside & (quiet > SOLID_HU), anisotropy=spacing) > SOLID_RADIUS_MM
    if not core.any():
        return core
    gap = edt.edt(~core, anisotropy=spacing)
    within = (gap <= SOLID_RADIUS_MM + 1.0) & (quiet > SOLID_HU)
    return inside & (within | ((gap <= SOLID_RADIUS_MM + SOLID_RIM_MM) & (quiet > SOLID_RIM_HU)))


def _nearest(count: int, step_mm: float, seen: int, seen_mm: float) -> np.ndarray:
    """For each voxel of the CT along one axis, the voxel of the network's grid it lies in."""
    return np.clip(((np.arange(count) + 0.5) * step_mm / seen_mm).astype(int), 0, seen - 1)


def _sampled(mask: np.ndarray, shape: tuple[int, ...], spacing_kji_mm: np.ndarray, seen_mm: float) -> np.ndarray:
    """Return a mask of the CT at the voxel centres of the network's grid."""
    at = [
        np.clip(((np.arange(n) + 0.5) * seen_mm / step).astype(int), 0, full - 1)
        for n, step, full in zip(shape, spacing_kji_mm, mask.shape, strict=True)
    ]
    return mask[np.ix_(*at)]


def _shares(labels: np.ndarray, anatomy: Anatomy, volume: Volume) -> dict[str, dict[str, float]]:
    """Volume and percentages of every lobe present and of both lungs."""
    counts, low = np.zeros((7, 8)), np.zeros(7)
    for hu, lobes, patterns in zip(
        volume.array, anatomy.labels, labels, strict=True
    ):  # by plane: the sum is cast to int64
        counts += np.bincount((lobes * np.uint8(8) + patterns).ravel(), minlength=56)[:56].reshape(7, 8)
        low += np.bincount(lobes[(hu < LOW_ATTENUATION_HU) & (patterns > 0)], minlength=7)[:7]
    counts = counts[:, 1 : 1 + len(CLASSES)]
    rows = {name: (counts[label], low[label]) for label, name in LOBE_OF_LABEL.items()}
    rows["lungs"] = counts[1:6].sum(axis=0), low[1:6].sum()
    voxel_ml = volume.voxel_mm3 / 1000.0
    return {
        name: {
            "volume_ml": round(float(row.sum() * voxel_ml), 1),
            **{
                f"{pattern.replace(' ', '_')}_percent": round(float(100 * n / row.sum()), 2)
                for pattern, n in zip(CLASSES, row, strict=True)
            },
            "laa950_percent": round(float(100 * dark / row.sum()), 2),
        }
        for name, (row, dark) in rows.items()
        if row.sum() > 0
    }


ENGINE = learned_engine(
    PATTERN_MAPPER,
    LearnedPatterns.name,
    "normal, ground-glass and reticular lung by a network trained on synthetic bodies; needs PyTorch",
    WEIGHTS,
    LearnedPatterns,
)
