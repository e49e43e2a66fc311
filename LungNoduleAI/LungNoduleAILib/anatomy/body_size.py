"""Lungs of small bodies: what is a small amount of air in an adult is a pair of lungs in a child.

Every size that the segmenters know is an adult's. Where they find no chest in a body that is much smaller, they are
asked again about the same voxels as if the body had an adult's size, and that is said.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from LungNoduleAILib.anatomy.protocol import AnatomySegmenter
from LungNoduleAILib.anatomy.quality import is_no_chest
from LungNoduleAILib.anatomy.work_image import make_work_image
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.findings import QualityNote
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

# Set, not measured on people: the root of the area of a chest section is 230 to 270 mm in the adult CTs at hand.
ADULT_MM = 255.0
SMALL_MM = 200.0  # from which a chest without adult lungs is looked at again
TISSUE_HU = -300.0
GRID_MM = 4.0
# verdicts that compare mL and cm2 with those of adults
IN_ADULT_SIZES = ("volume_out_of_range", "one_lung_missing", "cut_by_field_of_view", "thick_slices")


def segment_any_size(segmenter: AnatomySegmenter, volume: Volume, progress: Progress) -> Anatomy:
    """Anatomy of a chest of any size, as the segmenter gives it for adults; ``volume`` in HU, axes in LPS order."""
    anatomy = segmenter.segment(volume, progress.part(0.0, 0.6))
    size_mm = body_size_mm(volume) if is_no_chest(anatomy.quality) else SMALL_MM
    if size_mm >= SMALL_MM or size_mm == 0:
        return anatomy
    scale = np.diag([ADULT_MM / size_mm] * 3 + [1.0])
    grown = segmenter.segment(replace(volume, ijk_to_ras=scale @ volume.ijk_to_ras), progress.part(0.6, 1.0))
    if is_no_chest(grown.quality):
        return anatomy
    small = QualityNote(
        "small_body",
        f"The body measures only about {size_mm:.0f} mm across, as a child's: lungs were looked for relative to it; "
        "volumes lie below the ranges of adults, and nothing here was measured on children.",
    )
    kept = tuple(note for note in grown.quality if note.code not in (*IN_ADULT_SIZES, "ok"))
    return replace(grown, quality=(small, *kept))


def body_size_mm(volume: Volume) -> float:
    """Root of the largest area of tissue and what it encloses among axial slices, mm; 0 without tissue."""
    import cc3d
    import scipy.ndimage as ndi

    work = make_work_image(volume, GRID_MM)
    areas = [0]
    for plane in work.hu:
        labels = cc3d.connected_components(ndi.binary_opening(plane > TISSUE_HU), connectivity=4)
        voxels = np.bincount(labels.ravel())
        voxels[0] = 0
        if voxels.max(initial=0):
            areas.append(int(ndi.binary_fill_holes(labels == voxels.argmax()).sum()))
    pixel_mm2 = float(work.spacing_kji_mm[1] * work.spacing_kji_mm[2])
    return float(np.sqrt(np.median(sorted(areas)[len(areas) // 2 :]) * pixel_mm2))
