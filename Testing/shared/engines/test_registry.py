"""Engines are found by kind, "auto" takes the first that can run, and a broken plug-in is named and harms nobody."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from ThoraxAILib.engines.chosen import choose
from ThoraxAILib.engines.engine import Engine, learned_engine
from ThoraxAILib.engines.registry import Registry
from ThoraxAILib.errors import InputError, MissingDependencyError

KIND = "weather guesser"
PLUG_IN = """
from ThoraxAILib.engines.engine import Engine

class Frog:
    name, fingerprint, device = "frog", "frog-1", "cpu"

ENGINES = (
    Engine("weather guesser", "frog", "climbs a ladder", "MIT", lambda device: Frog(), version="frog-1"),
    Engine("weather guesser", "sky", "takes the name of another", "MIT", lambda device: None),
)
"""


class Guesser:
    """What the engines of these tests make."""

    def __init__(self, name: str, device: str) -> None:
        self.name, self.fingerprint, self.device = name, f"{name}-made", device


def engine(name: str, missing: str = "", **settings: object) -> Engine:
    return Engine(
        KIND,
        name,
        f"looks at the {name}",
        "MIT",
        lambda device: Guesser(name, device),
        version=f"{name}-1",
        missing=lambda: missing,
        **settings,
    )


@pytest.fixture
def registry() -> Registry:
    found = Registry()
    found.add(engine("satellite", "no dish is mounted"), engine("sky"), engine("barometer"))
    return found


@pytest.fixture
def install(tmp_path: Path, monkeypatch):
    """Install a distribution with entry points and modules, for as long as the test runs."""

    def installed(entry_points: str, **modules: str) -> None:
        information = tmp_path / "weather_plug_in-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: weather-plug-in\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[thoraxai.engines]\n{entry_points}\n")
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(text)
            monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.syspath_prepend(str(tmp_path))

    return installed


def test_engines_are_listed_in_the_order_in_which_auto_tries_them(registry):
    assert registry.names(KIND) == ("auto", "satellite", "sky", "barometer")
    assert registry.description(KIND, "sky") == "looks at the sky"
    assert registry.description(KIND, "auto").endswith("satellite, sky, barometer")
    assert registry.names("another kind") == ("auto",)


def test_auto_takes_the_first_that_can_run_and_says_why_not_an_earlier_one(registry):
    chosen, reason = registry.choose(KIND)
    assert chosen.name == "sky"
    assert "satellite cannot run: no dish is mounted" in reason


def test_an_unknown_name_is_refused_with_the_known_ones(registry):
    with pytest.raises(InputError, match=r"^The weather guesser 'bones' is not known: choose one of auto, .*\.$"):
        registry.choose(KIND, "bones")


def test_an_engine_asked_for_that_cannot_run_says_what_is_missing(registry):
    with pytest.raises(MissingDependencyError, match="no dish is mounted: mend that, or choose one of auto, sky"):
        registry.choose(KIND, "satellite")
    only = Registry()
    only.add(engine("satellite", "no dish is mounted"))
    with pytest.raises(MissingDependencyError, match="No weather guesser can run here: satellite cannot run: no dish"):
        only.choose(KIND)


def test_a_module_that_is_loaded_again_replaces_its_engine(registry):
    newer = engine("sky")
    registry.add(newer)
    assert registry.find(KIND, "sky") is newer
    assert registry.names(KIND) == ("auto", "satellite", "sky", "barometer")


def test_a_plug_in_is_found_by_its_entry_point_and_comes_after_the_engines_of_the_suite(registry, install):
    install("frog = weather_frog:ENGINES", weather_frog=PLUG_IN)
    assert registry.names(KIND) == ("auto", "satellite", "sky", "barometer", "frog")
    chosen = choose(KIND, "frog", registry=registry)
    assert (chosen.made.name, chosen.fingerprint) == ("frog", "frog-1")
    assert registry.choose(KIND)[0].name == "sky"


def test_a_plug_in_cannot_take_the_name_of_another_engine(registry, install):
    install("frog = weather_frog:ENGINES", weather_frog=PLUG_IN)
    assert registry.find(KIND, "sky").description == "looks at the sky"
    (fault,) = registry.faults
    assert "'frog' of weather-plug-in offers the weather guesser 'sky', a name that is taken" in fault


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("raise OSError('no licence')", "OSError"),
        ("class Odd(Exception): pass\nraise Odd", "Odd"),
        ("import a_package_that_nobody_has", "ModuleNotFoundError"),
        ("ENGINES = 'a text'", "TypeError"),
        ("", "AttributeError"),
    ],
)
def test_a_plug_in_that_cannot_be_loaded_is_named_and_the_others_are_listed(registry, install, text, word):
    install("broken = weather_broken:ENGINES\nfrog = weather_frog:ENGINES", weather_broken=text, weather_frog=PLUG_IN)
    assert registry.names(KIND) == ("auto", "satellite", "sky", "barometer", "frog")
    assert f"The engine plug-in 'broken' of weather-plug-in cannot be loaded ({word})" in registry.faults[0]
    with pytest.raises(InputError, match="'broken' of weather-plug-in cannot be loaded"):
        registry.choose(KIND, "bones")


def test_an_engine_is_made_once_on_its_device_and_recorded_as_what_ran(registry):
    registry.add(engine("radar", uses_device=True))
    radar, sky = choose(KIND, "radar", "cuda", registry), choose(KIND, "sky", "cuda", registry)
    assert (radar.device, sky.device) == ("cuda", "cpu")
    assert radar.made is radar.made
    assert vars(radar.model("guess")) == {
        "role": "guess",
        "name": "radar",
        "fingerprint": "radar-made",
        "device": "cuda",
        "rules": radar.engine.rules,
    }


def test_a_learned_engine_says_what_it_lacks(tmp_path, monkeypatch):
    weights = tmp_path / "mind.pt"
    learned = learned_engine(KIND, "mind", "thinks", weights, lambda device: None)
    assert learned.missing() == "its weights 'mind.pt' are not there"
    assert learned.fingerprint == "none"
    weights.write_bytes(b"thoughts")
    assert learned.missing() == ""
    assert len(learned.fingerprint) == 16
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "PyTorch is not installed" in learned.missing()
