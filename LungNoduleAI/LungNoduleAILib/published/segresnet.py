"""MONAI's SegResNet as the bundle ``wholeBody_ct_segmentation`` builds, feeds and inverts it. MONAI at file scope."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.networks.nets.segresnet import SegResNet
from monai.transforms import NormalizeIntensity, Orientation, ScaleIntensity, Spacing
from monai.transforms.utils import convert_applied_interp_mode
from torch import Tensor

from LungNoduleAILib.published.checkpoint import read_checkpoint
from LungNoduleAILib.published.volume_tensor import AXES, as_meta_tensor
from ThoraxAILib.image.volume import Volume

CLASSES = 105  # 104 structures and the rest


class Prepared:
    """An image on its way through the network: the transforms that led there and lead back."""

    def __init__(self, volume: Volume, spacing_mm: tuple[float, float, float]) -> None:
        self._orientation = Orientation(axcodes="RAS", labels=AXES)
        self._spacing = Spacing(pixdim=spacing_mm, mode="bilinear")
        self.image = cast(MetaTensor, self._spacing(self._orientation(as_meta_tensor(volume))))

    def put_back(self, labels: Tensor) -> np.ndarray:
        """Return labels (i, j, k) of the prepared grid on the grid of the volume (uint8, k, j, i), nearest neighbor."""
        steps = convert_applied_interp_mode(self.image.applied_operations, mode="nearest", align_corners=None)
        there = MetaTensor(labels[None].float(), meta=self.image.meta, applied_operations=steps)
        back = cast(MetaTensor, self._orientation.inverse(cast(MetaTensor, self._spacing.inverse(there))))
        return np.ascontiguousarray(back.as_tensor()[0].round().to(torch.uint8).numpy().transpose(2, 1, 0))


def make_network() -> SegResNet:
    """Return the network with random weights."""
    return SegResNet(
        spatial_dims=3,
        in_channels=1,
        out_channels=CLASSES,
        init_filters=32,
        blocks_down=(1, 2, 2, 4),
        blocks_up=(1, 1, 1),
        dropout_prob=0.2,
    )


def load_network(weights: Path) -> SegResNet:
    """Return the network with published weights; raises InputError for weights of another network."""
    network = make_network()
    read_checkpoint(weights, network)
    return network.eval()


def prepare(volume: Volume, spacing_mm: tuple[float, float, float]) -> tuple[Prepared, Tensor]:
    """Return the way there and back, and the network's input (1, i, j, k): normalized, then between -1 and 1."""
    prepared = Prepared(volume, spacing_mm)
    image = NormalizeIntensity(nonzero=True)(prepared.image)
    scaled = cast(MetaTensor, ScaleIntensity(minv=-1.0, maxv=1.0)(image))
    return prepared, scaled.as_tensor().float()
