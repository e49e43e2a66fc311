"""Tiles computed beside each other: the same answers in the same order, errors told, nothing left running."""

from __future__ import annotations

import threading
from contextlib import closing

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ThoraxAILib.networks import tile_threads  # noqa: E402
from ThoraxAILib.networks.precision import choose_precision  # noqa: E402
from ThoraxAILib.networks.tile_threads import in_threads, tile_workers  # noqa: E402
from ThoraxAILib.networks.tiles import Tiles, run_tiled  # noqa: E402


def tiles(count: int):
    return (torch.full((1, 1, 2, 2, 2), float(number)) for number in range(count))


def doubled(tile) -> np.ndarray:
    return 2 * tile[0].numpy()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_answers_come_in_the_order_of_the_tiles(workers):
    assert [answer.max() for answer in in_threads(doubled, tiles(7), workers)] == [2.0 * n for n in range(7)]


def test_every_thread_computes_with_one_and_the_number_is_put_back():
    before = torch.get_num_threads()
    seen = set()

    def ask(tile) -> np.ndarray:
        seen.add((threading.current_thread() is threading.main_thread(), torch.get_num_threads()))
        return doubled(tile)

    list(in_threads(ask, tiles(4), 2))
    assert seen == {(False, 1)}
    assert torch.get_num_threads() == before


def test_an_error_of_a_tile_is_raised_and_ends_the_others():
    asked = []

    def ask(tile) -> np.ndarray:
        asked.append(float(tile.max()))
        if len(asked) > 1:
            raise RuntimeError("not enough memory")
        return doubled(tile)

    with pytest.raises(RuntimeError, match="not enough memory"):
        list(in_threads(ask, tiles(50), 2))
    assert len(asked) < 10


def test_who_stops_listening_ends_the_work():
    asked = []

    def ask(tile) -> np.ndarray:
        asked.append(1)
        return doubled(tile)

    with closing(in_threads(ask, tiles(50), 2)) as answers:
        next(answers)
    assert len(asked) < 10


def test_a_network_answers_the_same_by_one_thread_and_by_several(monkeypatch):
    torch.manual_seed(0)
    network = torch.nn.Conv3d(1, 2, 3, padding=1)
    image = np.random.default_rng(0).normal(size=(48, 40, 56)).astype(np.float32)
    answers = []
    for limit in (1, 3):
        monkeypatch.setattr(tile_threads, "thread_limit", lambda limit=limit: limit)
        assert tile_workers(9, "cpu") == limit
        answers.append(run_tiled(network, image, Tiles((24, 24, 24)), precision=choose_precision("cpu", full=True)))
    assert np.array_equal(*answers)
    assert tile_workers(9, "cuda") == 1
