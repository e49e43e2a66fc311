"""Benchmark: detectors side by side on synthetic CTs no training saw, and on real CTs; FROC as LUNA16 computes it.

``python Testing/benchmarks/lung_detection.py [--cases N] [--detectors learned classical] [--anatomy A] [--keep DIR]
[--real PATH ...] [--pictures DIR] [--output FILE]``; nothing is asserted. ``--keep`` stores the anatomies of the
synthetic cases, so that another detector can be measured on them later.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lung_conspicuity import round_patches, stands_out

from LungNoduleAILib.analysis.engines import choose_anatomy, choose_engines
from LungNoduleAILib.detection.lung_filter import filter_candidates
from LungNoduleAILib.detection.protocol import Detector
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.synthesis import draw_case
from LungNoduleAILib.synthesis.cohort import GENERATION
from LungNoduleAILib.synthesis.nodules.annotatable import Patch
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import select_device
from ThoraxAILib.statistics.froc import RATES, Curve, bootstrap, evaluate_froc, froc_curve
from ThoraxAILib.statistics.marks import Marks, Places

LUNG_MARGIN_MM = 5.0
FIRST_SEED = 70_000
SIZES_MM = ((3, 5), (5, 8), (8, 15), (15, 30), (30, 100))
TYPES = ("solid", "part-solid", "ground-glass", "calcified")
SHOWN_RATES = (1.0, 4.0, 8.0)


@dataclass(frozen=True, eq=False)
class Scan:
    """One CT in LPS order with its anatomy and, when synthetic, its nodules."""

    name: str
    volume: Volume
    anatomy: Anatomy
    nodules: tuple[PlantedNodule, ...] = ()
    seen: tuple[bool, ...] = ()  # which nodules stand out from the lung around them
    patches: tuple[Patch, ...] = ()  # ground glass that is no planted nodule


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--setting", default="held-out")
    parser.add_argument("--detectors", nargs="+", default=["learned", "classical"])
    parser.add_argument("--anatomy", default="auto")
    parser.add_argument("--weights", type=Path, help="another weights file of the learned detector")
    parser.add_argument("--keep", type=Path, help="folder for the anatomies of synthetic CTs")
    parser.add_argument("--real", type=Path, nargs="*", default=[], help="real CTs, listed with what is reported")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of what is reported on real CTs")
    parser.add_argument("--output", type=Path, help="JSON file of the results")
    arguments = parser.parse_args()
    detectors = [_detector(name, arguments.weights) for name in arguments.detectors]
    results = {}
    if arguments.cases:
        seeds = range(arguments.first_seed, arguments.first_seed + arguments.cases)
        scans = (synthetic_scan(seed, arguments.setting, arguments.anatomy, arguments.keep) for seed in seeds)
        results["synthetic"] = measure(scans, detectors)
    if arguments.real:
        results["real"] = [look_at(path, detectors, arguments.anatomy, arguments.pictures) for path in arguments.real]
    if arguments.output:
        arguments.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


def _detector(name: str, weights: Path | None) -> Detector:
    if name == "learned" and weights is not None:
        from LungNoduleAILib.detection.learned import LearnedDetector

        return LearnedDetector(select_device()[0], weights)
    return choose_engines(AnalysisOptions(detector=name)).detector.made


def synthetic_scan(seed: int, setting: str, anatomy: str, keep: Path | None) -> Scan:
    """The scan of a seed; its anatomy is what the segmenter finds, not the truth."""
    started = time.process_time()
    phantom = draw_case(seed, setting)
    volume = phantom.volume.in_lps_order()
    volume = volume.with_array(np.ascontiguousarray(volume.array))
    kept = None if keep is None else keep / f"{GENERATION}-{setting}-{anatomy}-{seed}.npz"
    if kept is not None and kept.is_file():
        labels = np.load(kept)["labels"]
    else:
        labels = choose_anatomy(anatomy).anatomy.made.segment(volume, Progress()).labels
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(kept, labels=labels)
    print(
        f"seed {seed}: {len(phantom.nodules)} nodules, {volume.array.shape}, slices every "
        f"{volume.spacing_kji_mm[0]:.1f} mm, {time.process_time() - started:.0f} CPU s",
        flush=True,
    )
    seen = tuple(stands_out(phantom, nodule) for nodule in phantom.nodules)
    return Scan(str(seed), volume, Anatomy(labels), phantom.nodules, seen, round_patches(phantom))


def candidates_of(detector: Detector, scan: Scan) -> tuple[list[Candidate], float]:
    """Candidates of every confidence that pass the lung filter, and the CPU seconds of the detection."""
    started = time.process_time()
    found = detector.detect(scan.volume, scan.anatomy, Progress())
    seconds = time.process_time() - started
    return filter_candidates(found, scan.volume, scan.anatomy, 0.0, LUNG_MARGIN_MM)[0], seconds


def measure(scans: object, detectors: list[Detector]) -> dict:
    """FROC of every detector over the scans; prints the tables."""
    marks: dict[str, list[tuple[str, Candidate]]] = {detector.name: [] for detector in detectors}
    seconds = {detector.name: 0.0 for detector in detectors}
    series, truth, seen, patches = [], [], [], []
    for scan in scans:
        series.append(scan.name)
        truth += [(scan.name, nodule) for nodule in scan.nodules]
        seen += scan.seen
        patches += [(scan.name, patch) for patch in scan.patches]
        for detector in detectors:
            found, took = candidates_of(detector, scan)
            seconds[detector.name] += took
            marks[detector.name] += [(scan.name, candidate) for candidate in found]
    out = np.array(seen, dtype=bool)
    print(
        f"{len(series)} scans, {len(truth)} nodules, {int(out.sum())} of them stand out from the lung around them; "
        f"{len(patches)} round patches of ground-glass disease"
    )
    every = _places(truth)
    faint = _places([row for row, clear in zip(truth, out, strict=True) if not clear] + patches)
    clear = _places([row for row, clear in zip(truth, out, strict=True) if clear])
    results = {}
    for detector in detectors:
        found = marks[detector.name]
        results[detector.name] = {
            "all_nodules": table(f"{detector.name}, all nodules", detector, found, every, Places.none(), series),
            "as_readers_could": table(
                f"{detector.name}, what readers could annotate", detector, found, clear, faint, series
            ),
            "cpu_seconds_per_scan": round(seconds[detector.name] / len(series), 1),
        }
    return results


def _places(rows: list[tuple[str, PlantedNodule | Patch]]) -> Places:
    if not rows:
        return Places.none()
    return Places(
        np.array([name for name, _ in rows]),
        np.array([n.center_ras_mm for _, n in rows]),
        np.array([n.diameter_mm for _, n in rows]),
        tuple(n.type for _, n in rows),
    )


def table(
    title: str,
    detector: Detector,
    found: list[tuple[str, Candidate]],
    places: Places,
    excluded: Places,
    series: list[str],
) -> dict:
    """CPM with its interval, sensitivities by size and type, and the operating point of one detector; printed."""
    marks = Marks(
        np.array([name for name, _ in found], dtype=str),
        np.array([c.center_ras_mm for _, c in found]),
        np.array([c.confidence for _, c in found]),
    )
    outcome, curve = evaluate_froc(marks, places, excluded, series)
    interval = bootstrap(outcome).cpm
    at = outcome.at_threshold(detector.operating_point)
    print(
        f"{title}: CPM {curve.cpm:.3f} [{interval.low:.3f}, {interval.high:.3f}], "
        f"at its operating point {detector.operating_point:g}: sensitivity {at[0]:.3f} with {at[1]:.2f} false "
        "positives per scan"
    )
    groups = {}
    for name, chosen in _groups(places).items():
        if chosen.any():
            values = _at(froc_curve(outcome.among(chosen)))
            groups[name] = {"nodules": int(chosen.sum()), **values}
            print(
                f"  {name:<16}{int(chosen.sum()):>5}  "
                + "  ".join(f"{value:.3f} at {rate}" for rate, value in values.items())
            )
    return {
        "cpm": round(curve.cpm, 4),
        "cpm_interval": [round(interval.low, 4), round(interval.high, 4)],
        "sensitivity_at": dict(zip(map(str, RATES), curve.sensitivity_at().round(4).tolist(), strict=True)),
        "operating_point": {
            "confidence": detector.operating_point,
            "sensitivity": round(at[0], 4),
            "false_positives_per_scan": round(at[1], 3),
        },
        "groups": groups,
    }


def _groups(places: Places) -> dict[str, np.ndarray]:
    """Which nodules belong to each group that is told apart."""
    kinds, sizes = np.array(places.type), places.diameter_mm
    groups = {"all": sizes > 0, "solid >= 5 mm": (kinds == "solid") & (sizes >= 5)}
    groups |= {f"{low}-{high} mm": (sizes >= low) & (sizes < high) for low, high in SIZES_MM}
    return groups | {kind: kinds == kind for kind in TYPES}


def _at(curve: Curve) -> dict[str, float]:
    return dict(
        zip((f"{rate:g}" for rate in SHOWN_RATES), curve.sensitivity_at(SHOWN_RATES).round(4).tolist(), strict=True)
    )


def look_at(path: Path, detectors: list[Detector], anatomy: str, pictures: Path | None) -> dict:
    """What every detector reports on a real CT; printed, with a picture of each finding when wished."""
    from ThoraxAILib.io import read_volume

    volume = read_volume(path).in_lps_order()
    volume = volume.with_array(np.ascontiguousarray(volume.array))
    scan = Scan(path.name, volume, choose_anatomy(anatomy).anatomy.made.segment(volume, Progress()))
    result = {"case": scan.name}
    for detector in detectors:
        found, seconds = candidates_of(detector, scan)
        reported = [c for c in found if c.confidence >= detector.operating_point]
        print(f"{scan.name}, {detector.name}: {len(reported)} reported of {len(found)}, {seconds:.1f} CPU s")
        for number, candidate in enumerate(reported):
            place = " ".join(f"{x:7.1f}" for x in candidate.center_ras_mm)
            print(
                f"  {number:2d}  RAS {place}  {candidate.diameter_mm:5.1f} mm  {candidate.confidence:.2f}  "
                f"{candidate.kind}, {candidate.density}"
            )
        result[detector.name] = [
            {
                "center_ras_mm": [round(x, 1) for x in c.center_ras_mm],
                "diameter_mm": round(c.diameter_mm, 1),
                "confidence": round(c.confidence, 3),
            }
            for c in reported
        ]
        if pictures is not None and reported:
            pictures.mkdir(parents=True, exist_ok=True)
            draw_findings(scan, reported).save(pictures / f"{scan.name}-{detector.name}.png")
    return result


def draw_findings(scan: Scan, reported: list[Candidate], half_mm: float = 45.0) -> object:
    """Axial, coronal and sagittal cuts through every finding, one column each, as a Pillow image."""
    from PIL import Image, ImageDraw
    from scipy import ndimage

    size = 180
    sheet = Image.new("L", (size * len(reported), size * 3))
    pencil = ImageDraw.Draw(sheet)
    for column, candidate in enumerate(reported):
        middle = scan.volume.kji_from_ras(np.array(candidate.center_ras_mm))
        reach = max(half_mm, 0.8 * candidate.diameter_mm)
        for row, axis in enumerate((0, 1, 2)):
            across = [a for a in range(3) if a != axis]
            steps = np.linspace(-reach, reach, size)
            points = np.tile(middle[:, None, None], (1, size, size))
            rows = steps if axis == 0 else -steps  # k runs up
            points[across[0]] += rows[:, None] / scan.volume.spacing_kji_mm[across[0]]
            points[across[1]] += steps[None] / scan.volume.spacing_kji_mm[across[1]]
            cut = ndimage.map_coordinates(scan.volume.array, points, order=1, mode="nearest", output=np.float32)
            gray = np.clip((cut + 1150) / 1500 * 255, 0, 255).astype(np.uint8)
            sheet.paste(Image.fromarray(gray), (column * size, row * size))
            radius = candidate.diameter_mm / 2 / reach * size / 2 + 3
            x, y = column * size + size / 2, row * size + size / 2
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), outline=200)
        pencil.text(
            (column * size + 4, 4), f"{column}: {candidate.diameter_mm:.0f} mm {candidate.confidence:.2f}", fill=255
        )
    return sheet


if __name__ == "__main__":
    sys.exit(main())
