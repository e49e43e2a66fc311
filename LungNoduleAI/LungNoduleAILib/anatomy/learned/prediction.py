"""What the anatomy network thinks of a CT: the chance of every structure on a coarse isotropic grid.

The network sees the work grid resampled to the voxel size it was trained at, the whole image at once where memory
allows, and its answers are brought back to the work grid by linear interpolation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy.ndimage as ndi
import SimpleITK as sitk

from LungNoduleAILib.anatomy.full_grid import Box
from LungNoduleAILib.anatomy.work_image import WorkImage
from LungNoduleAILib.model.anatomy import (
    AIRWAY,
    AORTA,
    BODY,
    BONE,
    HEART,
    LLL,
    LUL,
    LUNG_VESSEL,
    RLL,
    RML,
    RUL,
    SPINE,
    STRUCTURE_COUNT,
)
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import NetworkDevice
from ThoraxAILib.networks.file_cache import cached_by_file

if TYPE_CHECKING:
    from ThoraxAILib.networks.label_network import LabelNetwork

SCHEMA = "thoraxai.lung-anatomy/1"
MAKER = "thoraxai lung train anatomy"
WEIGHTS = Path(__file__).with_name("lung_anatomy.pt")
TILE, OVERLAP = 192, 48
OUTSIDE_HU = -1024.0
LUNG = RUL  # stands for the whole lung where lobes do not matter
GROUPS = {
    0: (0,),
    LUNG: (RUL, RML, RLL, LUL, LLL, LUNG_VESSEL),
    HEART: (HEART,),
    AORTA: (AORTA,),
    SPINE: (SPINE,),
    BONE: (BONE,),
    BODY: (BODY, AIRWAY),
}


@dataclass(frozen=True, eq=False)
class Prediction:
    """``chance`` float32 (classes, k, j, i) of voxels of ``spacing_mm``; its corner is that of the work grid."""

    chance: np.ndarray
    spacing_mm: float
    work: WorkImage

    def on_work(self, values: np.ndarray, sigma_mm: float = 0.0, box: Box | None = None) -> np.ndarray:
        """Values (k, j, i) of the network's grid on the work grid or a box of it, float32, linear.

        ``sigma_mm`` blurs them before.
        """
        if sigma_mm > 0:
            values = ndi.gaussian_filter(values, sigma_mm / self.spacing_mm)
        image = sitk.GetImageFromArray(np.ascontiguousarray(values, dtype=np.float32))
        image.SetSpacing([self.spacing_mm] * 3)
        image.SetOrigin([self.spacing_mm / 2] * 3)
        spans = [span.indices(n) for span, n in zip(box or (slice(None),) * 3, self.work.hu.shape, strict=True)]
        size = [stop - start for start, stop, _ in reversed(spans)]
        spacing = [float(s) for s in self.work.spacing_kji_mm[::-1]]
        origin = [(start + 0.5) * s for (start, _, _), s in zip(reversed(spans), spacing, strict=True)]
        padded = sitk.ZeroFluxNeumannPad(image, [2] * 3, [2] * 3)
        resampled = sitk.Resample(
            padded,
            size,
            sitk.Transform(),
            sitk.sitkLinear,
            origin,
            spacing,
            [1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0],
            0.0,
            sitk.sitkFloat32,
        )
        return sitk.GetArrayFromImage(resampled)

    def best_on_work(self, sigma_mm: float = 0.0) -> np.ndarray:
        """Return the most likely of GROUPS at every work voxel, uint8; the chances are blurred before when asked."""
        best = np.zeros(self.work.hu.shape, np.uint8)
        highest = np.full(self.work.hu.shape, -1.0, np.float32)
        for name, members in GROUPS.items():
            chance = self.on_work(self.chance[list(members)].sum(axis=0), sigma_mm)
            best[chance > highest] = name
            np.maximum(highest, chance, out=highest)
        return best


def predict(work: WorkImage, path: Path, device: str | NetworkDevice, progress: Progress) -> Prediction:
    """Run the network of a weights file over the work grid; raises InputError for a file of another kind."""
    from ThoraxAILib.networks.tiles import Tiles, run_tiled

    network = load_network(path, SCHEMA, MAKER, STRUCTURE_COUNT)
    spacing_mm = network.settings.spacing_mm
    seen = network_input(work, spacing_mm)
    tiles = Tiles((TILE,) * 3, OVERLAP, network.stride)
    logits = run_tiled(network, seen, tiles, device, progress=progress, text="Finding the organs")
    logits -= logits.max(axis=0)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=0)
    return Prediction(logits, spacing_mm, work)


@cached_by_file
def load_network(path: Path, schema: str, maker: str, classes: int) -> LabelNetwork:
    """Return the network of a weights file, kept for the next image; raises InputError for a file of another kind."""
    from ThoraxAILib.networks.label_network import LabelNetwork, LabelNetworkSettings
    from ThoraxAILib.networks.weights_file import load_weights

    weights = load_weights(path, schema, maker)
    settings = LabelNetworkSettings.from_dict(weights.settings)
    if settings.classes != classes:
        raise InputError(
            f"'{path.name}' knows {settings.classes} classes instead of {classes}: give a file that {maker} wrote."
        )
    network = LabelNetwork(settings)
    network.load_state_dict(weights.state)
    return network.eval()


def network_input(work: WorkImage, spacing_mm: float) -> np.ndarray:
    """Return what a network of this voxel size sees: HU with cubic voxels, corner to corner with the work grid."""
    image = sitk.GetImageFromArray(np.maximum(work.hu, OUTSIDE_HU))
    spacing = [float(s) for s in work.spacing_kji_mm[::-1]]
    image.SetSpacing(spacing)
    image.SetOrigin([s / 2 for s in spacing])
    size = [max(1, round(n * s / spacing_mm)) for n, s in zip(image.GetSize(), spacing, strict=True)]
    padded = sitk.ZeroFluxNeumannPad(image, [2] * 3, [2] * 3)
    seen = sitk.Resample(
        padded,
        size,
        sitk.Transform(),
        sitk.sitkLinear,
        [spacing_mm / 2] * 3,
        [spacing_mm] * 3,
        [1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0],
        OUTSIDE_HU,
        sitk.sitkFloat32,
    )
    return sitk.GetArrayFromImage(seen)
