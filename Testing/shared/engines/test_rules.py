"""The fingerprint of rules changes with every file that an engine's answers depend on, and with nothing else."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from CardiacBiomechLib.motion import engines as motion_engines
from CardiacBiomechLib.segmentation import engines as heart_engines
from LungNoduleAILib.analysis import engines as lung_engines
from ThoraxAILib.engines.chosen import ChosenEngine
from ThoraxAILib.engines.engine import Engine, learned_engine, versioned
from ThoraxAILib.engines.rules import rules_fingerprint, rules_of, source_files

FILES = {
    "__init__.py": "",
    "engine.py": "from rain_rules import drops\n\n\ndef make(device):\n    from . import clouds\n    return clouds\n",
    "drops.py": "LIMITS = 'limits.json'\n",
    "clouds.py": "from .deep.sky import BLUE\n",
    "limits.json": '{"most": 3}\n',
    "deep/__init__.py": "",
    "deep/sky.py": "from ThoraxAILib.image.boxes import around\nfrom ThoraxAILib.errors import InputError\nBLUE = 1\n",
    "unrelated.py": "",
}
OWN_ENGINES = (*lung_engines.ENGINES, *heart_engines.ENGINES, *motion_engines.ENGINES)


@pytest.fixture
def package(tmp_path: Path, monkeypatch) -> Path:
    """A package of someone's own, imported."""
    folder = tmp_path / "rain_rules"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "rain_rules"]:
        del sys.modules[name]


def fingerprint() -> str:
    """The fingerprint as a new process gives it."""
    rules_fingerprint.cache_clear()
    return rules_of(importlib.import_module("rain_rules.engine").make)


@pytest.mark.parametrize("name", ["engine.py", "drops.py", "clouds.py", "deep/sky.py", "limits.json"])
def test_a_changed_rule_changes_the_fingerprint_and_undone_it_is_the_old_one(package, name):
    before = fingerprint()
    path = package / name
    path.write_text(FILES[name] + "\n", encoding="utf-8")
    assert fingerprint() != before
    path.write_text(FILES[name], encoding="utf-8")
    assert fingerprint() == before


def test_line_ends_the_folder_and_what_is_not_imported_change_nothing(package, tmp_path, monkeypatch):
    before = fingerprint()
    (package / "unrelated.py").write_text("NEW = True\n", encoding="utf-8")
    for name in FILES:
        (package / name).write_bytes((package / name).read_bytes().replace(b"\n", b"\r\n"))
    assert fingerprint() == before
    (tmp_path / "elsewhere").mkdir()
    package.rename(tmp_path / "elsewhere" / "rain_rules")
    for name in [name for name in sys.modules if name.split(".")[0] == "rain_rules"]:
        del sys.modules[name]
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    assert fingerprint() == before


def test_it_covers_what_is_imported_of_the_suite_but_not_how_a_run_is_started(package):
    fingerprint()
    files = source_files("rain_rules.engine")
    assert {"rain_rules.deep.sky", "rain_rules.drops limits.json", "ThoraxAILib.image.boxes"} <= set(files)
    assert not {"ThoraxAILib.errors", "rain_rules.unrelated"} & set(files)


def test_without_source_there_is_no_fingerprint():
    assert rules_of(len) == ""


@pytest.mark.parametrize("engine", OWN_ENGINES, ids=lambda engine: f"{engine.kind} {engine.name}")
def test_the_rules_of_every_engine_are_covered_from_its_own_file_on(engine: Engine):
    assert len(engine.rules) == 16
    module = engine.make.__module__
    assert module in source_files(module)
    assert not module.startswith("ThoraxAILib.engines")


def test_the_fissures_are_rules_of_the_learned_anatomy_and_not_of_the_classical_one():
    learned, classical = (lung_engines.REGISTRY.find("anatomy segmenter", name) for name in ("learned", "classical"))
    fissures = "LungNoduleAILib.anatomy.fissures.placement"
    assert fissures in source_files(learned.make.__module__)
    assert fissures not in source_files(classical.make.__module__)


def test_the_record_names_the_rules_beside_weights(package):
    make = importlib.import_module("rain_rules.engine").make
    engine = Engine("forecast", "rain", "rain tomorrow", "MIT", make, version="rain-1")
    model = ChosenEngine(engine, "the only one").model("forecast")
    assert (model.rules, model.fingerprint) == (engine.rules, "rain-1")


def test_own_weights_and_a_raised_version_change_the_fingerprint_before_anything_is_made(tmp_path):
    (tmp_path / "shipped.pt").write_bytes(b"shipped")
    (tmp_path / "own.pt").write_bytes(b"own")
    engine = learned_engine("forecast", "rain", "rain", tmp_path / "shipped.pt", dict, own_weights=True)
    told = [ChosenEngine(engine, "", "cpu", {"weights": w}).fingerprint for w in (None, tmp_path / "own.pt")]
    assert told[0] == engine.fingerprint != told[1]
    newer = learned_engine("forecast", "rain", "rain", tmp_path / "shipped.pt", dict, rules_version=2)
    assert newer.fingerprint == versioned(engine.fingerprint, 2) == f"{engine.fingerprint}-2"
