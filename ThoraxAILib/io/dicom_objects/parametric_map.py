"""A DICOM Parametric Map of a number at every voxel, such as what moved an answer; the writing is highdicom's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ThoraxAILib import __version__
from ThoraxAILib.image.lps import LPS_TO_RAS
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.dicom_objects.segmentation import MANUFACTURER, MODEL
from ThoraxAILib.io.dicom_objects.source_images import SourceImages
from ThoraxAILib.io.dicom_objects.uids import NewInstance

if TYPE_CHECKING:
    from highdicom.pm import ParametricMap

SALIENCY = ("130404", "DCM", "Saliency")  # CID 217, PS3.16
NO_UNIT = ("1", "UCUM", "no units")


def saliency_map(
    importance: Volume,
    sources: SourceImages,
    description: str,
    new: NewInstance,
) -> ParametricMap:
    """Return a map (float32) on its own grid that refers to the images it explains; values are log odds."""
    import highdicom as hd
    from pydicom.sr.coding import Code

    values = np.ascontiguousarray(importance.array, np.float32)
    affine = (LPS_TO_RAS @ importance.ijk_to_ras)[:, [2, 1, 0, 3]]  # of array indices k, j, i
    frame_of_reference = str(sources.first.FrameOfReferenceUID)
    placed = hd.Volume(values, affine, coordinate_system="PATIENT", frame_of_reference_uid=frame_of_reference)
    low, high = float(values.min()), float(values.max())
    mapping = hd.pm.RealWorldValueMapping(
        lut_label="LOG ODDS",
        lut_explanation="Change of the detector's log odds when the place is covered",
        unit=Code(*NO_UNIT),
        value_range=(low, high),
        slope=1.0,
        intercept=0.0,
        quantity_definition=Code(*SALIENCY),
    )
    made = hd.pm.ParametricMap(
        source_images=list(sources.images),
        pixel_array=placed,
        series_instance_uid=new.series_uid,
        series_number=new.series_number,
        sop_instance_uid=new.instance_uid,
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL,
        software_versions=__version__,
        device_serial_number="none",
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[
            hd.VOILUTTransformation(window_center=0.5 * (low + high), window_width=max(high - low, 1e-6))
        ],
        content_description=description,
        content_label="SALIENCY",
        series_description="ThoraxAI explanation",
    )
    made.Laterality = ""  # Type 2C of the General Series module: a chest has two sides
    return made
