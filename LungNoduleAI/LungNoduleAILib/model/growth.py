"""The verdict on growth: what changed between two measurements of one nodule."""

from __future__ import annotations

from dataclasses import asdict, dataclass

GROWING, STABLE, INDETERMINATE, SHRINKING = "growing", "stable", "indeterminate", "shrinking"
NO_GROWTH = "no growth measured"


def percent_words(change: float) -> str:
    """Return a change in percent with its sign, without a minus before a zero: '+63 %', '0 %'."""
    rounded = round(change) + 0.0
    return f"{rounded:+.0f} %" if rounded else "0 %"


@dataclass(frozen=True)
class Growth:
    """What changed between two measurements of one nodule.

    ``vdt_days`` is told of a nodule that is ``GROWING`` only: a smaller change is what repeated measurement explains,
    and its doubling time may be any number. Else it is None with its reason.
    """

    growth: str
    volume_change_percent: float
    diameter_change_mm: float
    band_percent: float
    grows_by_volume: bool
    grows_by_diameter: bool
    days: int | None
    vdt_days: float | None
    vdt_reason: str
    density_change_hu: float
    mass_change_percent: float | None
    solid_volume_change_percent: float | None
    reasons: tuple[str, ...]

    @property
    def doubling_words(self) -> str:
        """The doubling time as every table shows it: '182 days', that no growth was measured, or nothing to tell."""
        if self.vdt_days is not None and self.growth == GROWING:
            return f"{self.vdt_days:.0f} days"
        return NO_GROWTH if self.growth != GROWING and self.days else ""

    def to_dict(self) -> dict:
        """JSON form, numbers to one decimal."""
        entry = {name: round(value, 1) if isinstance(value, float) else value for name, value in asdict(self).items()}
        return {**entry, "reasons": list(self.reasons)}

    @staticmethod
    def from_dict(entry: dict) -> Growth:
        """Inverse of to_dict, as far as its rounding allows."""
        return Growth(**{**entry, "reasons": tuple(entry["reasons"])})
