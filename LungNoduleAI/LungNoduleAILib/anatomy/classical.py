"""The anatomy segmenter that needs no weights: enclosed air, airways out, sides, filling, approximate lobes."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.anatomy.airways import find_airways
from LungNoduleAILib.anatomy.filling import fill_lungs
from LungNoduleAILib.anatomy.full_grid import labels_on_ct
from LungNoduleAILib.anatomy.lobes import label_lobes
from LungNoduleAILib.anatomy.lung_air import find_lung_air
from LungNoduleAILib.anatomy.protocol import ANATOMY_SEGMENTER
from LungNoduleAILib.anatomy.quality import assess_quality, is_no_chest
from LungNoduleAILib.anatomy.sides import middle_of_body, split_sides
from LungNoduleAILib.anatomy.work_image import make_work_image
from LungNoduleAILib.model.anatomy import Anatomy
from ThoraxAILib.engines.engine import SUITE_LICENCE, Engine
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress


class ClassicalSegmenter:
    """Lungs, approximate lobes and large airways by thresholds and morphology on about 1.8 mm."""

    name = "classical"
    fingerprint = "lungs-2"
    device = "cpu"

    def segment(self, volume: Volume, progress: Progress) -> Anatomy:
        """Anatomy on the grid of ``volume`` (HU, axes in LPS order); see AnatomySegmenter."""
        progress(0.0, "Finding the lungs")
        work = make_work_image(volume)
        air = find_lung_air(work)
        box = work.box_around(air.mask)
        part, part_air = work.part(box), np.ascontiguousarray(air.mask[box])
        progress(0.3, "Finding trachea and bronchi")
        airways = find_airways(part, part_air)
        progress(0.5, "Telling right from left")
        i_of_x_zero = float(volume.kji_from_ras(np.zeros(3))[2]) / work.factors_kji[2] - box[2].start
        middle, certain_middle = middle_of_body(part, airways, i_of_x_zero)
        sides = split_sides(part, part_air, airways, middle)
        filled = fill_lungs(part, sides.labels, airways)
        progress(0.7, "Placing the lobes")
        lobes = label_lobes(part, filled)
        quality = assess_quality(work, air, filled, sides.certain or certain_middle)
        if is_no_chest(quality):
            return Anatomy(np.zeros(volume.array.shape, np.uint8), quality)
        progress(0.85, "Drawing the lungs on the CT")
        labels = labels_on_ct(work, box, lobes, airways)
        progress(1.0, "Lungs found")
        return Anatomy(labels, quality, lobes_approximate=True)


ENGINE = Engine(
    ANATOMY_SEGMENTER,
    ClassicalSegmenter.name,
    "thresholds and morphology, lobes as planes; no download, CPU",
    SUITE_LICENCE,
    lambda device: ClassicalSegmenter(),
    version=ClassicalSegmenter.fingerprint,
)
