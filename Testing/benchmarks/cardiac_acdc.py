"""Propagates labels ED to ES and ES to ED on real ACDC patients and scores them against the true labels.

Usage: python Testing/benchmarks/cardiac_acdc.py FOLDER [--engine NAME] [--preset NAME] [--patients N] [--threads N]
FOLDER holds patientNNN/ as ACDC lays them out. Prints Dice per part, folding, SDlogJ, J of the wall and seconds.
No network saw a patient, but the settings of the presets were chosen with a look at these patients (five of them while
searching, all fifteen for the last step) beside phantoms: on acdc_dev15 this is a development score, not a test.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CardiacBiomechLib.motion.engines import make_engine
from CardiacBiomechLib.motion.propagate import Propagation, propagate
from CardiacBiomechLib.motion.volumes import dice
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import read_volume

PARTS = {"LV": 3, "MYO": 2, "RV": 1}


@dataclass(frozen=True, eq=False)
class Patient:
    """End-diastole and end-systole of one patient with true labels."""

    name: str
    group: str
    images: tuple[Volume, Volume]
    labels: tuple[Volume, Volume]


def load_patient(folder: Path) -> Patient:
    """A patient folder with Info.cfg."""
    info = dict(line.strip().split(": ") for line in (folder / "Info.cfg").read_text().splitlines() if ": " in line)

    def read(phase: str, ending: str) -> Volume:
        name = f"{folder.name}_frame{int(info[phase]):02d}{ending}.nii.gz"
        return read_volume(folder / name, modalities=("MR",))

    return Patient(
        folder.name, info.get("Group", "?"), (read("ED", ""), read("ES", "")), (read("ED", "_gt"), read("ES", "_gt"))
    )


def scores(result: Propagation, truth: Volume) -> list[float]:
    """Dice of LV, MYO, RV."""
    return [dice(result.labels.array, truth.array, value) for value in PARTS.values()]


def one_way(
    patients: list[Patient], source: int, target: int, engine_name: str, preset: str, threads: int
) -> np.ndarray:
    """Rows of Dice LV, MYO, RV; folded %, SDlogJ, mean and SD of J in the wall, seconds."""
    rows = []
    for patient in patients:
        result = propagate(
            patient.images[source],
            patient.labels[source],
            patient.images[target],
            make_engine(engine_name, preset, threads=threads),
        )
        quality = result.quality
        row = [
            *scores(result, patient.labels[target]),
            quality.folded_percent,
            quality.sd_log_j,
            quality.tissue_j_mean,
            quality.tissue_j_sd,
            result.seconds,
        ]
        rows.append(row)
        print(f"{patient.name} {patient.group:5s} " + " ".join(f"{value:7.3f}" for value in row), flush=True)
    return np.array(rows)


def main() -> None:
    """Parse, run both directions, print the means with an interval over patients."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--engine", default="instance")
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--patients", type=int)
    parser.add_argument("--one-way", action="store_true", help="ED to ES only")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    patients = [load_patient(folder) for folder in sorted(arguments.folder.glob("patient*"))[: arguments.patients]]
    for name, source, target in (("ED -> ES", 0, 1), ("ES -> ED", 1, 0))[: 1 if arguments.one_way else 2]:
        print(f"{name}: Dice LV MYO RV | folded % SDlogJ wall J mean sd | seconds")
        rows = one_way(patients, source, target, arguments.engine, arguments.preset, arguments.threads)
        mean = rows.mean(0)
        print("mean          " + " ".join(f"{value:7.3f}" for value in mean))
        spread = rows[:, :3].mean(1)
        half = 1.96 * spread.std(ddof=1) / np.sqrt(len(spread))
        print(f"mean Dice {spread.mean():.4f} (n = {len(spread)} patients, 95 % interval +/- {half:.3f})")


if __name__ == "__main__":
    main()
