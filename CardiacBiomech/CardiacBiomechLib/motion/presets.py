"""Two settings of the same registration: one for carrying labels, one for strain. They pull in different directions.

Readers draw end-systolic walls 8 to 17 % larger than end-diastolic ones (group means of ACDC), so labels are carried
best by a wall whose volume may change a little; strain is truest with a wall that keeps it (analytic phantom).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ThoraxAILib.errors import InputError
from ThoraxAILib.registration.options import CINE_LEVELS, InstanceOptions, Level


@dataclass(frozen=True)
class MotionPreset:
    """Instance options, the wall's bulk weight kappa (mu is 1), and in one sentence what the preset is for."""

    bulk: float
    instance: InstanceOptions = field(default_factory=InstanceOptions)
    reason: str = ""


LABEL_LEVELS = (
    Level(5.6, 24.0, 80, (16.0, 30.0)),
    Level(2.8, 12.0, 80, (10.0, 20.0)),
    Level(1.4, 8.0, 40, (8.0, 16.0)),
)
PRESETS = {
    "labels": MotionPreset(5.0, InstanceOptions(levels=LABEL_LEVELS, weight=0.1, intensity_weight=1.0),
                           "follows contours most closely; for strain take --preset strain"),
    "strain": MotionPreset(100.0, InstanceOptions(levels=CINE_LEVELS, weight=0.3, intensity_weight=0.1),
                           "keeps the volume of the wall; for contours take --preset labels"),
}


def preset(name: str) -> MotionPreset:
    """The preset of this name; raises InputError for an unknown one."""
    if name not in PRESETS:
        raise InputError(f"There is no preset named {name}: choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]
