"""The benchmarks of Anonymizer run to the end; leaks are asserted, times are not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


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
