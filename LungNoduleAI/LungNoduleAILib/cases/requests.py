"""What one case is asked: which images, how, and where the results go."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.io import Case


@dataclass(frozen=True)
class CaseRequest:
    """What to analyze, how, and where the results go; ``with_scene`` False writes arrays instead of MRML files."""

    case: Case
    output: Path
    options: AnalysisOptions
    with_scene: bool = True
    resume: bool = False
    person: PersonAndExam = field(default_factory=PersonAndExam)


@dataclass(frozen=True)
class FollowUpRequest:
    """Which scans (oldest first), how, and where the results go; ``with_scene`` False writes no MRML scene."""

    inputs: tuple[Path, ...]
    output: Path
    options: FollowUpOptions
    with_scene: bool = True
