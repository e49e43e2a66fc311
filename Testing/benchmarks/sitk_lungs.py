"""Yardstick: lungs of a chest CT with SimpleITK filters only, as a short script would do it.

``python sitk_lungs.py DICOM_FOLDER`` prints seconds, peak memory in MB and lung volume in mL as JSON.
"""

from __future__ import annotations

import json
import sys

import SimpleITK as sitk

from ThoraxAILib.jobs.stages import Stages

AIR_HU = (-2000.0, -400.0)
LUNGS = 2
CLOSING_MM = 10.0
MIN_VOXELS = 1000


def read(folder: str) -> sitk.Image:
    """The series in ``folder``."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))
    return reader.Execute()


def segment_lungs(image: sitk.Image) -> sitk.Image:
    """Threshold, drop air that touches the in-plane border, keep the largest parts, close and fill; full resolution."""
    air = sitk.ConnectedComponent(sitk.BinaryThreshold(image, *AIR_HU))
    parts = sitk.RelabelComponent(air, MIN_VOXELS, sortByObjectSize=True)
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.Execute(parts)
    inner = [label for label in shapes.GetLabels() if not touches_border(shapes.GetBoundingBox(label), image)]
    lungs = sitk.ChangeLabel(parts, {label: 0 for label in shapes.GetLabels() if label not in inner[:LUNGS]}) > 0
    radius = [max(1, round(CLOSING_MM / mm / 2)) for mm in image.GetSpacing()]
    return sitk.BinaryFillhole(sitk.BinaryMorphologicalClosing(lungs, radius, sitk.sitkBall))


def touches_border(box: tuple[int, ...], image: sitk.Image) -> bool:
    """Whether a bounding box (start x, y, z, size x, y, z) reaches the border of the slices."""
    return any(box[axis] == 0 or box[axis] + box[axis + 3] == image.GetSize()[axis] for axis in (0, 1))


def main(folder: str) -> int:
    """Measure and print."""
    stages = Stages()
    with stages.stage("read"):
        image = read(folder)
    with stages.stage("lungs"):
        lungs = segment_lungs(image)
    voxel_ml = image.GetSpacing()[0] * image.GetSpacing()[1] * image.GetSpacing()[2] / 1000
    volume_ml = float(sitk.GetArrayViewFromImage(lungs).sum(dtype="int64")) * voxel_ml
    print(json.dumps({"stages": stages.entries, "peak_mb": stages.peak_mb, "volume_ml": volume_ml}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
