"""The benchmarks of Anonymizer run to the end; leaks are asserted, times are not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_leak_benchmark_prints_a_table_of_kind_by_profile_without_ours():
    script = Path(__file__).with_name("anonymizer_leaks.py")
    command = [sys.executable, str(script), "--limit", "12", "--deid-python", "no-such-python"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = {line.split("|")[1].strip(): line for line in done.stdout.splitlines() if line.startswith("|")}
    assert "| basic | research | longitudinal | teaching | strict |" in rows["kind"]
    assert rows["dictionary"].split("|")[3:8] == [" 0 "] * 5
    assert rows["every VR"].split("|")[3:8] == [" 0 "] * 5
    assert "deid is not installed" in done.stdout
    assert "108 canaries of one study, 108 found in the input, 0 in the output" in done.stdout


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
