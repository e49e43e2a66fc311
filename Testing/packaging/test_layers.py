"""The layers import in one direction: algorithms <- scene <- widgets; modules know the shared package, not one another.

A file belongs to the algorithms (and commands) unless it lies in a folder ``scene`` or ``panels``, is listed below, or
its name ends in ``_logic`` (scene), ``_panel`` or ``_section`` (widget).
"""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

MODULE_OF_LIB = {
    "LungNoduleAILib": "LungNoduleAI",
    "CardiacBiomechLib": "CardiacBiomech",
    "AnonymizerLib": "Anonymizer",
}
WIDGET_FILES = {"widget", "parameters", "input_choice", "sample_data", "analysis_job"}
WIDGET_ENDINGS = ("_panel", "_section")
QT = {"qt", "ctk", "PySide6", "PythonQt"}
SLICER = {"slicer", "vtk", "mrml", "vtkmodules", "SampleData", "DICOMLib", "trame_slicer", *QT}
# what Slicer brings along and the suite itself; all other packages are imported inside functions
AT_FILE_SCOPE = {"numpy", "scipy", "SimpleITK", "ThoraxAILib", *MODULE_OF_LIB, *SLICER}

IMPORT_THEM = """
import importlib, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Blocked())
for name in {names!r}:
    importlib.import_module(name)
"""


def files_of(repository: Path, package: str) -> list[Path]:
    """All Python files of one package."""
    return sorted((repository / MODULE_OF_LIB.get(package, "") / package).rglob("*.py"))


def layer_of(path: Path) -> str:
    """The layer a file belongs to."""
    if "panels" in path.parts or path.stem in WIDGET_FILES or path.stem.endswith(WIDGET_ENDINGS):
        return "widget"
    return "scene" if "scene" in path.parts or path.stem == "logic" or path.stem.endswith("_logic") else "algorithms"


@pytest.fixture(scope="module")
def shipped(repository) -> list[Path]:
    """Every Python file of the four packages."""
    return [path for package in ("ThoraxAILib", *MODULE_OF_LIB) for path in files_of(repository, package)]


def imports(path: Path, inside_functions: bool = True) -> set[str]:
    """Top-level names of what a file imports; blocks for type checkers do not count."""
    found = set()
    for node in _nodes(ast.parse(path.read_text(encoding="utf-8")), inside_functions):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.split(".")[0])
    return found


def _nodes(parent: ast.AST, inside_functions: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(parent):
        for_type_checkers = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if not for_type_checkers and (inside_functions or not function):
            yield node
            yield from _nodes(node, inside_functions)


def breaking(paths: list[Path], forbidden: set[str], inside_functions: bool = True) -> dict[str, set[str]]:
    """What the files import although it is forbidden, by file name."""
    found = {path.as_posix(): imports(path, inside_functions) & forbidden for path in paths}
    return {name: names for name, names in found.items() if names}


def test_every_layer_is_there(shipped):
    layers = [layer_of(path) for path in shipped]
    assert min(layers.count(layer) for layer in ("algorithms", "scene", "widget")) > 3


def test_algorithms_and_commands_import_nothing_of_slicer(shipped):
    assert breaking([path for path in shipped if layer_of(path) == "algorithms"], SLICER) == {}


def test_scene_files_import_no_qt(shipped):
    assert breaking([path for path in shipped if layer_of(path) == "scene"], QT) == {}


def test_the_shared_package_imports_no_module(repository):
    assert breaking(files_of(repository, "ThoraxAILib"), set(MODULE_OF_LIB)) == {}


@pytest.mark.parametrize("lib", MODULE_OF_LIB)
def test_no_module_imports_another_module(repository, lib):
    assert breaking(files_of(repository, lib), set(MODULE_OF_LIB) - {lib}) == {}


def test_starting_slicer_or_the_command_imports_only_what_slicer_brings_along(repository):
    starts = [path for module in MODULE_OF_LIB.values() for path in (repository / module).glob("*.py")]
    starts += [
        path
        for package in ("ThoraxAILib", *MODULE_OF_LIB)
        for path in files_of(repository, package)
        if path.as_posix().endswith("cli/main.py")
    ]
    loaded = with_what_they_import(repository, starts)
    assert len(loaded) > 3 * len(starts)
    allowed = AT_FILE_SCOPE | set(sys.stdlib_module_names)
    others = {path.as_posix(): imports(path, inside_functions=False) - allowed for path in loaded}
    assert {name: names for name, names in others.items() if names} == {}


def with_what_they_import(repository: Path, starts: list[Path]) -> set[Path]:
    """Files of the project and all its files that importing them imports."""
    known = {
        dotted(repository, path): path
        for package in ("ThoraxAILib", *MODULE_OF_LIB)
        for path in files_of(repository, package)
    }
    loaded, waiting = set(), list(starts)
    while waiting:
        path = waiting.pop()
        if path not in loaded:
            loaded.add(path)
            waiting += [known[name] for name in imported_modules(path) if name in known]
    return loaded


def imported_modules(path: Path) -> set[str]:
    """Dotted names a file may import at file scope, the packages they lie in included."""
    found = set()
    for node in _nodes(ast.parse(path.read_text(encoding="utf-8")), inside_functions=False):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    parts = [name.split(".") for name in found]
    return {".".join(words[:count]) for words in parts for count in range(1, len(words) + 1)}


def dotted(repository: Path, path: Path) -> str:
    """The name under which a file is imported."""
    first = path.relative_to(repository).parts[0]
    root = repository / first if first in MODULE_OF_LIB.values() else repository
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def test_every_algorithm_file_imports_where_slicer_and_qt_are_absent(repository, shipped):
    torch_is_missing = importlib.util.find_spec("torch") is None
    names = [
        dotted(repository, path)
        for path in shipped
        if layer_of(path) == "algorithms"
        and path.stem != "__main__"
        and not (torch_is_missing and needs_torch(repository, path))
    ]
    code = IMPORT_THEM.format(blocked=SLICER, names=names)
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert process.returncode == 0, process.stderr[-2000:]


def needs_torch(repository: Path, path: Path) -> bool:
    """Whether a file cannot be imported without PyTorch, which is optional."""
    return any("torch" in imports(file, inside_functions=False) for file in with_what_they_import(repository, [path]))
