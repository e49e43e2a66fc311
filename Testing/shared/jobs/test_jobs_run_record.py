"""run.json tells how a result came about, names nobody, and lets --resume trust only a complete, equal run."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ThoraxAILib import __version__
from ThoraxAILib.image.volume import SeriesIdentity, Volume
from ThoraxAILib.jobs.run_record import (
    RunInput,
    RunModel,
    RunRecord,
    finish,
    has_result_of,
    hash_volume,
    now,
    write_run_record,
)
from ThoraxAILib.jobs.stages import Stages


@pytest.fixture
def volume():
    array = np.random.default_rng(1).integers(-1000, 400, (40, 8, 6)).astype(np.int16)
    return Volume(array, np.diag([-0.7, -0.7, 2.5, 1.0]), identity=SeriesIdentity(series_uid="1.2.3"))


@pytest.fixture
def record(volume):
    return RunRecord(
        "lung analyze",
        {"threshold": None, "device": "auto"},
        (RunInput.of_volume(volume, "case-1", 40),),
        (RunModel("detector", "classical", "abc"),),
        "cpu",
        "CPU was asked for",
        now(),
    )


def run_into(directory, record):
    (directory / "findings.json").write_text("{}")
    stages = Stages()
    with stages.stage("read"):
        pass
    write_run_record(directory, finish(record, stages, directory, {"findings": 0}))


def test_the_record_says_what_ran_on_what_with_what(tmp_path, record):
    run_into(tmp_path, record)
    written = json.loads((tmp_path / "run.json").read_text())
    assert written["schema"] == "thoraxai.run/1"
    assert written["software"]["thoraxai"] == __version__
    assert written["software"]["libraries"]["numpy"] == np.__version__
    assert written["inputs"][0]["shape_kji"] == [40, 8, 6]
    assert written["inputs"][0]["spacing_ijk_mm"] == [0.7, 0.7, 2.5]
    model = {"role": "detector", "name": "classical", "fingerprint": "abc", "device": "", "rules": ""}
    assert written["models"] == [model]
    assert "rules" not in written["software"]
    assert written["stages"][0]["name"] == "read"
    assert written["peak_memory_mb"] > 10
    assert written["files"] == {"findings.json": 2}
    assert written["started"] <= written["finished"]


def test_a_finished_equal_run_is_recognized(tmp_path, record):
    assert not has_result_of(tmp_path, record)
    run_into(tmp_path, record)
    assert has_result_of(tmp_path, record)


def test_another_option_input_or_model_is_another_run(tmp_path, record):
    run_into(tmp_path, record)
    other_input = replace(record.inputs[0], sha256="0" * 64)
    assert not has_result_of(tmp_path, replace(record, options={"threshold": 0.5, "device": "auto"}))
    assert not has_result_of(tmp_path, replace(record, inputs=(other_input,)))
    assert not has_result_of(tmp_path, replace(record, models=(RunModel("detector", "classical", "abd"),)))
    changed = (RunModel("detector", "classical", "abc", rules="of another source"),)
    assert not has_result_of(tmp_path, replace(record, models=changed))
    assert not has_result_of(tmp_path, replace(record, rules="of another source"))


def test_the_same_engines_on_another_device_are_the_same_run(tmp_path, record):
    run_into(tmp_path, record)
    moved = tuple(replace(model, device="cuda") for model in record.models)
    assert has_result_of(tmp_path, replace(record, models=moved))


def test_another_version_is_another_run(tmp_path, record, monkeypatch):
    run_into(tmp_path, record)
    monkeypatch.setattr("ThoraxAILib.jobs.run_record.__version__", "99")
    assert not has_result_of(tmp_path, record)


def test_a_lost_or_changed_file_or_a_broken_record_is_no_result(tmp_path, record):
    run_into(tmp_path, record)
    (tmp_path / "findings.json").write_text("{} ")
    assert not has_result_of(tmp_path, record)
    (tmp_path / "findings.json").unlink()
    assert not has_result_of(tmp_path, record)
    (tmp_path / "run.json").write_text("[")
    assert not has_result_of(tmp_path, record)


def test_the_hash_knows_voxels_and_geometry_and_not_how_they_lie_in_memory(volume):
    same = replace(volume, array=np.asfortranarray(volume.array).astype(">i2"))
    moved = replace(volume, ijk_to_ras=volume.ijk_to_ras + np.diag([0.01, 0, 0], 1))
    changed = volume.array.copy()
    changed[39, 7, 5] += 1
    assert hash_volume(same) == hash_volume(volume)
    assert hash_volume(moved) != hash_volume(volume)
    assert hash_volume(volume.with_array(changed)) != hash_volume(volume)
    assert hash_volume(volume.with_array(volume.array.view(np.uint16))) != hash_volume(volume)


def test_the_hash_forgives_what_a_file_format_rounds_away(volume):
    rounded = replace(volume, ijk_to_ras=volume.ijk_to_ras + 1e-7)
    assert hash_volume(rounded) == hash_volume(volume)
