"""The fingerprint of rules: a hash of the source that makes an engine's answers, so that a change of it is seen.

It covers the file of the engine and every file of the same package and of this suite that it imports, at whatever
depth, also inside functions, and the JSON files beside them that they name. Weights have a fingerprint of their own.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from typing import Any

from ThoraxAILib.networks.file_cache import cached_by_file

RULES_DIGITS = 16
SUITE = ("ThoraxAILib", "LungNoduleAILib", "CardiacBiomechLib")
# how a run is asked for, started and told; nothing in these changes an answer
NO_RULES = ("ThoraxAILib.engines", "ThoraxAILib.errors", "ThoraxAILib.jobs", "ThoraxAILib.options")


def rules_of(make: Callable[..., Any]) -> str:
    """Return the fingerprint of the rules behind ``make``, a function or class; empty where its source is not there."""
    return rules_fingerprint(str(getattr(getattr(make, "func", make), "__module__", "")))


@cache  # what runs is what was imported, whatever is written to the files since
def rules_fingerprint(*modules: str, without: tuple[str, ...] = ()) -> str:
    """Return the start of a SHA-256 over the source that the answers of modules depend on; empty where there is none.

    ``without`` are modules that are told apart. The same in every checkout: files are named by module, line ends count
    as one, and folders do not matter.
    """
    files: dict[str, Path] = {}
    for module in modules:
        files.update(source_files(module, without))
    if not files:
        return ""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name} {_contents(files[name])[0]}\n".encode())
    return digest.hexdigest()[:RULES_DIGITS]


def source_files(module: str, without: tuple[str, ...] = ()) -> dict[str, Path]:
    """Return the files a module's answers depend on, by their names: Python by module, data by module and file."""
    packages = {module.split(".")[0], *SUITE}
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = None if name in found or name.startswith(NO_RULES + without) else _file_of(name, packages)
        if path is None:
            continue
        found[name] = path
        _, imported, data = _contents(path)
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        waiting += [resolve_name(one, package) for one in imported]
        found.update({f"{name} {word}": path.with_name(word) for word in data if path.with_name(word).is_file()})
    return found


def _file_of(module: str, packages: set[str]) -> Path | None:
    """Return the source of a module of these packages, without importing anything; None for all others."""
    top, *rest = module.split(".")
    loaded = getattr(sys.modules.get(top), "__file__", None) if top in packages else None
    if loaded is None:
        return None
    if not rest:
        return Path(loaded) if loaded.endswith(".py") else None
    inside = Path(loaded).parent.joinpath(*rest)
    return next((path for path in (inside.with_suffix(".py"), inside / "__init__.py") if path.is_file()), None)


@cached_by_file
def _contents(path: Path) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return hash of a file, and of Python the modules it imports and the JSON files it names."""
    text = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    sha256 = hashlib.sha256(text).hexdigest()
    if path.suffix != ".py":
        return sha256, (), ()
    nodes = list(ast.walk(ast.parse(text)))
    words = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    data = sorted(word for word in words if word.endswith(".json") and Path(word).name == word)
    return sha256, tuple(_imported(nodes)), tuple(data)


def _imported(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            yield start
            yield from (f"{start}{'.' if node.module else ''}{alias.name}" for alias in node.names)
