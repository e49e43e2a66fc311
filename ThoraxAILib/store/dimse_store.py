"""DIMSE (PS3.4: C-ECHO, C-FIND, C-STORE, C-GET) over TLS: for archives without DICOMweb.

DIMSE carries data sets, not files, so preamble and file meta information are written anew on the way.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ThoraxAILib.errors import InputError, MissingDependencyError
from ThoraxAILib.store.access import Access
from ThoraxAILib.store.address import Address
from ThoraxAILib.store.instance import Instance, is_uid, read_instance
from ThoraxAILib.store.store import MAX_INSTANCES, StoreError, StoreUnreachable, StudyEntry

if TYPE_CHECKING:
    from pynetdicom import AE, Association
    from pynetdicom.events import Event

VERIFICATION = "1.2.840.10008.1.1"
FIND, GET = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.3"  # study root
WAIT_SECONDS = 60.0
MAX_CONTEXTS = 128
SUCCESS, PENDING, WARNINGS = 0x0000, (0xFF00, 0xFF01), range(0xB000, 0xC000)
OUT_OF_RESOURCES = range(0xA700, 0xA800)
SYNTAXES = (  # of what is fetched: uncompressed, deflated, lossless and lossy JPEG, JPEG-LS, JPEG 2000, RLE
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.5",
)


def client_context(access: Access) -> ssl.SSLContext:
    """Return the TLS settings of a caller: the server's name and certificate are checked, TLS 1.2 at least."""
    try:
        context = ssl.create_default_context(cafile=None if access.authority is None else str(access.authority))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if access.certificate is not None:
            key = access.key or access.certificate
            context.load_cert_chain(str(access.certificate), str(key))
    except (ssl.SSLError, OSError) as error:
        raise InputError(
            "The certificate, its key or the authority cannot be read: give PEM files with --certificate, --key, --ca."
        ) from error
    return context


class DimseStore:
    """The application entity behind a DIMSE address; every request opens an association of its own."""

    keeps_files = False

    def __init__(self, address: Address, access: Access) -> None:
        try:
            import pynetdicom
        except ImportError as error:
            raise MissingDependencyError('DIMSE needs pynetdicom: pip install "thoraxai[store]".') from error

        pynetdicom._config.STORE_SEND_CHUNKED_DATASET = True  # the data set goes as it lies in the file
        pynetdicom._config.USE_SHORT_DIMSE_AET = True
        self._address, self._access = address, access
        self._context = client_context(access)

    @property
    def address(self) -> str:
        """Where it is."""
        return str(self._address)

    def echo(self) -> None:
        """Ask whether somebody is there (C-ECHO); raises StoreUnreachable when nobody is."""
        with self._associated([(VERIFICATION, SYNTAXES[:2])]) as association:
            if _status(association.send_c_echo()) != SUCCESS:
                raise StoreUnreachable("The store does not answer an echo: start the same command again later.")

    def studies(self, patient_id: str = "", limit: int = 100) -> list[StudyEntry]:
        """Ask for studies (C-FIND)."""
        asked = {"StudyInstanceUID": "", "PatientID": patient_id, "StudyDate": "", "ModalitiesInStudy": ""}
        asked["NumberOfStudyRelatedInstances"] = ""
        found = []
        for item in self._find("STUDY", asked, limit):
            modalities = item.get("ModalitiesInStudy") or ()
            count = str(item.get("NumberOfStudyRelatedInstances") or "")
            found.append(
                StudyEntry(
                    str(item.get("StudyInstanceUID", "")),
                    str(item.get("PatientID", "")),
                    str(item.get("StudyDate", "")),
                    (modalities,) if isinstance(modalities, str) else tuple(str(one) for one in modalities),
                    int(count) if count.isdecimal() and len(count) < 10 else None,
                )
            )
        return [study for study in found if is_uid(study.study_uid)]

    def instances(self, study_uid: str) -> frozenset[str]:
        """Ask which instances a study has (C-FIND)."""
        return frozenset(self._classes(study_uid, "", ""))

    def send(self, files: Sequence[Instance]) -> dict[str, str]:
        """Send the data sets of the files (C-STORE)."""
        failed: dict[str, str] = {}
        wanted = list(dict.fromkeys((file.sop_class, file.transfer_syntax) for file in files))
        for start in range(0, len(wanted), MAX_CONTEXTS):
            contexts = wanted[start : start + MAX_CONTEXTS]
            with self._associated([(sop_class, (syntax,)) for sop_class, syntax in contexts]) as association:
                for file in files:
                    if (file.sop_class, file.transfer_syntax) in contexts:
                        failed |= _send_one(association, file)
        return failed

    def retrieve(self, study_uid: str, series_uid: str = "", sop_uid: str = "") -> Iterator[Instance]:
        """Ask for the objects (C-GET), each in the transfer syntax it is kept in where the store offers that."""
        from pynetdicom import evt

        classes = sorted(set(self._classes(study_uid, series_uid, sop_uid).values()))
        received: list[bytes] = []

        def keep(event: Event) -> int:
            received.append(event.encoded_dataset())
            return SUCCESS

        syntaxes = max(1, (MAX_CONTEXTS - 1) // max(len(classes), 1))
        contexts = [(one, (syntax,)) for one in classes for syntax in SYNTAXES[:syntaxes]]
        asked = _request(study_uid, series_uid, sop_uid)
        if not classes:
            return
        handlers = [(evt.EVT_C_STORE, keep)]
        with self._associated([(GET, SYNTAXES[:2]), *contexts], classes, handlers) as association:
            for status, _ in association.send_c_get(asked, GET):
                while received:
                    yield _instance(received.pop(0))
                if _status(status) not in (SUCCESS, *PENDING, *WARNINGS):
                    raise StoreError(f"The store refused to give the objects (status {_status(status):04X}).")
        while received:
            yield _instance(received.pop(0))

    def close(self) -> None:
        """Do nothing: no association is kept."""

    def _classes(self, study_uid: str, series_uid: str, sop_uid: str) -> dict[str, str]:
        """Return the SOP class of each instance."""
        series = [series_uid] if series_uid else self._series(study_uid)
        found = {}
        for uid in series:
            asked = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": uid, "SOPInstanceUID": sop_uid}
            for item in self._find("IMAGE", {**asked, "SOPClassUID": ""}, MAX_INSTANCES):
                if is_uid(str(item.get("SOPInstanceUID", ""))) and is_uid(str(item.get("SOPClassUID", ""))):
                    found[str(item.SOPInstanceUID)] = str(item.SOPClassUID)
        return found

    def _series(self, study_uid: str) -> list[str]:
        items = self._find("SERIES", {"StudyInstanceUID": study_uid, "SeriesInstanceUID": ""}, MAX_INSTANCES)
        return [uid for uid in (str(item.get("SeriesInstanceUID", "")) for item in items) if is_uid(uid)]

    def _find(self, level: str, asked: dict[str, str], limit: int) -> list[Any]:
        from pydicom.dataset import Dataset

        request = Dataset()
        request.QueryRetrieveLevel = level
        for name, value in asked.items():
            setattr(request, name, value)
        found: list[Any] = []
        with self._associated([(FIND, SYNTAXES[:2])]) as association:
            for status, item in association.send_c_find(request, FIND):
                if _status(status) in PENDING and item is not None and len(found) < limit:
                    found.append(item)
                elif _status(status) not in (SUCCESS, *PENDING):
                    raise StoreError(f"The store refused the search (status {_status(status):04X}).")
        return found

    @contextmanager
    def _associated(
        self,
        contexts: Iterable[tuple[str, Sequence[str]]],
        received_classes: Sequence[str] = (),
        handlers: Sequence[tuple] = (),
    ) -> Iterator[Association]:
        """Open an association for these pairs of SOP class and transfer syntaxes, and release it at the end."""
        from pynetdicom import build_role

        entity = self._entity()
        for sop_class, syntaxes in contexts:
            entity.add_requested_context(sop_class, list(syntaxes))
        association = entity.associate(
            self._address.host,
            self._address.port,
            ae_title=self._address.path,
            ext_neg=[build_role(one, scp_role=True) for one in received_classes],
            evt_handlers=list(handlers),
            tls_args=(self._context, self._address.host),
        )
        if not association.is_established:
            raise self._not_associated(association)
        try:
            yield association
        finally:
            if association.is_established:
                association.release()

    def _entity(self) -> AE:
        from pynetdicom import AE

        entity = AE(self._access.calling)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = WAIT_SECONDS
        entity.connection_timeout = 10.0
        return entity

    def _not_associated(self, association: Association) -> StoreError:
        if association.is_rejected:
            return StoreError(
                f"The store does not know {self._access.calling} or {self._address.path} (application entity titles): "
                "ask its administrator."
            )
        return self._certificate_fault() or StoreUnreachable(
            "The store does not answer: check address and network, then start the same command again."
        )

    def _certificate_fault(self) -> StoreError | None:
        """Shake hands once more, without DICOM, to know what is wrong; pynetdicom tells no cause."""
        import socket

        where = (self._address.host, self._address.port)
        try:
            with (
                socket.create_connection(where, timeout=10.0) as plain,
                self._context.wrap_socket(plain, server_hostname=self._address.host) as secure,
            ):
                secure.settimeout(1.0)
                secure.recv(1)  # in TLS 1.3 a refused certificate of ours is told only here
        except ssl.SSLCertVerificationError as error:
            return StoreError(
                f"The store's certificate cannot be trusted ({error.verify_message}): nothing was sent; give its "
                "authority with --ca."
            )
        except ssl.SSLError:
            return StoreError("The store refused our certificate: give one it knows with --certificate and --key.")
        except OSError:
            return None
        return None


def _send_one(association: Association, file: Instance) -> dict[str, str]:
    """Send one data set from a private copy of the checked bytes, which nobody can change meanwhile."""
    if not association.is_established:
        raise StoreUnreachable("The store ended the association: start the same command again.")
    with tempfile.NamedTemporaryFile(suffix=".dcm", delete=False) as copy:
        copy.write(file.data)
    try:
        status = _status(association.send_c_store(copy.name))
    except ValueError:
        return {file.sop_uid: "the store does not take this kind of object"}
    finally:
        os.unlink(copy.name)
    if status == SUCCESS or status in WARNINGS:
        return {}
    if status in OUT_OF_RESOURCES or status < 0:
        raise StoreUnreachable("The store has no room, or ended the association: start the same command again later.")
    return {file.sop_uid: f"the store refused it (status {status:04X})"}


def _request(study_uid: str, series_uid: str, sop_uid: str) -> Any:
    from pydicom.dataset import Dataset

    request = Dataset()
    request.QueryRetrieveLevel = "IMAGE" if sop_uid else "SERIES" if series_uid else "STUDY"
    request.StudyInstanceUID = study_uid
    if series_uid:
        request.SeriesInstanceUID = series_uid
    if sop_uid:
        request.SOPInstanceUID = sop_uid
    return request


def _instance(data: bytes) -> Instance:
    try:
        return read_instance(data)
    except InputError as error:
        raise StoreError("The store sent something that is no whole DICOM object.") from error


def _status(answer: Any) -> int:
    """Return the status of an answer; -1 when the association broke."""
    return int(answer.Status) if answer is not None and "Status" in answer else -1
