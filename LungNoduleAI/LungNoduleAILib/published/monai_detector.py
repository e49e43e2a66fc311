"""The detector of the report's pipeline: MONAI's RetinaNet with published weights, before and after as its bundle.

Source: Project-MONAI/model-zoo, models/lung_nodule_ct_detection/configs/inference.json (v0.6.8), with
``whether_raw_luna16`` true: CT in HU of any spacing.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from LungNoduleAILib.detection.protocol import DETECTOR
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.published.memory import within_memory
from ThoraxAILib.engines.engine import FINGERPRINT_DIGITS, INSTALL_TORCH, Engine
from ThoraxAILib.errors import MissingDependencyError
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import NetworkDevice
from ThoraxAILib.networks.published.catalog import find_published
from ThoraxAILib.networks.published.files import file_of, missing_words

NAME = "monai-retinanet"
MODEL = find_published("lung_nodule_ct_detection")
INSTALL = 'pip install "thoraxai[monai]"'
SPACING_MM = (0.703125, 0.703125, 1.25)
LOW_HU, HIGH_HU = -1024.0, 300.0
LEAST_SCORE = 0.02  # of the bundle
OPERATING_POINT = 0.5  # the "naive" threshold of the report's study; a calibration gives a better one
TRAINING_PATCH = (192, 192, 80)  # tiles of this size need little memory; the bundle's own want a large GPU
MASS_MM = 30.0


class MonaiRetinaNet:
    """MONAI's RetinaNet behind the protocol of detectors.

    ``patch`` is the size of a tile in voxels of 0.703 x 0.703 x 1.25 mm: (512, 512, 192) as in the bundle, or that of
    its training, which needs a tenth of the memory. ``weights`` is a file of the bundle.
    """

    name = NAME
    operating_point = OPERATING_POINT

    def __init__(
        self,
        device: str = "cpu",
        weights: Path | None = None,
        patch: tuple[int, int, int] = TRAINING_PATCH,
        least_score: float = LEAST_SCORE,
    ) -> None:
        """Read the weights; raises InputError for a foreign file, MissingDependencyError without PyTorch or MONAI."""
        lacks = missing_packages()
        if lacks:
            raise MissingDependencyError(f"The detector {NAME} cannot run here, because {lacks}.")
        from LungNoduleAILib.published.retinanet import load_network
        from ThoraxAILib.networks.weights_file import sha256

        path = weights or file_of(MODEL)
        self._network = load_network(path)
        self._device, self._patch, self._least_score = NetworkDevice(device), patch, least_score
        self.fingerprint = sha256(path)[:FINGERPRINT_DIGITS]

    @property
    def device(self) -> str:
        """Where the network ran."""
        return self._device.used

    def detect(self, volume: Volume, anatomy: Anatomy, progress: Progress) -> list[Candidate]:
        """Candidates in ``volume`` (HU), best first; see Detector. The anatomy is not used: the bundle knows none."""
        boxes, scores, affine = self.boxes(volume, progress)
        return as_candidates(boxes, scores, affine)

    def boxes(self, volume: Volume, progress: Progress) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return boxes (n, 6) in voxels of the network's grid, scores (n,) and the grid's matrix to RAS mm."""
        from LungNoduleAILib.published.volume_tensor import as_meta_tensor, towards_ras, with_spacing
        from ThoraxAILib.networks.threads import torch_threads

        progress(0.0, "Preparing the image")
        image = with_spacing(towards_ras(as_meta_tensor(volume)), SPACING_MM)
        affine = np.asarray(image.affine, float)
        scaled = image.as_tensor().sub_(LOW_HU).div_(HIGH_HU - LOW_HU).clamp_(0.0, 1.0)  # in place: it is large
        with torch_threads(None):
            boxes, scores = self._find(scaled, progress.part(0.05, 1.0))
        return boxes, scores, affine

    def _find(self, image: object, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
        """Find boxes on the device given, and on the CPU where its memory does not suffice."""
        given = "cuda" if self._device.given == "cuda" else "cpu"
        return within_memory(lambda device: self._find_on(device, image, progress), given, self._patch)

    def _find_on(self, device: str, image: object, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
        from LungNoduleAILib.published.retinanet import find_boxes, make_detector

        tiles = _Tiles(image, self._patch, progress)
        network = self._network.to(device)
        detector = make_detector(network, self._patch, self._least_score, tiles.next)
        try:
            boxes, scores = find_boxes(detector, image.to(device), self._patch)  # type: ignore[attr-defined]
        finally:
            network.feature_extractor._forward_pre_hooks.clear()
        self._device.ran_on(device)
        return boxes.numpy(), scores.numpy()


class _Tiles:
    """Counts tiles, tells the progress, and stops between them."""

    def __init__(self, image: object, patch: tuple[int, int, int], progress: Progress) -> None:
        from LungNoduleAILib.published.retinanet import TILE_OVERLAP

        shape = image.shape[1:]  # type: ignore[attr-defined]
        steps = [max(1, int(size * (1 - TILE_OVERLAP))) for size in patch]
        counts = [max(1, -(-max(n - size, 0) // step) + 1) for n, size, step in zip(shape, patch, steps, strict=True)]
        self._total, self._done, self._progress = int(np.prod(counts)), 0, progress

    def next(self) -> None:
        """Say that another tile begins; raises Cancelled when the person asked to stop."""
        self._progress(min(self._done / self._total, 1.0), f"Tile {self._done + 1} of about {self._total}")
        self._done += 1


def as_candidates(boxes: np.ndarray, scores: np.ndarray, affine: np.ndarray) -> list[Candidate]:
    """Candidates from boxes in voxels: the center in RAS mm, the mean side as diameter, the score as confidence."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    found = []
    for box, score in zip(boxes.astype(float), scores, strict=True):
        center = affine[:3, :3] @ (0.5 * (box[:3] + box[3:])) + affine[:3, 3]
        sides = (box[3:] - box[:3]) * spacing
        diameter = float(sides.mean())
        features = {"width_mm": float(sides[0]), "height_mm": float(sides[1]), "depth_mm": float(sides[2])}
        kind = "mass" if diameter > MASS_MM else "nodule"
        found.append(Candidate(three(float(x) for x in center), diameter, float(score), "solid", kind, features))
    return sorted(found, key=lambda candidate: -candidate.confidence)


def missing_packages() -> str:
    """Say which Python package is missing; empty when none is."""
    if importlib.util.find_spec("torch") is None:
        return f"PyTorch is not installed ({INSTALL_TORCH})"
    return "" if importlib.util.find_spec("monai") is not None else f"MONAI is not installed ({INSTALL})"


def _fingerprint() -> str:
    from ThoraxAILib.engines.engine import weights_fingerprint

    return weights_fingerprint(file_of(MODEL))


ENGINE = Engine(
    DETECTOR,
    NAME,
    f"{MODEL.title} with the published weights ({MODEL.trained_on}); thoraxai models get {MODEL.name}",
    MODEL.licence,
    MonaiRetinaNet,
    version=_fingerprint,
    missing=lambda: missing_packages() or missing_words(MODEL),
    uses_device=True,
)
