"""OpenVINO gives the answers that PyTorch gives, tells nobody about it, and is refused in one sentence when absent."""

from __future__ import annotations

import numpy as np
import pytest

from ThoraxAILib.errors import InputError
from ThoraxAILib.networks import device as devices
from ThoraxAILib.networks.device import OPENVINO, select_device

torch = pytest.importorskip("torch")
openvino = pytest.importorskip("openvino")

from LungNoduleAILib.detection.detector_file import SHIPPED, read_detector  # noqa: E402
from LungNoduleAILib.detection.heatmap_network import STRIDE, Probabilities  # noqa: E402
from ThoraxAILib.networks.label_network import LabelNetwork, LabelNetworkSettings  # noqa: E402
from ThoraxAILib.networks.openvino_network import compiled  # noqa: E402
from ThoraxAILib.networks.precision import Precision, choose_precision  # noqa: E402
from ThoraxAILib.networks.tiles import Tiles, run_tiled  # noqa: E402

EXACT = Precision(OPENVINO, torch.float32, "the test asks for float32")


def chest_like(*shape: int) -> np.ndarray:
    """HU of a noisy lung with balls in it."""
    rng = np.random.default_rng(4)
    hu = rng.normal(-850.0, 40.0, shape).astype(np.float32)
    axes = np.meshgrid(*map(np.arange, shape), indexing="ij")
    for center in rng.uniform(8, np.array(shape) - 8, (6, 3)):
        hu[sum((axis - c) ** 2 for axis, c in zip(axes, center, strict=True)) < 16] = 40.0
    return hu


def both(network: torch.nn.Module, hu: np.ndarray, tiles: Tiles) -> tuple[np.ndarray, np.ndarray]:
    """The answers of PyTorch and of OpenVINO, both in float32."""
    return (
        run_tiled(network, hu, tiles, precision=choose_precision("cpu", full=True)),
        run_tiled(network, hu, tiles, precision=EXACT),
    )


def test_the_shipped_detector_answers_the_same_through_openvino():
    networks, _calibration, _sha256 = read_detector(SHIPPED)
    for network in networks.values():
        tiles = Tiles((48, 48, 48), 16, network.multiple, STRIDE, -1000.0)
        expected, found = both(Probabilities(network), chest_like(60, 48, 40), tiles)
        assert expected[0].max() > 0.1  # a network that sees nothing would show nothing
        np.testing.assert_allclose(found, expected, atol=2e-3)


def test_a_label_network_answers_the_same_through_openvino():
    torch.manual_seed(1)
    network = LabelNetwork(LabelNetworkSettings(3, (8, 16), 1.0, ((-1000.0, 400.0),)))
    expected, found = both(network, chest_like(40, 36, 50), Tiles((32, 32, 32), 8, network.stride))
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_device_openvino_finds_what_the_cpu_finds():
    networks, _calibration, _sha256 = read_detector(SHIPPED)
    network = Probabilities(networks["nodules"])
    tiles, hu = Tiles((64, 64, 64), 16, 16, STRIDE, -1000.0), chest_like(64, 64, 64)
    expected, found = (run_tiled(network, hu, tiles, device)[0] for device in ("cpu", OPENVINO))
    assert np.abs(found - expected).max() < 0.05  # both may calculate in bfloat16
    assert np.argmax(found) == np.argmax(expected)


def test_nothing_is_told_to_openvinos_makers(monkeypatch):
    from openvino.tools.ovc import convert, convert_impl, telemetry_utils

    class Asked(Exception):
        pass

    def refuse(**_arguments: object) -> None:
        raise Asked

    for module in (telemetry_utils, convert, convert_impl):
        for name in ("init_telemetry_class", "init_mo_telemetry", "init_ovc_telemetry"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda *a, **k: refuse())
    network = torch.nn.Conv3d(1, 1, 3)
    compiled(network, (1, 1, 16, 16, 16), torch.float32)
    with pytest.raises(Asked):  # the usual way would have told
        openvino.convert_model(network, example_input=torch.zeros(1, 1, 16, 16, 16))


def test_an_absent_openvino_and_an_unknown_device_are_told_in_one_sentence(monkeypatch):
    with pytest.raises(InputError, match="'abacus' is not known: use auto, cpu, cuda or openvino"):
        select_device("abacus")
    monkeypatch.setattr(devices, "find_spec", lambda name: None if name == "openvino" else object())
    with pytest.raises(InputError, match="'openvino' is not installed"):
        select_device(OPENVINO)
