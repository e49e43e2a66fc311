"""Tasks give the same results wherever they are computed, in order or as they come; a lost worker is one sentence."""

from __future__ import annotations

import os

import pytest

from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.pool import WorkerLost, as_finished, in_order, open_pool, result_of

_KEPT: dict[str, int] = {}


def remember(factor: int) -> None:
    """Keep what every task needs."""
    _KEPT["factor"] = factor


def times(number: int) -> int:
    """A task that relies on what was kept."""
    return _KEPT["factor"] * number


def process_id() -> int:
    """Where a task is computed."""
    return os.getpid()


def refuse() -> None:
    """A task with bad input."""
    raise InputError("Nothing can be done with this.")


def vanish() -> None:
    """A task whose process is killed."""
    os._exit(9)


@pytest.mark.parametrize("workers", [0, 2])
def test_results_come_in_their_order_and_each_once(workers):
    with open_pool(workers, remember, 3) as pool:
        assert list(in_order(pool, times, ((n,) for n in range(9)))) == [3 * n for n in range(9)]
        assert sorted(as_finished(pool, times, ((n,) for n in range(9)))) == [3 * n for n in range(9)]


def test_no_workers_means_the_process_of_the_caller():
    with open_pool(0) as own, open_pool(1) as other:
        assert result_of(own.submit(process_id)) == os.getpid() != result_of(other.submit(process_id))


def test_in_the_own_process_nothing_is_made_ahead():
    made = []
    with open_pool(0) as pool:
        results = as_finished(pool, made.append, ((n,) for n in range(3)))
        next(results)
        assert made == [0]


@pytest.mark.parametrize("workers", [0, 1])
def test_what_a_task_raises_reaches_the_caller(workers):
    with open_pool(workers) as pool, pytest.raises(InputError, match="Nothing can be done"):
        result_of(pool.submit(refuse))


def test_a_killed_worker_is_told_in_one_sentence():
    with open_pool(1) as pool:
        with pytest.raises(WorkerLost, match="fewer --jobs"):
            result_of(pool.submit(vanish))
        with pytest.raises(WorkerLost, match="fewer --jobs"):
            pool.submit(vanish)
