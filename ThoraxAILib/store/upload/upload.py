"""Upload: only what the Anonymizer's manifest names, as it was when it was written, compared again in the store.

For every series: ask which instances the store has, send the others in batches, then retrieve the series and compare
hashes. A file is "verified" only when the store gave back what was sent. The journal makes a second start go on where
the first ended; nothing is sent twice.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from ThoraxAILib import __version__
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.private_files import make_private_folder, write_private
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.store.instance import Instance, read_instance
from ThoraxAILib.store.store import Store, StoreUnreachable
from ThoraxAILib.store.upload.audit_log import ALERT, EXPORT, TRANSFERRED, AuditLog
from ThoraxAILib.store.upload.journal import CONFLICT, REFUSED, SENT, VERIFIED, WAITING, UploadJournal
from ThoraxAILib.store.upload.manifest import ManifestItem, files_outside, read_manifest
from ThoraxAILib.store.upload.states import short_name, states_of, write_states
from ThoraxAILib.untrusted.bounded_bytes import TooLarge, read_bounded

T = TypeVar("T")
BATCH_BYTES = 16 << 20
MAX_FILE_BYTES = 2 << 30
PATIENCE_SECONDS = 60.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 15.0
STATES_EVERY_SECONDS = 1.0
LOG, JOURNAL, OUTSIDE = "audit.jsonl", "upload-{}.sqlite", "not_in_manifest.txt"
CHANGED = "the file is not as the Anonymizer wrote it"
NOT_ANONYMIZED = "the file does not say that the identity was removed"
OTHER_UIDS = "the file is another instance than the manifest says"
NOT_READ = "the file cannot be read"
TWICE = "the manifest names this instance twice, with different contents"
OTHER_CONTENT = "the store holds something else under this UID"
LOST = "the store took it but does not give it back"


@dataclass(frozen=True)
class FolderToSend:
    """Which folder of the Anonymizer goes where; ``private`` holds journal and log, by default beside the folder."""

    folder: Path
    private: Path | None = None
    batch_bytes: int = BATCH_BYTES
    patience_seconds: float = PATIENCE_SECONDS

    @property
    def private_folder(self) -> Path:
        """Where journal and log are: never in the folder that is sent."""
        return self.private or self.folder.with_name(self.folder.name + "-private")


@dataclass(frozen=True)
class UploadResult:
    """How many files are in which state, and why."""

    counts: Counter[str]
    reasons: Counter[tuple[str, str]]
    sent_bytes: int
    sent_files: int
    log: Path

    @property
    def is_complete(self) -> bool:
        """Whether every file of the manifest is in the store, compared."""
        return set(self.counts) <= {VERIFIED}


def upload(request: FolderToSend, store: Store, progress: Progress | None = None) -> UploadResult:
    """Send a folder; raises InputError when it holds what may not be sent, StoreError when the store refuses."""
    items = read_manifest(request.folder)
    private = request.private_folder
    make_private_folder(private)
    log = AuditLog(private / LOG)
    refuse_outside(request.folder, items, private, log)
    journal = UploadJournal(private / JOURNAL.format(short_name(store.address)), store.address)
    try:
        return _Upload(request, store, journal, log, progress or Progress()).run(items)
    finally:
        journal.close()


class _Upload:
    """One run."""

    def __init__(
        self, request: FolderToSend, store: Store, journal: UploadJournal, log: AuditLog, progress: Progress
    ) -> None:
        self.request, self.store, self.journal, self.log, self.progress = request, store, journal, log, progress
        self.sent_bytes = self.sent_files = 0
        self._done = self._total = 0
        self._unique_items: list[ManifestItem] = []
        self._states_written = -STATES_EVERY_SECONDS

    def run(self, items: list[ManifestItem]) -> UploadResult:
        self._unique_items = unique = self._unique(items)
        self._total = max(len(unique), 1)
        self.log.add(EXPORT, store=self.store.address, files=len(unique), version=__version__, outcome="begun")
        self._write_states()
        try:
            self._studies(unique)
        finally:
            self._write_states()
        counts = Counter(self.journal.states()[item.sop_uid] for item in unique)
        self.log.add(EXPORT, store=self.store.address, outcome="ended", **counts)
        self.progress(1.0, "Done")
        return UploadResult(counts, self.journal.reasons(), self.sent_bytes, self.sent_files, self.log.path)

    def _studies(self, items: list[ManifestItem]) -> None:
        for study_uid, of_study in _grouped(items, lambda item: item.study_uid):
            present = self._patiently(lambda uid=study_uid: self.store.instances(uid))  # type: ignore[misc]
            for _, of_series in _grouped(of_study, lambda item: item.series_uid):
                self._series(of_series, present)
                if time.monotonic() - self._states_written > STATES_EVERY_SECONDS:
                    self._write_states()

    def _write_states(self) -> None:
        states = states_of(self._unique_items, self.journal.states())
        with suppress(OSError):  # it is there to be looked at; a full disk is told by the journal
            write_states(self.request.private_folder, self.store.address, states)
        self._states_written = time.monotonic()

    def _unique(self, items: list[ManifestItem]) -> list[ManifestItem]:
        """Return one item for each instance; an instance with two contents is refused."""
        unique: dict[str, ManifestItem] = {}
        twice = set()
        for item in items:
            if unique.setdefault(item.sop_uid, item).sha256 != item.sha256:
                twice.add(item.sop_uid)
        self.journal.add((item.sop_uid, item.sha256) for item in unique.values())
        self.journal.set_state(REFUSED, twice, TWICE)
        return list(unique.values())

    def _series(self, items: list[ManifestItem], present: frozenset[str]) -> None:
        states = self.journal.states()
        lost = [item.sop_uid for item in items if states[item.sop_uid] == VERIFIED and item.sop_uid not in present]
        if lost:  # it was there once: somebody removed it, or the store was restored from an older copy
            self.journal.set_state(WAITING, lost)
            states |= dict.fromkeys(lost, WAITING)
        open_items = [item for item in items if states[item.sop_uid] in (WAITING, SENT)]
        self._done += len(items) - len(open_items)
        if not open_items:
            return
        hashes: dict[str, tuple[str, str]] = {}
        for batch in self._batches([item for item in open_items if item.sop_uid not in present]):
            self._send(batch)
            hashes |= {file.sop_uid: (file.sha256, file.data_set_sha256) for file in batch}
        self._verify(open_items, hashes)

    def _batches(self, items: Iterable[ManifestItem]) -> Iterator[list[Instance]]:
        batch: list[Instance] = []
        for item in items:
            self.progress(self._done / self._total, f"{self._done} of {self._total} files")
            file = self._checked(item)
            if file is None:
                continue
            if batch and sum(len(one.data) for one in batch) + len(file.data) > self.request.batch_bytes:
                yield batch
                batch = []
            batch.append(file)
        if batch:
            yield batch

    def _checked(self, item: ManifestItem) -> Instance | None:
        """Return a file that may be sent; note why it may not."""
        file, reason = check_file(self.request.folder, item)
        if file is not None:
            return file
        self.journal.set_state(REFUSED, [item.sop_uid], reason)
        self.log.add(ALERT, store=self.store.address, instance=item.sop_uid, reason=reason)
        self._done += 1
        return None

    def _send(self, batch: list[Instance]) -> None:
        failed = self._patiently(lambda: self.store.send(batch))
        for uid, reason in failed.items():
            self.journal.set_state(REFUSED, [uid], reason)
        taken = [file for file in batch if file.sop_uid not in failed]
        self.journal.set_state(SENT, [file.sop_uid for file in taken])
        self.sent_files += len(taken)
        self.sent_bytes += sum(len(file.data) for file in taken)
        self._done += len(batch)
        self.progress(self._done / self._total, f"{self._done} of {self._total} files")

    def _verify(self, items: list[ManifestItem], hashes: dict[str, tuple[str, str]]) -> None:
        """Compare what the store gives back; a store that writes group 2 anew is compared by data set."""
        states = self.journal.states()
        wanted = {item.sop_uid: item for item in items if states[item.sop_uid] in (WAITING, SENT)}
        if not wanted:
            return
        first = next(iter(wanted.values()))
        verified, other = [], []
        found = self._patiently(lambda: self._retrieved(first.study_uid, first.series_uid))
        for uid, (whole, data_set) in found.items():
            if uid not in wanted:
                continue
            if whole == wanted[uid].sha256 or data_set == self._data_set(wanted[uid], hashes):
                verified.append(uid)
            else:
                other.append(uid)
        self.journal.set_state(VERIFIED, verified)
        self.journal.set_state(CONFLICT, other, OTHER_CONTENT)
        self.journal.set_state(CONFLICT, set(wanted) - set(found), LOST)
        self.log.add(
            TRANSFERRED,
            store=self.store.address,
            study=first.study_uid,
            series=first.series_uid,
            verified=len(verified),
            different=len(other),
            missing=len(set(wanted) - set(found)),
        )

    def _retrieved(self, study_uid: str, series_uid: str) -> dict[str, tuple[str, str]]:
        return {
            file.sop_uid: (file.sha256, file.data_set_sha256) for file in self.store.retrieve(study_uid, series_uid)
        }

    def _data_set(self, item: ManifestItem, hashes: dict[str, tuple[str, str]]) -> str:
        """Return the hash of the data set of a file that is as the manifest says; "" for any other."""
        if item.sop_uid not in hashes:
            try:
                file = read_instance(read_bounded(self.request.folder / item.path, MAX_FILE_BYTES))
            except (OSError, TooLarge, InputError):
                return ""
            hashes[item.sop_uid] = (file.sha256, file.data_set_sha256)
        whole, data_set = hashes[item.sop_uid]
        return data_set if whole == item.sha256 else ""

    def _patiently(self, work: Callable[[], T]) -> T:
        """Do it, again and again while the store cannot be reached and patience lasts."""
        wait, until = FIRST_WAIT_SECONDS, time.monotonic() + self.request.patience_seconds
        while True:
            try:
                return work()
            except StoreUnreachable:
                if time.monotonic() + wait > until:
                    raise
            self.progress(self._done / self._total, f"The store does not answer: once more in {wait:.0f} s")
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)


def check_file(folder: Path, item: ManifestItem) -> tuple[Instance | None, str]:
    """Read a file once, and say why it may not be sent; what is sent are these bytes, so nobody can change them."""
    try:
        file = read_instance(read_bounded(folder / item.path, MAX_FILE_BYTES))
    except (OSError, TooLarge, InputError):
        return None, NOT_READ
    if file.sha256 != item.sha256:
        return None, CHANGED
    if not file.is_identity_removed:
        return None, NOT_ANONYMIZED
    if (file.sop_uid, file.study_uid, file.series_uid) != (item.sop_uid, item.study_uid, item.series_uid):
        return None, OTHER_UIDS
    return file, ""


def refuse_outside(folder: Path, items: list[ManifestItem], private: Path, log: AuditLog) -> None:
    """Raise InputError when the folder holds DICOM files the Anonymizer did not write: then nothing is sent."""
    outside = files_outside(folder, items)
    if not outside:
        return
    write_private(private / OUTSIDE, "".join(f"{path.as_posix()}\n" for path in outside))
    log.add(ALERT, reason="files that are not in the manifest", files=len(outside))
    raise InputError(
        f"{len(outside)} DICOM files of '{folder.name}' are not in the Anonymizer's manifest, so nothing was sent: "
        f"move away what {OUTSIDE} in the private folder lists."
    )


def _grouped(items: list[ManifestItem], key: Callable[[ManifestItem], str]) -> Iterator[tuple[str, list[ManifestItem]]]:
    for name, group in groupby(sorted(items, key=key), key):
        yield name, list(group)
