"""``thoraxai lung calibrate``: a threshold that keeps a promise on new scans (Conformal Risk Control)."""

from __future__ import annotations

import argparse
import json

from LungNoduleAILib.guarantee.calibration import Calibration, DetectorIdentity
from LungNoduleAILib.guarantee.inputs import CalibrationInputs, marks_with_truth, read_inputs
from LungNoduleAILib.guarantee.requests import CalibrateRequest
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``calibrate``."""
    parser = commands.add_parser("calibrate", help="make a threshold that finds a promised share of nodules")
    CalibrateRequest.add_arguments(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from LungNoduleAILib.guarantee.calibrate import calibrate

    request = CalibrateRequest.from_arguments(arguments)
    inputs = read_inputs(request)
    detector = _detector(request, inputs)
    found = calibrate(
        inputs.losses, request.alpha, request.method, request.delta, request.groups, request.data_set, detector
    )
    content = {**found.to_dict(), **_scores(request, inputs, found)}
    if request.output.is_dir():
        raise InputError(f"'{request.output.name}' is a folder: name the file to write, e.g. calibration.json.")
    with OutputFolder(request.output.parent, (request.output.name,)) as folder:
        text = json.dumps(content, indent=2, allow_nan=False)
        (folder / request.output.name).write_text(text + "\n", encoding="utf-8")
    print(found.promise())
    left_out = f"left-out scans {found.held:.3f} +/- {found.held_error:.3f}"
    print(f"On the calibration scans: mean loss {found.risk:.3f}, {left_out}.")
    if found.lifted:
        print(f"{found.lifted} of {found.scans} scans lost less at a higher threshold: taken at their running maximum.")
    if found.detector is None:
        print("It is not tied to a detector, so no analysis takes it: name the one that made the marks (--detector).")
    _print_strata(found)
    if "reliability" in content:
        told = content["reliability"]
        print(
            f"Expected calibration error {told['expected_calibration_error']:.3f} "
            f"({told['interval']['low']:.3f} to {told['interval']['high']:.3f}) on {told['marks']} marks."
        )
    if "predictive_value" in content:
        print(
            f"At a prevalence of {request.prevalence:g}: predictive value of a scan with a mark "
            f"{content['predictive_value']['value']:.3f}."
        )
    print(f"Written to {request.output}.")
    return 0


def _detector(request: CalibrateRequest, inputs: CalibrationInputs) -> DetectorIdentity | None:
    """Return the detector of the marks: as the runs say, else the engine that the person names."""
    if not request.detector:
        return inputs.detector
    from LungNoduleAILib.analysis.engines import REGISTRY
    from LungNoduleAILib.detection.protocol import DETECTOR

    engine, _ = REGISTRY.choose(DETECTOR, request.detector)
    if engine.fingerprint_with is not None:
        raise InputError(
            f"Which model of your own the detector {engine.name} ran is told by its runs: give their folders with "
            "--findings, and leave out --detector."
        )
    named = DetectorIdentity(engine.name, engine.fingerprint)
    if inputs.detector is not None and inputs.detector != named:
        raise InputError(
            f"The findings were made by {inputs.detector.name} ({inputs.detector.fingerprint}), not by "
            f"{named.name} ({named.fingerprint}): leave out --detector or analyze again."
        )
    return named


def _scores(request: CalibrateRequest, inputs: CalibrationInputs, found: Calibration) -> dict:
    """Return how far scores are probabilities, and the predictive value; nothing for a table of losses."""
    if inputs.outcome is None:
        if request.prevalence is not None:
            raise InputError("--prevalence needs marks: give --detections or --findings with --annotations.")
        return {}
    import numpy as np

    from ThoraxAILib.statistics.reliability import predictive_value, reliability

    score, right, scan = marks_with_truth(inputs.outcome)
    told: dict = {}
    if len(score):
        told["reliability"] = reliability(score, right, scan, request.seed).to_dict()
    if request.prevalence is not None:
        outcome = inputs.outcome
        marked = np.unique(outcome.scan[outcome.score >= found.threshold])
        holding = np.unique(outcome.scan[outcome.is_nodule])
        free = np.setdiff1d(np.arange(len(outcome.series)), holding)
        if not len(free):
            raise InputError("--prevalence needs scans without a nodule among the series: how many of them get a mark?")
        flagged, wrong = float(np.isin(holding, marked).mean()), float(np.isin(free, marked).mean())
        told["predictive_value"] = {
            "value": round(predictive_value(flagged, wrong, request.prevalence), 6),
            "prevalence": request.prevalence,
            "scans_with_nodule_marked": round(flagged, 6),
            "scans_without_nodule_marked": round(wrong, 6),
            "scans_with_nodule": len(holding),
            "scans_without_nodule": len(free),
        }
    return told


def _print_strata(found: Calibration) -> None:
    if not found.strata:
        return
    print(f"{found.groups:<20} scans threshold promised  held (left-out scans)  at the pooled threshold")
    for stratum in found.strata:
        breaks = "  BREAKS THE PROMISE" if stratum.pooled_breaks else ""
        own = f"  pooled: {stratum.reason}" if stratum.pooled else ""
        print(
            f"{stratum.name:<20} {stratum.scans:>5} {stratum.threshold:>9.3f} {found.alpha:>8.3f}  "
            f"{stratum.held:.3f} +/- {stratum.held_error:.3f}        {stratum.risk_of_pooled:.3f}{breaks}{own}"
        )
