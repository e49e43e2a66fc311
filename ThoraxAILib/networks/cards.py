"""Model cards: what every shipped model is, what it reaches, and whether its file is the one the card describes.

Cards are the Markdown files of ``Resources/ModelCards`` (its README tells their form); installed copies of the suite
carry them in the folder ``cards`` beside this file.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ThoraxAILib.errors import InputError

INSTALLED = Path(__file__).resolve().parent / "cards"
IN_CHECKOUT = Path(__file__).resolve().parents[2] / "Resources" / "ModelCards"
REQUIRED = ("file", "sha256", "task", "licence")
SECTIONS = ("How it was made", "What it reaches", "What it is not")
RESEARCH_ONLY = "research use only"
MATCHES, DIFFERS, MISSING = "matches", "differs", "missing"
_ROW = re.compile(r"^\|\s*([\w ]+?)\s*\|\s*(.+?)\s*\|\s*$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class ModelCard:
    """One card: ``file`` is the path of the weights from the root of the sources, ``metrics`` are its own sentences."""

    name: str
    title: str
    file: str
    sha256: str
    task: str
    licence: str
    metrics: tuple[str, ...]
    text: str

    @cached_property
    def path(self) -> Path | None:
        """Where the weights lie in this installation, None when they are not there."""
        parts = Path(self.file).parts
        package = next((place for place, part in enumerate(parts) if part.endswith("Lib")), None)
        if package is None:
            return None
        spec = importlib.util.find_spec(parts[package])
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            found = Path(folder).joinpath(*parts[package + 1 :])
            if found.is_file():
                return found
        return None

    @cached_property
    def state(self) -> str:
        """Whether the file is the one the card describes: ``matches``, ``differs`` or ``missing``."""
        if self.path is None:
            return MISSING
        return MATCHES if hash_file(self.path) == self.sha256 else DIFFERS

    def to_dict(self) -> dict:
        """JSON form."""
        size = None if self.path is None else self.path.stat().st_size
        return {
            "name": self.name,
            "title": self.title,
            "task": self.task,
            "file": self.file,
            "size_bytes": size,
            "sha256": self.sha256,
            "state": self.state,
            "metrics": list(self.metrics),
            "licence": self.licence,
        }


def model_cards(folder: Path | None = None) -> tuple[ModelCard, ...]:
    """Every card by name, of ``folder`` or of this installation; raises InputError for one without its header."""
    folder = folder or (INSTALLED if INSTALLED.is_dir() else IN_CHECKOUT)
    return tuple(read_card(path) for path in sorted(folder.glob("*.md")) if path.stem != "README")


def find_card(name: str, folder: Path | None = None) -> ModelCard:
    """Return the card of one model; raises InputError naming those that exist."""
    cards = {card.name: card for card in model_cards(folder)}
    if name not in cards:
        known = f"choose one of {', '.join(cards)}" if cards else "no model card is installed"
        raise InputError(f"There is no model '{name}': {known}.")
    return cards[name]


def read_card(path: Path) -> ModelCard:
    """One card; raises InputError naming what its header lacks."""
    text = path.read_text(encoding="utf-8")
    title = re.search(r"^# +(.+?)\s*$", text, re.MULTILINE)
    head = text.split("\n## ", 1)[0]
    rows = {name.lower(): value for name, value in _ROW.findall(head)}
    missing = [name for name in REQUIRED if name not in rows]
    file, sha256 = (_CODE.search(rows.get(name, "")) for name in ("file", "sha256"))
    missing += [
        f"a quoted {name}" for name, found in (("file", file), ("sha256", sha256)) if name in rows and found is None
    ]
    if title is None or file is None or sha256 is None or missing:
        raise InputError(
            f"The model card '{path.name}' lacks {', '.join(missing) or 'a title'}: see the README of the model cards."
        )
    return ModelCard(
        path.stem,
        title.group(1),
        file.group(1),
        sha256.group(1).lower(),
        rows["task"],
        rows["licence"],
        _bullets(text, SECTIONS[1]),
        text,
    )


def hash_file(path: Path) -> str:
    """SHA-256 of a file as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _bullets(text: str, section: str) -> tuple[str, ...]:
    """Return the list items of one section, each on one line."""
    found = re.search(rf"^## {re.escape(section)}\s*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    items = re.split(r"^[-*] +", found.group(1), flags=re.MULTILINE)[1:] if found else []
    return tuple(" ".join(item.split()) for item in items)
