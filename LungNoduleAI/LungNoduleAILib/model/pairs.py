"""Pair, Interval, Track: what a follow-up says, and its JSON (schema ``thoraxai.pairs/1``).

Positions are RAS mm of the scan in which the nodule lies. A track is one nodule over all dates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.growth import Growth
from ThoraxAILib.image.tuples import three

SCHEMA = "thoraxai.pairs/1"
MATCHED, NEW, RESOLVED, UNCERTAIN = "matched", "new", "resolved", "uncertain"
STATUSES = (MATCHED, NEW, RESOLVED, UNCERTAIN)


@dataclass(frozen=True)
class Pair:
    """One nodule at two dates; the id of the date at which it is missing is None.

    ``method_agreement`` is None when only one of network and registration gave an opinion; ``evidence`` is what spoke
    for the pair (similarity of the embeddings, distances in mm). ``candidates`` are the ids
    between which an uncertain match could not decide. ``decided_by`` is "reader" after a manual link or unlink.
    """

    prior_id: str | None
    current_id: str | None
    prior_center_ras_mm: tuple[float, float, float] | None
    current_center_ras_mm: tuple[float, float, float] | None
    status: str
    match_probability: float
    method_agreement: bool | None = None
    evidence: dict[str, float] = field(default_factory=dict)
    candidates: tuple[str, ...] = ()
    growth: Growth | None = None
    decided_by: str = "software"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status '{self.status}' is not one of {', '.join(STATUSES)}")

    def to_dict(self) -> dict:
        """JSON form; the growth's main numbers stand beside its details."""
        growth = self.growth
        return {
            "prior_id": self.prior_id,
            "current_id": self.current_id,
            "prior_center_ras_mm": _listed(self.prior_center_ras_mm),
            "current_center_ras_mm": _listed(self.current_center_ras_mm),
            "status": self.status,
            "match_probability": round(self.match_probability, 4),
            "volume_change_percent": None if growth is None else round(growth.volume_change_percent, 1),
            "vdt_days": None if growth is None or growth.vdt_days is None else round(growth.vdt_days, 1),
            "growth": None if growth is None else growth.growth,
            "method_agreement": self.method_agreement,
            "evidence": {name: round(value, 4) for name, value in self.evidence.items()},
            "candidates": list(self.candidates),
            "decided_by": self.decided_by,
            "notes": list(self.notes),
            "growth_details": None if growth is None else growth.to_dict(),
        }

    @staticmethod
    def from_dict(entry: dict) -> Pair:
        """Inverse of to_dict, as far as its rounding allows."""
        details = entry["growth_details"]
        prior_center, current_center = (
            None if entry[f"{when}_center_ras_mm"] is None else three(entry[f"{when}_center_ras_mm"])
            for when in ("prior", "current")
        )
        return Pair(
            entry["prior_id"],
            entry["current_id"],
            prior_center,
            current_center,
            entry["status"],
            entry["match_probability"],
            entry["method_agreement"],
            entry["evidence"],
            tuple(entry["candidates"]),
            None if details is None else Growth.from_dict(details),
            entry["decided_by"],
            tuple(entry["notes"]),
        )


@dataclass(frozen=True)
class ScanEntry:
    """One date of a follow-up: what the scan was and how many findings it has."""

    date: str
    series_uid: str
    kernel: str
    slice_mm: float | None
    contrast: str
    findings: tuple[Finding, ...] = ()

    def to_dict(self) -> dict:
        """JSON form, with the findings as in findings.json."""
        return {
            "date": self.date,
            "series_uid": self.series_uid,
            "kernel": self.kernel,
            "slice_mm": self.slice_mm,
            "contrast": self.contrast,
            "findings": [finding.to_dict() for finding in self.findings],
        }

    @staticmethod
    def from_dict(entry: dict) -> ScanEntry:
        """Inverse of to_dict."""
        return ScanEntry(
            entry["date"],
            entry["series_uid"],
            entry["kernel"],
            entry["slice_mm"],
            entry["contrast"],
            tuple(Finding.from_dict(finding) for finding in entry["findings"]),
        )


@dataclass(frozen=True, eq=False)
class Interval:
    """Two successive scans (indices into the follow-up's scans) and all nodules of either."""

    prior: int
    current: int
    days: int | None
    pairs: tuple[Pair, ...]
    warnings: tuple[str, ...] = ()
    registration: dict | None = None
    differences: tuple[dict, ...] = ()

    def to_dict(self) -> dict:
        """JSON form."""
        return {
            "prior": self.prior,
            "current": self.current,
            "days": self.days,
            "warnings": list(self.warnings),
            "registration": self.registration,
            "differences": list(self.differences),
            "pairs": [pair.to_dict() for pair in self.pairs],
        }

    @staticmethod
    def from_dict(entry: dict) -> Interval:
        """Inverse of to_dict."""
        return Interval(
            entry["prior"],
            entry["current"],
            entry["days"],
            tuple(Pair.from_dict(pair) for pair in entry["pairs"]),
            tuple(entry["warnings"]),
            entry["registration"],
            tuple(entry["differences"]),
        )


@dataclass(frozen=True)
class Track:
    """One nodule over all dates: per scan its finding id, or None where it was not found."""

    id: str
    finding_ids: tuple[str | None, ...]
    volumes_mm3: tuple[float | None, ...]
    diameters_mm: tuple[float | None, ...]

    def to_dict(self) -> dict:
        """JSON form, numbers to one decimal."""
        return {
            "id": self.id,
            "finding_ids": list(self.finding_ids),
            "volumes_mm3": [None if v is None else round(v, 1) for v in self.volumes_mm3],
            "diameters_mm": [None if d is None else round(d, 1) for d in self.diameters_mm],
        }


@dataclass(frozen=True, eq=False)
class FollowUp:
    """Everything a follow-up says: its scans, and the pairs of each two successive ones."""

    scans: tuple[ScanEntry, ...]
    intervals: tuple[Interval, ...]

    @property
    def tracks(self) -> tuple[Track, ...]:
        """One row per nodule over all dates."""
        return make_tracks([scan.findings for scan in self.scans], self.intervals)

    def to_dict(self) -> dict:
        """Return content of pairs.json: ``pairs`` are those of the last two dates, ``intervals`` holds every step."""
        last = self.intervals[-1]
        warnings = dict.fromkeys(text for interval in self.intervals for text in interval.warnings)
        return {
            "schema": SCHEMA,
            "scans": [scan.to_dict() for scan in self.scans],
            "days": last.days,
            "warnings": list(warnings),
            "pairs": [pair.to_dict() for pair in last.pairs],
            "differences": list(last.differences),
            "intervals": [step.to_dict() for step in self.intervals],
            "tracks": [track.to_dict() for track in self.tracks],
            "notice": "Research use only, not a medical device.",
        }

    @staticmethod
    def from_dict(entry: dict) -> FollowUp:
        """Inverse of to_dict; raises ValueError for another schema."""
        if entry.get("schema") != SCHEMA:
            raise ValueError(f"pairs of schema {entry.get('schema')!r} cannot be read: {SCHEMA} is expected")
        return FollowUp(
            tuple(ScanEntry.from_dict(scan) for scan in entry["scans"]),
            tuple(Interval.from_dict(step) for step in entry["intervals"]),
        )


def make_tracks(findings: Sequence[Sequence[Finding]], intervals: Sequence[Interval]) -> tuple[Track, ...]:
    """Chain the matched pairs of successive intervals into one track per nodule, the first seen first.

    ``findings`` are those of each scan. An uncertain pair does not continue a track: the reader decides.
    """
    open_tracks: dict[str, list[str | None]] = {}
    done: list[list[str | None]] = []
    for scan, found in enumerate(findings):
        links = {} if scan == 0 else _links(intervals[scan - 1])
        continued: dict[str, list[str | None]] = {}
        for finding in found:
            before = open_tracks.pop(links.get(finding.id, ""), None)
            continued[finding.id] = [*(before if before is not None else [None] * scan), finding.id]
        done += [[*track, *[None] * (len(findings) - len(track))] for track in open_tracks.values()]
        open_tracks = continued
    rows = sorted([*open_tracks.values(), *done], key=lambda ids: [(i is None, i or "") for i in ids])
    sizes = [{finding.id: finding for finding in found} for found in findings]
    return tuple(_track(number, ids, sizes) for number, ids in enumerate(rows, start=1))


def _links(interval: Interval) -> dict[str, str]:
    return {
        pair.current_id: pair.prior_id
        for pair in interval.pairs
        if pair.status == MATCHED and pair.current_id is not None and pair.prior_id is not None
    }


def _track(number: int, ids: list[str | None], sizes: list[dict[str, Finding]]) -> Track:
    found = [None if name is None else by_id[name] for name, by_id in zip(ids, sizes, strict=True)]
    return Track(
        f"Track_{number:02d}",
        tuple(ids),
        tuple(None if f is None else f.volume_mm3 for f in found),
        tuple(None if f is None else f.mean_diameter_mm for f in found),
    )


def with_growth(pair: Pair, growth: Growth) -> Pair:
    """Return the same pair with its growth."""
    return replace(pair, growth=growth)


def _listed(point: tuple[float, float, float] | None) -> list[float] | None:
    return None if point is None else [round(float(x), 2) for x in point]
