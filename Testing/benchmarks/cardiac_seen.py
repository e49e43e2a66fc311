"""Ejection fraction at end-systole of labels that were carried, and of the same labels fitted to the blood seen there.

``python Testing/benchmarks/cardiac_seen.py ../shared/data/cardiac/acdc_dev15 [--preset study]``: reader's labels of
end-diastole carried to end-systole, scored against the reader's labels there; the patients guided the method.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from cardiac_acdc import load_patient

from CardiacBiomechLib.analysis.seen_labels import as_seen, reading_of
from CardiacBiomechLib.model.heart_labels import ACDC
from CardiacBiomechLib.motion.engines import make_engine
from CardiacBiomechLib.motion.propagate import propagate
from CardiacBiomechLib.motion.volumes import dice, volume_ml
from ThoraxAILib.image.volume import Volume

CAVITIES = {"LV": 3, "RV": 1}


def ejection_percent(diastole: Volume, systole: Volume, value: int) -> float:
    """Return EF by counting voxels; negative when the second frame is fuller."""
    full = volume_ml(diastole, value)
    return 100.0 * (full - volume_ml(systole, value)) / full


def main() -> None:
    """Print errors of EF per patient and their bias, SD and mean absolute value, and Dice, of both label images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--preset", default="study")
    asked = parser.parse_args()
    engine = make_engine("instance", asked.preset, threads=1)
    errors, overlaps = [], []
    for folder in sorted(asked.folder.glob("patient*")):
        patient = load_patient(folder)
        (image, other), (labels, truth) = patient.images, patient.labels
        carried = propagate(image, labels, other, engine).labels
        seen = as_seen(other, carried, ACDC, reading_of(image, labels, ACDC))
        true = {name: ejection_percent(labels, truth, value) for name, value in CAVITIES.items()}
        errors.append(
            [
                ejection_percent(labels, one, value) - true[name]
                for one in (carried, seen)
                for name, value in CAVITIES.items()
            ]
        )
        overlaps.append([dice(one.array, truth.array, value) for one in (carried, seen) for value in (3, 2, 1)])
        print(folder.name, "EF error", np.round(errors[-1], 1), "Dice", np.round(overlaps[-1], 3), flush=True)
    table, scores = np.array(errors), np.array(overlaps)
    for column, name in enumerate(("LV carried", "RV carried", "LV seen", "RV seen")):
        own = table[:, column]
        half = 1.96 * own.std(ddof=1) / np.sqrt(len(own))
        print(
            f"{name}: bias {own.mean():+.1f} +/- {half:.1f}, SD {own.std(ddof=1):.1f}, "
            f"mean absolute {np.abs(own).mean():.1f} points, n {len(own)}"
        )
    print("Dice LV MYO RV, carried:", scores[:, :3].mean(0).round(3), "seen:", scores[:, 3:].mean(0).round(3))


if __name__ == "__main__":
    main()
