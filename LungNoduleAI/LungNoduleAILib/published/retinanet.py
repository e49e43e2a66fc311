"""MONAI's RetinaNet as the bundle ``lung_nodule_ct_detection`` builds it. PyTorch and MONAI at file scope.

Source of every number: Project-MONAI/model-zoo, models/lung_nodule_ct_detection/configs/inference.json (v0.6.8). The
bundle takes its feature extractor from torchvision, whose compiled operators often do not fit the PyTorch that is
there; here the same layers carry the same names without torchvision, so that published weights fit.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
from monai.apps.detection.networks.retinanet_network import RetinaNet
from monai.apps.detection.utils.anchor_utils import AnchorGeneratorWithAnchorShape
from monai.networks.blocks.feature_pyramid_network import FeaturePyramidNetwork, LastLevelMaxPool
from monai.networks.nets.resnet import ResNet, resnet50
from torch import Tensor, nn

from LungNoduleAILib.published.checkpoint import read_checkpoint
from LungNoduleAILib.published.lean_detector import LeanDetector

FEATURE_MAP_SCALES = (1, 2, 4)
BASE_ANCHOR_SHAPES = ((6, 8, 4), (8, 6, 5), (10, 10, 6))
SIZE_DIVISIBLE = (16, 16, 8)
LAYERS, CHANNELS, OUT_CHANNELS = ("layer1", "layer2"), (256, 512), 256
TOP_PER_LEVEL, OVERLAP_OF_BOXES, MOST_BOXES = 1000, 0.22, 300
BUNDLE_PATCH = (512, 512, 192)
TILE_OVERLAP = 0.25
BOX, LABEL = "box", "label"
SCORE = f"{LABEL}_scores"


class Body(nn.ModuleDict):
    """The layers of a ResNet up to the last one whose answer is wanted, under their own names."""

    def __init__(self, backbone: ResNet) -> None:
        names = [name for name, _ in backbone.named_children()]
        super().__init__({name: getattr(backbone, name) for name in names[: names.index(LAYERS[-1]) + 1]})

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Answers of the wanted layers, the finest first."""
        found = {}
        for name, layer in self.items():
            image = layer(image)
            if name in LAYERS:
                found[str(LAYERS.index(name))] = image
        return found


class FeatureExtractor(nn.Module):
    """ResNet and feature pyramid (https://arxiv.org/abs/1612.03144), with the names of MONAI's BackboneWithFPN."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Body(resnet50(spatial_dims=3, n_input_channels=1, conv1_t_stride=[2, 2, 1], conv1_t_size=[7, 7, 7]))
        self.fpn = FeaturePyramidNetwork(
            spatial_dims=3,
            in_channels_list=list(CHANNELS),
            out_channels=OUT_CHANNELS,
            extra_blocks=LastLevelMaxPool(3),
        )
        self.out_channels = OUT_CHANNELS

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Feature maps, the finest first."""
        maps: dict[str, Tensor] = self.fpn(self.body(image))
        return maps


def make_network() -> RetinaNet:
    """Return the network with random weights."""
    return RetinaNet(
        spatial_dims=3,
        num_classes=1,
        num_anchors=len(BASE_ANCHOR_SHAPES),
        feature_extractor=FeatureExtractor(),
        size_divisible=SIZE_DIVISIBLE,
    )


def load_network(weights: Path) -> RetinaNet:
    """Return the network with published weights; raises InputError for weights of another network."""
    network = make_network()
    read_checkpoint(weights, network)
    return network.eval()


def make_detector(
    network: RetinaNet, patch: tuple[int, int, int], least_score: float, on_tile: Callable[[], None]
) -> RetinaNetDetector:
    """Return the detector around a network; ``on_tile`` is called before each tile and may raise to stop."""
    anchors = AnchorGeneratorWithAnchorShape(
        feature_map_scales=FEATURE_MAP_SCALES, base_anchor_shapes=BASE_ANCHOR_SHAPES
    )
    detector = LeanDetector(network=network, anchor_generator=anchors, debug=False)
    detector.set_target_keys(box_key=BOX, label_key=LABEL)
    detector.set_box_selector_parameters(
        score_thresh=least_score,
        topk_candidates_per_level=TOP_PER_LEVEL,
        nms_thresh=OVERLAP_OF_BOXES,
        detections_per_img=MOST_BOXES,
    )
    detector.set_sliding_window_inferer(
        roi_size=patch, overlap=TILE_OVERLAP, sw_batch_size=1, mode="constant", device="cpu"
    )
    network.feature_extractor.register_forward_pre_hook(lambda *_: on_tile())
    detector.eval()
    return detector


def find_boxes(detector: RetinaNetDetector, image: Tensor, patch: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """Return boxes (n, 6) as lower and upper corner in voxels of ``image`` (1, i, j, k), and scores (n,).

    As in the bundle, an image smaller than a patch is taken whole, and boxes are cut at the border of the image.
    """
    from monai.apps.detection.transforms.array import ClipBoxToImage

    size = torch.tensor(patch).prod().item()
    with torch.no_grad():
        found = detector([image], use_inferer=image[0].numel() >= size)[0]
    boxes, scores = ClipBoxToImage(remove_empty=True)(found[BOX], found[SCORE], image.shape[1:])
    return cast(Tensor, boxes).cpu().float(), cast(Tensor, scores).cpu().float()
