"""Marks of the default detector on synthetic CTs no training saw, as tables for ``thoraxai lung calibrate``.

``python Testing/benchmarks/lung_synthetic_marks.py FOLDER [--cases N] [--first-seed S]``; nothing is asserted. FOLDER
gets detections.csv (every confidence), annotations.csv (planted nodules that stand out from the lung around them),
excluded.csv (the others, and round patches of disease), series.txt and scans.csv. Scans that are there already are not
made again. The calibration that comes with the suite was made of them::

    thoraxai lung calibrate --detections detections.csv --annotations annotations.csv --excluded excluded.csv \\
        --series series.txt --scans scans.csv --detector learned --alpha 0.1 --data-set "..." --output shipped.json
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path

from lung_detection import candidates_of, synthetic_scan

from LungNoduleAILib.analysis.engines import choose_engines
from LungNoduleAILib.detection.protocol import Detector
from LungNoduleAILib.guarantee.loss_tables import SLICES, SLICES_MM, slice_band
from LungNoduleAILib.model.options import AnalysisOptions

FIRST_SEED = 80_000  # those of lung_detection.py begin at 70,000: what is measured there is not calibrated here
SETTING = "held-out"


def main() -> int:
    """Make what is missing, then write the tables of all scans."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    arguments = parser.parse_args()
    detector = choose_engines(AnalysisOptions(detector="learned")).detector.made
    arguments.folder.mkdir(parents=True, exist_ok=True)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.cases)
    write_tables(arguments.folder, [one_scan(seed, detector, arguments.folder) for seed in seeds])
    return 0


def one_scan(seed: int, detector: Detector, folder: Path) -> dict:
    """Marks and nodules of one scan (LPS mm), kept as a file."""
    kept = folder / f"{seed}-{detector.fingerprint}.json"
    if not kept.is_file():
        scan = synthetic_scan(seed, SETTING, "auto", None)
        found, _seconds = candidates_of(detector, scan)
        told = list(zip(scan.nodules, scan.seen, strict=True))
        content = {
            "seriesuid": scan.name,
            "slice_mm": float(scan.volume.spacing_kji_mm[0]),
            "detections": [[*in_lps(one.center_ras_mm), one.confidence] for one in found],
            "annotations": [[*in_lps(one.center_ras_mm), one.diameter_mm] for one, clear in told if clear],
            "excluded": [
                [*in_lps(one.center_ras_mm), one.diameter_mm]
                for one in (*(one for one, clear in told if not clear), *scan.patches)
            ],
        }
        kept.write_text(json.dumps(content), encoding="utf-8")
    return json.loads(kept.read_text(encoding="utf-8"))


def in_lps(point_ras_mm: tuple[float, float, float]) -> tuple[float, float, float]:
    """The same place in LPS mm."""
    return -float(point_ras_mm[0]), -float(point_ras_mm[1]), float(point_ras_mm[2])


def write_tables(folder: Path, scans: list[dict]) -> None:
    """Write the tables of all scans."""
    for name, last in (("detections", "probability"), ("annotations", "diameter_mm"), ("excluded", "diameter_mm")):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(("seriesuid", "coordX", "coordY", "coordZ", last))
            table.writerows([scan["seriesuid"], *row] for scan in scans for row in scan[name])
    (folder / "series.txt").write_text("".join(f"{scan['seriesuid']}\n" for scan in scans), encoding="utf-8")
    with (folder / "scans.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("seriesuid", SLICES, SLICES_MM))
        table.writerows((scan["seriesuid"], slice_band(scan["slice_mm"]), scan["slice_mm"]) for scan in scans)


if __name__ == "__main__":
    sys.exit(main())
