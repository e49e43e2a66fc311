"""Missing Python packages: asked for when work starts, installed after a yes, refused with a sentence after a no."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest


@pytest.fixture
def requirements(slicer_app):
    from ThoraxAILib.panels import requirements

    return requirements


@pytest.fixture
def absent(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("# a comment\nnumpy>=1\nthoraxai-package-that-is-not-there>=2\n", encoding="utf-8")
    return path


def test_only_packages_that_are_not_installed_count_as_missing(requirements, absent: Path):
    assert requirements.missing_requirements(absent) == ["thoraxai-package-that-is-not-there>=2"]
    assert requirements.missing_requirements() == []


def test_nothing_is_asked_when_everything_is_there(requirements, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("slicer.util.confirmOkCancelDisplay", lambda *a, **k: pytest.fail("asked"), raising=False)
    requirements.ensure_requirements("LungNoduleAI")


def test_after_a_no_nothing_is_installed_and_the_error_names_the_package(
    requirements, absent: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("slicer.util.confirmOkCancelDisplay", lambda *a, **k: False, raising=False)
    monkeypatch.setattr("slicer.util.pip_install", lambda *a, **k: pytest.fail("installed"), raising=False)
    with pytest.raises(requirements.MissingDependencyError, match="thoraxai-package-that-is-not-there"):
        requirements.ensure_requirements("LungNoduleAI", absent)


def test_after_a_yes_exactly_the_missing_packages_are_installed(
    requirements, absent: Path, monkeypatch: pytest.MonkeyPatch
):
    installed = []

    def install(packages: list[str]) -> None:
        installed.extend(packages)
        absent.write_text("numpy>=1\n", encoding="utf-8")

    monkeypatch.setattr("slicer.util.confirmOkCancelDisplay", lambda *a, **k: True, raising=False)
    monkeypatch.setattr("slicer.util.pip_install", install, raising=False)
    requirements.ensure_requirements("LungNoduleAI", absent)
    assert installed == ["thoraxai-package-that-is-not-there>=2"]


def test_slicers_own_installer_is_preferred_where_it_exists(
    requirements, absent: Path, monkeypatch: pytest.MonkeyPatch
):
    asked = []
    packaging = types.ModuleType("slicer.packaging")
    packaging.pip_ensure = lambda packages, requester: (
        asked.append((packages, requester)),
        absent.write_text("numpy>=1\n", encoding="utf-8"),
    )
    monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)
    requirements.ensure_requirements("LungNoduleAI", absent)
    assert asked == [(["thoraxai-package-that-is-not-there>=2"], "LungNoduleAI")]
