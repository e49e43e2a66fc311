"""The benchmarks of Anonymizer run to the end; leaks are asserted, times are not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def test_the_leak_benchmark_finds_none_of_ours():
    script = Path(__file__).with_name("anonymizer_leaks.py")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "108 planted identifiers, 108 found in the input" in done.stdout
    assert "ThoraxAI basic       0 leaks" in done.stdout


def test_the_speed_benchmark_prints_both_sides():
    script = Path(__file__).with_name("anonymizer_speed.py")
    done = subprocess.run(
        [sys.executable, str(script), "--instances", "8", "--size", "64", "--memory-files", "30"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "self-check and report included" in done.stdout
    assert "Memory of all processes over 30 files" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_the_benchmark_of_burned_in_text_leaves_none_in_what_it_calls_clean(tmp_path):
    script, result = Path(__file__).with_name("anonymizer_burned_in.py"), tmp_path / "result.json"
    done = subprocess.run(
        [sys.executable, str(script), str(result), "--captures", "10", "--jobs", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    numbers = json.loads(result.read_text(encoding="utf-8"))
    assert numbers["captures"] == numbers["clean"] + numbers["quarantined"] == 10
    assert numbers["lines_left_in_clean"] == numbers["clean_that_do_not_say_no"] == 0
    assert numbers["clean"] > 0
