"""Results go back into the store of their images, and are compared there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.errors import InputError
from ThoraxAILib.store.instance import Instance, read_instance
from ThoraxAILib.store.store import Store, StoreError


@dataclass(frozen=True)
class SentResults:
    """How many results are new in the store, and how many were there before."""

    new: int
    kept: int


def send_compared(store: Store, study_uid: str, files: Sequence[Path]) -> SentResults:
    """Send results of one study; raises StoreError when the store refuses one or gives back something else.

    A result that is there already is left as it is: an equal analysis has the same UIDs.
    """
    results = [read_instance(path.read_bytes()) for path in files]
    if any(result.study_uid != study_uid for result in results):
        raise InputError("A result belongs to another study than its images, so nothing was sent.")
    present = store.instances(study_uid)
    new = [result for result in results if result.sop_uid not in present]
    if new:
        failed = store.send(new)
        if failed:
            raise StoreError(f"{len(failed)} of {len(new)} results were not stored: {next(iter(failed.values()))}.")
    for result in new:
        if not _is_kept(store, result):
            raise StoreError("The store took a result but does not give it back as it was: ask its administrator.")
    return SentResults(len(new), len(results) - len(new))


def _is_kept(store: Store, result: Instance) -> bool:
    found = store.retrieve(result.study_uid, result.series_uid, result.sop_uid)
    return any(file.data_set_sha256 == result.data_set_sha256 for file in found)
