"""``thoraxai lung evaluate``: FROC of a detector, agreement of segmentations, nodules against their readers."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import numpy as np

from LungNoduleAILib.datasets.luna_tables import read_marks, read_places, read_series
from LungNoduleAILib.evaluation.requests import (
    SEGMENTATION_SCORES_FILE,
    FrocRequest,
    NodulesRequest,
    SegmentationScoresRequest,
)
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.statistics.marks import Marks, Places
from ThoraxAILib.statistics.overlap import Agreement, compare_masks

SEGMENTATION_SCHEMA = "thoraxai.segmentation-scores/1"


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``evaluate`` with its commands."""
    evaluate = commands.add_parser("evaluate", help="score a detector or a segmentation against the truth")
    kinds = evaluate.add_subparsers(dest="kind", required=True, metavar="WHAT")
    for name, request, run, text in (
        ("froc", FrocRequest, _froc, "FROC curve and CPM with the rules of LUNA16"),
        ("segmentation", SegmentationScoresRequest, _segmentation, "Dice, surface distance and volume of label maps"),
        ("nodules", NodulesRequest, _nodules, "outlines, types, sizes and suspicion against readers of real nodules"),
    ):
        parser = kinds.add_parser(name, help=text)
        request.add_arguments(parser)
        parser.set_defaults(run=run)


def _froc(arguments: argparse.Namespace) -> int:
    from LungNoduleAILib.evaluation.froc_report import make_report, write_report
    from LungNoduleAILib.evaluation.training_series import refuse_leaks, training_series

    request = FrocRequest.from_arguments(arguments)
    marks, series = _marks_and_series(request)
    training = training_series(request.trained_on, request.findings)
    leaked = refuse_leaks(series, training, request.with_training_scans)
    nodules = read_places(request.annotations)
    excluded = read_places(request.excluded) if request.excluded is not None else Places.none()
    report = make_report(marks, nodules, excluded, series, request.seed, request.resamples, request.threshold)
    report = replace(report, training_scans=leaked)
    write_report(report, request.output)
    content = report.to_dict()
    bounds = content["confidence_interval"]
    interval = "no interval: one scan"
    if bounds is not None:
        interval = f"{bounds['confidence']:.0%} interval {bounds['low']:.3f} to {bounds['high']:.3f}"
    print(f"CPM {content['cpm']:.3f} ({interval}) on {content['nodules']} nodules in {content['scans']} scans.")
    if leaked:
        print(f"NOT a clean score: {len(leaked)} of the scans trained this detector.")
    print("false positives per scan: sensitivity")
    for rate, sensitivity in content["sensitivity_at"].items():
        print(f"{rate:>7}: {sensitivity:.3f}")
    print(f"Written to {request.output}.")
    return 0


def _marks_and_series(request: FrocRequest) -> tuple[Marks, tuple[str, ...]]:
    if request.findings:
        from LungNoduleAILib.evaluation.findings_marks import read_findings_marks

        marks, series = read_findings_marks(request.findings)
    else:
        marks, series = read_marks(known(request.detections, "the detections")), ()
    if request.series is not None:
        series = read_series(request.series)
    if not series:
        raise InputError("--series is missing: name the file that lists the scans, because scans without a mark count.")
    return marks, series


def _segmentation(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.io.label_map import on_same_grid, read_label_map

    request = SegmentationScoresRequest.from_arguments(arguments)
    result, reference = read_label_map(request.result), read_label_map(request.reference)
    if not on_same_grid(result, reference):
        raise InputError(
            f"The two label maps lie on different grids ({_grid(result)} and {_grid(reference)}): "
            "resample one to the other."
        )
    scores = {
        label: compare_masks(
            result.array == label, reference.array == label, reference.spacing_kji_mm, request.tolerance_mm
        )
        for label in _labels(request, result, reference)
    }
    content = {
        "schema": SEGMENTATION_SCHEMA,
        "tolerance_mm": request.tolerance_mm,
        **{f"mean_{name}": _mean(scores, name) for name in ("dice", "nsd")},
        "labels": {str(label): agreement.to_dict() for label, agreement in scores.items()},
    }
    with OutputFolder(request.output, (SEGMENTATION_SCORES_FILE,)) as folder:
        (folder / SEGMENTATION_SCORES_FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    for label, agreement in scores.items():
        print(
            f"label {label}: Dice {_number(agreement.dice)}, NSD {_number(agreement.nsd)} at "
            f"{request.tolerance_mm:g} mm, volume {agreement.volume_ml:.2f} mL against "
            f"{agreement.reference_volume_ml:.2f} mL"
        )
    print(f"Written to {request.output}.")
    return 0


def _nodules(arguments: argparse.Namespace) -> int:
    from LungNoduleAILib.cases.nodule_evaluation.evaluate import evaluate_nodules
    from LungNoduleAILib.cases.nodule_evaluation.scores import READER, WAYS
    from LungNoduleAILib.cli.learning.train import ProgressBar
    from ThoraxAILib.jobs.progress import Progress
    from ThoraxAILib.networks.device import select_device

    request = NodulesRequest.from_arguments(arguments)
    device, _reason = select_device(request.device)
    bar = ProgressBar()
    try:
        content = evaluate_nodules(request, device, Progress(bar, arguments.is_cancelled))
    finally:
        bar.end()
    print(f"{content['nodules']} nodules of {content['people']} people ({content['part']}); 95 % intervals over people")
    for group, ways in content["outlines"].items():
        if ways["nodules"]:
            print(f"{group} ({ways['nodules']})")
            for way in (*WAYS, READER):
                if ways[way]["nodules"]:
                    print(f"  {way:<30} {_outline(ways[way])}")
    types, bands, suspicion = content["types"], content["size_bands"], content["suspicion"]
    print(f"types: kappa {_estimate(types['kappa'])}; part-solid found {_estimate(types['part_solid_found'])}")
    print(f"size band of solid nodules differs {_estimate(bands['differs'])}, up {bands['up']}, down {bands['down']}")
    print("suspicion AUC " + "; ".join(f"{name} {_estimate(area)}" for name, area in suspicion["auc"].items()))
    print(f"Written to {request.output}.")
    return 0


def _outline(way: dict) -> str:
    return (
        f"Dice {_estimate(way['dice'])}, below 0.5 {_estimate(way['below_half'])}, volume "
        f"{_estimate(way['volume_error_median'])}, absolute {_estimate(way['volume_error_absolute_median'])}"
    )


def _estimate(entry: dict) -> str:
    if entry["value"] is None:
        return "not defined"
    return f"{entry['value']:.3f} ({entry['low']:.3f} to {entry['high']:.3f})"


def _labels(request: SegmentationScoresRequest, result: Volume, reference: Volume) -> list[int]:
    if request.labels:
        return sorted(set(request.labels))
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
