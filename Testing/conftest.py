"""Fixtures for every test: where the real data is, when it is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from LungNoduleAILib.synthesis.test_phantom.thorax import ThoraxPhantom

pytest_plugins = ["fixtures.expectations", "fixtures.scene"]

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root folder of the project."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """A function from a relative name to real data outside the repository; the test skips when it is absent."""

    def find(relative: str) -> Path:
        path = SHARED_DATA / relative
        if not path.exists():
            pytest.skip(f"real data not present: {relative}")
        return path

    return find


@pytest.fixture(scope="session")
def small_chest() -> ThoraxPhantom:
    """A coarse synthetic chest with nodules: small enough to analyze within seconds."""
    from LungNoduleAILib.synthesis.test_phantom.thorax import make_thorax

    return make_thorax(seed=1, spacing_mm=(2.0, 2.0, 2.5))
