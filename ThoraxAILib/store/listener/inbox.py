"""What was received, on the disk: one file for each instance, and an SQLite file with the state of each series.

An instance is acknowledged after its file is in place. After kill -9 the files are the truth: those without a line in
the database are entered again when the inbox is opened. A series is analyzed once for each set of instances.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.private_files import make_private_folder, restrict_file
from ThoraxAILib.store.instance import Instance, is_uid

RECEIVING, WAITING, RUNNING, ANALYZED = "receiving", "waiting", "running", "analyzed"
DONE, LEFT_OUT, FAILED = "done", "left out", "failed"
SCHEMA = """
create table if not exists series (
    uid text primary key, study text not null, state text not null, reason text not null default '',
    seen real not null, tries integer not null default 0,
    priority real not null default 0, level text not null default '');
create table if not exists instance (uid text primary key, series text not null);
create index if not exists instances_of on instance (series);
"""
ADDED = {"priority": "real not null default 0", "level": "text not null default ''"}  # to folders of earlier versions
COLUMNS = "uid, study, state, reason, seen, tries"
OF_STUDY = "(select max(priority) from series as other where other.study = series.study)"
FILES, RESULTS, DATABASE, UNFINISHED = "received", "results", "queue.sqlite", ".part"


@dataclass(frozen=True)
class Series:
    """One received series."""

    uid: str
    study: str
    state: str
    reason: str
    seen: float
    tries: int


class Inbox:
    """The inbox of one folder; its methods may be called from any thread.

    What changes it raises OSError when the disk cannot take the change, which then did not happen.
    """

    def __init__(self, folder: Path) -> None:
        make_private_folder(folder)
        self.folder = folder
        self._lock = threading.RLock()
        self._database = sqlite3.connect(folder / DATABASE, timeout=1.0, isolation_level=None, check_same_thread=False)
        restrict_file(folder / DATABASE)
        try:
            self._database.execute("pragma locking_mode = exclusive")
            self._database.execute("pragma journal_mode = wal")
            self._database.executescript(SCHEMA)
            self._add_columns()
        except sqlite3.OperationalError as error:
            raise InputError("Another listener uses this folder: stop it, or give another folder.") from error
        self._recover()

    def add(self, instance: Instance) -> bool:
        """Keep an instance; False when it was there before. Raises OSError when the disk cannot take it."""
        if self._knows(instance):
            return False
        place = self.folder_of(instance.study_uid, instance.series_uid) / f"{instance.sop_uid}.dcm"
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = place.with_suffix(f".{threading.get_ident()}{UNFINISHED}")
        try:
            with temporary.open("wb") as file:
                file.write(instance.data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, place)
        finally:
            temporary.unlink(missing_ok=True)
        try:
            self._enter(instance.study_uid, instance.series_uid, [instance.sop_uid])
        except OSError:
            place.unlink(missing_ok=True)
            raise
        return True

    def folder_of(self, study_uid: str, series_uid: str) -> Path:
        """Return where the files of a series lie."""
        return self.folder / FILES / study_uid / series_uid

    def results_of(self, series: Series) -> Path:
        """Return where the results of a series lie, another place for each set of its instances."""
        return self.folder / RESULTS / f"{series.uid}-{self._fingerprint(series.uid)[:12]}"

    def quiet(self, seconds: float) -> list[Series]:
        """Return series being received whose whole study has been quiet for so long."""
        with self._lock:
            rows = self._database.execute(
                f"select {COLUMNS} from series where state = ? and study not in "
                "(select study from series where seen > ?) order by seen",
                (RECEIVING, time.time() - seconds),
            )
            return [Series(*row) for row in rows]

    def next_waiting(self) -> Series | None:
        """Return the series to analyze next, as running from now on.

        Series of a study in which something urgent was found already come first, then the one that waits longest.
        """
        with self._transaction():
            row = self._database.execute(
                f"select {COLUMNS} from series where state = ? order by tries, {OF_STUDY} desc, seen limit 1",
                (WAITING,),
            ).fetchone()
            if row is None:
                return None
            self._database.execute("update series set state = ?, tries = tries + 1 where uid = ?", (RUNNING, row[0]))
            uid, study, state, reason, seen, tries = row
            return Series(uid, study, state, reason, seen, tries + 1)

    def next_to_send(self) -> Series | None:
        """Return the most urgent series whose results are there and not yet sent; None when there is none."""
        with self._lock:
            row = self._database.execute(
                f"select {COLUMNS} from series where state = ? order by priority desc, seen limit 1", (ANALYZED,)
            ).fetchone()
            return None if row is None else Series(*row)

    def set_priority(self, series: Series, priority: float, level: str) -> None:
        """Note how urgent the findings of a series are (0 to 1, and in words)."""
        with self._transaction():
            self._database.execute(
                "update series set priority = ?, level = ? where uid = ?", (priority, level, series.uid)
            )

    def levels(self) -> Counter[str]:
        """Return how many series were found to be of which level of urgency."""
        with self._lock:
            rows = self._database.execute("select level, count(*) from series where level != '' group by level")
            return Counter(dict(rows))

    def set_state(self, series: Series, state: str, reason: str = "") -> bool:
        """Note what became of a series; False when it got more images meanwhile, so that it is received again."""
        with self._transaction():
            changed = self._database.execute(
                "update series set state = ?, reason = ? where uid = ? and seen = ?",
                (state, reason, series.uid, series.seen),
            )
            return changed.rowcount > 0

    def purge(self, seconds: float) -> None:
        """Remove the images of series that were dealt with so long ago; sent again, they are taken as new ones.

        The results of a series are found again by its set of images, so it is not analyzed a second time.
        """
        with self._transaction():
            rows = self._database.execute(
                "select uid, study from series where state in (?, ?) and seen < ? "
                "and uid in (select series from instance)",
                (DONE, LEFT_OUT, time.time() - seconds),
            ).fetchall()
            for uid, study in rows:
                shutil.rmtree(self.folder_of(study, uid), ignore_errors=True)
                self._database.execute("delete from instance where series = ?", (uid,))

    def counts(self) -> Counter[str]:
        """Return how many series are in which state."""
        with self._lock:
            return Counter(dict(self._database.execute("select state, count(*) from series group by state")))

    def reasons(self) -> Counter[str]:
        """Return why series were left out, failed, or could not be sent yet."""
        with self._lock:
            rows = self._database.execute(
                "select reason, count(*) from series where state in (?, ?, ?) and reason != '' group by reason",
                (LEFT_OUT, FAILED, ANALYZED),
            )
            return Counter(dict(rows))

    def oldest_waiting(self) -> float | None:
        """Return when the series that waits longest was seen last (seconds since 1970)."""
        with self._lock:
            rows = self._database.execute(
                "select min(seen) from series where state in (?, ?, ?)", (WAITING, RUNNING, ANALYZED)
            )
            return rows.fetchone()[0]

    def last_seen(self) -> float | None:
        """Return when the last instance came (seconds since 1970)."""
        with self._lock:
            return self._database.execute("select max(seen) from series").fetchone()[0]

    def close(self) -> None:
        """Give the inbox back."""
        with self._lock:
            self._database.close()

    def _add_columns(self) -> None:
        there = {row[1] for row in self._database.execute("pragma table_info(series)")}
        for name, kind in ADDED.items():
            if name not in there:
                self._database.execute(f"alter table series add column {name} {kind}")

    def _knows(self, instance: Instance) -> bool:
        with self._lock:
            found = self._database.execute("select 1 from instance where uid = ?", (instance.sop_uid,)).fetchone()
            return found is not None

    def _enter(self, study: str, series: str, instances: list[str]) -> None:
        with self._transaction():
            self._database.execute(
                "insert into series (uid, study, state, seen) values (?, ?, ?, ?) on conflict (uid) do update set "
                "seen = excluded.seen, tries = 0, state = excluded.state, reason = ''",
                (series, study, RECEIVING, time.time()),
            )
            self._database.executemany(
                "insert or ignore into instance values (?, ?)", ((uid, series) for uid in instances)
            )

    def _fingerprint(self, series_uid: str) -> str:
        digest = hashlib.sha256()
        for (uid,) in self._database.execute("select uid from instance where series = ? order by uid", (series_uid,)):
            digest.update(uid.encode() + b"\n")
        return digest.hexdigest()

    def _recover(self) -> None:
        """Enter files without a line, remove unfinished ones, and let a series that was running wait again.

        The silence of a study begins anew: while nobody listened, nobody could send.
        """
        with self._transaction():
            self._database.execute("update series set state = ? where state = ?", (WAITING, RUNNING))
            self._database.execute("update series set seen = ? where state = ?", (time.time(), RECEIVING))
            known = {uid for (uid,) in self._database.execute("select uid from instance")}
        for study in _folders(self.folder / FILES):
            for series in _folders(study):
                for unfinished in series.glob(f"*{UNFINISHED}"):
                    unfinished.unlink()
                found = [path.stem for path in series.glob("*.dcm") if path.stem not in known]
                if found:
                    self._enter(study.name, series.name, found)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            is_whole = False
            try:
                self._database.execute("begin immediate")
                try:
                    yield
                    is_whole = True
                finally:
                    self._database.execute("commit" if is_whole else "rollback")
            except sqlite3.OperationalError as error:
                if self._database.in_transaction:
                    self._database.execute("rollback")
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and is_uid(path.name)] if folder.is_dir() else []
