"""The benchmarks of Anonymizer run to the end; leaks are asserted, times are not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
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


@pytest.mark.slow
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
        [sys.executable, str(script), str(result), "--captures", "34", "--jobs", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    numbers = json.loads(result.read_text(encoding="utf-8"))
    assert numbers["captures"] == numbers["clean"] + numbers["quarantined"] == 34
    assert numbers["lines_left_in_clean"] == numbers["clean_that_do_not_say_no"] == 0
    assert numbers["clean"] > 0


@pytest.mark.slow
def test_the_fuzzer_finds_nothing_in_a_few_seconds(tmp_path):
    script = Path(__file__).with_name("anonymizer_fuzz.py")
    command = [sys.executable, str(script), "--minutes", "0", "--batch", "60", "--seed", "3", "--keep", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "60 inputs in 1 runs" in done.stdout
    assert "0 findings" in done.stdout
