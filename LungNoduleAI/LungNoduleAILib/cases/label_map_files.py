"""An analysis as one label map of one layer, for programs that read no segmentations, and the table of its values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from LungNoduleAILib.model.anatomy import AIRWAY, LOBE_OF_LABEL, RUL
from LungNoduleAILib.model.files import LABEL_TABLE_FILE
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter

FIRST_FINDING = 101
TABLE_HEAD = ("value", "name", "voxels", "volume_ml")


def write_label_map(folder: Path, result: AnalysisResult, name: str) -> None:
    """Write ``name`` (.nrrd or .nii.gz) on the grid of the CT, with its affine, and labels.csv.

    Values are 1 to 5 for the lobes, 6 for trachea and main bronchi and from 101 on the findings in their order; where
    they overlap, the finding stands, and of two findings the first. Where sides are withheld, 1 is both lungs.
    """
    from ThoraxAILib.io.transform_files import write_labels

    labels = one_layer(result)
    write_labels(result.volume.with_array(labels), folder / name)
    counts = np.sum([np.bincount(plane.ravel(), minlength=int(labels.max()) + 1) for plane in labels], axis=0)
    with (folder / LABEL_TABLE_FILE).open("w", encoding="utf-8", newline="") as file:
        table = SafeWriter(file)
        table.writerow(TABLE_HEAD)
        for value, words in _names(result):
            voxels = int(counts[value]) if value < len(counts) else 0
            table.writerow((value, words, voxels, round(voxels * result.volume.voxel_mm3 / 1000.0, 3)))


def one_layer(result: AnalysisResult) -> np.ndarray:
    """Return the labels of all that was found in one array (k, j, i), uint8, or uint16 for more than 155 findings."""
    findings = result.findings.findings
    labels = result.labels.astype(np.uint8 if FIRST_FINDING + len(findings) <= 256 else np.uint16)
    for number, finding in reversed(list(enumerate(findings))):
        if finding.mask is not None:
            labels[finding.mask.slices][finding.mask.array > 0] = FIRST_FINDING + number
    return labels


def _names(result: AnalysisResult) -> Iterator[tuple[int, str]]:
    if result.findings.lungs.sides_withheld:
        yield RUL, "lungs"
    else:
        yield from LOBE_OF_LABEL.items()
    yield AIRWAY, "trachea and main bronchi"
    for number, finding in enumerate(result.findings.findings):
        yield FIRST_FINDING + number, finding.id
