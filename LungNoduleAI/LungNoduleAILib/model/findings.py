"""Finding and Findings: what the analysis says, and its JSON (schema ``thoraxai.findings/1``).

All positions are RAS mm, sizes mm, volumes mm3 (lungs: mL). Masks are on the grid of the input volume.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from LungNoduleAILib.model.review import AI, Review
from ThoraxAILib.image.mask import Mask

SCHEMA = "thoraxai.findings/1"
CONTRADICTS_ORIENTATION = "contradicts_orientation"  # the verdict with which sides and lobes are withheld
STATUSES = ("unreviewed", "accepted", "rejected")
NODULE_TYPES = ("solid", "part-solid", "ground-glass", "calcified")
LOBES = ("RUL", "RML", "RLL", "LUL", "LLL")
SURE_LOBE = 0.9  # the chance from which a lobe is told without a question mark, and used by the guidelines
_TUPLES = (
    "center_ras_mm",
    "bounds_ras_mm",
    "suspicion_interval",
    "long_axis_ras_mm",
    "short_axis_ras_mm",
    "notes",
)


@dataclass(frozen=True, eq=False)
class Finding:
    """One nodule (or mass, from 30 mm) with the values that stand now; ``status`` is the reader's decision.

    ``doubt`` says why it is probably no nodule. ``source`` says who marked it, ``ai`` or ``reader``. Where the reader
    changed a value, ``ai_values`` keeps the software's by the name of the field. ``attachment``, ``margin``,
    ``shape`` and ``calcification_pattern`` are the reader's to state (words of model.review), None as long as nobody
    did. The ends of the axes are two RAS points.
    ``volume_mm3`` lies inside the outline before it is cut into voxels (of region growing: voxels at a blurred border
    count in part); ``mask_volume_mm3`` is what the voxels of the mask add up to, as another program measures the
    exported segment.

    ``lobe_confidence`` is the chance, 0.5 to 1, that the software placed it in the right lobe; None where the reader
    said which lobe it is.
    ``suspicion`` is how suspicious readers would rate it, 1 (highly unlikely malignant) to 5 (highly suspicious), with
    the interval that holds nine of ten of their ratings; it is no pathology. None where no network outlined it.
    """

    id: str
    center_ras_mm: tuple[float, float, float]
    mean_diameter_mm: float
    long_axis_mm: float
    short_axis_mm: float
    volume_mm3: float
    type: str
    mean_hu: float
    mass_mg: float
    lobe: str | None
    side: str | None
    confidence: float
    status: str = "unreviewed"
    reason: str = ""
    kind: str = "nodule"
    solid_mean_diameter_mm: float | None = None
    solid_volume_mm3: float | None = None
    distance_to_pleura_mm: float | None = None
    bounds_ras_mm: tuple[float, float, float, float, float, float] | None = None
    suspicion: float | None = None
    suspicion_interval: tuple[float, float] | None = None
    detector: str = ""
    notes: tuple[str, ...] = ()
    doubt: str = ""
    source: str = AI
    attachment: str | None = None
    margin: str | None = None
    shape: str | None = None
    calcification_pattern: str | None = None
    long_axis_ras_mm: tuple[float, float, float, float, float, float] | None = None
    short_axis_ras_mm: tuple[float, float, float, float, float, float] | None = None
    mask_volume_mm3: float | None = None
    lobe_confidence: float | None = None
    ai_values: dict[str, Any] = field(default_factory=dict)
    mask: Mask | None = field(default=None, repr=False)

    @property
    def lobe_is_sure(self) -> bool:
        """Whether its lobe is known well enough for rules that ask for it."""
        return self.lobe is not None and (self.lobe_confidence is None or self.lobe_confidence >= SURE_LOBE)

    def where(self, nowhere: str) -> str:
        """Return its lobe, with a question mark where that is not sure; else its lung; ``nowhere`` without both."""
        if self.lobe is not None:
            return self.lobe if self.lobe_is_sure else f"{self.lobe}?"
        return f"{self.side} lung" if self.side else nowhere

    def with_status(self, status: str, reason: str = "") -> Finding:
        """Return the same finding with the reader's decision; raises ValueError for an unknown status."""
        if status not in STATUSES:
            raise ValueError(f"status '{status}' is not one of {', '.join(STATUSES)}")
        return replace(self, status=status, reason=reason)

    def to_dict(self) -> dict:
        """JSON form, without the mask."""
        entry = asdict(replace(self, mask=None))
        entry.pop("mask")
        for name in _TUPLES:
            entry[name] = None if entry[name] is None else list(entry[name])
        return entry

    @staticmethod
    def from_dict(entry: dict) -> Finding:
        """Inverse of to_dict; unknown keys are ignored so that newer files still open."""
        known = {name: entry[name] for name in Finding.__dataclass_fields__ if name in entry}
        for name in _TUPLES:
            if known.get(name) is not None:
                known[name] = tuple(known[name])
        return Finding(**known)


@dataclass(frozen=True)
class Removed:
    """A candidate that was not reported, and why."""

    center_ras_mm: tuple[float, float, float]
    diameter_mm: float
    confidence: float
    reason: str

    def to_dict(self) -> dict:
        """JSON form."""
        return {**asdict(self), "center_ras_mm": list(self.center_ras_mm)}


@dataclass(frozen=True)
class QualityNote:
    """One verdict on the chest: a stable code, a sentence, how serious, where (RAS mm) and how much, when known.

    Codes: ``ok, volume_out_of_range, cut_by_field_of_view, leak, one_lung_missing, not_a_chest, large_opacity,
    pleural_fluid, pleural_air, lungs_unequal, unsure_opacity, thick_slices, sides_uncertain, lobes_approximate,
    contradicts_orientation, small_body``. Severity: ``info, warning, error``.
    """

    code: str
    text: str
    severity: str = "warning"
    center_ras_mm: tuple[float, float, float] | None = None
    size_mm: tuple[float, float, float] | None = None
    volume_ml: float | None = None

    def to_dict(self) -> dict:
        """JSON form; place, size and volume only when known."""
        entry: dict[str, object] = {"code": self.code, "severity": self.severity, "text": self.text}
        for name in ("center_ras_mm", "size_mm"):
            if getattr(self, name) is not None:
                entry[name] = list(getattr(self, name))
        if self.volume_ml is not None:
            entry["volume_ml"] = self.volume_ml
        return entry

    @staticmethod
    def from_dict(entry: dict) -> QualityNote:
        """Inverse of to_dict."""
        place = {name: tuple(entry[name]) for name in ("center_ras_mm", "size_mm") if entry.get(name) is not None}
        return QualityNote(entry["code"], entry["text"], entry["severity"], **place, volume_ml=entry.get("volume_ml"))


@dataclass(frozen=True)
class Lungs:
    """Volumes of the lungs in mL (airways not counted) and the verdicts on them.

    ``left_ml`` and ``right_ml`` are None when the sides are withheld; ``both_ml`` is known also then, otherwise it is
    their sum (what a negative one stands for). The analysis gives whole tenths of a mL.
    """

    left_ml: float | None
    right_ml: float | None
    quality: tuple[QualityNote, ...] = ()
    both_ml: float = -1.0

    def __post_init__(self) -> None:
        if self.both_ml < 0:
            object.__setattr__(self, "both_ml", (self.left_ml or 0.0) + (self.right_ml or 0.0))

    @property
    def sides_withheld(self) -> bool:
        """Whether the image contradicts its orientation, so that no side or lobe is stated."""
        return any(note.code == CONTRADICTS_ORIENTATION for note in self.quality)

    def in_words(self) -> str:
        """Return the volumes in one line, rounded to whole mL as everywhere."""
        if self.left_ml is None or self.right_ml is None:
            return f"both {self.both_ml:.0f} mL, sides withheld"
        return f"right {self.right_ml:.0f} mL, left {self.left_ml:.0f} mL"

    def to_dict(self) -> dict:
        """JSON form."""
        return {
            "left_ml": None if self.left_ml is None else round(self.left_ml, 1),
            "right_ml": None if self.right_ml is None else round(self.right_ml, 1),
            "both_ml": round(self.both_ml, 1),
            "quality": [note.to_dict() for note in self.quality],
        }


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything one analysis says about one series."""

    series_uid: str
    lungs: Lungs
    findings: tuple[Finding, ...] = ()
    removed: tuple[Removed, ...] = ()
    notes: tuple[str, ...] = ()
    review: Review = field(default_factory=Review)

    def to_dict(self) -> dict:
        """Return the content of findings.json; a review only when there is one."""
        review = {} if self.review.is_empty else {"review": self.review.to_dict()}
        return {
            "schema": SCHEMA,
            "series_uid": self.series_uid,
            "lungs": self.lungs.to_dict(),
            "findings": [finding.to_dict() for finding in self.findings],
            "removed": [removed.to_dict() for removed in self.removed],
            "notes": list(self.notes),
            **review,
        }

    @staticmethod
    def from_dict(entry: dict) -> Findings:
        """Inverse of to_dict, without masks; raises ValueError for another schema."""
        if entry.get("schema") != SCHEMA:
            raise ValueError(f"findings of schema {entry.get('schema')!r} cannot be read: {SCHEMA} is expected")
        lungs = Lungs(
            entry["lungs"]["left_ml"],
            entry["lungs"]["right_ml"],
            tuple(QualityNote.from_dict(note) for note in entry["lungs"]["quality"]),
            entry["lungs"].get("both_ml", -1.0),
        )
        removed = tuple(
            Removed(tuple(r["center_ras_mm"]), r["diameter_mm"], r["confidence"], r["reason"]) for r in entry["removed"]
        )
        return Findings(
            entry["series_uid"],
            lungs,
            tuple(Finding.from_dict(f) for f in entry["findings"]),
            removed,
            tuple(entry.get("notes", ())),
            Review.from_dict(entry.get("review", {})),
        )
