"""Priority of a case from what was found in it; rule ``thoraxai.triage/1``.

Each finding that no reader rejected weighs by the size classes of Lung-RADS v2022 (ACR 2022; baseline, mean diameter in
mm), times its confidence; a nodule that grew weighs as the class above. The case takes the largest. A case that could
not be judged (an error among the verdicts) or that holds a large opacity waits no longer than a middle one: what is
uncertain is not urgent-free. It orders a list for reading; it is no diagnosis.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from LungNoduleAILib.model.findings import Finding, Findings

RULE = "thoraxai.triage/1"
HIGH, MEDIUM, LOW = "HIGH", "MEDIUM", "LOW"  # values of Scheduled Procedure Step Priority (0074,1200), PS3.3 C.30.1
HIGH_FROM, MEDIUM_FROM = 0.6, 0.3
WEIGHTS = (0.1, 0.4, 0.7, 0.9, 1.0)  # of the classes below
UNCERTAIN = 0.5
UNCERTAIN_CODES = frozenset({"large_opacity", "one_lung_missing", "volume_out_of_range", "leak"})
SOLID_LIMITS_MM = (6.0, 8.0, 15.0, 30.0)
PART_LIMITS_MM = (4.0, 6.0, 8.0, 30.0)  # of the solid part; below the first by the whole nodule from 6 mm on
GROUND_GLASS_LIMITS_MM = (30.0,)


@dataclass(frozen=True)
class Priority:
    """A priority from 0 to 1, its level, and the finding or verdict that set it."""

    value: float
    level: str
    reason: str
    rule: str = RULE

    def to_dict(self) -> dict:
        """JSON form."""
        return {"priority": round(self.value, 3), "level": self.level, "reason": self.reason, "rule_version": self.rule}


def priority_of(findings: Findings, grown: Collection[str] = ()) -> Priority:
    """Return the priority of a case; ``grown`` names findings that have grown since the date before."""
    value, reason = 0.0, "no finding"
    for finding in findings.findings:
        if finding.status == "rejected":
            continue
        weight = WEIGHTS[min(_class(finding) + (finding.id in grown), len(WEIGHTS) - 1)]
        sure = 1.0 if finding.status == "accepted" else finding.confidence
        if weight * sure > value:
            value = weight * sure
            reason = f"{finding.id}: {finding.type}, {finding.mean_diameter_mm:.1f} mm" + (
                ", grown" if finding.id in grown else ""
            )
    for note in findings.lungs.quality:
        if (note.severity == "error" or note.code in UNCERTAIN_CODES) and value < UNCERTAIN:
            value, reason = UNCERTAIN, note.text
    return Priority(value, level_of(value), reason)


def level_of(value: float) -> str:
    """Return the level of a worklist for a priority."""
    return HIGH if value >= HIGH_FROM else MEDIUM if value >= MEDIUM_FROM else LOW


def _class(finding: Finding) -> int:
    """Return 0..4: how many limits the size that counts for this type reaches."""
    if finding.type == "calcified":
        return 0
    if finding.type == "ground-glass":
        return sum(finding.mean_diameter_mm >= limit for limit in GROUND_GLASS_LIMITS_MM)
    if finding.type == "part-solid":
        solid = finding.solid_mean_diameter_mm or 0.0
        found = sum(solid >= limit for limit in PART_LIMITS_MM)
        return max(found, int(finding.mean_diameter_mm >= SOLID_LIMITS_MM[0]))
    return sum(finding.mean_diameter_mm >= limit for limit in SOLID_LIMITS_MM)
