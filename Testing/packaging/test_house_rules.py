"""What a reader of the code may rely on: one idea per file, telling names, no path of one machine."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDERS = ("ThoraxAILib", "LungNoduleAI", "CardiacBiomech", "Anonymizer", "Testing")
MAX_LINES = 500
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "stuff", "core", "base"}
MACHINE_PATH = re.compile(r"/(?:tmp|work|root|farm|home)/\w")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.fixture(scope="module")
def sources(repository) -> dict[str, str]:
    """The text of every Python file of the project, by its path from the root."""
    paths = sorted(path for folder in FOLDERS for path in (repository / folder).rglob("*.py"))
    assert len(paths) > 30
    return {path.relative_to(repository).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def nodes(sources: dict[str, str], kinds: tuple[type, ...]) -> Iterator[tuple[str, ast.AST]]:
    """Every syntax node of some kinds with the place where it stands."""
    for name, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, kinds):
                yield f"{name}:{node.lineno}", node


def test_files_are_short(sources):
    assert [name for name, text in sources.items() if text.count("\n") >= MAX_LINES] == []


def test_files_have_telling_names_and_say_what_they_are_for(sources):
    assert [name for name in sources if Path(name).stem in VAGUE_NAMES] == []
    assert [name for name, text in sources.items() if not ast.get_docstring(ast.parse(text))] == []


def test_no_error_is_caught_without_naming_it(sources):
    broad = [
        place
        for place, node in nodes(sources, (ast.ExceptHandler,))
        if node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException")
    ]
    assert broad == []


def test_no_path_of_one_machine_is_written_down(sources):
    rule = Path(__file__).name
    assert [name for name, text in sources.items() if MACHINE_PATH.search(text) and Path(name).name != rule] == []
