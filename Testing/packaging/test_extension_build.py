"""The Slicer extension packages every file, and works from the one flat folder in which Slicer installs all modules."""

from __future__ import annotations

import collections
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

import pytest
import update_cmake_lists as cmake_lists

MODULES = ("LungNoduleAI", "CardiacBiomech", "Anonymizer")
STAND_IN = Path(__file__).parent / "slicer_stand_in"


@pytest.mark.parametrize("module", cmake_lists.PACKAGED)
@pytest.mark.parametrize("name", [cmake_lists.SCRIPTS, cmake_lists.RESOURCES])
def test_cmake_lists_every_file(repository, module, name):
    listed = cmake_lists.listed_files((repository / module / "CMakeLists.txt").read_text(), name)
    advice = "run python Testing/packaging/update_cmake_lists.py"
    assert listed == cmake_lists.files_to_list(repository / module)[name], advice


def test_updating_the_lists_replaces_them_and_nothing_else():
    text = "set(MODULE_PYTHON_SCRIPTS\n  old.py\n  )\nset(MODULE_PYTHON_RESOURCES\n  )\nbuild(x)\n"
    lists = {cmake_lists.SCRIPTS: ["a.py", "b/c.py"], cmake_lists.RESOURCES: ["d.png"]}
    updated = cmake_lists.with_lists(text, lists)
    assert updated == (
        "set(MODULE_PYTHON_SCRIPTS\n  a.py\n  b/c.py\n  )\nset(MODULE_PYTHON_RESOURCES\n  d.png\n  )\nbuild(x)\n"
    )


@pytest.mark.parametrize("module", MODULES)
def test_a_module_folder_has_one_python_file_at_its_root(repository, module):
    assert [path.name for path in (repository / module).glob("*.py")] == [f"{module}.py"]


def test_no_two_modules_install_a_file_of_the_same_name(repository):
    names = collections.Counter()
    for module in MODULES:
        names.update(name for files in cmake_lists.files_to_list(repository / module).values() for name in files)
    assert [name for name, count in names.items() if count > 1] == []


def test_the_top_level_names_every_module_and_the_dependency(repository):
    text = (repository / "CMakeLists.txt").read_text()
    assert re.search(r"project\((\w+)", text).group(1) == "ThoraxAI"
    assert re.findall(r"add_subdirectory\((\w+)\)", text) == list(cmake_lists.PACKAGED)
    catalog = json.loads((repository / "ThoraxAI.json").read_text())
    assert catalog["build_dependencies"] == re.search(r"EXTENSION_DEPENDS ([\w ]+)", text).group(1).split()
    assert catalog["scm_url"].removesuffix(".git") in re.search(r'EXTENSION_HOMEPAGE "(.+)"', text).group(1)


def test_every_interface_file_can_be_parsed_and_names_no_widget_twice(repository):
    interfaces = sorted(repository.glob("*/Resources/UI/*.ui"))
    assert interfaces
    for path in interfaces:
        tree = xml.etree.ElementTree.parse(path)
        names = collections.Counter(widget.get("name") for widget in tree.iter("widget"))
        assert [name for name, count in names.items() if count > 1] == [], path.name


@pytest.fixture(scope="module")
def installed(repository, tmp_path_factory) -> Path:
    """The folder with all modules, as an installed extension has it."""
    if shutil.which("cmake") is None or (shutil.which("cc") is None and shutil.which("gcc") is None):
        pytest.skip("cmake and a C compiler are needed to configure the extension")
    build = tmp_path_factory.mktemp("build")
    run_cmake(
        "-S",
        str(repository),
        "-B",
        str(build),
        f"-DSlicer_DIR={STAND_IN}",
        "-DBUILD_TESTING=ON",
        f"-DCMAKE_INSTALL_PREFIX={build / 'installed'}",
    )
    run_cmake("--install", str(build))
    return build / "installed" / "qt-scripted-modules"


def run_cmake(*arguments: str) -> None:
    done = subprocess.run(["cmake", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_installed_folder_holds_the_three_modules_and_nothing_else_slicer_takes_for_one(installed):
    assert sorted(path.stem for path in installed.glob("*.py")) == sorted(MODULES)


def test_the_command_runs_from_the_installed_folder(installed, tmp_path):
    code = (
        "import ThoraxAILib, LungNoduleAILib.model.options, sys; from ThoraxAILib.cli.main import main;"
        "print(ThoraxAILib.__file__); sys.exit(main(['lung', 'detectors']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(installed)},
    )
    assert done.returncode == 0, done.stderr
    where, *detectors = done.stdout.splitlines()
    assert Path(where).is_relative_to(installed)
    assert any(line.startswith("classical") for line in detectors)


def test_scripts_can_import_the_public_face_from_the_installed_folder(installed, tmp_path):
    code = "import thoraxai; print(thoraxai.__file__, all(getattr(thoraxai, name) for name in thoraxai.__all__))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(installed)},
    )
    assert done.returncode == 0, done.stderr
    where, complete = done.stdout.split()
    assert Path(where).is_relative_to(installed)
    assert complete == "True"
    assert (installed / "ThoraxAILib" / "report" / "templates" / "page.html").is_file()


def test_the_installed_extension_carries_every_model_card(repository, installed):
    cards = {path.name: path.read_bytes() for path in (repository / "Resources" / "ModelCards").glob("*.md")}
    del cards["README.md"]
    found = {path.name: path.read_bytes() for path in (installed / "ThoraxAILib" / "networks" / "cards").iterdir()}
    assert found == cards


@pytest.mark.parametrize(("version", "accepted"), [("5.10.0", False), ("5.13.0", True)])
def test_an_older_slicer_is_refused_and_a_newer_one_accepted(repository, tmp_path, installed, version, accepted):
    done = subprocess.run(
        [
            "cmake",
            "-S",
            str(repository),
            "-B",
            str(tmp_path),
            f"-DSlicer_DIR={STAND_IN}",
            f"-DSTAND_IN_VERSION={version}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == accepted
    assert ('requested version "5.12"' in done.stderr) != accepted
