"""How far each study of an upload is: a file beside its journal, for whoever looks on while the upload goes on.

The journal itself is locked by the upload that writes it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.jobs.outputs.private_files import write_private
from ThoraxAILib.store.instance import is_uid
from ThoraxAILib.store.upload.journal import CONFLICT, REFUSED, SENT, VERIFIED, WAITING
from ThoraxAILib.store.upload.manifest import ManifestItem
from ThoraxAILib.untrusted.bounded_bytes import TooLarge, read_bounded

FILE = "upload-{}.studies.json"
MAX_BYTES = 64 << 20
STATES = (WAITING, SENT, VERIFIED, REFUSED, CONFLICT)


@dataclass(frozen=True)
class StudyState:
    """How many files of a study are in which state of the journal."""

    study_uid: str
    counts: Mapping[str, int]

    @property
    def files(self) -> int:
        """How many files the study has."""
        return sum(self.counts.values())

    @property
    def verified(self) -> int:
        """How many files the store gave back as they were sent."""
        return self.counts.get(VERIFIED, 0)

    @property
    def failed(self) -> int:
        """How many files were refused, or came back as something else."""
        return self.counts.get(REFUSED, 0) + self.counts.get(CONFLICT, 0)


def states_of(items: Iterable[ManifestItem], journal: Mapping[str, str]) -> list[StudyState]:
    """Count the states of a journal for each study, in the order of their UIDs."""
    counts: dict[str, Counter[str]] = {}
    for item in items:
        counts.setdefault(item.study_uid, Counter())[journal.get(item.sop_uid, WAITING)] += 1
    return [StudyState(uid, counts[uid]) for uid in sorted(counts)]


def write_states(private: Path, address: str, states: Iterable[StudyState]) -> None:
    """Write the file anew, at once."""
    lines = [{"study": state.study_uid, **state.counts} for state in states]
    write_private(private / FILE.format(short_name(address)), json.dumps(lines) + "\n")


def read_states(private: Path, address: str) -> list[StudyState]:
    """Return what the file of an upload says; nothing when there is none yet or it cannot be used."""
    try:
        lines = json.loads(read_bounded(private / FILE.format(short_name(address)), MAX_BYTES))
        return [_state(line) for line in lines]
    except (OSError, TooLarge, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def short_name(address: str) -> str:
    """Return the name that journal and states of a store have; it does not tell the address."""
    return hashlib.sha256(address.encode("utf-8")).hexdigest()[:12]


def _state(line: dict) -> StudyState:
    if not is_uid(line["study"]):
        raise ValueError("no UID")
    return StudyState(line["study"], {name: max(int(line[name]), 0) for name in STATES if name in line})
