"""What ``thoraxai lung calibrate`` is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from LungNoduleAILib.guarantee.calibrate import DEFAULT_DELTA
from ThoraxAILib.options import Options, option
from ThoraxAILib.statistics.risk_control import CRC, METHODS


@dataclass(frozen=True)
class CalibrateRequest(Options):
    """From which losses, or marks and nodules, to make a threshold that keeps a promise."""

    output: Path = option(help="the calibration to write, e.g. calibration.json", metavar="FILE")
    losses: Path | None = option(
        None,
        "table of losses: rows are scans, the first line holds the thresholds, a cell is 1 - sensitivity of the scan; "
        "further columns describe scans",
        metavar="CSV",
    )
    detections: Path | None = option(
        None, "marks: seriesuid,coordX,coordY,coordZ,probability (LPS mm), of every confidence", metavar="CSV"
    )
    findings: tuple[Path, ...] = option(
        (), "output folders of thoraxai lung analyze --threshold 0, instead of --detections", metavar="DIR"
    )
    annotations: Path | None = option(
        None,
        "all nodules: seriesuid,coordX,coordY,coordZ,diameter_mm, those that no mark hits among them",
        metavar="CSV",
    )
    excluded: Path | None = option(None, "findings whose marks are ignored, same columns", metavar="CSV")
    series: Path | None = option(None, "one series UID per line (default with --findings: theirs)", metavar="CSV")
    scans: Path | None = option(
        None, "what is known of the scans: seriesuid and columns such as slices, kernel, scanner, site", metavar="CSV"
    )
    alpha: float = option(0.1, "promised mean loss: 1 - alpha is the promised sensitivity", more_than=0.0)
    method: str = option(CRC, "crc: on average; rcps: with a confidence of 1 - delta", choices=METHODS)
    delta: float = option(DEFAULT_DELTA, "of rcps", more_than=0.0)
    groups: str = option("", "column whose groups get a threshold each", metavar="COLUMN")
    data_set: str = option("", "name of the calibration scans, as it stands in the promise", metavar="NAME")
    detector: str = option("", "engine that made the marks (with --findings: told by their run.json)", metavar="NAME")
    prevalence: float | None = option(
        None,
        "share of scans with a nodule where the detector is used, for the predictive value",
        more_than=0.0,
        at_most=1,
    )
    seed: int = option(0, "of the intervals", at_least=0)
