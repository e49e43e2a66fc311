"""Whether a series is a CT of the chest, by what its images state and not by anybody's description of it."""

from __future__ import annotations

from pathlib import Path

from ThoraxAILib.store.listener.rules import Rules
from ThoraxAILib.untrusted.parse_errors import parse_errors

CT_CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
ENHANCED = CT_CLASSES[1:]
NAMED = ("SOPClassUID", "ImageType", "BodyPartExamined", "ImagePositionPatient", "NumberOfFrames")


def why_left_out(folder: Path, rules: Rules) -> str:
    """Return why a received series is not analyzed; empty when it is."""
    from pydicom import dcmread

    try:
        headers = [dcmread(path, stop_before_pixels=True, specific_tags=list(NAMED)) for path in folder.glob("*.dcm")]
        return _reason(headers, rules)
    except parse_errors() as error:
        return f"an image cannot be read ({type(error).__name__})"


def _reason(headers: list, rules: Rules) -> str:
    images = [header for header in headers if str(header.get("SOPClassUID", "")) in CT_CLASSES]
    if not images:
        return "no CT"
    images = [image for image in images if "LOCALIZER" not in [str(word) for word in image.get("ImageType") or ()]]
    if not images:
        return "localizers only"
    parts = {str(image.get("BodyPartExamined") or "").upper().replace(" ", "") for image in images} - {""}
    if parts and not parts & set(rules.body_parts):
        return "another part of the body"
    if str(images[0].SOPClassUID) in ENHANCED:
        slices = sum(int(image.get("NumberOfFrames") or 1) for image in images)
        return "" if slices >= rules.min_slices else "too few slices"
    positions = [[float(x) for x in image.ImagePositionPatient] for image in images if "ImagePositionPatient" in image]
    if len(positions) < rules.min_slices:
        return "too few slices"
    extent_mm = max(max(axis) - min(axis) for axis in zip(*positions, strict=True))
    return "" if extent_mm >= rules.min_extent_mm else "too short a part of the body"
