"""make test runs both suites and fails when either fails; continuous integration runs the same."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def make_test(repository, tmp_path):
    """Runs ``make test`` with a stand-in for pytest that fails when its arguments hold ``failing``."""

    def run(failing: str) -> tuple[int, list[str]]:
        calls = tmp_path / "calls"
        stand_in = tmp_path / "pytest.sh"
        stand_in.write_text(f'echo "$*" >> {calls}\ncase "$*" in {failing}) exit 1;; esac\n')
        done = subprocess.run(
            ["make", "-o", "environment", "test", f"PYTEST=sh {stand_in}"],
            cwd=repository,
            capture_output=True,
            check=False,
        )
        return done.returncode, calls.read_text().splitlines()

    return run


@pytest.mark.parametrize(
    ("failing", "succeeds"), [("nothing", True), ("*--ignore*", False), ("Testing/desktop*", False)]
)
def test_both_suites_run_and_either_can_fail_the_whole(make_test, failing, succeeds):
    status, calls = make_test(failing)
    assert (status == 0) == succeeds
    assert [call.split()[0] for call in calls] == ["Testing", "Testing/desktop"]
    assert "--ignore=Testing/desktop" in calls[0]


def test_the_demo_takes_a_path_with_spaces(repository):
    done = subprocess.run(
        ["make", "-n", "-o", "environment", "demo", "CT=a b/c"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    assert '--ct "a b/c"' in done.stdout


def test_continuous_integration_can_be_run(repository: Path):
    script = repository / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text()
