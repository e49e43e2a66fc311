"""What a calibration is made of, from the files of a request: losses, the marks behind them, and the detector."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LungNoduleAILib.datasets.luna_tables import read_marks, read_places, read_series
from LungNoduleAILib.evaluation.findings_marks import read_findings_marks
from LungNoduleAILib.guarantee.calibration import DetectorIdentity
from LungNoduleAILib.guarantee.loss_tables import (
    SLICES,
    SLICES_MM,
    ScanLosses,
    losses_of_marks,
    read_losses,
    read_scan_columns,
    slice_band,
)
from LungNoduleAILib.guarantee.requests import CalibrateRequest
from LungNoduleAILib.model.files import FINDINGS_FILE
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.jobs.run_record import RUN_FILE
from ThoraxAILib.statistics.mark_matching import Outcome, match
from ThoraxAILib.statistics.marks import Places
from ThoraxAILib.untrusted.plain_json import read_plain_json


@dataclass(frozen=True, eq=False)
class CalibrationInputs:
    """Losses of the scans; ``outcome`` what came of the marks, None for a table of losses; the detector, if told."""

    losses: ScanLosses
    outcome: Outcome | None = None
    detector: DetectorIdentity | None = None


def read_inputs(request: CalibrateRequest) -> CalibrationInputs:
    """Read what a request names; raises InputError."""
    _check(request)
    if request.losses is not None:
        return CalibrationInputs(read_losses(request.losses))
    nodules = read_places(known(request.annotations, "the annotations"))
    excluded = read_places(request.excluded) if request.excluded is not None else Places.none()
    described = read_scan_columns(request.scans) if request.scans is not None else {}
    detector = None
    if request.findings:
        marks, series = read_findings_marks(request.findings)
        known_of_scans, detector = _read_runs(request.findings)
        described = {uid: {**known_of_scans.get(uid, {}), **described.get(uid, {})} for uid in series}
        if request.series is not None:
            series = read_series(request.series)
    else:
        marks = read_marks(known(request.detections, "the detections"))
        series = read_series(known(request.series, "the list of scans"))
    losses = losses_of_marks(marks, nodules, excluded, series, described)
    return CalibrationInputs(losses, match(marks, nodules, excluded, series, max(len(marks.series), 1)), detector)


def _check(request: CalibrateRequest) -> None:
    """Raise InputError unless the request names one source of losses with all that belongs to it."""
    given = [request.losses is not None, request.detections is not None, bool(request.findings)]
    if sum(given) != 1:
        raise InputError("Give one of --losses, --detections and --findings: where the calibration comes from.")
    if request.losses is None and request.annotations is None:
        raise InputError("--annotations is missing: name the table of all nodules, also those without a mark.")
    if request.detections is not None and request.series is None:
        raise InputError("--series is missing: name the file that lists the scans, because scans without a mark count.")


def marks_with_truth(outcome: Outcome) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return score, whether it hit a nodule, and scan of every mark that counts."""
    told = ~outcome.is_missed
    return outcome.score[told], outcome.is_nodule[told], outcome.scan[told]


def _read_runs(folders: tuple[Path, ...]) -> tuple[dict[str, dict[str, str]], DetectorIdentity | None]:
    """Return what run.json tells of each series, and the one detector of all runs; raises InputError for several."""
    described: dict[str, dict[str, str]] = {}
    detectors = set()
    for folder in folders:
        own = (
            [folder]
            if (folder / FINDINGS_FILE).is_file()
            else [file.parent for file in folder.glob(f"*/{FINDINGS_FILE}")]
        )
        for case in own:
            try:
                run = read_plain_json(case / RUN_FILE)
                spacing = float(run["inputs"][0]["spacing_ijk_mm"][2])
                described[str(run["inputs"][0]["series_uid"])] = {
                    SLICES_MM: f"{spacing:.3f}",
                    SLICES: slice_band(spacing),
                }
                detectors |= {
                    DetectorIdentity(str(one["name"]), str(one["fingerprint"]))
                    for one in run["models"]
                    if one["role"] == "detector"
                }
            except (OSError, ValueError, KeyError, TypeError, IndexError):
                raise InputError(
                    f"{RUN_FILE} in '{case.name}' is missing or damaged: analyze the case again."
                ) from None
    if len(detectors) > 1:
        told = ", ".join(sorted(f"{one.name} ({one.fingerprint})" for one in detectors))
        raise InputError(f"The findings come from {len(detectors)} detectors ({told}): calibrate one at a time.")
    return described, next(iter(detectors), None)
