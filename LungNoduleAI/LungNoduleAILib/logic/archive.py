"""A store of DICOM objects in the scene: its studies, one of them as a CT, and the results back beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import slicer

from LungNoduleAILib.logic.dicom_files import sources_for, write_dicom
from LungNoduleAILib.logic.logic import LungNoduleAILogic
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.jobs.child_python import child_environment, python_interpreter
from ThoraxAILib.jobs.events import STANDARD_OUTPUT
from ThoraxAILib.store.access import PASSWORD_VARIABLE, Access
from ThoraxAILib.store.address import open_store, parse_address
from ThoraxAILib.store.results import SentResults, send_compared
from ThoraxAILib.store.store import StudyEntry

if TYPE_CHECKING:
    from ThoraxAILib.io.dicom_objects.source_images import SourceImages

MAX_LISTED = 200
FOLDER, STUDY, STORE = "LungNoduleAI.dicomFolder", "LungNoduleAI.storeStudy", "LungNoduleAI.store"
WriteResults = Callable[[Path], tuple[Path, ...]]


@dataclass(frozen=True)
class Archive:
    """A store as a person names it; the password is kept in memory only."""

    address: str
    user: str = ""
    password: str = ""
    authority: Path | None = None

    def studies(self, patient_id: str = "") -> list[StudyEntry]:
        """Return studies of the store, the newest first; raises StoreError or InputError."""
        store = self._store()
        try:
            return sorted(store.studies(patient_id, MAX_LISTED), key=lambda study: study.date, reverse=True)
        finally:
            store.close()

    def fetch_job(self, study_uid: str, target: Path) -> ChildJob:
        """Return a job, not yet started, that fetches a study into a new folder."""
        self._check_password()
        words = ["fetch", self._address_of(study_uid), "--output", str(target), "--events", STANDARD_OUTPUT]
        words += ["--user", self.user] if self.user else []
        words += ["--ca", str(self.authority)] if self.authority is not None else []
        environment = child_environment()
        environment.pop(PASSWORD_VARIABLE, None)
        if self.password:
            environment[PASSWORD_VARIABLE] = self.password
        return ChildJob([python_interpreter(), "-m", "ThoraxAILib", *words], environment)

    def send(self, study_uid: str, write: WriteResults) -> SentResults:
        """Write DICOM results and send them beside their study; raises InputError, StoreError or OutputError."""
        store = self._store()
        try:
            with tempfile.TemporaryDirectory(prefix="thoraxai-results-") as folder:
                return send_compared(store, study_uid, sorted(write(Path(folder))))
        finally:
            store.close()

    def _store(self):
        self._check_password()
        return open_store(self.address, Access(self.user, self.password, self.authority))

    def _check_password(self) -> None:
        if self.user and not self.password:
            raise InputError("This store asks who you are: give the password of the user.")

    def _address_of(self, study_uid: str) -> str:
        where = parse_address(self.address)
        return f"{where}/{study_uid}" if where.kind.startswith("dimse") else f"{where}/studies/{study_uid}"


def load_study(folder: Path, archive: Archive, study: StudyEntry) -> slicer.vtkMRMLScalarVolumeNode:
    """Return the CT of a fetched study as a volume node that knows where it came from; raises InputError."""
    from ThoraxAILib.io import read_volume
    from ThoraxAILib.scene.volumes import node_from_volume

    node = node_from_volume(read_volume(folder), f"CT {study.date}".strip())
    for name, value in ((FOLDER, str(folder)), (STUDY, study.study_uid), (STORE, archive.address)):
        node.SetAttribute(name, value)
    return node


def fetched_folder(volume_node) -> str:
    """Return where the DICOM images of a CT of a store lie; "" for another CT, or when they are gone."""
    folder = "" if volume_node is None else volume_node.GetAttribute(FOLDER) or ""
    return folder if folder and Path(folder).is_dir() else ""


def study_of(volume_node) -> str:
    """Return the UID of the study in a store that a CT came from; "" for another CT."""
    return "" if volume_node is None else volume_node.GetAttribute(STUDY) or ""


def results_writer(logic: LungNoduleAILogic, volume_node, images: str = "") -> tuple[WriteResults, SourceImages]:
    """Return what writes the DICOM results of a CT, and its images; raises InputError where these are not found.

    They lie in the folder ``images``; without one they are those fetched from a store, else of Slicer's database.
    """
    result = known(logic.result_of(volume_node), "the result")
    sources = sources_for(volume_node, result, images or fetched_folder(volume_node))
    reader = logic.review.nodes().reader()
    return (lambda folder: write_dicom(folder, result, sources, reader)), sources
