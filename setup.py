"""The one build step that pyproject.toml cannot state: model cards travel inside the package that reads them."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CARDS = Path("Resources") / "ModelCards"
INSTALLED_CARDS = Path("ThoraxAILib") / "networks" / "cards"


class BuildWithCards(build_py):
    """Copies the model cards into the built package; an editable installation reads them where they are."""

    def run(self) -> None:
        """Build as always, then copy."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / INSTALLED_CARDS
            target.mkdir(parents=True, exist_ok=True)
            for card in sorted(CARDS.glob("*.md")):
                if card.stem != "README":
                    shutil.copy(card, target)


setup(cmdclass={"build_py": BuildWithCards})
