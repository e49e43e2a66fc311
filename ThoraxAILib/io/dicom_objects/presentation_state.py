"""A grayscale presentation state (GSPS): outlines, axes and words over the images, for archives that show no SEG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ThoraxAILib import __version__
from ThoraxAILib.io.dicom_objects.segmentation import MANUFACTURER, MODEL
from ThoraxAILib.io.dicom_objects.uids import NewInstance

if TYPE_CHECKING:
    from highdicom.pr import GrayscaleSoftcopyPresentationState
    from pydicom.dataset import Dataset

LAYER = "FINDINGS"
LUNG_WINDOW = (-600.0, 1500.0)  # center and width in HU


@dataclass(frozen=True, eq=False)
class Drawing:
    """What is drawn over one image: lines (n, 2) of (column, row) in pixels from its outer corner, and words beside."""

    image: Dataset
    lines: tuple[np.ndarray, ...]
    words: str
    words_at: tuple[float, float]
    tracking: tuple[str, str]


def presentation_state(
    drawings: Sequence[Drawing], label: str, description: str, new: NewInstance
) -> GrayscaleSoftcopyPresentationState:
    """Return a presentation state in the lung window that refers to the image of every drawing."""
    import highdicom as hd
    from highdicom import pr

    layer = pr.GraphicLayer(LAYER, order=1, description="Findings of the software, research use only")
    images = list({str(drawing.image.SOPInstanceUID): drawing.image for drawing in drawings}.values())
    center, width = LUNG_WINDOW
    state = pr.GrayscaleSoftcopyPresentationState(
        referenced_images=images,
        series_instance_uid=new.series_uid,
        series_number=new.series_number,
        sop_instance_uid=new.instance_uid,
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL,
        software_versions=__version__,
        device_serial_number=__version__,
        content_label=label,
        content_description=description,
        graphic_layers=[layer],
        graphic_annotations=[_annotation(drawing, layer) for drawing in drawings],
        modality_lut_transformation=hd.ModalityLUTTransformation(
            rescale_intercept=float(images[0].RescaleIntercept),
            rescale_slope=float(images[0].RescaleSlope),
            rescale_type="HU",
        ),
        voi_lut_transformations=[pr.SoftcopyVOILUTTransformation(window_center=center, window_width=width)],
    )
    state.Laterality = ""  # Type 2C of the General Series module: a chest has two sides
    return state


def _annotation(drawing: Drawing, layer):
    from highdicom import pr

    name, uid = drawing.tracking
    objects = [
        pr.GraphicObject(graphic_type="POLYLINE", graphic_data=line, units="PIXEL", tracking_id=name, tracking_uid=uid)
        for line in drawing.lines
    ]
    words = pr.TextObject(
        text_value=drawing.words,
        units="PIXEL",
        anchor_point=drawing.words_at,
        anchor_point_visible=False,
        tracking_id=name,
        tracking_uid=uid,
    )
    return pr.GraphicAnnotation([drawing.image], layer, graphic_objects=objects, text_objects=[words])
