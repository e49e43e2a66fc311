"""The verdict on growth: what changed between two measurements of one nodule."""

from __future__ import annotations

from dataclasses import asdict, dataclass

GROWING, STABLE, INDETERMINATE, SHRINKING = "growing", "stable", "indeterminate", "shrinking"


@dataclass(frozen=True)
class Growth:
    """What changed between two measurements of one nodule; ``vdt_days`` is None with its reason where there is none."""

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

    def to_dict(self) -> dict:
        """JSON form, numbers to one decimal."""
        entry = {name: round(value, 1) if isinstance(value, float) else value for name, value in asdict(self).items()}
        return {**entry, "reasons": list(self.reasons)}

    @staticmethod
    def from_dict(entry: dict) -> Growth:
        """Inverse of to_dict, as far as its rounding allows."""
        return Growth(**{**entry, "reasons": tuple(entry["reasons"])})
