"""A run chooses its engines once: classical means no network, a device reaches all networks, the record names all."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from LungNoduleAILib.analysis import engines as lung_engines  # noqa: E402
from LungNoduleAILib.analysis.analyze import analyze  # noqa: E402
from LungNoduleAILib.analysis.engines import (  # noqa: E402
    JUDGE,
    LungEngines,
    choose_anatomy,
    choose_engines,
    choose_pattern_engines,
)
from LungNoduleAILib.analysis.follow_up import follow_up  # noqa: E402
from LungNoduleAILib.cases.analyze_case import analyze_case  # noqa: E402
from LungNoduleAILib.cases.requests import CaseRequest  # noqa: E402
from LungNoduleAILib.model.anatomy import Anatomy  # noqa: E402
from LungNoduleAILib.model.follow_up_options import FollowUpOptions  # noqa: E402
from LungNoduleAILib.model.options import AnalysisOptions  # noqa: E402
from ThoraxAILib.errors import InputError, MissingDependencyError  # noqa: E402
from ThoraxAILib.image.volume import Volume  # noqa: E402
from ThoraxAILib.io import Case  # noqa: E402
from ThoraxAILib.jobs.progress import Progress  # noqa: E402
from ThoraxAILib.jobs.stages import Stages  # noqa: E402
from ThoraxAILib.networks import tiles, weights_file, whole_inputs  # noqa: E402
from ThoraxAILib.networks.device import NetworkDevice  # noqa: E402

CLASSICAL = AnalysisOptions(detector="classical", anatomy="classical")


@pytest.fixture
def networks(monkeypatch) -> list[tuple[str, str]]:
    """Class and device of every network that runs; they are let run on the CPU, whatever they are asked for."""
    ran: list[tuple[str, str]] = []
    run_tiled, init = tiles.run_tiled, whole_inputs.WholeInputs.__init__

    def tiled(network, image, cut, device="cpu", **settings):
        ran.append((type(network).__name__, NetworkDevice.of(device).given))
        return run_tiled(network, image, cut, "cpu", **settings)

    def whole(self, network, device="cpu"):
        ran.append((type(network).__name__, NetworkDevice.of(device).given))
        init(self, network, "cpu")

    monkeypatch.setattr(tiles, "run_tiled", tiled)
    monkeypatch.setattr(whole_inputs.WholeInputs, "__init__", whole)
    return ran


@pytest.fixture
def no_weights(monkeypatch):
    """Any reading of weights fails the test."""

    def refuse(*_arguments: object, **_settings: object) -> None:
        raise AssertionError("weights were read")

    monkeypatch.setattr(torch, "load", refuse)
    monkeypatch.setattr(weights_file, "_opened", refuse)


@pytest.fixture
def case(small_chest, tmp_path) -> Case:
    from ThoraxAILib.io.transform_files import write_image

    write_image(small_chest.volume, tmp_path / "ct.nrrd")
    return Case("ct", tmp_path / "ct.nrrd")


def names(engines: LungEngines) -> dict[str, str]:
    return {model.role: model.name for model in engines.models() if model.role != JUDGE}


def run_file(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def test_with_everything_classical_no_network_is_loaded_and_none_runs(small_chest, networks, no_weights):
    engines = choose_engines(CLASSICAL)
    result = analyze(small_chest.volume, CLASSICAL, Progress(), Stages(), engines)
    assert result.findings.findings
    assert networks == []
    assert names(engines) == dict.fromkeys(("anatomy", "detector", "delineator", "opacities"), "classical")
    assert {model.device for model in engines.models()} == {engines.device} == {"cpu"}
    assert result.methods["delineator"] == "classical"


@pytest.mark.slow
def test_a_classical_follow_up_takes_no_network_either(small_chest, networks, no_weights):
    options = FollowUpOptions(CLASSICAL, registration=False, measure_again=False, days=90)
    later = small_chest.volume.with_array(small_chest.volume.array + np.int16(1))
    result = follow_up((small_chest.volume, later), options, Progress(), Stages())
    assert result.follow_up.intervals[0].pairs
    assert networks == []
    assert set(names(choose_engines(options)).values()) == {"classical"}


def test_a_network_asked_for_by_name_takes_part_beside_classical_ones():
    options = FollowUpOptions(replace(CLASSICAL, delineator="learned"), reidentifier="siamese")
    assert names(choose_engines(options)) == {
        "anatomy": "classical",
        "detector": "classical",
        "delineator": "learned",
        "opacities": "classical",
        "re-identification": "siamese",
    }
    assert names(choose_engines(replace(CLASSICAL, anatomy="auto")))["delineator"] == "learned"


# cuda stands for every device in the quick run
@pytest.mark.parametrize("device", ["cuda", pytest.param("openvino", marks=pytest.mark.slow)])
def test_every_network_of_an_analysis_is_on_the_device_asked_for_and_recorded(
    case, tmp_path, networks, monkeypatch, device
):
    monkeypatch.setattr(lung_engines, "select_device", lambda asked: (asked, "the test asks for it"))
    options = AnalysisOptions(device=device)
    analyze_case(CaseRequest(case, tmp_path / "out", options, with_scene=False), Progress())
    assert {name for name, _ in networks} == {"LabelNetwork", "Probabilities"}
    assert [name for name, _ in networks].count("LabelNetwork") == 3  # anatomy, outline, opacities
    assert {where for _, where in networks} == {device}
    models = run_file(tmp_path / "out")["models"]
    assert [(model["role"], model["name"], model["device"]) for model in models] == [
        ("anatomy", "learned", device),
        ("detector", "learned", device),
        ("delineator", "learned", device),
        ("opacities", "learned", device),
        ("type and suspicion", "ratings of readers", "cpu"),
    ]
    assert len({model["fingerprint"] for model in models}) == 5
    assert all(len(model["fingerprint"]) == 16 for model in models)
    assert len({model["rules"] for model in models[:4]}) == 4


@pytest.mark.parametrize("device", ["cuda", "openvino"])
def test_reidentification_and_patterns_are_on_the_device_asked_for(networks, monkeypatch, device):
    monkeypatch.setattr(lung_engines, "select_device", lambda asked: (asked, "the test asks for it"))
    options = FollowUpOptions(AnalysisOptions(device=device))
    assert choose_engines(options).reidentifier.made.name == "siamese"
    labels = np.zeros((24, 24, 24), np.uint8)
    labels[4:20, 4:20, 4:20] = 3
    volume = Volume(np.full(labels.shape, -850, np.int16), np.diag([-2.0, -2.0, 2.0, 1.0]))
    choose_pattern_engines(device=device).patterns.made.map(volume, Anatomy(labels), Progress())
    assert networks == [("SiameseNetwork", device), ("LabelNetwork", device)]


def test_the_device_in_the_record_is_the_one_memory_left_it_with(monkeypatch):
    engines = choose_engines(AnalysisOptions(device="cpu"))
    engines.anatomy.made._device.ran_on("cuda")
    engines.anatomy.made._device.ran_on("cpu")
    assert engines.models()[0].device == "cuda and cpu"


class Started(Exception):
    """An analysis began."""


@pytest.fixture
def started(monkeypatch) -> list[LungEngines | None]:
    """The engines handed to each analysis of a case; it ends there with Started."""
    from LungNoduleAILib.analysis import analyze as analysis

    handed: list[LungEngines | None] = []

    def analyze(_volume, _options, _progress, _stages, engines=None) -> None:
        handed.append(engines)
        raise Started

    monkeypatch.setattr(analysis, "analyze", analyze)
    return handed


def test_resume_takes_over_equal_engines_only(case, tmp_path, request):
    wanted = CaseRequest(case, tmp_path / "out", CLASSICAL, with_scene=False, resume=True)
    assert not analyze_case(wanted, Progress()).resumed
    request.getfixturevalue("started")
    assert analyze_case(wanted, Progress()).resumed
    record = run_file(tmp_path / "out")
    for role in ("anatomy", "detector", "delineator", "opacities"):
        for part in ("fingerprint", "rules"):
            models = [{**model, part: "older"} if model["role"] == role else model for model in record["models"]]
            (tmp_path / "out" / "run.json").write_text(json.dumps({**record, "models": models}), encoding="utf-8")
            with pytest.raises(Started):
                analyze_case(wanted, Progress())
    software = {**record["software"], "rules": "those of an older analysis"}
    (tmp_path / "out" / "run.json").write_text(json.dumps({**record, "software": software}), encoding="utf-8")
    with pytest.raises(Started):
        analyze_case(wanted, Progress())


def test_a_run_chooses_its_engines_once_and_hands_them_on(case, tmp_path, monkeypatch, started):
    from ThoraxAILib.cli.main import main

    chosen = []

    def counted(*arguments: object) -> LungEngines:
        chosen.append(choose_engines(*arguments))
        return chosen[-1]

    monkeypatch.setattr(lung_engines, "choose_engines", counted)
    with pytest.raises(Started):
        main(["lung", "analyze", str(case.path), "--output", str(tmp_path / "out"), "--scene", "none"])
    assert started == chosen
    assert len(chosen) == 1


@pytest.mark.parametrize("field", ["detector", "anatomy", "delineator"])
def test_an_unknown_engine_is_refused_in_one_sentence_with_the_known_ones(field):
    with pytest.raises(
        InputError, match=r"'psychic' is not known: choose one of auto, learned, classical[a-z0-9, -]*\.$"
    ):
        choose_engines(AnalysisOptions(**{field: "psychic"}))
    with pytest.raises(InputError, match=r"re-identifier 'psychic' is not known: choose one of auto, siamese, none\.$"):
        choose_engines(FollowUpOptions(reidentifier="psychic"))


def test_without_pytorch_auto_is_classical_and_a_learned_one_says_what_is_missing(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else find(name))
    engines = choose_engines(FollowUpOptions())
    assert set(names(engines).values()) == {"classical"}
    assert engines.reidentifier.name == "none"
    assert "PyTorch is not installed" in engines.anatomy.reason
    assert (engines.device, engines.device_reason) == ("cpu", "no network takes part")
    for field in ("detector", "anatomy", "delineator"):
        with pytest.raises(MissingDependencyError, match=r"\[learning\]"):
            choose_engines(AnalysisOptions(**{field: "learned"}))


def test_a_device_that_is_not_there_is_refused_even_where_no_network_takes_part(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="CUDA was asked for"):
        choose_engines(replace(CLASSICAL, device="cuda"))


def test_no_network_is_the_older_way_to_say_no_reidentifier():
    for options in (FollowUpOptions(network=False), FollowUpOptions(reidentifier="none")):
        assert "re-identification" not in names(choose_engines(options))
        assert choose_engines(options).reidentifier.name == "none"


def test_a_run_that_only_finds_lungs_records_the_anatomy():
    assert names(choose_anatomy("classical")) == {"anatomy": "classical"}
    assert names(choose_pattern_engines("classical")) == {"anatomy": "classical", "patterns": "learned"}
