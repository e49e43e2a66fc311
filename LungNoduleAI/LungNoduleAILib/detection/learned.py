"""The learned nodule detector: networks trained on synthetic bodies alone, searched within the hull of the lungs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from LungNoduleAILib.anatomy.lung_box import lung_box
from LungNoduleAILib.detection.classical import suppress_duplicates
from LungNoduleAILib.detection.detector_file import SHIPPED, read_detector
from LungNoduleAILib.detection.protocol import DETECTOR
from LungNoduleAILib.detection.search_image import MARGIN_MM, SearchImage
from LungNoduleAILib.detection.two_levels import MASSES, NODULES, Calibration, Places, find_places
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.candidates import Candidate
from ThoraxAILib.engines.engine import FINGERPRINT_DIGITS, learned_engine, versioned
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import NetworkDevice

RULES_VERSION = 1  # raise when the marks change with the same weights, see Testing/lung/guarantee/test_same_marks.py
MIN_CONFIDENCE = 0.01
MASS_MM = 30.0
MIN_MM = 3.0


class LearnedDetector:
    """Two heat-map networks, one for nodules and one for masses; needs PyTorch."""

    name = "learned"

    def __init__(self, device: str = "cpu", weights: Path = SHIPPED) -> None:
        """Read the weights; raises InputError for a foreign file, MissingDependencyError without PyTorch."""
        self._networks, self._calibration, sha256 = read_detector(weights)
        self._device = NetworkDevice(device)
        self.operating_point = self._calibration.operating_point
        self.fingerprint = versioned(sha256[:FINGERPRINT_DIGITS], RULES_VERSION)

    @property
    def device(self) -> str:
        """Where the networks ran."""
        return self._device.used

    def detect(self, volume: Volume, anatomy: Anatomy, progress: Progress) -> list[Candidate]:
        """Candidates in ``volume`` (HU, LPS order), best first; see Detector."""
        from ThoraxAILib.networks.threads import torch_threads

        box = lung_box(anatomy.labels, volume.spacing_kji_mm, MARGIN_MM)
        if box is None:
            return []
        progress(0.0, "Preparing the image")
        image = SearchImage.around(volume, anatomy, box)
        with torch_threads(None):
            places = find_places(self._networks, image.hu, image.wanted, self._device, progress.part(0.1, 1.0))
        return as_candidates(places, self._calibration, image.grid.ras_from_kji(places.center_kji))


def as_candidates(places: Places, calibration: Calibration, centers_ras_mm: np.ndarray) -> list[Candidate]:
    """Candidates of calibrated confidence, best first; within a mass above the operating point nothing else is said."""
    confidence = np.where(
        places.of_masses, calibration.probability(MASSES, places.heat), calibration.probability(NODULES, places.heat)
    )
    found = []
    for n in np.flatnonzero(confidence >= MIN_CONFIDENCE):
        diameter = max(MIN_MM, float(places.diameter_mm[n]))
        found.append(
            Candidate(
                three(float(x) for x in centers_ras_mm[n]),
                diameter,
                float(confidence[n]),
                "ground-glass" if places.subsolid[n] > 0.5 else "solid",
                "mass" if diameter > MASS_MM else "nodule",
                {"heat": float(places.heat[n])},
            )
        )
    found.sort(key=lambda c: (c.kind != "mass" or c.confidence < calibration.operating_point, -c.confidence))
    return sorted(suppress_duplicates(found), key=lambda c: -c.confidence)


ENGINE = learned_engine(
    DETECTOR,
    LearnedDetector.name,
    "networks trained on synthetic bodies alone; no download, needs PyTorch",
    SHIPPED,
    LearnedDetector,
    rules_version=RULES_VERSION,
)
