"""Tiled inference gives what one pass gives, survives a lack of memory, and weights files refuse strangers."""

from __future__ import annotations

import numpy as np
import pytest

from ThoraxAILib.errors import Cancelled, InputError
from ThoraxAILib.jobs.progress import Progress

torch = pytest.importorskip("torch")

from ThoraxAILib.networks.precision import choose_precision  # noqa: E402
from ThoraxAILib.networks.tiles import Tiles, run_tiled  # noqa: E402
from ThoraxAILib.networks.weights_file import load_weights, save_weights, sha256  # noqa: E402


def smoothing(stride: int = 1) -> torch.nn.Module:
    """A network with a reach of two voxels."""
    torch.manual_seed(3)
    return torch.nn.Sequential(torch.nn.Conv3d(1, 4, 3, stride, 1), torch.nn.ReLU(), torch.nn.Conv3d(4, 2, 3, 1, 1))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("stride", [1, 2])
def test_tiles_with_overlap_give_the_answer_of_one_pass(stride):
    network, image = smoothing(stride), noise(40, 37, 50)
    full = choose_precision("cpu", full=True)
    whole = run_tiled(network, image, Tiles((64, 64, 64), stride=stride), precision=full)
    tiled = run_tiled(network, image, Tiles((24, 24, 24), overlap=16, stride=stride), precision=full)
    assert whole.shape == tiled.shape == (2, *(-(-n // stride) for n in image.shape))
    assert np.abs(whole - tiled).max() < 1e-3 * np.abs(whole).max()


def test_tiles_where_nothing_is_wanted_are_skipped():
    wanted = np.zeros((16, 16, 48), bool)
    wanted[:, :, :4] = True
    answer = run_tiled(smoothing(), noise(16, 16, 48), Tiles((16, 16, 16), overlap=0), wanted=wanted)
    assert answer[..., :16].any()
    assert not answer[..., 16:].any()


class Greedy(torch.nn.Module):
    """Lacks memory for anything above a size."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = []

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.seen.append(tuple(image.shape[2:]))
        if image.numel() > 40**3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return image


def test_a_lack_of_memory_makes_tiles_smaller():
    network, image = Greedy(), noise(64, 64, 64)
    answer = run_tiled(network, image, Tiles((64, 64, 64), overlap=8), precision=choose_precision("cpu", full=True))
    np.testing.assert_allclose(answer[0], image, atol=1e-5)
    assert network.seen[0] == (64, 64, 64)


def test_memory_that_never_suffices_is_told():
    class Endless(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    with pytest.raises(MemoryError):
        run_tiled(Endless(), noise(64, 64, 64), Tiles((64, 64, 64)))


def test_other_errors_of_the_network_are_not_swallowed():
    with pytest.raises(RuntimeError, match="channels"):
        run_tiled(torch.nn.Conv3d(2, 2, 3), noise(16, 16, 16), Tiles((16, 16, 16)))


def test_a_cancel_takes_effect_between_tiles():
    asked = iter([False, True, True, True])
    with pytest.raises(Cancelled):
        run_tiled(
            smoothing(),
            noise(16, 16, 64),
            Tiles((16, 16, 16), overlap=0),
            progress=Progress(is_cancelled=lambda: next(asked)),
        )


def test_weights_come_back_in_single_precision_with_their_note(tmp_path):
    network, path = smoothing(), tmp_path / "small.pt"
    save_weights(path, "thoraxai.test/1", {"width": 4}, network.state_dict(), {"steps": 3})
    weights = load_weights(path, "thoraxai.test/1", "the training")
    assert (weights.settings, weights.note, weights.sha256) == ({"width": 4}, {"steps": 3}, sha256(path))
    for name, value in network.state_dict().items():
        assert weights.state[name].dtype == torch.float32
        torch.testing.assert_close(weights.state[name], value, rtol=1e-3, atol=1e-4)
    assert [entry.name for entry in tmp_path.iterdir()] == ["small.pt"]


def test_a_foreign_weights_file_is_refused_in_one_sentence(tmp_path):
    foreign, other, absent = tmp_path / "foreign.pt", tmp_path / "other.pt", tmp_path / "absent.pt"
    foreign.write_bytes(b"not a model at all")
    torch.save({"weights": torch.zeros(3)}, other)
    for path, says in ((foreign, "holds no weights"), (other, "holds no weights"), (absent, "do not exist")):
        with pytest.raises(InputError, match=says) as refused:
            load_weights(path, "thoraxai.test/1", "thoraxai test")
        assert str(tmp_path) not in str(refused.value)
