"""The wheel holds every package and data file of the suite and nothing of its tests, and works without the checkout."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PACKAGES = {
    "thoraxai": ".",
    "ThoraxAILib": ".",
    "LungNoduleAILib": "LungNoduleAI",
    "CardiacBiomechLib": "CardiacBiomech",
    "AnonymizerLib": "Anonymizer",
}
SOURCES = (
    "thoraxai",
    "ThoraxAILib",
    "LungNoduleAI",
    "CardiacBiomech",
    "Anonymizer",
    "Resources",
    "pyproject.toml",
    "setup.py",
    "README.md",
    "LICENSE",
)
CARDS = "ThoraxAILib/networks/cards/"
NOT_IN_WHEEL = {"CMakeLists.txt"}


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory) -> Path:
    """The wheel, built from a copy of the sources so that nothing is written into the checkout."""
    if importlib.util.find_spec("setuptools") is None:
        pytest.skip("setuptools is needed to build without a network")
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "sources"
    copy.mkdir()
    for name in SOURCES:
        source = repository / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(source, copy / name)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--no-deps",
            "--no-build-isolation",
            "--quiet",
            "--wheel-dir",
            str(folder),
            str(copy),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return next(folder.glob("thoraxai-*.whl"))


def test_the_wheel_holds_every_file_of_every_package_and_no_other(repository, wheel):
    wanted = {
        path.relative_to(repository / where).as_posix()
        for package, where in PACKAGES.items()
        for path in (repository / where / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name not in NOT_IN_WHEEL
    }
    wanted |= {
        CARDS + path.name for path in (repository / "Resources" / "ModelCards").glob("*.md") if path.name != "README.md"
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert sorted(wanted - held) == []
    assert sorted(held - wanted) == []


def test_the_unpacked_wheel_runs_without_the_checkout(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
        entry_points = archive.read(next(name for name in archive.namelist() if name.endswith("entry_points.txt")))
    assert b"thoraxai = ThoraxAILib.cli.main:main" in entry_points
    done = subprocess.run(
        [sys.executable, "-m", "ThoraxAILib", "doctor"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("thoraxai: ")
    done = subprocess.run(
        [sys.executable, "-m", "ThoraxAILib", "models", "list", "--json"],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    models = json.loads(done.stdout)["models"]
    assert len(models) == sum(1 for _ in (tmp_path / CARDS).glob("*.md")) > 0
    assert {model["state"] for model in models} == {"matches"}


USE_THE_FACE = """
import numpy as np, thoraxai
from AnonymizerLib.run.report_page import TEMPLATE
from ThoraxAILib.report.page import render_page
assert all(getattr(thoraxai, name) is not None for name in thoraxai.__all__)
print(thoraxai.__file__, thoraxai.__version__, TEMPLATE.is_file())
try:
    thoraxai.analyze(thoraxai.Volume(np.zeros((4, 4, 4), np.int16), np.eye(4)), detector="none")
except thoraxai.InputError as error:
    print(error)
"""


def test_the_public_face_and_the_templates_of_reports_are_in_the_wheel(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", USE_THE_FACE],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith(str(tmp_path / "thoraxai"))
    assert first.endswith("True")
    assert "'none'" in second
    assert (tmp_path / "thoraxai" / "py.typed").is_file()
