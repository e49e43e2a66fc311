"""Label arrays and what their values are, before they become segments of a node or layers of a file."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ThoraxAILib.scene.labels.terminology import Term

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Segment:
    """Identity and looks of one segment; opacities from 0 to 1, not drawn in 3D at all when opacity3D is 0.

    ``visible`` False: the segment is there, to be switched on in the segment list.
    """

    id: str
    name: str
    term: Term
    color: Color
    fill_opacity: float = 0.3
    outline_opacity: float = 1.0
    opacity_3d: float = 1.0
    tags: dict[str, str] = field(default_factory=dict)
    visible: bool = True


@dataclass(frozen=True, eq=False)
class Layer:
    """One uint8 label array (k, j, i) and the segment of each label value in it."""

    labels: np.ndarray
    segments: dict[int, Segment]
