"""Did a nodule grow between two dates: change of volume, diameter, density and mass, doubling time, and how sure.

A change counts only beyond the repeatability of the measurement. The band is the larger 95 % limit of de Hoop et al.,
Eur Radiol 2009 (214 nodules scanned twice the same day, six packages: 12.9-17.1 % from 8 mm, 18.5-25.6 % below),
wider where the two scans were not made alike. Growth by volume is +25 % (BTS 2015), by diameter more than 1.5 mm
(Lung-RADS v2022); both are told. Doubling time: t ln 2 / ln(V2 / V1) (Schwartz, Cancer 1961), of growing nodules only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.growth import GROWING, INDETERMINATE, SHRINKING, STABLE, Growth, percent_words
from ThoraxAILib.image.volume import Volume

LARGE_MM = 8.0
BAND_LARGE_PERCENT, BAND_SMALL_PERCENT = 17.1, 25.6
# An allowance, not a measured value: on synthetic pairs (Testing/benchmarks/lung_matching.py growth) 1.96 robust
# deviations of the change of free-lying nodules are 7 % between like scans (10 nodules), 10 % between unlike (75).
UNLIKE_SCANS_FACTOR = 1.5
GROWTH_PERCENT = 25.0
GROWTH_MM = Decimal("1.5")
THICKNESS_RATIO = 1.5
THICK_MM = 2.5


@dataclass(frozen=True)
class ScanContext:
    """What about a scan bears on comparing sizes; dates as YYYYMMDD, empty when unknown."""

    date: str = ""
    kernel: str = ""
    slice_mm: float | None = None
    contrast: str = ""

    @staticmethod
    def of(volume: Volume) -> ScanContext:
        """Return the context of a CT: slice thickness where it is known, else slice distance."""
        identity = volume.identity
        slice_mm = max(identity.slice_thickness_mm or 0.0, float(volume.spacing_ijk_mm.max()))
        return ScanContext(identity.study_date, identity.kernel, slice_mm, identity.contrast)


def days_between(prior: str, current: str) -> int | None:
    """Days from one DICOM date (YYYYMMDD) to another, negative when reversed; None when one is missing or no date."""
    try:
        first, second = (date(int(text[:4]), int(text[4:6]), int(text[6:8])) for text in (prior, current))
    except ValueError:
        return None
    return (second - first).days


def volume_doubling_days(prior_mm3: float, current_mm3: float, days: float) -> float | None:
    """Volume doubling time t ln 2 / ln(V2 / V1) in days; None without growth (never negative)."""
    if current_mm3 <= prior_mm3 or days <= 0:
        return None
    return days * math.log(2) / math.log(current_mm3 / prior_mm3)


def scan_differences(prior: ScanContext, current: ScanContext) -> tuple[str, ...]:
    """One sentence for each way in which two scans were not made alike."""
    told = []
    if prior.kernel and current.kernel and prior.kernel != current.kernel:
        told.append(
            f"The reconstruction kernels differ ({prior.kernel} and {current.kernel}): sizes are less exactly "
            "comparable."
        )
    if prior.slice_mm and current.slice_mm:
        thin, thick = sorted((prior.slice_mm, current.slice_mm))
        if thick > THICKNESS_RATIO * thin:
            told.append(
                f"The slices differ ({prior.slice_mm:g} and {current.slice_mm:g} mm): sizes are less exactly "
                "comparable."
            )
        elif thick > THICK_MM:
            told.append(f"Slices of {thick:g} mm are thick for measuring nodules (at most {THICK_MM:g} mm is better).")
    if bool(prior.contrast) != bool(current.contrast):
        told.append("Only one of the two scans was made with contrast agent: densities are not comparable.")
    return tuple(told)


def variability_band_percent(diameter_mm: float, scans_alike: bool) -> float:
    """Change of volume in percent that repeated measurement alone explains (95 %), by size and likeness of scans."""
    band = BAND_LARGE_PERCENT if diameter_mm >= LARGE_MM else BAND_SMALL_PERCENT
    return band if scans_alike else UNLIKE_SCANS_FACTOR * band


def assess_growth(
    prior: Finding,
    current: Finding,
    days: int | None,
    prior_scan: ScanContext | None = None,
    current_scan: ScanContext | None = None,
) -> Growth:
    """Growth of one nodule from its two measurements; ``days`` None means that a date is missing.

    Raises ValueError for a measurement without volume or for dates in reverse order: swap the scans before.
    """
    if min(prior.volume_mm3, current.volume_mm3) <= 0:
        raise ValueError("growth needs two positive volumes")
    if days is not None and days < 0:
        raise ValueError("the prior scan must not be later than the current one")
    alike = not scan_differences(prior_scan or ScanContext(), current_scan or ScanContext())
    change = 100.0 * (current.volume_mm3 / prior.volume_mm3 - 1.0)
    wider = _tenths(current.mean_diameter_mm) - _tenths(prior.mean_diameter_mm)
    band = variability_band_percent(prior.mean_diameter_mm, alike)
    by_volume, by_diameter = change >= GROWTH_PERCENT, wider > GROWTH_MM
    verdict, reason = _verdict(change, band, by_diameter, days)
    if verdict == STABLE and abs(wider) > GROWTH_MM and float(wider) * change < 0:
        verdict, reason = (
            INDETERMINATE,
            (
                f"Diameter and volume disagree: {wider:+.1f} mm in diameter and {percent_words(change)} in volume. "
                "One of the outlines is probably wrong: look at both."
            ),
        )
    vdt, vdt_reason = _doubling(prior, current, days, verdict)
    return Growth(
        verdict,
        change,
        float(wider),
        band,
        by_volume,
        by_diameter,
        days,
        vdt,
        vdt_reason,
        current.mean_hu - prior.mean_hu,
        _percent(prior.mass_mg, current.mass_mg),
        _percent(prior.solid_volume_mm3, current.solid_volume_mm3),
        (reason, _rules(change, by_volume, wider, by_diameter)),
    )


def _verdict(change: float, band: float, by_diameter: bool, days: int | None) -> tuple[str, str]:
    """Growing or shrinking beyond band and rule, stable well inside the band, else indeterminate; with the reason."""
    up, told = max(GROWTH_PERCENT, band), percent_words(change)
    down = -100.0 * (1.0 - 1.0 / (1.0 + up / 100.0))
    if days == 0:
        steady = abs(change) <= band and not by_diameter
        return (
            STABLE if steady else INDETERMINATE,
            f"Both scans are of the same day: the change of {told} is a difference of measurement.",
        )
    if change >= up:
        return (
            GROWING,
            f"The volume changed by {told}, more than {up:.0f} % (rule 25 %, band {band:.0f} %).",
        )
    if change <= down:
        return (
            SHRINKING,
            f"The volume changed by {told}, beyond {down:.0f} % (the inverse of {up:+.0f} %).",
        )
    if abs(change) <= band / 2 and not by_diameter:
        return STABLE, f"The volume changed by {told}, less than half of the band of {band:.0f} %."
    return INDETERMINATE, (
        f"The volume changed by {told}: repeated measurement of a nodule this size varies "
        f"by {band:.0f} %, so neither growth nor stability is shown."
    )


def _rules(change: float, by_volume: bool, wider: Decimal, by_diameter: bool) -> str:
    volume = "met" if by_volume else "not met"
    diameter = "met" if by_diameter else "not met"
    return (
        f"Volume rule (+25 %): {volume} ({percent_words(change)}). Diameter rule (more than 1.5 mm): {diameter} "
        f"({wider:+.1f} mm)."
    )


def _doubling(prior: Finding, current: Finding, days: int | None, verdict: str) -> tuple[float | None, str]:
    if days is None:
        return None, "A study date is missing: no doubling time."
    if days == 0:
        return None, "Both scans are of the same day: no doubling time."
    if verdict != GROWING:
        return None, "No growth was measured: no doubling time."
    return volume_doubling_days(prior.volume_mm3, current.volume_mm3, days), ""


def _percent(prior: float | None, current: float | None) -> float | None:
    return None if not prior or current is None else 100.0 * (current / prior - 1.0)


def _tenths(value_mm: float) -> Decimal:
    """One decimal, rounded half up, as Lung-RADS takes differences."""
    return Decimal(repr(value_mm)).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
