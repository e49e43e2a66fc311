"""A weights file is read and hashed once for as long as it stays as it is, and again when it has changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from ThoraxAILib.networks.device import NetworkDevice  # noqa: E402
from ThoraxAILib.networks.file_cache import cached_by_file  # noqa: E402
from ThoraxAILib.networks.weights_file import load_weights, save_weights, sha256  # noqa: E402
from ThoraxAILib.networks.whole_inputs import WholeInputs  # noqa: E402

SCHEMA = "thoraxai.test/1"


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """Names of the files that were read as a whole."""
    found: list[str] = []
    read = Path.read_bytes

    def spied(path: Path) -> bytes:
        found.append(path.name)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", spied)
    return found


def saved(path: Path, value: float) -> Path:
    save_weights(path, SCHEMA, {}, {"weight": torch.full((3,), value)})
    return path


def test_hash_and_weights_take_one_read_together(tmp_path, reads):
    path = saved(tmp_path / "w.pt", 1.0)
    digest = sha256(path)
    weights = load_weights(path, SCHEMA, "a test")
    assert weights.sha256 == sha256(path) == digest
    assert weights.state["weight"].tolist() == [1.0, 1.0, 1.0]
    assert reads == ["w.pt"]


def test_a_changed_file_is_read_again(tmp_path, reads):
    path = saved(tmp_path / "w.pt", 1.0)
    before = sha256(path)
    saved(path, 2.0)
    os.utime(path, ns=(1, 1))
    assert sha256(path) != before
    assert load_weights(path, SCHEMA, "a test").state["weight"].tolist() == [2.0, 2.0, 2.0]
    assert reads == ["w.pt"] * 2


def test_what_is_made_of_a_file_is_made_once_per_state_and_argument(tmp_path):
    made = []

    @cached_by_file
    def make(path: Path, word: str) -> str:
        made.append(word)
        return path.read_text() + word

    path = tmp_path / "text"
    path.write_text("a")
    assert [make(path, "x"), make(path, "x"), make(path, "y")] == ["ax", "ax", "ay"]
    path.write_text("other")
    assert make(path, "x") == "otherx"
    assert made == ["x", "y", "x"]
    with pytest.raises(FileNotFoundError):
        make(tmp_path / "none", "x")


def test_a_device_tells_where_networks_really_ran():
    device = NetworkDevice("cuda")
    assert device.used == "cuda"
    device.ran_on("cuda")
    device.ran_on("cpu")
    device.ran_on("cuda")
    assert device.used == "cuda and cpu"


def test_what_openvino_cannot_convert_runs_on_the_cpu_and_says_so(monkeypatch):
    from ThoraxAILib.networks import openvino_network

    def refuse(*_arguments: object) -> None:
        raise RuntimeError("no such operation")

    monkeypatch.setattr(openvino_network, "compiled_for", refuse)
    device = NetworkDevice("openvino")
    network = WholeInputs(torch.nn.Linear(2, 1), device)
    assert network.answer(torch.ones(4, 2).numpy()).shape == (4, 1)
    assert device.used == "cpu"
