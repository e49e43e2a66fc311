"""The project key on disk: encrypted with a password (scrypt, then AES-256-GCM), never beside the results.

scrypt parameters n=2^17, r=8, p=1 take about half a second and 128 MB (RFC 7914, OWASP 2023). A wrong password
and a changed file cannot be told apart: both fail, and nothing is returned.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

from AnonymizerLib.bounds.maxima import MAX_KEY_BYTES, MAX_SCRYPT_N, MAX_SCRYPT_P, MAX_SCRYPT_R
from AnonymizerLib.identity.project_key import SECRET_BYTES, ProjectKey
from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.untrusted.plain_json import read_plain_json

FORMAT = "thoraxai.project-key/1"
SCRYPT = {"n": 2**17, "r": 8, "p": 1}
NONCE_BYTES, SALT_BYTES = 12, 16


def _password_key(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(password.encode("utf-8", "surrogateescape"))


def _header(project_id: str, salt: bytes, nonce: bytes) -> dict:
    return {
        "format": FORMAT,
        "project_id": project_id,
        "kdf": "scrypt",
        **SCRYPT,
        "salt": base64.b64encode(salt).decode("ascii"),
        "nonce": base64.b64encode(nonce).decode("ascii"),
    }


def _authenticated(header: dict) -> bytes:
    """Encode the fields that GCM protects from changes besides the secret itself."""
    return json.dumps({name: header[name] for name in sorted(header) if name != "secret"}).encode("ascii")


def save_key(key: ProjectKey, path: Path, password: str) -> None:
    """Write the key, encrypted, readable by its owner only; an existing file is never overwritten."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(password) < 8:
        raise InputError("The password of the key has fewer than 8 characters: choose a longer one.")
    salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
    header = _header(key.project_id, salt, nonce)
    cipher = AESGCM(_password_key(password, salt, **SCRYPT))
    header["secret"] = base64.b64encode(cipher.encrypt(nonce, key.secret, _authenticated(header))).decode("ascii")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise InputError(f"The key file {path.name} already exists: choose another name.") from error
    except OSError as error:
        raise OutputError(f"The key file {path.name} cannot be written there: choose another folder.") from error
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(header, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)  # half a key opens nothing and would be in the way
        raise OutputError(
            f"The key file {path.name} cannot be written ({error.strerror}): choose another folder."
        ) from error


def load_key(path: Path, password: str) -> ProjectKey:
    """Read a key; InputError when the file is not a key, or the password is wrong, or the file was changed."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    header = _read_header(path)
    try:
        n, r, p = (header[name] for name in ("n", "r", "p"))
        if not all(type(number) is int for number in (n, r, p)) or not (
            1 < n <= MAX_SCRYPT_N and 1 <= r <= MAX_SCRYPT_R and 1 <= p <= MAX_SCRYPT_P
        ):
            raise ValueError("costs")
        salt, nonce, secret = (base64.b64decode(header[name], validate=True) for name in ("salt", "nonce", "secret"))
        plain = AESGCM(_password_key(password, salt, n, r, p)).decrypt(nonce, secret, _authenticated(header))
    except InvalidTag as error:
        raise InputError(f"The password is wrong, or {path.name} was changed: nothing was opened.") from error
    except (ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise InputError(f"The key file {path.name} is damaged: restore it from a copy.") from error
    return ProjectKey(plain[:SECRET_BYTES], str(header["project_id"]), is_stored=True)


def _read_header(path: Path) -> dict:
    """Read the fields of a key file; InputError when it cannot be opened or is something else."""
    try:
        if path.exists() and not path.is_file():
            raise ValueError("a folder, a pipe or a device")
        header = read_plain_json(path, "ascii", MAX_KEY_BYTES)
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise ValueError("format")
    except OSError as error:
        raise InputError(
            f"The key file {path.name} cannot be opened ({error.strerror}): ask for the right to read it, "
            "or choose another file."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is not a project key of Anonymizer: choose the right file.") from error
    return header


def destroy_key(path: Path) -> None:
    """Overwrite and delete a key: from then on nobody can recompute a pseudonym of the project.

    Raises InputError for a file that is no key, OutputError when it cannot be changed.
    """
    _read_header(path)
    try:
        size = path.stat().st_size
        with path.open("r+b", buffering=0) as file:
            for _ in range(2):
                file.seek(0)
                file.write(secrets.token_bytes(size))
                os.fsync(file.fileno())
            file.truncate(0)
        path.unlink()
    except OSError as error:
        raise OutputError(
            f"The key file {path.name} cannot be destroyed ({error.strerror}): ask for the right to "
            "change it, then try again."
        ) from error


PASSWORD_VARIABLE = "THORAXAI_KEY_PASSWORD"
