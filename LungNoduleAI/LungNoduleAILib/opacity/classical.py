"""The finder of opacities that needs no weights: where lung must be, by ribs, by the other lung and by density."""

from __future__ import annotations

from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.opacity.find import find_opacities
from LungNoduleAILib.opacity.opacity import Opacity
from LungNoduleAILib.opacity.protocol import OPACITY_FINDER
from ThoraxAILib.engines.engine import SUITE_LICENCE, Engine
from ThoraxAILib.image.volume import Volume


class ClassicalOpacities:
    """Mass, airless lung, fluid and pleural air by rules; tissue is not told apart."""

    name = "classical"
    fingerprint = "opacities-1"
    device = "cpu"

    def find(self, volume: Volume, anatomy: Anatomy) -> tuple[Opacity, ...]:
        """Return the opacities of a CT; see OpacityFinder."""
        return find_opacities(volume, anatomy)


ENGINE = Engine(
    OPACITY_FINDER,
    ClassicalOpacities.name,
    "rules: where ribs, the other lung and density say that lung is missing; no download, CPU",
    SUITE_LICENCE,
    lambda device: ClassicalOpacities(),
    version=ClassicalOpacities.fingerprint,
)
