"""A motion engine is chosen once from the registry, runs where it says, and is what the report names."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from CardiacBiomechLib.cli.engine_choice import preset_line
from CardiacBiomechLib.motion import engines
from CardiacBiomechLib.motion.cascade_engine import SHIPPED_WEIGHTS
from CardiacBiomechLib.motion.engines import EngineOptions, choose_motion_engine
from ThoraxAILib.errors import InputError, MissingDependencyError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.weights_file import sha256


def report(**options: str) -> dict:
    chosen = EngineOptions(**options)
    return chosen.reported(chosen.choose())


def test_the_report_names_engine_fingerprint_and_device(tmp_path: Path):
    told = report(engine="demons")
    (model,) = told.pop("models")
    assert told == {"engine": "demons", "preset": "balanced"}
    assert len(model.pop("rules")) == 16
    assert model == {"role": "motion", "name": "demons", "fingerprint": "demons-1", "device": "cpu"}
    pytest.importorskip("torch")
    (shipped,) = report(engine="cascade", device="cpu")["models"]
    assert (shipped["fingerprint"], shipped["device"]) == (sha256(SHIPPED_WEIGHTS)[:16], "cpu")
    (tmp_path / "own.pt").write_bytes(b"weights of one's own")
    chosen = choose_motion_engine("cascade", weights=tmp_path / "own.pt", device="cpu")
    assert chosen.fingerprint != shipped["fingerprint"]  # also before it is made, as --resume asks
    assert chosen.made.fingerprint == sha256(tmp_path / "own.pt")[:16]
    assert chosen.model("motion").fingerprint == chosen.made.fingerprint


@pytest.mark.parametrize(("asked", "ran"), [("cpu", "cpu"), ("cuda", "cuda"), ("openvino", "cpu")])
@pytest.mark.parametrize("name", ["cascade", "cascade+instance"])
def test_the_cascade_runs_on_the_device_asked_for_or_says_where_else(monkeypatch, name, asked, ran):
    pytest.importorskip("torch")
    from CardiacBiomechLib.motion.instance_engine import InstanceEngine
    from ThoraxAILib.registration.cascade import predict

    devices: list[str] = []

    class Found:
        field = None

    def spied(_cascade, _fixed, _moving, _progress, _threads, device) -> Found:
        devices.append(device)
        return Found()

    monkeypatch.setattr(engines, "select_device", lambda device: (device, "the test asks for it"))
    monkeypatch.setattr(predict, "predict", spied)
    monkeypatch.setattr(InstanceEngine, "register", lambda *_arguments: Found())
    chosen = choose_motion_engine(name, device=asked)
    chosen.made.register(None, None, None, Progress())
    assert devices == [ran] == [chosen.device]


def test_without_pytorch_auto_is_demons_and_the_others_say_what_is_missing(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else find(name))
    given = EngineOptions(engine="auto")
    assert given.choose().name == "demons"
    assert preset_line(given, "demons") == "engine demons (has no presets)"
    for name in ("instance", "cascade", "cascade+instance"):
        with pytest.raises(MissingDependencyError, match=r"PyTorch is not installed .*choose one of auto, .*demons"):
            choose_motion_engine(name)


def test_an_unknown_engine_or_device_is_refused_in_one_sentence():
    with pytest.raises(InputError, match=r"motion engine 'syn' is not known: choose one of auto, .*demons\.$"):
        choose_motion_engine("syn")
    with pytest.raises(InputError, match="The device 'abacus' is not known"):
        choose_motion_engine("demons", device="abacus")
