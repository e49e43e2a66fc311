"""The layers import in one direction, no two folders import each other, and Slicer's start needs nothing extra.

The layers themselves are contracts of import-linter in ``.importlinter``; here they are run, and what they cannot say
is said: folders, what is imported at start-up, and that algorithms work where Slicer and Qt are absent.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

MODULE_OF_LIB = {
    "LungNoduleAILib": "LungNoduleAI",
    "CardiacBiomechLib": "CardiacBiomech",
    "AnonymizerLib": "Anonymizer",
}
PACKAGES = ("ThoraxAILib", *MODULE_OF_LIB)
MAX_FILES = 15
SCENE_FOLDERS = {"scene", "logic", "panel", "panels"}
QT = {"qt", "ctk", "PySide6", "PythonQt"}
SLICER = {"slicer", "vtk", "mrml", "vtkmodules", "SampleData", "DICOMLib", "trame_slicer", *QT}
# what Slicer brings along and the suite itself; all other packages are imported inside functions
AT_FILE_SCOPE = {"numpy", "scipy", "SimpleITK", *PACKAGES, *SLICER}

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


@pytest.fixture(scope="module")
def modules(repository) -> dict[str, Path]:
    """Every file of the four packages by the name under which it is imported."""
    return {
        dotted(repository, path): path
        for package in PACKAGES
        for path in sorted((repository / MODULE_OF_LIB.get(package, "") / package).rglob("*.py"))
    }


def dotted(repository: Path, path: Path) -> str:
    """The name under which a file is imported."""
    first = path.relative_to(repository).parts[0]
    root = repository / first if first in MODULE_OF_LIB.values() else repository
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path, inside_functions: bool = True) -> set[str]:
    """Dotted names a file may import, with the packages they lie in; blocks for type checkers do not count."""
    found = set()
    for node in _nodes(ast.parse(path.read_text(encoding="utf-8")), inside_functions):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    parts = [name.split(".") for name in found]
    return {".".join(words[:count]) for words in parts for count in range(1, len(words) + 1)}


def _nodes(parent: ast.AST, inside_functions: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(parent):
        for_type_checkers = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if not for_type_checkers and (inside_functions or not function):
            yield node
            yield from _nodes(node, inside_functions)


def imported_files(modules: dict[str, Path], name: str) -> set[str]:
    """The files of the project that a file imports by name: a package counts only when it is named itself."""
    found = set()
    for node in _nodes(ast.parse(modules[name].read_text(encoding="utf-8")), inside_functions=True):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner & set(modules) or {node.module}
    return (found & set(modules)) - {name}


def test_the_contracts_of_the_layers_are_kept(repository):
    paths = os.pathsep.join([str(repository), *(str(repository / folder) for folder in MODULE_OF_LIB.values())])
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert ", 0 broken." in done.stdout


def test_no_two_folders_import_each_other(modules):
    edges = defaultdict(set)
    for name, path in modules.items():
        for other in imported_files(modules, name):
            if modules[other].parent != path.parent:
                edges[path.parent].add(modules[other].parent)
    assert len(edges) > 30
    roots = {path.parent for name, path in modules.items() if "." not in name}  # __main__ starts the command line
    mutual = {
        (str(one), str(other))
        for one in edges
        for other in edges[one] - roots
        if one in edges.get(other, ()) and one not in roots
    }
    assert mutual == set()


def test_a_folder_is_one_idea_of_about_fifteen_files_or_says_why_not(modules):
    files = defaultdict(list)
    for path in modules.values():
        if path.name != "__init__.py":
            files[path.parent].append(path)
    crowded = {str(folder) for folder, found in files.items() if len(found) > MAX_FILES}
    unexplained = {folder for folder in crowded if "files because" not in (Path(folder) / "__init__.py").read_text()}
    assert unexplained == set()


@pytest.mark.parametrize("lib", PACKAGES)
def test_a_package_has_no_loose_files_but_what_python_needs_there(modules, lib):
    root = modules[lib].parent
    allowed = {"__init__.py", "__main__.py", "errors.py"} if lib == "ThoraxAILib" else {"__init__.py"}
    assert {path.name for path in root.glob("*.py")} <= allowed


def test_starting_slicer_or_the_command_imports_only_what_slicer_brings_along(repository, modules):
    starts = [path for folder in MODULE_OF_LIB.values() for path in (repository / folder).glob("*.py")]
    starts += [path for name, path in modules.items() if name.endswith("cli.main")]
    loaded = with_what_they_import(modules, starts)
    assert len(loaded) > 3 * len(starts)
    allowed = AT_FILE_SCOPE | set(sys.stdlib_module_names)
    others = {path.as_posix(): roots_of(imports(path, inside_functions=False)) - allowed for path in loaded}
    assert {name: names for name, names in others.items() if names} == {}


def roots_of(names: set[str]) -> set[str]:
    """The packages that names lie in."""
    return {name.split(".")[0] for name in names}


def with_what_they_import(modules: dict[str, Path], starts: list[Path]) -> set[Path]:
    """Files of the project and all its files that importing them imports."""
    loaded, waiting = set(), list(starts)
    while waiting:
        path = waiting.pop()
        if path not in loaded:
            loaded.add(path)
            waiting += [modules[name] for name in imports(path, inside_functions=False) if name in modules]
    return loaded


def test_every_algorithm_file_imports_where_slicer_and_qt_are_absent(modules):
    torch_is_missing = importlib.util.find_spec("torch") is None
    names = [
        name
        for name, path in modules.items()
        if not SCENE_FOLDERS & set(path.parts)
        and path.stem != "__main__"
        and not (torch_is_missing and needs_torch(modules, path))
    ]
    assert len(names) > 200
    code = IMPORT_THEM.format(blocked=SLICER, names=names)
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert process.returncode == 0, process.stderr[-2000:]


def needs_torch(modules: dict[str, Path], path: Path) -> bool:
    """Whether a file cannot be imported without PyTorch, which is optional."""
    loaded = with_what_they_import(modules, [path])
    return any("torch" in roots_of(imports(file, inside_functions=False)) for file in loaded)
