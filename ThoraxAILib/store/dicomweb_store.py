"""DICOMweb (PS3.18: QIDO-RS, WADO-RS, STOW-RS) over verified TLS; answers are read with bounds.

The bytes of a file are sent as they are, and come back part by part, so that both can be compared by hash. Settings
of the environment (proxies, ``.netrc``, other certificates) are not used, and no redirection is followed: data and
password go to the address that was given, or nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ThoraxAILib.errors import InputError, MissingDependencyError
from ThoraxAILib.store.access import Access
from ThoraxAILib.store.address import Address
from ThoraxAILib.store.instance import Instance, is_uid, read_instance
from ThoraxAILib.store.multipart import DICOM, boundary_of, read_multipart, write_multipart
from ThoraxAILib.store.store import MAX_INSTANCES, StoreError, StoreUnreachable, StudyEntry

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS, READ_SECONDS = 10.0, 120.0
CHUNK_BYTES = 1 << 20
MAX_JSON_BYTES = 256 << 20
MAX_INSTANCE_BYTES = 4 << 30
JSON = "application/dicom+json"
SOP_CLASS, SOP_UID, STUDY, SERIES = "00080016", "00080018", "0020000D", "0020000E"
DATE, MODALITIES, PATIENT, COUNT = "00080020", "00080061", "00100020", "00201208"
FAILED, REFERENCED_UID, REASON = "00081198", "00081155", "00081197"
OK, PARTLY, NONE_STORED, NOTHING, NOT_FOUND = 200, 202, 409, 204, 404
REMEDIES = {
    401: "the store does not accept user and password: check --user and the password",
    403: "the store does not allow this user to do that: ask its administrator",
    404: "the store does not know this address: check the path of the address",
    413: "the store takes no message of this size: ask its administrator for a higher limit",
}
BUSY = (408, 429, 500, 502, 503, 504)


class DicomwebStore:
    """The store behind a DICOMweb address; one connection is kept open until ``close``."""

    keeps_files = True

    def __init__(self, address: Address, access: Access) -> None:
        try:
            import requests
            from requests.auth import HTTPBasicAuth
        except ImportError as error:
            raise MissingDependencyError('DICOMweb needs requests: pip install "thoraxai[store]".') from error

        self._address = address
        self._root = f"https://{str(address).split('://', 1)[1]}".rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.max_redirects = 0
        if access.authority is not None:
            self._session.verify = str(access.authority)
        if access.user:
            self._session.auth = HTTPBasicAuth(access.user.encode("utf-8"), access.password.encode("utf-8"))
        if access.certificate is not None:
            key = access.key or access.certificate
            self._session.cert = (str(access.certificate), str(key))

    @property
    def address(self) -> str:
        """Where it is, without the user."""
        return str(self._address)

    def studies(self, patient_id: str = "", limit: int = 100) -> list[StudyEntry]:
        """Ask for studies (QIDO-RS)."""
        asked = {"limit": str(limit), "includefield": [MODALITIES, COUNT]}
        if patient_id:
            asked["PatientID"] = patient_id
        return [_study(item) for item in self._list("studies", asked)[:limit] if is_uid(_text(item, STUDY))]

    def instances(self, study_uid: str) -> frozenset[str]:
        """Ask which instances a study has (QIDO-RS); a study that is not there has none."""
        items = self._list(f"studies/{study_uid}/instances", {"limit": str(MAX_INSTANCES)})
        return frozenset(uid for uid in (_text(item, SOP_UID) for item in items) if is_uid(uid))

    def send(self, files: Sequence[Instance]) -> dict[str, str]:
        """Send the files in one message (STOW-RS)."""
        body, content_type = write_multipart([file.data for file in files])
        headers = {"Content-Type": content_type, "Accept": JSON}
        with self._asking():
            answer = self._session.post(
                f"{self._root}/studies", body, headers=headers, timeout=(CONNECT_SECONDS, READ_SECONDS), stream=True
            )
            with answer:
                if answer.status_code not in (OK, PARTLY, NONE_STORED):
                    raise _refusal(answer.status_code)
                told = _json_of(answer)
        return _failures(told, answer.status_code, [file.sop_uid for file in files])

    def retrieve(self, study_uid: str, series_uid: str = "", sop_uid: str = "") -> Iterator[Instance]:
        """Ask for the objects (WADO-RS) in the transfer syntax they are kept in."""
        path = f"studies/{study_uid}"
        path += f"/series/{series_uid}" if series_uid else ""
        path += f"/instances/{sop_uid}" if sop_uid else ""
        accept = f'multipart/related; type="{DICOM}"; transfer-syntax=*'
        with self._asking(), self._get(path, {}, accept) as answer:
            if answer.status_code in (NOTHING, NOT_FOUND):
                return
            if answer.status_code != OK:
                raise _refusal(answer.status_code)
            boundary = boundary_of(answer.headers.get("Content-Type", ""))
            for part in read_multipart(answer.iter_content(CHUNK_BYTES), boundary, MAX_INSTANCE_BYTES):
                yield read_instance(part)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _list(self, path: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        with self._asking(), self._get(path, asked, JSON) as answer:
            if answer.status_code in (NOTHING, NOT_FOUND) and path != "studies":
                return []
            if answer.status_code == NOTHING:
                return []
            if answer.status_code != OK:
                raise _refusal(answer.status_code)
            told = _json_of(answer)
        if not isinstance(told, list) or not all(isinstance(item, dict) for item in told):
            raise StoreError("The store's answer is no list of DICOM objects: check the path of the address.")
        return told

    def _get(self, path: str, asked: Mapping[str, Any], accept: str) -> requests.Response:
        return self._session.get(
            f"{self._root}/{path}",
            params=asked,
            headers={"Accept": accept},
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            stream=True,
        )

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn what goes wrong on the way into one sentence, without addresses, names or answers."""
        import requests

        try:
            yield
        except requests.exceptions.SSLError as error:
            raise StoreError(_certificate_fault(str(error))) from error
        except requests.exceptions.TooManyRedirects as error:
            raise StoreError("The store sends us to another address: give that address itself.") from error
        except requests.exceptions.RequestException as error:
            raise StoreUnreachable(
                f"The store does not answer ({type(error).__name__}): check address and network, then start the same "
                "command again."
            ) from error
        except InputError as error:
            raise StoreError("The store sent something that is no whole DICOM file.") from error
        except ValueError as error:
            raise StoreUnreachable(f"The store's answer cannot be read: {error}.") from error


def _refusal(status: int) -> StoreError:
    if status in BUSY:
        return StoreUnreachable(f"The store is busy or broken (HTTP {status}): start the same command again later.")
    return StoreError(f"The store refused (HTTP {status}): {REMEDIES.get(status, 'ask its administrator')}.")


def _certificate_fault(told: str) -> str:
    if "expired" in told:
        return "The store's certificate has expired: nothing was sent; ask its administrator for a new one."
    if "doesn't match" in told or "Hostname mismatch" in told or "IP address mismatch" in told:
        return "The store's certificate is for another host: nothing was sent; check the address."
    if "self-signed" in told or "self signed" in told or "unable to get" in told or "unknown ca" in told.lower():
        return "The store's certificate is signed by nobody we trust: nothing was sent; give its authority with --ca."
    return "No secure connection to the store could be made: nothing was sent; ask its administrator."


def _json_of(answer: requests.Response) -> Any:
    """Return the content of an answer; ValueError when it is too large or no JSON."""
    taken = bytearray()
    for chunk in answer.iter_content(CHUNK_BYTES):
        taken += chunk
        if len(taken) > MAX_JSON_BYTES:
            raise ValueError("it is too large")
    if not taken:
        return []
    try:
        return json.loads(taken)
    except (ValueError, RecursionError) as error:
        raise StoreError("The store's answer is no DICOM JSON: check the path of the address.") from error


def _failures(told: Any, status: int, sent: Sequence[str]) -> dict[str, str]:
    """Return why each file was refused; a store that names none of what it refused is taken at its status."""
    if isinstance(told, list):
        told = told[0] if told and isinstance(told[0], dict) else {}
    failed = {}
    if isinstance(told, dict):
        for item in _values(told, FAILED):
            if isinstance(item, dict) and _text(item, REFERENCED_UID) in sent:
                failed[_text(item, REFERENCED_UID)] = (
                    f"the store refused it (reason {_text(item, REASON) or 'unknown'})"
                )
    if status == NONE_STORED and not failed:
        return dict.fromkeys(sent, "the store refused it without a reason")
    return failed


def _study(item: Mapping[str, Any]) -> StudyEntry:
    count = _text(item, COUNT)
    return StudyEntry(
        _text(item, STUDY),
        _text(item, PATIENT),
        _text(item, DATE),
        tuple(str(value) for value in _values(item, MODALITIES)),
        int(count) if count.isdecimal() and len(count) < 10 else None,
    )


def _values(item: Mapping[str, Any], tag: str) -> list[Any]:
    """Return the values of an attribute in DICOM JSON (PS3.18 F.2); none where it is absent or damaged."""
    element = item.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def _text(item: Mapping[str, Any], tag: str) -> str:
    values = _values(item, tag)
    return str(values[0]) if values and isinstance(values[0], (str, int, float)) else ""
