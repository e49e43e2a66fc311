"""A run in a child process: what it tells, how it is stopped, and that nothing is left of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ThoraxAILib.errors import ThoraxAIError
from ThoraxAILib.jobs import work_folder
from ThoraxAILib.jobs.child_job import CANCELLED, FAILED, SUCCEEDED, ChildJob
from ThoraxAILib.jobs.child_python import child_environment, python_interpreter
from ThoraxAILib.jobs.remedies import remedy_for
from ThoraxAILib.jobs.work_folder import WorkFolder, remove_stale_folders

PATIENCE_SECONDS = 30


def run_to_the_end(job: ChildJob, until=lambda job: job.is_finished) -> list[str]:
    """Poll like a timer would; returns the log lines."""
    lines, deadline = [], time.monotonic() + PATIENCE_SECONDS
    while not until(job):
        assert time.monotonic() < deadline, "the job did not get there"
        lines += job.poll()
        time.sleep(0.01)
    return lines + job.poll()


def job_of(script: str, **options) -> ChildJob:
    job = ChildJob([sys.executable, "-c", script], **options)
    job.start()
    return job


def test_reports_progress_result_and_log_of_a_success():
    job = job_of("""
import sys
print('{"event": "progress", "value": 0.25, "text": "Lungs"}')
print("Zip: adding scene.mrml")
print("{this is no event}")
print('{"event": "result", "output": "somewhere"}')
sys.stderr.write("10%|#\\r20%|##\\n")
""")
    lines = run_to_the_end(job)
    assert job.state == SUCCEEDED
    assert job.text == "Lungs"
    assert job.progress == 1.0
    assert job.output == Path("somewhere")
    assert sorted(lines) == ["10%|#", "20%|##", "Zip: adding scene.mrml", "{this is no event}"]


def test_progress_outside_zero_to_one_or_not_a_number_does_no_harm():
    job = job_of("""
print('{"event": "progress", "value": 7, "text": "a"}')
print('{"event": "progress", "value": "half", "text": "b"}')
print('{"event": "unheard of"}')
import time; time.sleep(60)
""")
    run_to_the_end(job, until=lambda job: job.text == "b")
    assert job.progress == 1.0
    job.close()


def test_failure_keeps_the_sentence_the_last_lines_and_a_remedy():
    folder = WorkFolder()
    job = job_of(
        """
import sys
for i in range(100): print("line", i)
print('{"event": "error", "message": "The CT has two slices: give a whole series."}')
sys.stdout.flush()
sys.stderr.write("OSError: [Errno 28] No space left on device\\n")
sys.exit(2)
""",
        folder=folder,
    )
    run_to_the_end(job)
    assert job.state == FAILED
    assert job.failure.message == "The CT has two slices: give a whole series."
    assert job.failure.exit_status == 2
    assert "line 99" in job.failure.last_lines
    assert "line 0" not in job.failure.last_lines
    assert "disk is full" in job.failure.remedy
    assert not folder.path.exists()


def test_failure_without_an_event_says_the_last_line_of_the_traceback():
    job = job_of("import no_such_package_at_all")
    run_to_the_end(job)
    assert job.failure.message == "ModuleNotFoundError: No module named 'no_such_package_at_all'"
    assert "'no_such_package_at_all' is missing" in job.failure.remedy


def test_what_was_printed_on_stderr_counts_as_the_reason_whatever_comes_later_on_stdout():
    job = job_of("import sys; sys.stderr.write('the reason\\n'); sys.stderr.flush(); print('closing'); sys.exit(1)")
    run_to_the_end(job)
    assert job.failure.message == "the reason"


def test_a_silent_failure_says_its_exit_status():
    job = job_of("import os; os._exit(3)")
    run_to_the_end(job)
    assert "exit status 3" in job.failure.message


def test_a_program_that_does_not_exist_is_a_failure_not_an_exception():
    folder = WorkFolder()
    job = ChildJob(["no-such-program-anywhere"], folder=folder)
    job.start()
    assert job.state == FAILED
    assert "no-such-program-anywhere" in job.failure.message
    assert not folder.path.exists()


def test_cannot_be_started_twice():
    job = job_of("pass")
    with pytest.raises(ThoraxAIError, match="started before"):
        job.start()
    run_to_the_end(job)


GRANDPARENT = """
import signal, subprocess, sys, time
{ignore}
child = subprocess.Popen([sys.executable, "-c", {grandchild!r}], start_new_session={own_session})
print("grandchild", child.pid, flush=True)
time.sleep(60)
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"


def grandchild_of(job: ChildJob) -> psutil.Process:
    lines: list[str] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not any(line.startswith("grandchild") for line in lines):
        assert time.monotonic() < deadline
        lines += job.poll()
        time.sleep(0.01)
    return psutil.Process(int(lines[0].split()[1]))


def is_gone(process: psutil.Process) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.skipif(os.name == "nt", reason="signals and sessions are POSIX")
@pytest.mark.parametrize("own_session", [False, True])
def test_cancel_ends_grandchildren_that_ignore_the_request_or_left_the_group(own_session, monkeypatch):
    monkeypatch.setattr("ThoraxAILib.jobs.child_job._GRACE_SECONDS", 0.3)
    folder = WorkFolder()
    (folder.path / "ct.nrrd").write_text("voxels")
    job = job_of(GRANDPARENT.format(ignore="", grandchild=STUBBORN, own_session=own_session), folder=folder)
    grandchild = grandchild_of(job)
    job.cancel()
    run_to_the_end(job)
    assert job.state == CANCELLED
    assert is_gone(grandchild)
    assert not folder.path.exists()


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_cancel_ends_a_run_that_ignores_the_request(monkeypatch):
    monkeypatch.setattr("ThoraxAILib.jobs.child_job._GRACE_SECONDS", 0.3)
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    job = job_of(GRANDPARENT.format(ignore=ignore, grandchild=STUBBORN, own_session=False))
    grandchild = grandchild_of(job)
    job.cancel()
    run_to_the_end(job)
    assert job.state == CANCELLED
    assert is_gone(grandchild)


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_cancel_lets_the_run_tidy_up(tmp_path):
    job = job_of(f"""
import pathlib, signal, sys, time
half = pathlib.Path({str(tmp_path / "half")!r}); half.write_text("x")
def stop(*_): half.unlink(); sys.exit(130)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True); time.sleep(60)
""")
    run_to_the_end(job, until=lambda job: (tmp_path / "half").exists() and "ready" in job._last_lines)
    job.cancel()
    run_to_the_end(job)
    assert job.state == CANCELLED
    assert not (tmp_path / "half").exists()


def test_close_ends_the_run_at_once_and_removes_the_folder():
    folder = WorkFolder()
    job = job_of(GRANDPARENT.format(ignore="", grandchild=STUBBORN, own_session=False), folder=folder)
    grandchild = grandchild_of(job)
    job.close()
    assert job.state == CANCELLED
    assert is_gone(grandchild)
    assert not folder.path.exists()


@pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX")
def test_a_descendant_that_keeps_the_pipe_open_does_not_hold_the_job(monkeypatch):
    monkeypatch.setattr("ThoraxAILib.jobs.child_job._DRAIN_SECONDS", 0.2)
    script = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]); print('done')"
    job = job_of(script)
    run_to_the_end(job)
    assert job.state == SUCCEEDED


def test_a_chatty_run_neither_blocks_nor_loses_its_end():
    job = job_of('for i in range(60000): print(i)\nprint(\'{"event": "result", "output": "x"}\')')
    lines = run_to_the_end(job)
    assert len(lines) == 60000
    assert job.output == Path("x")


def test_the_folder_of_a_success_stays_until_released():
    folder = WorkFolder()
    job = job_of("pass", folder=folder)
    run_to_the_end(job)
    assert folder.path.exists()
    job.release()
    assert not folder.path.exists()


def test_folders_of_dead_programs_are_removed_and_those_of_living_ones_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(work_folder.tempfile, "tempdir", str(tmp_path))
    mine = WorkFolder()
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    orphan = tmp_path / f"thoraxai-job-{dead.pid}-abc"
    orphan.mkdir()
    (orphan / "ct.nrrd").write_text("voxels")
    foreign = tmp_path / "thoraxai-job-notes"
    foreign.mkdir()
    assert remove_stale_folders() == 1
    assert not orphan.exists()
    assert mine.path.exists()
    assert foreign.exists()
    mine.remove()


def test_the_child_finds_the_packages_of_this_program(tmp_path):
    environment = child_environment(("ThoraxAILib", "LungNoduleAILib"))
    environment.pop("VIRTUAL_ENV", None)
    answer = subprocess.run(
        [python_interpreter(), "-c", "import ThoraxAILib, LungNoduleAILib; print('found')"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == "found"
    assert environment is not os.environ


def test_an_unknown_package_is_told_by_name():
    with pytest.raises(ModuleNotFoundError, match="NoSuchLib"):
        child_environment(("NoSuchLib",))


def test_inside_slicer_the_python_beside_the_application_is_used(tmp_path, monkeypatch):
    for name in ("SlicerApp-real", "PythonSlicer"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "SlicerApp-real"))
    assert python_interpreter() == str(tmp_path / "PythonSlicer")


def test_inside_slicer_the_python_on_the_path_is_used_when_none_is_beside_it(tmp_path, monkeypatch):
    launcher = tmp_path / "bin" / "PythonSlicer"
    launcher.parent.mkdir()
    launcher.write_text("#!/bin/sh\n")
    launcher.chmod(0o755)
    monkeypatch.setenv("PATH", str(launcher.parent))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "SlicerApp-real"))
    assert python_interpreter() == str(launcher)


@pytest.mark.parametrize(
    ("text", "exit_status", "advice"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate", 1, "graphics card has too little"),
        ("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 3 GiB", 1, "too little free memory"),
        ("MemoryError", 1, "too little free memory"),
        ("ModuleNotFoundError: No module named 'cc3d'", 1, "'cc3d' is missing"),
        ("ImportError: libcudart.so.12: cannot open shared object file", 1, "does not fit"),
        ("PermissionError: [Errno 13] Permission denied", 1, "cannot be written"),
        ("", -9, "memory ran out"),
        ("something nobody has seen", 1, ""),
    ],
)
def test_known_error_texts_come_with_advice(text, exit_status, advice):
    remedy = remedy_for(text, exit_status)
    assert advice in remedy
    assert bool(remedy) == bool(advice)


def test_the_last_error_line_survives_a_flood_on_the_other_stream():
    job = job_of("""
import sys, time
sys.stderr.write("OSError: [Errno 28] No space left on device\\n")
sys.stderr.flush()
time.sleep(0.5)
for i in range(200): print("line", i)
sys.exit(2)
""")
    run_to_the_end(job)
    assert job.failure.last_lines[-1].startswith("OSError")
    assert "disk is full" in job.failure.remedy
