"""The command turns every error into one sentence and an exit status, and a signal into a clean end."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading

import pytest

from ThoraxAILib.cli import doctor
from ThoraxAILib.cli import main as commands
from ThoraxAILib.errors import Cancelled, InputError
from ThoraxAILib.jobs.signals import cancel_on_signal


def run_raising(monkeypatch, error):
    def examine():
        raise error

    monkeypatch.setattr(doctor, "examine", examine)
    return commands.main(["doctor"])


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (InputError("The image is not a CT:\n MR was found."), 2, "The image is not a CT: MR was found."),
        (Cancelled("Cancelled; nothing was written."), 130, "Cancelled; nothing was written."),
        (MemoryError(), 2, "There is not enough memory"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "The disk of the output folder is full"),
    ],
)
def test_an_error_becomes_one_line_and_an_exit_status(monkeypatch, capsys, error, status, sentence):
    assert run_raising(monkeypatch, error) == status
    message = capsys.readouterr().err
    assert message.startswith(sentence)
    assert message.count("\n") == 1


def test_a_bug_is_not_hidden(monkeypatch):
    with pytest.raises(ZeroDivisionError):
        run_raising(monkeypatch, ZeroDivisionError())


@pytest.mark.parametrize(
    "arguments", [[], ["brain"], ["lung", "analyze"], ["lung", "analyze", "x", "--threshold", "--output", "y"]]
)
def test_wrong_arguments_are_told_in_one_line(capsys, arguments):
    assert commands.main(arguments) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "--help" in message


def test_an_impossible_value_is_told_in_one_line(capsys):
    assert commands.main(["lung", "analyze", "x", "--threshold", "many", "--output", "y"]) == 2
    message = capsys.readouterr().err
    assert message == "The threshold must be a number, 'many' was given: choose e.g. 0.5.\n"


def test_help_and_version_succeed(capsys):
    assert commands.main(["--version"]) == 0
    assert commands.main(["lung", "analyze", "--help"]) == 0
    assert "--output" in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_cancels_and_the_second_does_not_disturb_the_clean_up(number):
    before = signal.getsignal(number)
    cleaned = []

    def work():
        with cancel_on_signal() as is_cancelled:
            assert not is_cancelled()
            try:
                os.kill(os.getpid(), number)
            finally:
                os.kill(os.getpid(), number)
                cleaned.append(is_cancelled())

    with pytest.raises(Cancelled):
        work()
    assert cleaned == [True]
    assert signal.getsignal(number) is before


def test_another_thread_can_run_commands_without_signal_handlers():
    statuses = []
    thread = threading.Thread(target=lambda: statuses.append(commands.main(["doctor"])))
    thread.start()
    thread.join()
    assert statuses == [0]


def test_a_reader_that_leaves_early_is_no_error():
    process = subprocess.Popen(
        [sys.executable, "-m", "ThoraxAILib", "doctor"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait(timeout=120) == 0
    assert errors == ""


def test_the_doctor_says_what_can_run_and_how_to_get_the_rest(monkeypatch, capsys):
    assert commands.main(["doctor"]) == 0
    assert "numpy: " in capsys.readouterr().out
    monkeypatch.setattr(doctor.host, "is_available", lambda: False)
    monkeypatch.setattr(doctor, "_version", lambda _name: None)
    text = "\n".join(doctor.examine())
    for extra in ("thoraxai[scene]", "thoraxai[learning]", "thoraxai[test]"):
        assert extra in text
