"""Keys of the reading: they work wherever the focus is while the module is open, and stand in the tool tips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import qt


@dataclass(frozen=True)
class Key:
    """A key, what it does, and the button that does the same (its tool tip names the key)."""

    key: str
    act: Callable[[], None]
    button: qt.QAbstractButton


class Shortcuts:
    """Keys that work in the whole application while ``enabled``; typing into a text field stays typing."""

    def __init__(self, owner: qt.QWidget, keys: Sequence[Key]) -> None:
        self.keys = tuple(keys)
        self.shortcuts = {}
        for entry in self.keys:
            shortcut = qt.QShortcut(qt.QKeySequence(entry.key), owner)
            shortcut.setContext(qt.Qt.ApplicationShortcut)
            shortcut.connect("activated()", lambda entry=entry: entry.act() if entry.button.enabled else None)
            self.shortcuts[entry.key] = shortcut
        self.set_enabled(False)

    def set_enabled(self, enabled: bool) -> None:
        """Let the keys work, or leave them to other modules."""
        for shortcut in self.shortcuts.values():
            shortcut.enabled = enabled
