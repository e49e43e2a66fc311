"""The learned anatomy segmenter: a network trained on synthetic bodies says where, the CT says where the edge is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from LungNoduleAILib.anatomy.airways import find_airways
from LungNoduleAILib.anatomy.fissures.lobe_borders import follow_fissures, in_words
from LungNoduleAILib.anatomy.fissures.seen import seen_around
from LungNoduleAILib.anatomy.full_grid import labels_on_ct
from LungNoduleAILib.anatomy.learned.network_lungs import airway_seeds, find_network_lungs
from LungNoduleAILib.anatomy.learned.organs import organs_on_ct
from LungNoduleAILib.anatomy.learned.prediction import LUNG, WEIGHTS, predict
from LungNoduleAILib.anatomy.lung_air import find_lung_air
from LungNoduleAILib.anatomy.protocol import ANATOMY_SEGMENTER
from LungNoduleAILib.anatomy.quality import assess_quality, is_no_chest
from LungNoduleAILib.anatomy.work_image import make_work_image
from LungNoduleAILib.model.anatomy import Anatomy, LobeBorder
from ThoraxAILib.engines.engine import learned_engine, weights_fingerprint
from ThoraxAILib.errors import known
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import NetworkDevice

ORGAN_BLUR_MM = 2.5
LUNG_AIR_HU = -400.0
LOBES_HOW = "a network trained on synthetic bodies places them"


class LearnedSegmenter:
    """Lungs, lobes, airways and the organs around them by a 3 mm network, with the edges of the CT; needs PyTorch."""

    name = "learned"

    def __init__(self, device: str = "cpu", weights: Path = WEIGHTS, at_fissures: bool = True) -> None:
        """Raise InputError for a file without such weights, MissingDependencyError without PyTorch.

        Without ``at_fissures`` the lobes end where the network alone ends them, for comparison.
        """
        from ThoraxAILib.networks.weights_file import require_torch

        require_torch("Learned anatomy", "choose --anatomy classical")
        self._device, self._weights, self._at_fissures = NetworkDevice(device), weights, at_fissures
        self.fingerprint = weights_fingerprint(weights)

    @property
    def device(self) -> str:
        """Where the network ran."""
        return self._device.used

    def segment(self, volume: Volume, progress: Progress) -> Anatomy:
        """Anatomy on the grid of ``volume`` (HU, axes in LPS order); see AnatomySegmenter."""
        progress(0.0, "Finding the organs")
        work = make_work_image(volume)
        prediction = predict(work, self._weights, self._device, progress.part(0.0, 0.35))
        best = prediction.best_on_work(ORGAN_BLUR_MM)
        found = find_lung_air(work)
        enclosed, loose = found.mask, known(found.loose, "loose air")
        lung = (best == LUNG) & ~loose
        box = work.box_around(lung | enclosed)
        lung_air, seeds, enclosed, loose = (
            np.ascontiguousarray(mask[box])
            for mask in (lung & (work.hu < LUNG_AIR_HU), airway_seeds(work, prediction), enclosed, loose)
        )
        progress(0.4, "Finding trachea and bronchi")
        airways = find_airways(work.part(box), lung_air, seeds)
        progress(0.55, "Drawing the edge of the lungs")
        lungs = find_network_lungs(prediction, box, enclosed, loose, airways)
        quality = assess_quality(work, lungs.air, lungs.sides, sides_certain=True)
        if is_no_chest(quality):
            return Anatomy(np.zeros(volume.array.shape, np.uint8), quality)
        progress(0.7, "Looking for the fissures")
        lobes = lungs.lobes
        borders: tuple[LobeBorder, ...] = ()
        if self._at_fissures:
            lobes, borders = follow_fissures(seen_around(volume, work, box), lobes, work.spacing_kji_mm)
        progress(0.8, "Drawing the organs on the CT")
        labels = labels_on_ct(work, box, lobes, airways)
        structures = organs_on_ct(volume, work, best, labels)
        progress(1.0, "Lungs found")
        return Anatomy(labels, quality, True, structures, f"{LOBES_HOW}; {in_words(borders)}", borders=borders)


ENGINE = learned_engine(
    ANATOMY_SEGMENTER,
    LearnedSegmenter.name,
    "a network trained on synthetic bodies says where, the CT where the edge is; needs PyTorch",
    WEIGHTS,
    LearnedSegmenter,
)
