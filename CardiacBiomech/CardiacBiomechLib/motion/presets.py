"""Settings of the same registration: a balanced default, and one for each of two aims that pull apart.

Readers draw end-systolic walls 8 to 17 % larger than end-diastolic ones (group means of ACDC), so their contours are
followed best by a wall whose volume may change; strain is truest with a wall that keeps it (analytic phantom).
Balanced searches long on coarse grids, where steps are cheap: large contractions are found there, before the finest
level can fit noise. That level is held harder, because between two contours of flat muscle noise is all it sees.
"""

from __future__ import annotations

from dataclasses import dataclass

from ThoraxAILib.errors import InputError
from ThoraxAILib.options import Options, option
from ThoraxAILib.registration.options import CINE_LEVELS, InstanceOptions, Level


@dataclass(frozen=True)
class MotionPreset(Options):
    """Instance options, the wall's bulk weight kappa (mu is 1), and in one sentence what the preset is for."""

    bulk: float = option(label="bulk weight", at_least=0)
    instance: InstanceOptions = option(factory=InstanceOptions)
    reason: str = option("")


LABEL_LEVELS = (
    Level(5.6, 24.0, 80, (16.0, 30.0)),
    Level(2.8, 12.0, 80, (10.0, 20.0)),
    Level(1.4, 8.0, 40, (8.0, 16.0)),
)
BALANCED_LEVELS = (
    Level(8.4, 48.0, 100, (30.0, 50.0), prior=1.4),
    Level(5.6, 24.0, 100, (16.0, 30.0), prior=1.4),
    Level(2.8, 12.0, 70, (10.0, 20.0)),
    Level(1.4, 8.0, 30, (8.0, 16.0), prior=1.5),
)
STUDY_LEVELS = (Level(5.6, 24.0, 20, (16.0, 30.0), prior=1.4), Level(2.8, 12.0, 20, (10.0, 20.0)))
DEFAULT_PRESET = "balanced"
LABEL_PRESET = "labels"  # where labels of one frame are carried to another
PRESETS = {
    "balanced": MotionPreset(
        100.0,
        InstanceOptions(levels=BALANCED_LEVELS, weight=0.07, intensity_weight=0.3),
        "contours and the volume of the wall together; for strain alone take --preset strain",
    ),
    "labels": MotionPreset(
        5.0,
        InstanceOptions(levels=LABEL_LEVELS, weight=0.1, intensity_weight=1.0),
        "follows contours most closely, the wall may change its volume",
    ),
    "study": MotionPreset(
        100.0,
        InstanceOptions(levels=STUDY_LEVELS, weight=0.07, intensity_weight=0.3),
        "every frame of a cine in minutes: each starts from the one before it, on grids down to 2.8 mm",
    ),
    "strain": MotionPreset(
        200.0,
        InstanceOptions(levels=CINE_LEVELS, weight=0.3, intensity_weight=0.3),
        "keeps the volume of the wall, contours follow less closely",
    ),
}


def preset(name: str) -> MotionPreset:
    """Return the preset of this name; raises InputError for an unknown one."""
    if name not in PRESETS:
        raise InputError(f"There is no preset named {name}: choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]
