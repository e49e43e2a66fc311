"""The confidence from which a finding is reported, and why it is that one."""

from __future__ import annotations

from LungNoduleAILib.detection.protocol import Detector
from LungNoduleAILib.guarantee.calibration import DetectorIdentity, read_calibration
from LungNoduleAILib.guarantee.operating_threshold import OperatingThreshold, check_detector, operating_threshold
from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.image.volume import Volume

OF_PERSON, OF_DETECTOR = "as asked for", "the detector's own operating point"


def choose_threshold(options: AnalysisOptions, detector: Detector, volume: Volume) -> OperatingThreshold:
    """Return the threshold asked for, else that of the calibration, else the detector's own.

    Raises InputError for a calibration that is damaged or was made for another detector.
    """
    if options.threshold is not None:
        return OperatingThreshold(options.threshold, OF_PERSON)
    if options.calibration is None:
        return OperatingThreshold(detector.operating_point, OF_DETECTOR)
    made = DetectorIdentity(detector.name, detector.fingerprint)
    return operating_threshold(read_calibration(options.calibration), made, volume)


def check_calibration(options: AnalysisOptions, name: str, fingerprint: str) -> None:
    """Raise InputError now, before any image is read, when the calibration of the options cannot be used."""
    if options.calibration is not None:
        check_detector(read_calibration(options.calibration), DetectorIdentity(name, fingerprint))
