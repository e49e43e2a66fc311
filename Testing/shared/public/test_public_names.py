"""What ``import thoraxai`` offers: which names, at what cost, with which documentation, and one sentence for misuse."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import thoraxai
from ThoraxAILib.errors import InputError
from ThoraxAILib.public.keywords import with_keywords

PACKAGES = ("thoraxai", "LungNoduleAILib", "CardiacBiomechLib", "AnonymizerLib")
FUNCTIONS = ("analyze", "anonymize", "find_series", "follow_up", "read_volume", "segment_heart", "track")
RESULTS = ("Analysis", "Anonymization", "FollowUpAnalysis", "SegmentedCine", "TrackedCine")
METHODS = {"save": ("Analysis", "FollowUpAnalysis", "TrackedCine"), "to_scene": ("Analysis", "FollowUpAnalysis")}


def named_for_editors(package: str) -> set[str]:
    """The names that a package imports for type checkers alone."""
    tree = ast.parse(Path(importlib.import_module(package).__file__).read_text(encoding="utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    return {alias.name for block in blocks for node in block.body for alias in node.names}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there_is_listed_and_known_to_editors(package):
    module = importlib.import_module(package)
    offered = set(module.__all__) - {"__version__"}
    assert offered == named_for_editors(package) == set(module._HOMES)
    assert set(module.__all__) <= set(dir(module))
    for name in offered:
        assert getattr(module, name).__name__ == name


def test_the_package_tells_type_checkers_that_it_is_typed():
    assert (Path(thoraxai.__file__).parent / "py.typed").is_file()


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        _ = thoraxai.analyse


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_loads_nothing_heavy(package):
    code = f"import sys, {package}; print([m for m in ('numpy', 'scipy', 'SimpleITK', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_the_module_of_a_name_one_sentence_says_what_to_add(repository):
    code = (
        "import thoraxai\ntry:\n    thoraxai.track\nexcept thoraxai.MissingDependencyError as error:\n    print(error)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(repository), str(repository / "LungNoduleAI")])}
    hidden = (
        "import sys\nclass Hidden:\n    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'CardiacBiomechLib':\n"
        "            raise ModuleNotFoundError(name, name=name)\nsys.meta_path.insert(0, Hidden())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", hidden + code], capture_output=True, text=True, check=True, env=environment
    )
    assert "belongs to the module CardiacBiomech, which is not loaded" in done.stdout


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_documents_its_arguments_result_and_an_example(name):
    function = getattr(thoraxai, name)
    text = inspect.getdoc(function)
    for section in ("Args:", "Returns:", "Raises:", "Example:"):
        assert section in text, section
    arguments = text.split("Args:")[1].split("Returns:")[0]
    for parameter in inspect.signature(function).parameters:
        assert f"{parameter}:" in arguments, parameter


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_has_an_example_and_documented_attributes(name):
    result = getattr(thoraxai, name)
    assert "Example:" in inspect.getdoc(result)
    members = {key: value for key, value in vars(result).items() if not key.startswith("_")}
    for key, member in members.items():
        assert inspect.getdoc(member), key
    for method, owners in METHODS.items():
        if name in owners:
            text = inspect.getdoc(getattr(result, method))
            assert all(section in text for section in ("Returns:", "Example:")), method


def test_an_unknown_option_is_told_with_the_nearest_and_all_known_ones():
    with pytest.raises(InputError) as caught:
        with_keywords("analyze", thoraxai.AnalysisOptions(), {"treshold": 0.5})
    message = str(caught.value)
    assert message.startswith("analyze has no option 'treshold': perhaps threshold is meant, known are detector, ")
    assert message.count(".") == 1


def test_a_value_of_the_wrong_type_is_told():
    with pytest.raises(InputError, match="threshold must be a number"):
        with_keywords("analyze", thoraxai.AnalysisOptions(), {"threshold": "high"})


@pytest.mark.parametrize("call", [lambda: thoraxai.analyze(3), lambda: thoraxai.track(3, "labels.nii.gz")])
def test_a_source_of_another_kind_is_told(call):
    with pytest.raises(InputError, match="was given as int: give a path"):
        call()
