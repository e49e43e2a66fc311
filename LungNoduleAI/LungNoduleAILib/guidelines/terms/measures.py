"""Numbers before rules: roundings as the guidelines want them, spheres, and the volume doubling time."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

from ThoraxAILib.image.spheres import sphere_diameter_mm

DAYS_PER_MONTH = Decimal("30.4375")  # 365.25 / 12
ONE_DECIMAL, WHOLE = Decimal("0.1"), Decimal(1)


def one_decimal(value: Decimal) -> Decimal:
    """Return rounded half up to one decimal: Lung-RADS v2022 diameters in mm."""
    return value.quantize(ONE_DECIMAL, ROUND_HALF_UP)


def whole(value: Decimal) -> Decimal:
    """Return rounded half up: whole mm of Fleischner 2017 (8.5 becomes 9), whole mm3 of every volume cut-off, whole
    months.
    """
    return value.quantize(WHOLE, ROUND_HALF_UP)


def rounded_sphere_diameter_mm(volume_mm3: Decimal) -> Decimal:
    """Diameter of the sphere of this volume, to one decimal."""
    return one_decimal(Decimal(repr(sphere_diameter_mm(float(volume_mm3)))))


def doubling_time_days(prior_mm3: float, current_mm3: float, days: float) -> float | None:
    """t ln 2 / ln(V2/V1); None when the volume did not increase (stable or regressing)."""
    if current_mm3 <= prior_mm3:
        return None
    return days * math.log(2) / math.log(current_mm3 / prior_mm3)


def doubling_time_days_of_diameters(prior_mm: float, current_mm: float, days: float) -> float | None:
    """t ln 2 / (3 ln(d2/d1)), a sphere taken for granted; None when the diameter did not increase."""
    if current_mm <= prior_mm:
        return None
    return days * math.log(2) / (3 * math.log(current_mm / prior_mm))
