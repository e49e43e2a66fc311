"""Review: what a reader said of one analysis, and every change with who, when, before and after.

The decisions and the values that stand now are those of the findings (``Finding.status``, ``type``, ``margin``, ...);
what the software had measured stands beside them in ``Finding.ai_values``. This is the rest: the person examined, the
mode of reading, and the history from which each change can be undone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

AI, READER = "ai", "reader"
PERSON, READING = "person", "reading"  # subjects of an Edit that are no finding
READ_FIRST, LOCKED = "read_first", "locked"
MODES = ("", READ_FIRST, LOCKED)
UNDO = "undo"

# What a reader states of a nodule, in the vocabulary of the guidelines where they ask for it.
ATTACHMENTS = ("free", "juxtapleural", "perifissural", "vessel", "airway", "mediastinum")
MARGINS = ("smooth", "lobulated", "spiculated", "irregular", "ill_defined")
SHAPES = ("round", "oval", "lentiform", "triangular", "polygonal", "irregular")
CALCIFICATIONS = ("none", "complete", "central", "popcorn", "concentric_rings", "laminated", "diffuse", "eccentric")
MAX_WORDS = 500  # letters of a reason or a reader's name


@dataclass(frozen=True)
class Edit:
    """One subject of a change: a finding id, ``person`` or ``reading``.

    ``before`` and ``after`` hold only the fields that changed. None means that the finding was not there, or is gone;
    then the other side is the whole finding, and ``position`` its place in the list. ``outline`` is the mask as
    ``mask_text`` writes it.
    """

    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    position: int | None = None

    def turned(self) -> Edit:
        """Return the edit that takes this one back."""
        return Edit(self.subject, self.after, self.before, self.position)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"subject": self.subject, "before": self.before, "after": self.after, "position": self.position}


@dataclass(frozen=True)
class Change:
    """One act of the reader: ``when`` in UTC (ISO 8601), ``who``, ``action`` in a few words, and what it changed.

    ``undoes`` is the number of the change that it takes back.
    """

    when: str
    who: str
    action: str
    edits: tuple[Edit, ...]
    undoes: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "when": self.when,
            "who": self.who,
            "action": self.action,
            "edits": [edit.to_dict() for edit in self.edits],
            "undoes": self.undoes,
        }

    @staticmethod
    def from_dict(entry: dict[str, Any]) -> Change:
        """Inverse of to_dict."""
        edits = tuple(Edit(e["subject"], e["before"], e["after"], e.get("position")) for e in entry["edits"])
        return Change(entry["when"], entry["who"], entry["action"], edits, entry.get("undoes"))


@dataclass(frozen=True)
class Review:
    """Who reads (a pseudonym or initials), what was stated of person and exam, the mode, and all changes in order.

    ``person`` holds the stated fields of PersonAndExam. ``mode`` is empty, ``read_first`` while the software's findings
    are hidden until the reader has marked their own, or ``locked`` after that.
    """

    reader: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    mode: str = ""
    history: tuple[Change, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said yet."""
        return self == Review()

    def undone(self) -> frozenset[int]:
        """Return the numbers of the changes that do not stand now: undone, and not done again since."""
        gone: set[int] = set()
        for number in range(len(self.history) - 1, -1, -1):
            undoes = self.history[number].undoes
            if undoes is not None and number not in gone:
                gone.add(undoes)
        return frozenset(gone)

    def last_to_undo(self) -> int | None:
        """Return the number of the newest change that stands and is no undo itself; None when there is none."""
        gone = self.undone()
        standing = (n for n in range(len(self.history) - 1, -1, -1) if n not in gone)
        return next((n for n in standing if self.history[n].undoes is None), None)

    def last_to_redo(self) -> int | None:
        """Return the number of the undo to take back now; None when the reader has gone on to something else."""
        gone = self.undone()
        for number in range(len(self.history) - 1, -1, -1):
            undoes = self.history[number].undoes
            if undoes is None:
                return None
            if number not in gone and self.history[undoes].undoes is None:
                return number
        return None

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "reader": self.reader,
            "person": dict(self.person),
            "mode": self.mode,
            "history": [change.to_dict() for change in self.history],
        }

    @staticmethod
    def from_dict(entry: dict[str, Any]) -> Review:
        """Inverse of to_dict; raises ValueError for a mode that is not known."""
        if entry.get("mode", "") not in MODES:
            raise ValueError("the review has a mode of reading that is not known")
        history = tuple(Change.from_dict(change) for change in entry.get("history", ()))
        return Review(entry.get("reader", ""), dict(entry.get("person", {})), entry.get("mode", ""), history)
