"""From losses to a calibration: one threshold for all scans, and one for each stratum that is large enough.

A pooled guarantee holds on average over all scans and may fail in a group of them; each stratum therefore gets its own
threshold with its own finite-sample term. A stratum that is too small, or loses too much, takes the pooled threshold
and says so by name.
"""

from __future__ import annotations

import math

import numpy as np

from LungNoduleAILib.guarantee.calibration import Calibration, DetectorIdentity, Stratum
from LungNoduleAILib.guarantee.loss_tables import SLICES_MM, ScanLosses
from ThoraxAILib.errors import InputError
from ThoraxAILib.statistics.risk_control import (
    CRC,
    METHODS,
    Controlled,
    LossTable,
    control_risk,
    control_risk_with_confidence,
    least_scans,
)

DEFAULT_DELTA = 0.1
ERRORS = 2.0  # standard errors beyond which the pooled threshold is said to break its promise


def calibrate(
    losses: ScanLosses,
    alpha: float = 0.1,
    method: str = CRC,
    delta: float = DEFAULT_DELTA,
    groups: str = "",
    data_set: str = "",
    detector: DetectorIdentity | None = None,
) -> Calibration:
    """Return the threshold that keeps the expected loss at or below ``alpha``, pooled and by the column ``groups``.

    Raises InputError when alpha cannot be reached with these scans, with the number of scans it would take.
    """
    if method not in METHODS:
        raise InputError(f"There is no method '{method}': choose from {', '.join(METHODS)}.")
    table = losses.table
    pooled = _controlled(table, alpha, method, delta)
    held = _held_out(table, alpha, method, pooled)
    marks = _false_marks(losses, pooled.threshold)
    return Calibration(
        threshold=pooled.threshold,
        alpha=alpha,
        scans=table.scans,
        risk=pooled.risk,
        adjusted=pooled.adjusted,
        held=float(held.mean()),
        held_error=_error(held),
        data_set=data_set,
        method=method,
        bound=table.bound,
        delta=None if method == CRC else delta,
        lifted=table.lifted,
        false_marks_per_scan=marks,
        detector=detector,
        groups=groups,
        strata=_strata(losses, groups, pooled, alpha, method, delta) if groups else (),
        slice_range_mm=_slice_range_mm(losses),
    )


def _slice_range_mm(losses: ScanLosses) -> tuple[float, float] | None:
    """Return the range of the column slice_mm; None where it is missing or not complete."""
    try:
        values = [float(text) for text in losses.columns.get(SLICES_MM, ())]
    except ValueError:
        return None
    return (min(values), max(values)) if values else None


def _controlled(table: LossTable, alpha: float, method: str, delta: float) -> Controlled:
    if method == CRC:
        return control_risk(table, alpha)
    return control_risk_with_confidence(table, alpha, delta)


def _strata(
    losses: ScanLosses, groups: str, pooled: Controlled, alpha: float, method: str, delta: float
) -> tuple[Stratum, ...]:
    names = losses.column(groups)
    found = []
    for name in sorted(set(names.tolist())):
        chosen = names == name
        table = losses.table.of_rows(chosen)
        own, reason = _own(table, alpha, method, delta)
        used = own or pooled
        at_used, at_pooled = (_losses_at(table, threshold) for threshold in (used.threshold, pooled.threshold))
        held = at_used if own is None else _held_out(table, alpha, method, own)
        breaks = float(at_pooled.mean()) - alpha > ERRORS * _error(at_pooled)
        if own is None and breaks:
            reason += "; the pooled threshold loses more here than is promised"
        found.append(
            Stratum(
                name=name or "not stated",
                scans=table.scans,
                threshold=used.threshold,
                pooled=own is None,
                reason=reason,
                risk=float(at_used.mean()),
                held=float(held.mean()),
                held_error=_error(held),
                risk_of_pooled=float(at_pooled.mean()),
                pooled_breaks=bool(breaks),
                false_marks_per_scan=_false_marks(losses, used.threshold, groups, name),
            )
        )
    return tuple(found)


def _own(table: LossTable, alpha: float, method: str, delta: float) -> tuple[Controlled | None, str]:
    """Return the stratum's own threshold and an empty reason, or None and why the pooled one is taken."""
    needed = least_scans(alpha, table.bound)
    if table.scans < needed:
        return None, f"{table.scans} scans, a threshold of its own needs at least {needed}"
    try:
        return _controlled(table, alpha, method, delta), ""
    except InputError:
        return None, f"no threshold keeps the loss of these {table.scans} scans at {alpha:g}"


def _held_out(table: LossTable, alpha: float, method: str, whole: Controlled) -> np.ndarray:
    """Return each scan's loss at the threshold that CRC makes without it; with RCPS at the threshold of all."""
    if method != CRC or table.scans < 2:
        return _losses_at(table, whole.threshold)
    others = table.scans - 1
    risk = (table.losses.sum(axis=0)[None] - table.losses) / others
    reached = (others * risk + table.bound) / (others + 1) >= alpha
    first = np.where(reached.any(axis=1), reached.argmax(axis=1), table.losses.shape[1])
    return table.losses[np.arange(table.scans), np.maximum(first - 1, 0)]


def _losses_at(table: LossTable, threshold: float) -> np.ndarray:
    return table.losses[:, int(np.searchsorted(table.thresholds, threshold - 1e-12))]


def _error(values: np.ndarray) -> float:
    """Return the standard error of the mean; of a single loss nothing is known, so it is the whole range."""
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else 1.0


def _false_marks(losses: ScanLosses, threshold: float, groups: str = "", name: str = "") -> float | None:
    if losses.false_marks is None:
        return None
    counts = losses.false_marks[:, int(np.searchsorted(losses.table.thresholds, threshold - 1e-12))]
    if groups:
        counts = counts[np.array(losses.false_mark_columns[groups], dtype=str) == name]
    return float(counts.mean())
