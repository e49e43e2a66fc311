"""An input that lies in a store: its study is fetched first, and the DICOM results are sent back beside it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from LungNoduleAILib.cases.requests import AnalyzeRequest
from LungNoduleAILib.model.files import DICOM_FILES
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.events import Events
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.work_folder import WorkFolder
from ThoraxAILib.store.address import address_in
from ThoraxAILib.store.store import Store

STUDY_FOLDER = "study"


def add_store_options(parser: argparse.ArgumentParser) -> None:
    """Add who asks a store that holds the input."""
    from ThoraxAILib.cli.store_arguments import add_store_arguments

    add_store_arguments(parser)


@contextmanager
def study_of_store(request: AnalyzeRequest, arguments: argparse.Namespace, events: Events) -> Iterator[AnalyzeRequest]:
    """Give the request with its study fetched, and send the results when the analysis has ended well.

    Another input than an address is left as it is. Raises InputError for several addresses or one without a study.
    """
    addresses = [address for address in map(address_in, request.inputs) if address]
    if not addresses:
        yield request
        return
    if len(request.inputs) > 1:
        raise InputError("Of a store one study is analyzed at a time: give one address.")
    from ThoraxAILib.cli.store_arguments import store_of
    from ThoraxAILib.store.fetch import RESULTS, fetch

    work = WorkFolder()
    store, where = store_of(arguments, addresses[0])
    try:
        target = work.path / STUDY_FOLDER
        progress = Progress(None, arguments.is_cancelled)
        fetch(store, where.study_uid, where.series_uid, target, progress, without=RESULTS)
        yield replace(request, inputs=(target,), with_dicom=True)
        told = _send_results(store, where.study_uid, request.output)
        if not events.own_stdout:
            print(told)
    finally:
        store.close()
        work.remove()


def _send_results(store: Store, study_uid: str, output: Path) -> str:
    from ThoraxAILib.store.results import send_compared

    files = sorted(path for path in output.rglob("*.dcm") if path.name in DICOM_FILES)
    sent = send_compared(store, study_uid, files)
    kept = f", {sent.kept} were there from an earlier analysis" if sent.kept else ""
    return f"In the store beside the images: {sent.new} DICOM results{kept}."
