"""Panel tests: one harness session for the process, an empty scene and no unseen error for every test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from lung_fixtures import analyzed, ct, panel, red_slice, worker  # noqa: F401

RELOADED = ("ThoraxAILib", "LungNoduleAILib", "CardiacBiomechLib", "AnonymizerLib")
DESKTOP = Path(__file__).resolve().parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The harness changes PySide6 for the whole process: together with other tests these are skipped, with a word."""
    mine = [item for item in items if DESKTOP in item.path.parents]
    if len(mine) < len(items):
        alone = pytest.mark.skip(reason="panel tests need a process of their own: run pytest Testing/desktop")
        for item in mine:
            item.add_marker(alone)


@pytest.fixture(scope="session")
def harness() -> ModuleType:
    """The ``slicer`` package with an application, panels and Qt."""
    pytest.importorskip("PySide6")
    pytest.importorskip("slicer")
    from slicerharness import session

    return session.start()


@pytest.fixture
def slicer_app(harness: ModuleType) -> Iterator[ModuleType]:
    """An empty scene and an empty record of dialogs; fails the test on an error inside a Qt override."""
    from slicerharness import overrides, session

    harness.mrmlScene.Clear(0)
    session.dialogs.clear()
    yield harness
    harness.mrmlScene.Clear(0)
    swallowed = list(overrides.errors)
    overrides.errors.clear()
    assert swallowed == []
    assert harness.app.cursors == []


@pytest.fixture
def reloading() -> Iterator[None]:
    """For a test that reloads a module: later tests of the process find the modules that their files have imported."""
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] in RELOADED}
    yield
    for name in [name for name in sys.modules if name.split(".")[0] in RELOADED]:
        del sys.modules[name]
    sys.modules.update(before)


@pytest.fixture
def open_module(slicer_app: ModuleType, repository: Path) -> Iterator[Callable[[str], Any]]:
    """A function from a module's name to its open panel (the Widget instance)."""
    from slicerharness import session

    opened = []

    def open_panel(name: str) -> Any:
        module = session.loadModule(repository / name / f"{name}.py")
        opened.append(module)
        return module.widgetRepresentation().self()

    yield open_panel
    for module in opened:
        module.unload()
    slicer_app.app.processEvents()
