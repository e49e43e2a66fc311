"""A phantom as files: ct.nrrd, labels.nrrd, truth.json (schema ``thoraxai.phantom/1``) and truth.csv.

Drawn cases add structures.nrrd and patterns.nrrd.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

import SimpleITK as sitk

from LungNoduleAILib.model.anatomy import AIRWAY, LOBE_OF_LABEL
from LungNoduleAILib.synthesis.model.synthetic_ct import SyntheticCT
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from ThoraxAILib.errors import OutputError
from ThoraxAILib.image.itk_geometry import placed_image
from ThoraxAILib.io.kept_identity import to_header
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter

SCHEMA = "thoraxai.phantom/1"
CT_FILE, LABELS_FILE, TRUTH_FILE, TABLE_FILE = "ct.nrrd", "labels.nrrd", "truth.json", "truth.csv"
STRUCTURES_FILE, PATTERNS_FILE = "structures.nrrd", "patterns.nrrd"
PHANTOM_FILES = (CT_FILE, LABELS_FILE, STRUCTURES_FILE, PATTERNS_FILE, TABLE_FILE, TRUTH_FILE)


def write_phantom(phantom: SyntheticCT, directory: Path) -> None:
    """Write image, labels and truth into an existing or new folder; raises OutputError when it cannot be written."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / TRUTH_FILE).write_text(json.dumps(truth(phantom), indent=2) + "\n", encoding="utf-8")
        with (directory / TABLE_FILE).open("w", newline="", encoding="utf-8") as file:
            _write_table(phantom.nodules, file)
        arrays = {
            CT_FILE: phantom.volume.array,
            LABELS_FILE: phantom.labels,
            STRUCTURES_FILE: phantom.structures,
            PATTERNS_FILE: phantom.patterns,
        }
        for name, array in arrays.items():
            if array is None:
                continue
            image = placed_image(sitk.GetImageFromArray(array), phantom.volume)
            if name == CT_FILE:
                for key, text in to_header(phantom.volume.identity).items():
                    image.SetMetaData(key, text)
            sitk.WriteImage(image, str(directory / name), useCompression=True)
    except (OSError, RuntimeError) as error:
        raise OutputError(
            f"The phantom cannot be written to '{directory.name}': choose a folder that can be written "
            f"and has room ({type(error).__name__})."
        ) from error


def truth(phantom: SyntheticCT) -> dict:
    """Return what was planted, in RAS mm, mm3, HU and mL."""
    names = {str(label): name for label, name in LOBE_OF_LABEL.items()} | {str(AIRWAY): "airways"}
    return {
        "schema": SCHEMA,
        "seed": phantom.seed,
        "noise_hu": phantom.noise_hu,
        "spacing_ijk_mm": [round(float(mm), 6) for mm in phantom.volume.spacing_ijk_mm],
        "labels": names,
        "lungs": {"left_ml": round(phantom.left_lung_ml, 1), "right_ml": round(phantom.right_lung_ml, 1)},
        "nodules": [nodule.to_dict() for nodule in phantom.nodules],
    }


def _write_table(nodules: tuple[PlantedNodule, ...], file: TextIO) -> None:
    """One row per nodule."""
    writer = SafeWriter(file)
    writer.writerow(
        [
            "id",
            "r_mm",
            "a_mm",
            "s_mm",
            "diameter_mm",
            "long_axis_mm",
            "short_axis_mm",
            "volume_mm3",
            "type",
            "mean_hu",
            "core_volume_mm3",
            "placement",
            "lobe",
            "side",
        ]
    )
    for nodule in nodules:
        long_mm, short_mm = nodule.axial_axes_mm()
        core = "" if nodule.core_volume_mm3 is None else f"{nodule.core_volume_mm3:.1f}"
        writer.writerow(
            [
                nodule.id,
                *(f"{x:.2f}" for x in nodule.center_ras_mm),
                f"{nodule.diameter_mm:.2f}",
                f"{long_mm:.2f}",
                f"{short_mm:.2f}",
                f"{nodule.volume_mm3:.1f}",
                nodule.type,
                f"{nodule.mean_hu:.0f}",
                core,
                nodule.placement,
                nodule.lobe,
                nodule.side,
            ]
        )
