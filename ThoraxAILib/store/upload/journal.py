"""What became of each file of an upload, in an SQLite file that survives kill -9 (each change is one transaction)."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.jobs.outputs.private_files import make_private_folder, restrict_file

WAITING, SENT, VERIFIED, REFUSED, CONFLICT = "waiting", "sent", "verified", "refused", "conflict"
SCHEMA = """
create table if not exists upload (store text not null);
create table if not exists file (
    sop_uid text primary key, sha256 text not null, state text not null, reason text not null default '');
"""


class UploadJournal:
    """The journal of one folder and one store; only one process may have it open."""

    def __init__(self, path: Path, store: str) -> None:
        make_private_folder(path.parent)
        try:
            self._database = sqlite3.connect(path, timeout=1.0, isolation_level=None)
            restrict_file(path)
            self._database.execute("pragma locking_mode = exclusive")
            self._database.execute("pragma synchronous = full")
            self._database.executescript(SCHEMA)
            self._database.execute("begin exclusive")
            if self._database.execute("select count(*) from upload").fetchone()[0] == 0:
                self._database.execute("insert into upload values (?)", (store,))
            self._database.execute("commit")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise InputError("Another upload of this folder is running: wait until it has ended.") from error
            raise _not_writable(error) from error
        except sqlite3.DatabaseError as error:
            raise InputError(
                f"The journal {path.name} of this upload is damaged: remove it, and what is in the store already is "
                "compared again."
            ) from error

    def add(self, files: Iterable[tuple[str, str]]) -> None:
        """Note files (SOP instance UID, SHA-256) that are to be sent; one whose content changed waits again."""
        self._many(
            "insert into file (sop_uid, sha256, state) values (?, ?, 'waiting') on conflict (sop_uid) do update set "
            "state = case when sha256 = excluded.sha256 and state not in ('refused', 'conflict') then state "
            "else 'waiting' end, sha256 = excluded.sha256, reason = ''",
            files,
        )

    def set_state(self, state: str, sop_uids: Iterable[str], reason: str = "") -> None:
        """Note what became of files."""
        self._many("update file set state = ?, reason = ? where sop_uid = ?", ((state, reason, u) for u in sop_uids))

    def states(self) -> dict[str, str]:
        """Return the state of every file."""
        return dict(self._database.execute("select sop_uid, state from file"))

    def reasons(self) -> Counter[tuple[str, str]]:
        """Return how many files have which state for which reason."""
        rows = self._database.execute("select state, reason, count(*) from file group by state, reason")
        return Counter({(state, reason): count for state, reason, count in rows})

    def close(self) -> None:
        """Give the journal back."""
        self._database.close()

    def _many(self, statement: str, rows: Iterable[tuple]) -> None:
        try:
            with closing(self._database.cursor()) as cursor:
                cursor.execute("begin")
                cursor.executemany(statement, rows)
                cursor.execute("commit")
        except sqlite3.OperationalError as error:
            raise _not_writable(error) from error


def _not_writable(error: sqlite3.Error) -> OutputError:
    full = "the disk is full" if "full" in str(error) else "it cannot be written"
    return OutputError(
        f"The journal of the upload cannot be kept, {full}: free some space or give another --private folder, then "
        "start the same command again."
    )
