"""Pair, Interval, Track: what a follow-up says, and its JSON (schema ``thoraxai.pairs/1``).

Positions are RAS mm of the scan in which the nodule lies. A track is one nodule over all dates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

from LungNoduleAILib.findings import Finding
from LungNoduleAILib.followup.growth import Growth

SCHEMA = "thoraxai.pairs/1"
MATCHED, NEW, RESOLVED, UNCERTAIN = "matched", "new", "resolved", "uncertain"
STATUSES = (MATCHED, NEW, RESOLVED, UNCERTAIN)


@dataclass(frozen=True)
class Pair:
    """One nodule at two dates; the id of the date at which it is missing is None.

    ``method_agreement`` is None when only one of network and registration gave an opinion. ``candidates`` are the ids
    between which an uncertain match could not decide. ``decided_by`` is "reader" after a manual link or unlink.
    """

    prior_id: str | None
    current_id: str | None
    prior_center_ras_mm: tuple[float, float, float] | None
    current_center_ras_mm: tuple[float, float, float] | None
    status: str
    match_probability: float
    method_agreement: bool | None = None
    opinions: dict[str, float] = field(default_factory=dict)
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
            "prior_id": self.prior_id, "current_id": self.current_id,
            "prior_center_ras_mm": _listed(self.prior_center_ras_mm),
            "current_center_ras_mm": _listed(self.current_center_ras_mm),
            "status": self.status, "match_probability": round(self.match_probability, 4),
            "volume_change_percent": None if growth is None else round(growth.volume_change_percent, 1),
            "vdt_days": None if growth is None or growth.vdt_days is None else round(growth.vdt_days, 1),
            "growth": None if growth is None else growth.growth,
            "method_agreement": self.method_agreement,
            "opinions": {name: round(value, 4) for name, value in self.opinions.items()},
            "candidates": list(self.candidates), "decided_by": self.decided_by, "notes": list(self.notes),
            "growth_details": None if growth is None else growth.to_dict()}


@dataclass(frozen=True)
class ScanEntry:
    """One date of a follow-up: what the scan was and how many findings it has."""

    date: str
    series_uid: str
    kernel: str
    slice_mm: float | None
    contrast: str
    findings: int

    def to_dict(self) -> dict:
        """JSON form."""
        return asdict(self)


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
        return {"prior": self.prior, "current": self.current, "days": self.days, "warnings": list(self.warnings),
                "registration": self.registration, "differences": list(self.differences),
                "pairs": [pair.to_dict() for pair in self.pairs]}


@dataclass(frozen=True)
class Track:
    """One nodule over all dates: per scan its finding id, or None where it was not found."""

    id: str
    finding_ids: tuple[str | None, ...]
    volumes_mm3: tuple[float | None, ...]
    diameters_mm: tuple[float | None, ...]

    def to_dict(self) -> dict:
        """JSON form, numbers to one decimal."""
        return {"id": self.id, "finding_ids": list(self.finding_ids),
                "volumes_mm3": [None if v is None else round(v, 1) for v in self.volumes_mm3],
                "diameters_mm": [None if d is None else round(d, 1) for d in self.diameters_mm]}


def pairs_document(scans: Sequence[ScanEntry], intervals: Sequence[Interval], tracks: Sequence[Track]) -> dict:
    """The content of pairs.json: ``pairs`` are those of the last two dates, ``intervals`` holds every step."""
    last = intervals[-1]
    return {"schema": SCHEMA, "scans": [scan.to_dict() for scan in scans], "days": last.days,
            "warnings": list(dict.fromkeys(text for interval in intervals for text in interval.warnings)),
            "pairs": [pair.to_dict() for pair in last.pairs],
            "differences": list(last.differences), "intervals": [interval.to_dict() for interval in intervals],
            "tracks": [track.to_dict() for track in tracks], "notice": "Research use only, not a medical device."}


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
    return {pair.current_id: pair.prior_id for pair in interval.pairs if pair.status == MATCHED}


def _track(number: int, ids: list[str | None], sizes: list[dict[str, Finding]]) -> Track:
    found = [None if name is None else by_id[name] for name, by_id in zip(ids, sizes, strict=True)]
    return Track(f"Track_{number:02d}", tuple(ids), tuple(None if f is None else f.volume_mm3 for f in found),
                 tuple(None if f is None else f.mean_diameter_mm for f in found))


def with_growth(pair: Pair, growth: Growth) -> Pair:
    """The same pair with its growth."""
    return replace(pair, growth=growth)


def _listed(point: tuple[float, float, float] | None) -> list[float] | None:
    return None if point is None else [round(float(x), 2) for x in point]
