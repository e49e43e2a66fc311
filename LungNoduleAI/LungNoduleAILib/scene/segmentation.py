"""Lungs, lobes, airways and nodules as one segmentation node with DICOM terminology.

Layers, because they overlap: the two lungs, the lobes with the airways, the nodules, and, where the segmenter knows
them, the organs around the lungs (there but switched off).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from LungNoduleAILib.model.anatomy import AIRWAY, LEFT_LUNG_LABELS, LLL, LUL, RIGHT_LUNG_LABELS, RLL, RML, RUL
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.scene.organs import named_layer, organ_layer
from ThoraxAILib.scene.labels.layers import Layer, Segment
from ThoraxAILib.scene.labels.terminology import ANATOMICAL_STRUCTURE, LEFT, MORPHOLOGICALLY_ALTERED, RIGHT, Code, Term
from ThoraxAILib.scene.segments import segmentation_from_layers

LUNG = Code("39607008", "Lung")
UPPER_LOBE = Code("45653009", "Upper lobe of lung")
MIDDLE_LOBE = Code("72481006", "Middle lobe of right lung")
LOWER_LOBE = Code("90572001", "Lower lobe of lung")
TRACHEA_AND_BRONCHUS = Code("110726009", "Trachea and bronchus")
NODULE = Code("27925004", "Nodule")
MASS = Code("4147007", "Mass")

FINDING_TAG = "LungNoduleAI.finding"
LOBES = {
    "RUL": (RUL, "Right upper lobe", UPPER_LOBE, RIGHT, (0.85, 0.45, 0.45)),
    "RML": (RML, "Right middle lobe", MIDDLE_LOBE, Code(), (0.90, 0.75, 0.40)),
    "RLL": (RLL, "Right lower lobe", LOWER_LOBE, RIGHT, (0.65, 0.50, 0.80)),
    "LUL": (LUL, "Left upper lobe", UPPER_LOBE, LEFT, (0.45, 0.65, 0.90)),
    "LLL": (LLL, "Left lower lobe", LOWER_LOBE, LEFT, (0.45, 0.78, 0.60)),
}
COLOR_OF_TYPE = {
    "solid": (1.0, 0.55, 0.1),
    "part-solid": (0.95, 0.35, 0.75),
    "ground-glass": (0.3, 0.85, 0.95),
    "calcified": (0.95, 0.95, 0.95),
}
MAX_LABEL = 255


def segmentation_node(volume_node, result: AnalysisResult):
    """Return new segmentation node beside ``volume_node``: lungs, lobes, airways, findings with a mask, and organs."""
    node = segmentation_from_layers("Lung nodules segmentation", volume_node, segmentation_layers(result))
    for finding in result.findings.findings:  # in their order, whatever layers they went to
        if node.GetSegmentation().GetSegment(finding.id):
            node.GetSegmentation().SetSegmentIndex(finding.id, node.GetSegmentation().GetNumberOfSegments() - 1)
    return node


def segmentation_layers(result: AnalysisResult) -> list[Layer]:
    """Return the label arrays of the segmentation, on the grid of the result."""
    withheld = result.findings.lungs.sides_withheld
    layers = [
        _both_lungs_layer(result.labels) if withheld else _lung_layer(result.labels),
        _lobe_layer(result.labels, result.lobes_approximate, withheld),
        *_finding_layers(result),
    ]
    if result.named is not None:
        return [*layers, named_layer(result.named)]
    return layers if result.structures is None else [*layers, organ_layer(result.structures)]


def _lung_layer(labels: np.ndarray) -> Layer:
    value_of = np.zeros(MAX_LABEL + 1, np.uint8)
    value_of[list(RIGHT_LUNG_LABELS)] = 1
    value_of[list(LEFT_LUNG_LABELS)] = 2
    lung = partial(Segment, color=(0.77, 0.65, 0.57), fill_opacity=0.0, opacity_3d=0.0)
    return Layer(
        np.frombuffer(labels.tobytes().translate(value_of.tobytes()), np.uint8).reshape(labels.shape),
        {
            1: lung("RightLung", "Right lung", Term(ANATOMICAL_STRUCTURE, LUNG, RIGHT)),
            2: lung("LeftLung", "Left lung", Term(ANATOMICAL_STRUCTURE, LUNG, LEFT)),
        },
    )


def _both_lungs_layer(labels: np.ndarray) -> Layer:
    """Both lungs as one segment, where the image contradicts its orientation and sides are withheld."""
    lungs = np.isin(labels, (*RIGHT_LUNG_LABELS, *LEFT_LUNG_LABELS)).astype(np.uint8)
    term = Term(ANATOMICAL_STRUCTURE, LUNG)
    return Layer(lungs, {1: Segment("Lungs", "Lungs", term, (0.77, 0.65, 0.57), fill_opacity=0.0, opacity_3d=0.0)})


def _lobe_layer(labels: np.ndarray, approximate: bool, withheld: bool = False) -> Layer:
    suffix = " (approximate)" if approximate else ""
    segments = {
        label: Segment(
            code,
            name + suffix,
            Term(ANATOMICAL_STRUCTURE, lobe, side),
            color,
            fill_opacity=0.12,
            outline_opacity=0.35,
            opacity_3d=0.25,
        )
        for code, (label, name, lobe, side, color) in LOBES.items()
        if not withheld
    }
    segments[AIRWAY] = Segment(
        "Airway",
        "Trachea and main bronchi",
        Term(ANATOMICAL_STRUCTURE, TRACHEA_AND_BRONCHUS),
        (0.71, 0.89, 1.0),
        fill_opacity=0.2,
        opacity_3d=0.6,
    )
    return Layer(np.where(labels == AIRWAY, AIRWAY, 0).astype(np.uint8) if withheld else labels, segments)


def _finding_layers(result: AnalysisResult) -> list[Layer]:
    """As few label arrays as hold every mask whole: masks that touch the same voxel go to different ones."""
    layers: list[Layer] = []
    for finding in result.findings.findings:
        if finding.mask is None or not finding.mask.array.any():
            continue
        where, mask = finding.mask.slices, finding.mask.array > 0
        free = (layer for layer in layers if len(layer.segments) < MAX_LABEL and not layer.labels[where][mask].any())
        layer = next(free, None)
        if layer is None:
            layer = Layer(np.zeros(result.labels.shape, np.uint8), {})
            layers.append(layer)
        value = len(layer.segments) + 1
        layer.labels[where][mask] = value
        layer.segments[value] = finding_segment(finding)
    return layers


def finding_segment(finding: Finding) -> Segment:
    """Return identity and looks of the segment of a finding."""
    kind = MASS if finding.kind == "mass" else NODULE
    if finding.lobe in LOBES:
        _, _, region, side, _ = LOBES[finding.lobe]
    else:
        region, side = LUNG, {"right": RIGHT, "left": LEFT}.get(finding.side or "", Code())
    return Segment(
        finding.id,
        finding.id,
        Term(MORPHOLOGICALLY_ALTERED, kind, Code(), region, side),
        COLOR_OF_TYPE.get(finding.type, COLOR_OF_TYPE["solid"]),
        fill_opacity=0.4,
        tags={FINDING_TAG: finding.id},
    )
