"""Worker processes that take one command after another: kept, renewed, stopped, and lost without harm to the next."""

from __future__ import annotations

import os
import signal
import sys
import time

import psutil
import pytest

from ThoraxAILib.jobs.child_job import CANCELLED, FAILED, SUCCEEDED
from ThoraxAILib.jobs.child_python import child_environment
from ThoraxAILib.jobs.output_lines import OutputLines
from ThoraxAILib.jobs.serving import server as server_module
from ThoraxAILib.jobs.serving import workers as workers_module
from ThoraxAILib.jobs.serving.served_job import LOST, NOT_STARTED
from ThoraxAILib.jobs.serving.workers import WarmWorkers

PATIENCE_SECONDS = 60
# ThoraxAILib.cli.worker with commands that need nothing loaded
SCRIPT = """
import json, os, signal, sys, time
from ThoraxAILib.cli import worker
from ThoraxAILib.jobs.signals import cancel_on_signal
from ThoraxAILib.errors import Cancelled
held = []
def main(words):
    name, *rest = words
    if name == "pid":
        print(json.dumps({"event": "result", "output": str(os.getpid())}))
    elif name == "refuse":
        print(json.dumps({"event": "error", "message": "The CT has two slices."}))
        return 2
    elif name == "complain":
        print("no line end", end="", file=sys.stderr)
        print("Nothing can be read.", end="", file=sys.stderr)
        return 2
    elif name == "hold":
        held.append(bytearray(int(rest[0]) * 1_000_000))
    elif name == "wait":
        try:
            with cancel_on_signal():
                print(json.dumps({"event": "progress", "value": 0.5, "text": "waiting"}), flush=True)
                time.sleep(60)
        except Cancelled:
            return 130
    elif name == "raise":
        raise KeyError("unforeseen")
    elif name == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif name == "leave":
        os._exit(0)
    return 0
worker.main = main
sys.exit(worker.serve())
"""


@pytest.fixture
def workers(monkeypatch):
    monkeypatch.setattr(server_module, "SERVE", ("-c", SCRIPT))
    warm = WarmWorkers(child_environment())
    yield warm
    warm.close()


def run(workers: WarmWorkers, *words: str):
    """One command from start to end, and its process given back."""
    job = workers.job(words)
    job.start()
    wait_until(job, lambda: job.is_finished)
    workers.release(job)
    return job


def wait_until(job, condition) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the job did not get there"
        job.poll()
        time.sleep(0.01)


def pid_of(job) -> str:
    assert job.state == SUCCEEDED
    return str(job.output)


def test_one_process_takes_one_command_after_another(workers):
    assert pid_of(run(workers, "pid")) == pid_of(run(workers, "pid"))


def test_a_refused_command_tells_its_sentence_and_the_process_goes_on(workers):
    first = pid_of(run(workers, "pid"))
    refused = run(workers, "refuse")
    assert (refused.state, refused.failure.message) == (FAILED, "The CT has two slices.")
    complained = run(workers, "complain")
    assert complained.failure.message == "no line endNothing can be read."
    assert pid_of(run(workers, "pid")) == first


@pytest.mark.parametrize("fault", ["raise", "die", "leave"])
def test_a_lost_process_fails_its_own_command_only(workers, fault):
    first = pid_of(run(workers, "pid"))
    lost = run(workers, fault)
    assert lost.state == FAILED
    assert lost.failure.message == {"raise": "KeyError: 'unforeseen'", "leave": LOST}.get(
        fault, "The run ended with exit status -9 and said nothing."
    )
    assert pid_of(run(workers, "pid")) != first


def test_a_process_killed_between_two_commands_is_replaced(workers):
    first = pid_of(run(workers, "pid"))
    psutil.Process(int(first)).kill()
    psutil.Process(int(first)).wait()
    second = run(workers, "pid")
    assert second.state == SUCCEEDED
    assert str(second.output) != first


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_stopped_command_ends_its_process_and_no_other(workers):
    other = workers.job(["pid"])
    job = workers.job(["wait"])
    job.start()
    wait_until(job, lambda: job.text == "waiting")
    job.cancel()
    wait_until(job, lambda: job.is_finished)
    assert job.state == CANCELLED
    assert not job.server.is_alive
    workers.release(job)
    other.start()
    wait_until(other, lambda: other.is_finished)
    assert other.state == SUCCEEDED


def test_closing_ends_every_process_also_one_at_work(workers):
    waiting = workers.job(["wait"])
    waiting.start()
    wait_until(waiting, lambda: waiting.text == "waiting")
    idle = int(pid_of(run(workers, "pid")))
    workers.close()
    assert not waiting.server.is_alive
    assert not psutil.pid_exists(idle) or psutil.Process(idle).status() == psutil.STATUS_ZOMBIE


def test_a_process_is_renewed_after_a_number_of_commands(monkeypatch):
    monkeypatch.setattr(server_module, "SERVE", ("-c", SCRIPT))
    warm = WarmWorkers(child_environment(), max_served=2)
    pids = [pid_of(run(warm, "pid")) for _ in range(5)]
    warm.close()
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [2, 2, 1]


def test_a_process_that_keeps_memory_is_renewed(workers, monkeypatch):
    monkeypatch.setattr(workers_module, "MAX_IDLE_MB", 300.0)
    first = pid_of(run(workers, "pid"))
    assert pid_of(run(workers, "pid")) == first
    run(workers, "hold", "400")
    assert pid_of(run(workers, "pid")) != first


def test_where_no_process_can_be_started_the_command_fails_with_one_sentence(workers, monkeypatch):
    monkeypatch.setattr(server_module, "python_interpreter", lambda: "/nowhere/python")
    job = workers.job(["pid"])
    job.start()
    workers.release(job)
    assert (job.state, job.failure.message) == (FAILED, NOT_STARTED)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_signal_while_lines_are_taken_leaves_no_lock_behind(tmp_path):
    """A queue.Queue hung here: its lock stayed taken when a handler raised between taking it and the with block."""

    class Stopped(Exception):
        pass

    def stop(_number, _frame):
        raise Stopped

    fifo = tmp_path / "lines"
    fifo.write_text("a line\n" * 15_000)
    before = signal.signal(signal.SIGALRM, stop)
    try:
        for round_number in range(40):
            lines = OutputLines(fifo.open(), open(os.devnull))
            signal.setitimer(signal.ITIMER_REAL, 0.0005 + 0.0003 * round_number)
            try:
                while lines.is_open or lines:
                    lines.take()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Stopped:
                pass
            deadline = time.monotonic() + PATIENCE_SECONDS
            while lines.is_open or lines:
                lines.take()
                assert time.monotonic() < deadline
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_real_command_is_served(tmp_path):
    warm = WarmWorkers(child_environment(("ThoraxAILib", "LungNoduleAILib")))
    (tmp_path / "empty").mkdir()
    jobs = [run(warm, "lung", "series", str(tmp_path / "empty")) for _ in range(2)]
    warm.close()
    assert [job.state for job in jobs] == [FAILED, FAILED]
    assert jobs[0].failure.message == jobs[1].failure.message
    assert jobs[0].server is jobs[1].server
    assert sys.executable == jobs[0].server.process.args[0]
