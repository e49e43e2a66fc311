"""Fixtures for every test: where the real data is, when it is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from LungNoduleAILib.synthesis.model.synthetic_ct import SyntheticCT

pytest_plugins = ["fixtures.asked", "fixtures.expectations", "fixtures.scene", "fixtures.store_server"]

ABSENT = "real data not present: "
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
            pytest.skip(f"{ABSENT}{relative}")
        return path

    return find


@pytest.fixture(scope="session")
def small_chest() -> SyntheticCT:
    """A coarse synthetic chest with nodules: small enough to analyze within seconds."""
    from LungNoduleAILib.synthesis.test_phantom.small_chest import make_small_chest

    return make_small_chest(seed=1, spacing_mm=(2.0, 2.0, 2.5))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the real data whose tests were skipped, so that a green run does not hide what it did not try."""
    reasons = [report.longrepr[2] for report in terminalreporter.stats.get("skipped", []) if report.longrepr]
    absent = sorted(reason.split(ABSENT, 1)[1] for reason in reasons if ABSENT in reason)
    if absent:
        terminalreporter.section("real data that was not there")
        terminalreporter.line(f"{len(absent)} tests were skipped because these were missing:")
        for name in dict.fromkeys(absent):
            terminalreporter.line(f"  {name} ({absent.count(name)})")
