"""The benchmarks run to the end and print both sides; no time is asserted."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_lung_benchmark_prints_its_stages_beside_the_yardstick():
    script = Path(__file__).with_name("lung_analyze.py")
    done = subprocess.run(
        [sys.executable, str(script), "--size", "160", "--slices", "110"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for words in ("whole command", "SimpleITK only: lungs", "times SimpleITK only"):
        assert words in done.stdout
    planted = int(re.search(r"as planted (\d+) mL", done.stdout).group(1))
    ours, yardstick = map(int, re.search(r"ThoraxAI (\d+) mL, SimpleITK only (\d+) mL", done.stdout).groups())
    assert abs(ours - planted) < 0.1 * planted
    assert abs(yardstick - planted) < 0.15 * planted  # a yardstick that fails to find the lungs would measure nothing


@pytest.mark.slow
def test_the_lung_benchmark_compares_batches_and_resumes():
    script = Path(__file__).with_name("lung_analyze.py")
    arguments = [str(script), "--parts", "batch,resume", "--cases", "2", "--finished", "3"]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 with the same findings.csv" in done.stdout
    assert "3 of 3 finished cases resumed" in done.stdout


@pytest.mark.slow
def test_the_network_benchmark_tells_every_way_and_its_ratio():
    pytest.importorskip("torch")
    pytest.importorskip("openvino")
    from ThoraxAILib.networks.precision import calculates_in_bf16

    script = Path(__file__).with_name("lung_network_speed.py")
    done = subprocess.run(
        [sys.executable, str(script), "--tile", "32", "--repeats", "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()[1:]
    assert [row.split()[0] for row in rows] == ["nodules", "masses", "anatomy", "patterns"]
    for row in rows:
        ways = re.findall(r"(\w+ ?\w+) \d+\.\d+ \(\d+\.\d+\)", row)
        assert len(ways) == (3 if calculates_in_bf16() else 2), row
        assert "PyTorch float32" in ways[0]
        assert "OpenVINO" in ways[-1]
