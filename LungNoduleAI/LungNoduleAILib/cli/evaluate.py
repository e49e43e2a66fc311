"""``thoraxai lung evaluate``: FROC of a detector, agreement of segmentations."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from LungNoduleAILib.datasets.luna_tables import read_marks, read_places, read_series
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.output_folder import OutputFolder
from ThoraxAILib.statistics.froc import RESAMPLES
from ThoraxAILib.statistics.marks import Marks, Places
from ThoraxAILib.statistics.overlap import TOLERANCE_MM, Agreement, compare_masks

SEGMENTATION_FILE = "segmentation.json"
SEGMENTATION_SCHEMA = "thoraxai.segmentation-scores/1"


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``evaluate`` with its two commands."""
    evaluate = commands.add_parser("evaluate", help="score a detector or a segmentation against the truth")
    kinds = evaluate.add_subparsers(dest="kind", required=True, metavar="WHAT")
    _add_froc(kinds.add_parser("froc", help="FROC curve and CPM with the rules of LUNA16"))
    _add_segmentation(kinds.add_parser("segmentation", help="Dice, surface distance and volume of label maps"))


def _add_froc(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--detections", type=Path, metavar="CSV", help="marks: seriesuid,coordX,coordY,coordZ,probability (LPS mm)"
    )
    source.add_argument(
        "--findings",
        type=Path,
        nargs="+",
        metavar="DIR",
        help="output folders of thoraxai lung analyze; --threshold 0 there gives the whole curve",
    )
    add(
        "--annotations",
        type=Path,
        required=True,
        metavar="CSV",
        help="nodules: seriesuid,coordX,coordY,coordZ,diameter_mm and, if known, type",
    )
    add("--excluded", type=Path, metavar="CSV", help="findings whose marks are ignored, same columns")
    add("--series", type=Path, metavar="CSV", help="one series UID per line (default with --findings: theirs)")
    add("--threshold", type=float, metavar="X", help="also tell sensitivity and false positives from this score on")
    add("--resamples", type=int, default=RESAMPLES, metavar="N", help=f"of the interval (default {RESAMPLES})")
    add("--seed", type=int, default=0, metavar="N", help="of the interval (default 0)")
    add("--output", type=Path, required=True, metavar="DIR", help="folder for froc.json, froc.csv and froc.png")
    parser.set_defaults(run=_froc)


def _add_segmentation(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--result", type=Path, required=True, metavar="FILE", help="label map to judge")
    add("--reference", type=Path, required=True, metavar="FILE", help="label map taken as true, on the same grid")
    add("--label", type=int, nargs="+", metavar="N", help="labels to compare (default: all that occur)")
    add("--tolerance", type=float, default=TOLERANCE_MM, metavar="MM", help="of the surface distance (default 2 mm)")
    add("--output", type=Path, required=True, metavar="DIR", help=f"folder for {SEGMENTATION_FILE}")
    parser.set_defaults(run=_segmentation)


def _froc(arguments: argparse.Namespace) -> int:
    from LungNoduleAILib.evaluation.froc_report import make_report, write_report

    if arguments.resamples < 1 or arguments.seed < 0:
        raise InputError(
            f"--resamples must be at least 1 and --seed at least 0, {arguments.resamples} and "
            f"{arguments.seed} were given."
        )
    if arguments.threshold is not None and not np.isfinite(arguments.threshold):
        raise InputError("--threshold must be a finite number: give a score of the detector.")
    marks, series = _marks_and_series(arguments)
    nodules = read_places(arguments.annotations)
    excluded = read_places(arguments.excluded) if arguments.excluded is not None else Places.none()
    report = make_report(marks, nodules, excluded, series, arguments.seed, arguments.resamples, arguments.threshold)
    write_report(report, arguments.output)
    content = report.to_dict()
    bounds = content["confidence_interval"]
    print(
        f"CPM {content['cpm']:.3f} ({bounds['confidence']:.0%} interval {bounds['low']:.3f} to {bounds['high']:.3f}) "
        f"on {content['nodules']} nodules in {content['scans']} scans."
    )
    print("false positives per scan: sensitivity")
    for rate, sensitivity in content["sensitivity_at"].items():
        print(f"{rate:>7}: {sensitivity:.3f}")
    print(f"Written to {arguments.output}.")
    return 0


def _marks_and_series(arguments: argparse.Namespace) -> tuple[Marks, tuple[str, ...]]:
    if arguments.findings is not None:
        from LungNoduleAILib.evaluation.findings_marks import read_findings_marks

        marks, series = read_findings_marks(arguments.findings)
    else:
        marks, series = read_marks(arguments.detections), ()
    if arguments.series is not None:
        series = read_series(arguments.series)
    if not series:
        raise InputError("--series is missing: name the file that lists the scans, because scans without a mark count.")
    return marks, series


def _segmentation(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.io.label_map import on_same_grid, read_label_map

    result, reference = read_label_map(arguments.result), read_label_map(arguments.reference)
    if not on_same_grid(result, reference):
        raise InputError(
            f"The two label maps lie on different grids ({_grid(result)} and {_grid(reference)}): "
            "resample one to the other."
        )
    scores = {
        label: compare_masks(
            result.array == label, reference.array == label, reference.spacing_kji_mm, arguments.tolerance
        )
        for label in _labels(arguments, result, reference)
    }
    content = {
        "schema": SEGMENTATION_SCHEMA,
        "tolerance_mm": arguments.tolerance,
        **{f"mean_{name}": _mean(scores, name) for name in ("dice", "nsd")},
        "labels": {str(label): agreement.to_dict() for label, agreement in scores.items()},
    }
    with OutputFolder(arguments.output, (SEGMENTATION_FILE,)) as folder:
        (folder / SEGMENTATION_FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    for label, agreement in scores.items():
        print(
            f"label {label}: Dice {_number(agreement.dice)}, NSD {_number(agreement.nsd)} at "
            f"{arguments.tolerance:g} mm, volume {agreement.volume_ml:.2f} mL against "
            f"{agreement.reference_volume_ml:.2f} mL"
        )
    print(f"Written to {arguments.output}.")
    return 0


def _labels(arguments: argparse.Namespace, result: Volume, reference: Volume) -> list[int]:
    if arguments.label is not None:
        if min(arguments.label) < 1:
            raise InputError(f"Labels are 1 and above, {min(arguments.label)} was given.")
        return sorted(set(arguments.label))
    found = sorted((set(np.unique(result.array).tolist()) | set(np.unique(reference.array).tolist())) - {0})
    if not found:
        raise InputError("Both label maps are empty: there is nothing to compare.")
    return found


def _mean(scores: dict[int, Agreement], name: str) -> float | None:
    known = [getattr(agreement, name) for agreement in scores.values() if getattr(agreement, name) is not None]
    return round(float(np.mean(known)), 6) if known else None


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.4f}"


def _grid(volume: Volume) -> str:
    spacing = " x ".join(f"{mm:.3g}" for mm in volume.spacing_ijk_mm)
    return "x".join(map(str, volume.array.shape[::-1])) + f" voxels of {spacing} mm"
