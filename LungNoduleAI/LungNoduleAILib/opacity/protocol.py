"""The seam where finders of opacities come in."""

from __future__ import annotations

from typing import Protocol

from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.opacity.opacity import Opacity
from ThoraxAILib.engines.engine import Implementation
from ThoraxAILib.image.volume import Volume

OPACITY_FINDER = "opacity finder"


class OpacityFinder(Implementation, Protocol):
    """Anything that finds what takes the place of aerated lung in a chest CT."""

    def find(self, volume: Volume, anatomy: Anatomy) -> tuple[Opacity, ...]:
        """Return the opacities of a CT (HU, LPS order), the largest first; none where there are no lungs."""
        ...
