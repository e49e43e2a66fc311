"""Benchmark: both anatomy segmenters beside each other on held-out synthetic CTs, other body parts and real CTs.

``python Testing/benchmarks/lung_anatomy.py [--cases N] [--first-seed S] [--slice-mm MM] [--segmenters NAME ...]
[--others N] [--real FOLDER] [--borders CT ...] [--output JSON]``; nothing is asserted. Times are processor seconds.
FOLDER holds ``cip-ct64`` and ``lung-pair-elastix``. ``--borders`` tells how far each border of lobes lies from where
the 3 mm network alone puts it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from LungNoduleAILib.analysis.engines import choose_anatomy
from LungNoduleAILib.anatomy.fissures.border import border_between
from LungNoduleAILib.anatomy.fissures.lobe_borders import FISSURES
from LungNoduleAILib.anatomy.learned.prediction import WEIGHTS
from LungNoduleAILib.anatomy.learned.segmenter import LearnedSegmenter
from LungNoduleAILib.anatomy.quality import is_no_chest
from LungNoduleAILib.model.anatomy import (
    AIRWAY,
    AORTA,
    BONE,
    HEART,
    LLL,
    LOBE_OF_LABEL,
    LUNG_VESSEL,
    RUL,
    SPINE,
    Anatomy,
)
from LungNoduleAILib.synthesis import draw_case
from LungNoduleAILib.synthesis.model.synthetic_ct import SyntheticCT
from LungNoduleAILib.synthesis.scanner.settings import Scanner
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

NETWORK_ALONE = "network"  # the learned one with the borders of lobes as its network puts them
SEGMENTERS = ("classical", "learned", NETWORK_ALONE)
FIRST_SEED = 9100
STUMP_SHARE = 0.01  # of both lungs
ORGANS = {"airway": AIRWAY, "lung vessels": LUNG_VESSEL, "heart": HEART, "aorta": AORTA, "spine": SPINE, "bone": BONE}
OTHER_KINDS = ("abdomen", "head", "knee")
REAL = {
    "cip-ct64": ("cip-ct64/ct-64.nrrd", "cip-ct64/wholeLung-64.nrrd"),
    "elastix baseline": ("lung-pair-elastix/3DCT_lung_baseline.mha", "lung-pair-elastix/3DCT_lung_baseline_mask.mha"),
    "elastix follow-up": ("lung-pair-elastix/3DCT_lung_followup.mha", "lung-pair-elastix/3DCT_lung_followup_mask.mha"),
}


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """2 |A and B| / (|A| + |B|); 1 when both are empty."""
    total = int(one.sum()) + int(other.sum())
    return 2.0 * int((one & other).sum()) / total if total else 1.0


def run(segmenter: str, volume: Volume, weights: Path | None) -> tuple[Anatomy, float]:
    """Anatomy of a volume in LPS order, and its processor seconds."""
    if segmenter == "classical":
        chosen = choose_anatomy(segmenter).anatomy.made
    else:
        chosen = LearnedSegmenter(weights=weights or WEIGHTS, at_fissures=segmenter != NETWORK_ALONE)
    started = time.process_time()
    return chosen.segment(volume, Progress()), time.process_time() - started


def in_lps(volume: Volume) -> Volume:
    """The volume with contiguous axes in LPS order."""
    turned = volume.in_lps_order()
    return turned.with_array(np.ascontiguousarray(turned.array))


def scores(found: Anatomy, labels: np.ndarray, structures: np.ndarray | None) -> dict[str, float]:
    """Dice of lungs, each organ that the truth holds, and each lobe; the stump of a removed lobe is not graded."""
    lungs = (labels >= RUL) & (labels <= LLL)
    entry = {"lungs": dice(found.lungs, lungs)}
    entry |= {
        name: dice(found.labels == label, labels == label)
        for label, name in LOBE_OF_LABEL.items()
        if (labels == label).sum() > STUMP_SHARE * lungs.sum()
    }
    entry["lobes"] = float(np.mean([entry[name] for name in LOBE_OF_LABEL.values() if name in entry]))
    entry["airway"] = dice(found.labels == AIRWAY, labels == AIRWAY)
    if found.structures is not None and structures is not None:
        for name, value in ORGANS.items():
            truth = structures == value
            if name != "airway" and truth.any():
                entry[name] = dice(found.structures == value, truth)
    return entry


def measured_cases(
    seeds: range, pixel_mm: float, slice_mm: float | None, segmenters: list[str], weights: Path | None
) -> Iterator[dict]:
    """Held-out CTs: one row per case and segmenter; the scanner is drawn unless ``slice_mm`` tells its slices."""
    scanner = None if slice_mm is None else Scanner(slice_mm=slice_mm, increment_mm=slice_mm)
    for seed in seeds:
        case: SyntheticCT = draw_case(seed, "held-out", pixel_mm=pixel_mm, scanner=scanner)
        order, volume = case.volume.axis_order_to_lps(), in_lps(case.volume)
        labels, structures = (order.apply_array(a) for a in (case.labels, case.structures))
        for name in segmenters:
            found, seconds = run(name, volume, weights)
            yield {
                "case": f"held-out {seed}",
                "segmenter": name,
                "seconds": seconds,
                "notes": [note.code for note in found.quality],
                **scores(found, labels, structures),
            }


def measured_others(count: int, weights: Path | None) -> Iterator[dict]:
    """Other parts of the body, whole and cut: how much lung each segmenter believes in."""
    from LungNoduleAILib.synthesis import make_other_body

    for number in range(count):
        kind = OTHER_KINDS[number % len(OTHER_KINDS)]
        body = make_other_body(FIRST_SEED + number, kind, setting="held-out")
        hu = np.random.default_rng(number).normal(0, 15, body.clean_hu.shape) + body.clean_hu
        volume = in_lps(Volume(np.clip(hu, -1024, 3071).astype(np.int16), body.grid.ijk_to_ras))
        if number % 2:  # a field of view smaller than the body
            j, i = (n // 5 for n in volume.array.shape[1:])
            volume = Volume(np.ascontiguousarray(volume.array[:, j:-j, i:-i]), volume.ijk_to_ras)
        for name in SEGMENTERS:
            found, seconds = run(name, volume, weights)
            yield {
                "case": f"{kind}{' cut' * (number % 2)} {FIRST_SEED + number}",
                "segmenter": name,
                "seconds": seconds,
                "no_chest": is_no_chest(found.quality),
                "lung_ml": float(found.lungs.sum()) * volume.voxel_mm3 / 1000,
                "notes": [note.code for note in found.quality],
            }


def measured_real(folder: Path, weights: Path | None) -> Iterator[dict]:
    """Real CTs with a lung mask (of the right lung alone where the left is not shown)."""
    import SimpleITK as sitk

    from ThoraxAILib.io import read_volume

    for case, (image, mask) in REAL.items():
        volume = read_volume(folder / image)
        reference = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / mask))) > 0
        reference = volume.axis_order_to_lps().apply_array(reference)
        for name in SEGMENTERS:
            found, seconds = run(name, in_lps(volume), weights)
            shown = found.lungs if case.startswith("cip") else found.right_lung
            yield {
                "case": case,
                "segmenter": name,
                "seconds": seconds,
                "lungs": dice(shown, reference),
                "notes": [note.code for note in found.quality],
            }


def measured_borders(paths: list[Path], weights: Path | None) -> Iterator[dict]:
    """CTs without a reference: by how much each border of lobes was moved to its fissure."""
    from ThoraxAILib.io import read_volume

    for path in paths:
        volume = in_lps(read_volume(path))
        before, after = (run(name, volume, weights) for name in (NETWORK_ALONE, "learned"))
        for name, moved_mm in border_moves_mm(before[0].labels, after[0].labels, volume.spacing_kji_mm).items():
            yield {
                "case": path.name[:19],
                "segmenter": name,
                "seconds": after[1],
                "median mm": float(np.median(moved_mm)),
                "90 % below mm": float(np.quantile(moved_mm, 0.9)),
                "notes": [],
            }


def border_moves_mm(before: np.ndarray, after: np.ndarray, spacing_kji_mm: np.ndarray) -> dict[str, np.ndarray]:
    """Distance of the places of every border between lobes from the border of other labels, across that border."""
    moves = {}
    for fissure in FISSURES:
        borders = [
            border_between(labels == fissure.below, np.isin(labels, fissure.above), spacing_kji_mm, fissure.up)
            for labels in (before, after)
        ]
        old, new = borders
        if old is None or new is None:
            continue
        places = old.in_plane_axes(new.positions_mm(np.zeros(1))[..., 0][:, new.reached].T)
        moves[fissure.name] = np.abs(places[:, 2] - old.height_mm[old.cells(places)])
    return moves


def show(row: dict) -> None:
    """One row as a line."""
    numbers = " ".join(
        f"{name} {value:.3f}" for name, value in row.items() if isinstance(value, float) and name != "seconds"
    )
    verdict = f" no chest: {row['no_chest']}" if "no_chest" in row else ""
    notes = ",".join(row["notes"])
    print(f"{row['case']:<20}{row['segmenter']:<14}{row['seconds']:6.1f} s  {numbers}{verdict} {notes}", flush=True)


def interval_of_mean(values: list[float]) -> tuple[float, float]:
    """95 % interval of the mean, by resampling the cases."""
    from scipy.stats import bootstrap

    if len(set(values)) < 2:
        return values[0], values[0]
    found = bootstrap((values,), np.mean, n_resamples=5000, method="percentile", rng=0).confidence_interval
    return float(found.low), float(found.high)


def summarize(rows: list[dict]) -> None:
    """Mean and least of every score on the held-out cases."""
    for name in SEGMENTERS:
        own = [row for row in rows if row["segmenter"] == name and row["case"].startswith("held-out")]
        for score in [key for key in (own[0] if own else {}) if isinstance(own[0][key], float)]:
            values = [row[score] for row in own if score in row]
            low, high = interval_of_mean(values)
            print(
                f"{name:<10} {score:<14} mean {np.mean(values):.3f} ({low:.3f} to {high:.3f})  "
                f"least {np.min(values):.3f}  n {len(values)}"
            )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=8)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--pixel-mm", type=float, default=1.5)
    parser.add_argument("--slice-mm", type=float, help="slices as thick as this instead of those a case draws")
    parser.add_argument("--segmenters", nargs="+", choices=SEGMENTERS, default=list(SEGMENTERS), help="of the cases")
    parser.add_argument("--others", type=int, default=12)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--borders", type=Path, nargs="+", default=[], metavar="CT")
    parser.add_argument("--weights", type=Path, help="weights of your own for the learned segmenter")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    rows = []
    parts = [
        measured_cases(
            range(arguments.first_seed, arguments.first_seed + arguments.cases),
            arguments.pixel_mm,
            arguments.slice_mm,
            arguments.segmenters,
            arguments.weights,
        ),
        measured_others(arguments.others, arguments.weights),
    ]
    if arguments.real:
        parts.append(measured_real(arguments.real, arguments.weights))
    parts.append(measured_borders(arguments.borders, arguments.weights))
    for part in parts:
        for row in part:
            show(row)
            rows.append(row)
    summarize(rows)
    if arguments.output:
        arguments.output.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
