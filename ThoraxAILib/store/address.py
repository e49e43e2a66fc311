"""Addresses of stores: a folder, ``dicomweb+https://host[:port]/path`` or ``dimse+tls://host:port/AET``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ThoraxAILib.errors import InputError
from ThoraxAILib.store.access import USER_VARIABLE, Access
from ThoraxAILib.store.instance import is_uid
from ThoraxAILib.store.store import Store

DICOMWEB, DIMSE, FOLDER = "dicomweb+https", "dimse+tls", "folder"
UNSAFE = ("http", "dicomweb+http", "dicomweb", "dimse", "dicom")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
JOINED = re.compile(rf"({re.escape(DICOMWEB)}|{re.escape(DIMSE)}):/(?!/)")
TITLE = re.compile(r"[!-\[\]-~]{1,16}")  # printable, no blank, no backslash (PS3.5 6.2, AE)
STUDIES = re.compile(r"(?P<root>.*?)(?:/studies/(?P<study>[^/]*)(?:/series/(?P<series>[^/]*))?)?/*")


@dataclass(frozen=True)
class Address:
    """Where a store is, and the study and series in it when the address goes that far."""

    kind: str
    host: str = ""
    port: int = 0
    path: str = ""
    user: str = ""
    study_uid: str = ""
    series_uid: str = ""

    def __str__(self) -> str:
        """Return the address of the store, without user, study and series."""
        if self.kind == FOLDER:
            return self.path
        port = f":{self.port}" if self.port else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}://{host}{port}/{self.path}"


def is_remote(text: str) -> bool:
    """Whether a text is an address with a scheme, and no path."""
    return SCHEME.match(text) is not None


def address_in(path: Path) -> str:
    """Return the address that a command line took for a path, which joined its two slashes; "" for a true path."""
    found = JOINED.match(path.as_posix())
    return "" if found is None else f"{found[1]}://{path.as_posix()[found.end() :]}"


def parse_address(text: str) -> Address:
    """Return the parts of an address; raises InputError for one that cannot be used or is not encrypted."""
    scheme = SCHEME.match(text)
    if scheme is None:
        if not text:
            raise InputError("The address of the store is empty: give a folder or dicomweb+https://host/path.")
        return _folder(text)
    kind = scheme.group(1).lower()
    if kind not in (DICOMWEB, DIMSE):
        known = f"use {DICOMWEB}://host/path or {DIMSE}://host:port/AET"
        if kind in UNSAFE:
            raise InputError(f"'{kind}' is not encrypted, and patients' images are only sent encrypted: {known}.")
        raise InputError(f"'{kind}' is no kind of store: {known}.")
    try:
        parts = urlsplit(text)
        port = parts.port or 0
    except ValueError as error:
        raise InputError("The address of the store cannot be read: write host:port with a port up to 65535.") from error
    if not parts.hostname:
        raise InputError(f"The address of the store names no host: write {kind}://host...")
    if parts.password is not None:
        raise InputError(
            "A password does not belong into an address, where others can read it: leave it out and set "
            "THORAXAI_STORE_PASSWORD."
        )
    if parts.query or parts.fragment:
        raise InputError("The address of the store has a part after ? or #, which is not used: leave it out.")
    found = Address(kind, parts.hostname, port, "", parts.username or "")
    return _dicomweb(found, parts.path) if kind == DICOMWEB else _dimse(found, parts.path)


def open_store(address: Address | str, access: Access | None = None) -> Store:
    """Return the store at an address; raises InputError when the address or the access cannot be used."""
    where = parse_address(address) if isinstance(address, str) else address
    access = access or Access()
    if where.kind == FOLDER:
        from ThoraxAILib.store.folder_store import FolderStore

        return FolderStore(Path(where.path))
    if where.kind == DICOMWEB:
        from ThoraxAILib.store.dicomweb_store import DicomwebStore

        return DicomwebStore(where, access)
    from ThoraxAILib.store.dimse_store import DimseStore

    return DimseStore(where, access)


def user_of(address: Address, asked: str = "") -> str:
    """Return the user to log in with: the one asked for, of the address, or of the environment."""
    return asked or address.user or os.environ.get(USER_VARIABLE, "")


def _folder(text: str) -> Address:
    """Return a folder, and the study in it where the text goes on with /studies/UID behind it."""
    if Path(text).exists():
        return Address(FOLDER, path=str(Path(text)))
    root, study, series = _with_study(text)
    return Address(FOLDER, path=str(Path(root or text)), study_uid=study, series_uid=series)


def _dicomweb(found: Address, path: str) -> Address:
    if {".", ".."} & set(path.split("/")):
        raise InputError("The path of the address goes upwards: write it without dots between slashes.")
    root, study, series = _with_study(path)
    return Address(found.kind, found.host, found.port, root.strip("/"), found.user, study, series)


def _with_study(path: str) -> tuple[str, str, str]:
    """Return a path before /studies/UID/series/UID, and the two UIDs."""
    parts = STUDIES.fullmatch(path)
    root, study, series = (parts["root"], parts["study"] or "", parts["series"] or "") if parts else (path, "", "")
    for name, uid in (("study", study), ("series", series)):
        if uid and not is_uid(uid):
            raise InputError(f"The {name} in the address is no UID: write digits and dots.")
    return root, study, series


def _dimse(found: Address, path: str) -> Address:
    title, *uids = path.strip("/").split("/")
    if not TITLE.fullmatch(title):
        raise InputError(f"The application entity title is missing or too long: write {DIMSE}://host:port/AET.")
    if not found.port:
        raise InputError(f"The port is missing: write {DIMSE}://host:port/AET.")
    if len(uids) > 2 or not all(is_uid(uid) for uid in uids):
        raise InputError(f"What follows the title is no UID: write {DIMSE}://host:port/AET/STUDY/SERIES.")
    study, series = (*uids, "", "")[:2]
    return Address(found.kind, found.host, found.port, title, found.user, study, series)
