"""MONAI's RetinaNet detector with the same answers in a smaller memory. PyTorch and MONAI at file scope.

For a whole CT MONAI keeps the boxes of every anchor several times over (60 million of them at 512 x 512 x 300). Here a
map is freed as soon as it is copied, and boxes are decoded only where the score lets them stay.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
from torch import Tensor


class LeanDetector(RetinaNetDetector):
    """For one class of objects in three dimensions, in inference only."""

    def _reshape_maps(self, result_maps: list[Tensor]) -> Tensor:
        """Return maps (1, channels x anchors, i, j, k) as one tensor (1, all anchors, channels); they are emptied."""
        anchors = self.num_anchors_per_loc
        channels = result_maps[0].shape[1] // anchors
        counts = [one[0, 0].numel() * anchors for one in result_maps]
        whole = result_maps[0].new_empty((1, sum(counts), channels))
        first = 0
        for number, count in enumerate(counts):
            one = result_maps[number]
            there = whole[0, first : first + count].view(*one.shape[2:], anchors, channels)
            there.copy_(one[0].view(anchors, channels, *one.shape[2:]).permute(2, 3, 4, 0, 1))
            result_maps[number] = one.new_empty(0)
            first += count
        return whole

    def postprocess_detections(
        self,
        head_outputs_reshape: dict[str, Tensor],
        anchors: list[Tensor],
        image_sizes: list[list[int]],
        num_anchor_locs_per_level: Sequence[int],
        need_sigmoid: bool = True,
    ) -> list[dict[str, Tensor]]:
        """Return what MONAI's own does, of the boxes that its selector keeps in each level."""
        counts = [number * self.num_anchors_per_loc for number in num_anchor_locs_per_level]
        boxes, scores, first = [], [], 0
        for count in counts:
            level = slice(first, first + count)
            logits = head_outputs_reshape[self.cls_key][0, level]
            kept, _scores, _labels = self.box_selector.select_top_score_idx_per_level(logits)
            regression = head_outputs_reshape[self.box_reg_key][0, level][kept]
            decoded = self.box_coder.decode_single(regression.to(torch.float32), anchors[0][level][kept])
            boxes.append(decoded.to(logits.dtype))
            scores.append(logits[kept])
            first += count
        found = self.box_selector.select_boxes_per_image(boxes, scores, image_sizes[0])
        return [dict(zip((self.target_box_key, self.pred_score_key, self.target_label_key), found, strict=True))]
