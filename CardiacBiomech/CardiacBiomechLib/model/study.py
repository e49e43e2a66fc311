"""What an analyzed cine exam says: function, strain, segments and verdicts; plain data and its JSON."""

from __future__ import annotations

from dataclasses import dataclass, field

SCHEMA = "thoraxai.cardiac/1"
ERROR, WARNING, NOTE = SEVERITIES = "error", "warning", "note"  # the most serious first


@dataclass(frozen=True)
class Verdict:
    """A finding about quality: its code, how grave, a sentence, and the numbers it touches."""

    code: str
    severity: str
    text: str
    touches: tuple[str, ...] = ()

    def to_dict(self) -> dict:
        """Plain values."""
        return {"code": self.code, "severity": self.severity, "text": self.text, "touches": list(self.touches)}


@dataclass(frozen=True)
class Chamber:
    """One ventricle: volumes in mL by frame, and those of end-diastole and end-systole.

    ``ef_range_percent`` spans the readings that the images do not decide between; a single value when they do.
    """

    edv_ml: float
    esv_ml: float
    curve_ml: tuple[float, ...]
    ef_range_percent: tuple[float, float] | None = None

    @property
    def stroke_ml(self) -> float:
        """Stroke volume."""
        return self.edv_ml - self.esv_ml

    @property
    def ef_percent(self) -> float:
        """Ejection fraction."""
        return 100.0 * self.stroke_ml / self.edv_ml if self.edv_ml > 0 else 0.0

    def to_dict(self) -> dict:
        """Plain values, rounded as far as they are known."""
        low_high = self.ef_range_percent
        return {
            "edv_ml": round(self.edv_ml, 1),
            "esv_ml": round(self.esv_ml, 1),
            "stroke_ml": round(self.stroke_ml, 1),
            "ef_percent": round(self.ef_percent, 1),
            "ef_range_percent": None if low_high is None else [round(value, 1) for value in low_high],
            "curve_ml": [round(value, 1) for value in self.curve_ml],
        }


@dataclass(frozen=True)
class SegmentRow:
    """One of the segments 1 to 16; None where the images do not show it. Strains are Green-Lagrange."""

    number: int
    name: str
    thickness_ed_mm: float | None
    thickness_es_mm: float | None
    peak: dict[str, float | None]
    end_systolic: dict[str, float | None]
    time_to_peak_ms: float | None
    energy: float | None
    stiffness: tuple[float, float, float] | None = None  # index, low and high end of its interval

    @property
    def thickening_percent(self) -> float | None:
        """How much thicker the wall is at end-systole."""
        if not self.thickness_ed_mm or self.thickness_es_mm is None:
            return None
        return 100.0 * (self.thickness_es_mm - self.thickness_ed_mm) / self.thickness_ed_mm

    def to_dict(self) -> dict:
        """Plain values."""
        return {
            "segment": self.number,
            "name": self.name,
            "thickness_ed_mm": rounded(self.thickness_ed_mm, 1),
            "thickness_es_mm": rounded(self.thickness_es_mm, 1),
            "thickening_percent": rounded(self.thickening_percent, 0),
            **{f"peak_{name}": rounded(value, 3) for name, value in self.peak.items()},
            **{f"end_systolic_{name}": rounded(value, 3) for name, value in self.end_systolic.items()},
            "time_to_peak_circumferential_ms": rounded(self.time_to_peak_ms, 0),
            "energy": rounded(self.energy, 3),
            "stiffness_index": rounded(None if self.stiffness is None else self.stiffness[0], 2),
            "stiffness_low": rounded(None if self.stiffness is None else self.stiffness[1], 2),
            "stiffness_high": rounded(None if self.stiffness is None else self.stiffness[2], 2),
        }


@dataclass(frozen=True)
class Study:
    """An analyzed exam. Frames are counted from 1; ``times_ms`` None when unknown."""

    frames: int
    ed_frame: int
    es_frame: int
    lv: Chamber
    mass_g: float
    rv: Chamber | None
    indices: dict[str, float]
    normal: dict[str, dict]
    strain: dict
    segments: tuple[SegmentRow, ...]
    long_axis: dict | None
    quality: tuple[Verdict, ...]
    times_ms: tuple[float, ...] | None
    source: str
    notes: tuple[str, ...] = ()
    methods: dict = field(default_factory=dict)
    insertions_ras_mm: tuple[tuple[float, ...], tuple[float, ...]] | None = None  # anterior, inferior
    features: dict = field(default_factory=dict)
    stiffness: dict = field(default_factory=dict)
    diagnosis: dict = field(default_factory=dict)

    @property
    def has_curves(self) -> bool:
        """Whether the frames are enough for curves."""
        return self.frames >= 8

    def _insertions(self) -> dict | None:
        if self.insertions_ras_mm is None:
            return None
        rows = ([round(value, 1) for value in point] for point in self.insertions_ras_mm)
        return dict(zip(("anterior", "inferior"), rows, strict=True))

    def to_dict(self) -> dict:
        """Return the content of cardiac.json."""
        lv = {**self.lv.to_dict(), "mass_g": round(self.mass_g, 1)}
        rv = None if self.rv is None else self.rv.to_dict()
        if not self.has_curves:
            lv.pop("curve_ml")
            if rv is not None:
                rv.pop("curve_ml")
        return {
            "schema": SCHEMA,
            "research_use": "Research use only, not a medical device.",
            "frames": self.frames,
            "frames_counted_from": 1,
            "ed_frame": self.ed_frame,
            "es_frame": self.es_frame,
            "times_ms": None if self.times_ms is None else [round(time, 1) for time in self.times_ms],
            "lv": lv,
            "rv": rv,
            "indices": {name: round(value, 2) for name, value in self.indices.items()},
            "normal_ranges": self.normal,
            "strain": self.strain,
            "segments": [row.to_dict() for row in self.segments],
            "insertions_ras_mm": self._insertions(),
            "long_axis": self.long_axis,
            "quality": [verdict.to_dict() for verdict in self.quality],
            "source": self.source,
            "notes": list(self.notes),
            "methods": self.methods,
            **({"stiffness": self.stiffness} if self.stiffness else {}),
            **({"features": self.features} if self.features else {}),
            **({"diagnosis": self.diagnosis} if self.diagnosis else {}),
        }


def rounded(value: float | None, decimals: int) -> float | None:
    """Return a number rounded, None as it is."""
    return None if value is None else round(float(value), decimals)
