"""Nothing here installs ``shap`` or another package named ``slicer``: either would break Slicer's Python."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

OURS = {"slicer-core", "slicer-layer-dm"}  # Slicer's libraries as wheels, by the makers of Slicer
FORBIDDEN = {"shap", "slicer"}
IMPORT = re.compile(r"^\s*(?:import|from) shap\b", re.MULTILINE)


def name_of(requirement: str) -> str:
    """Name of the distribution that a requirement asks for, as packages are compared."""
    return re.split(r"[\s\[<>=!~;@]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-")


def test_the_name_of_a_requirement_is_read_whatever_follows_it():
    asked = ("shap", "SHAP>=0.4", "shap[plots] ; python_version > '3'", "slicer==0.0.8", "slicer @ https://x")
    assert {name_of(one) for one in asked} == FORBIDDEN
    assert name_of("slicer-core==5.11.0.6") in OURS


def test_no_requirement_of_this_project_asks_for_them(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    for path in ("constraints.txt", "ThoraxAILib/requirements.txt", "prepare_environment.sh"):
        asked += [line for line in (repository / path).read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    assert not FORBIDDEN & {name_of(one) for one in asked}


def test_the_environment_holds_neither_and_its_slicer_is_slicers_own():
    installed = {(one.metadata["Name"] or "").lower() for one in metadata.distributions()}
    assert not FORBIDDEN & installed
    assert set(metadata.packages_distributions().get("slicer", [])) <= OURS


def test_no_package_that_is_installed_asks_for_them():
    asking = [
        one.metadata["Name"]
        for one in metadata.distributions()
        for requirement in one.requires or ()
        if name_of(requirement) in FORBIDDEN and "extra ==" not in requirement
    ]
    assert asking == []


def test_no_file_of_the_project_imports_shap_but_the_one_that_makes_the_fixture(repository):
    importing = [
        path.relative_to(repository).as_posix()
        for folder in ("thoraxai", "ThoraxAILib", "LungNoduleAI", "CardiacBiomech", "Anonymizer", "Testing")
        for path in Path(repository, folder).rglob("*.py")
        if IMPORT.search(path.read_text(encoding="utf-8"))
    ]
    assert importing == ["Testing/fixtures/make_tree_shap.py"]
