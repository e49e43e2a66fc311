"""Flipped headers: is a chest that lies otherwise than its header says told by its anatomy, and no other chest?

``python Testing/benchmarks/lung_orientation.py --data ../shared/data --output orientation.json`` prints a table: every
chest as it is and in six flips (each axis alone and each pair of axes), with what was told of each. ``--diseased KEEP``
counts the synthetic chests of ``diseased_chests.py`` in a folder, all as their header says, that are told to lie
otherwise.
"""

from __future__ import annotations

import argparse
import json
import pickle
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from diseased_chests import Chest

from LungNoduleAILib.anatomy.orientation import judge_orientation, orientation_cues
from LungNoduleAILib.synthesis.test_phantom.small_chest import make_small_chest
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import read_volume

REAL = {
    "C3N-00247": "ct/C3N-00247",
    "elastix baseline (right lung)": "ct/lung-pair-elastix/3DCT_lung_baseline.mha",
    "elastix follow-up (right lung)": "ct/lung-pair-elastix/3DCT_lung_followup.mha",
    "cip-ct64": "ct/cip-ct64/ct-64.nrrd",
    "Lung_Dx-A0002 (30 slices, a mass of 75 mm)": "ct/Lung_Dx-A0002/Lung_Dx-A0002",
}
PHANTOM_SEEDS = (1, 2)
FLIPS = {"none": (), "SI": (0,), "AP": (1,), "LR": (2,), "SI+AP": (0, 1), "SI+LR": (0, 2), "AP+LR": (1, 2)}


def chests(data: Path) -> Iterator[tuple[str, Volume]]:
    """Yield real chests that are there and the phantoms, in LPS order."""
    for name, place in REAL.items():
        if (data / place).exists():
            yield name, read_volume(data / place).in_lps_order()
    for seed in PHANTOM_SEEDS:
        yield f"phantom {seed}", make_small_chest(seed=seed, spacing_mm=(2.0, 2.0, 2.5)).volume.in_lps_order()


def judged(volume: Volume, flip: tuple[int, ...]) -> dict:
    """Return what is told of a volume whose voxels are flipped under the same header, and what is right."""
    cues = orientation_cues(replace(volume, array=np.ascontiguousarray(np.flip(volume.array, flip))))
    told = [
        name
        for name, found in (("SI", cues.is_upside_down), ("AP", cues.is_back_to_front), ("LR", cues.is_mirrored))
        if found
    ]
    true = [name for name, axis in (("SI", 0), ("AP", 1), ("LR", 2)) if axis in flip]
    return {"told": told, "true": true, "sides_can_be_told": cues.side_is_told, "cues": asdict(cues)}


def false_in(keep: Path) -> list[Chest]:
    """Return the kept chests that are told to lie otherwise than their header says; prints how many there are."""
    told, count = [], 0
    for path in sorted(keep.glob("*.pickle")):
        with path.open("rb") as file:
            chest = pickle.load(file)
        count += 1
        verdict = judge_orientation(chest.volume)
        if verdict is not None:
            told.append(chest)
            print(chest.seed, chest.combination, verdict.text, flush=True)
    print(f"{len(told)} of {count} chests are told to lie otherwise than their header says")
    return told


def main() -> None:
    """Measure, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--output", type=Path)
    parser.add_argument("--diseased", type=Path)
    arguments = parser.parse_args()
    if arguments.diseased is not None:
        false_in(arguments.diseased)
        return
    rows = []
    for name, volume in chests(arguments.data):
        for flip, axes in FLIPS.items():
            rows.append({"chest": name, "flip": flip, **judged(volume, axes)})
            row = rows[-1]
            print(f"{name:45} {flip:6} told {'+'.join(row['told']) or 'nothing':10} {row['cues']}", flush=True)
    flipped = [row for row in rows if row["true"]]
    summary = {
        "flipped": len(flipped),
        "contradiction_told": sum(bool(row["told"]) for row in flipped),
        "all_axes_told": sum(row["told"] == row["true"] for row in flipped),
        "unflipped": len(rows) - len(flipped),
        "false_verdicts": sum(bool(row["told"]) for row in rows if not row["true"]),
        "wrong_axes": sum(bool(set(row["told"]) - set(row["true"])) for row in rows),
    }
    print(json.dumps(summary))
    if arguments.output is not None:
        arguments.output.write_text(json.dumps({"summary": summary, "rows": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
