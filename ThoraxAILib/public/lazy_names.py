"""Public names of a package that are imported when they are first used (PEP 562), so that importing it stays quick."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping

from ThoraxAILib.errors import MissingDependencyError

MODULE_OF_PACKAGE = {
    "LungNoduleAILib": "LungNoduleAI",
    "CardiacBiomechLib": "CardiacBiomech",
    "AnonymizerLib": "Anonymizer",
}


def lazy_names(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of ``package``; ``homes`` says in which module each public name is defined.

    Raises MissingDependencyError, with one sentence, when the extension module that a name belongs to is not there.
    """

    def get(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        value = getattr(_imported(homes[name], f"{package}.{name}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return get, names


def _imported(home: str, what: str) -> object:
    try:
        return importlib.import_module(home)
    except ModuleNotFoundError as error:
        module = MODULE_OF_PACKAGE.get(error.name or "")
        if module is None:
            raise
        raise MissingDependencyError(
            f"{what} belongs to the module {module}, which is not loaded: add its folder to the additional module "
            "paths of Slicer, or install the whole package with pip."
        ) from error
