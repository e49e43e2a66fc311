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

from AnonymizerLib.identity.project_key import SECRET_BYTES, ProjectKey
from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.untrusted.plain_json import read_plain_json

FORMAT = "thoraxai.project-key/1"
SCRYPT = {"n": 2**17, "r": 8, "p": 1}
NONCE_BYTES, SALT_BYTES = 12, 16
LARGEST_N = 2**20
LARGEST_KEY_BYTES = 65536


def _password_key(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(password.encode("utf-8"))


def _header(project_id: str, salt: bytes, nonce: bytes) -> dict:
    return {"format": FORMAT, "project_id": project_id, "kdf": "scrypt", **SCRYPT,
            "salt": base64.b64encode(salt).decode("ascii"), "nonce": base64.b64encode(nonce).decode("ascii")}


def _authenticated(header: dict) -> bytes:
    """The bytes that GCM protects from changes besides the secret itself."""
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
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(header, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def load_key(path: Path, password: str) -> ProjectKey:
    """Read a key; InputError when the file is not a key, or the password is wrong, or the file was changed."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        header = read_plain_json(path, "ascii", LARGEST_KEY_BYTES)
        if header["format"] != FORMAT or not 1 < int(header["n"]) <= LARGEST_N:
            raise ValueError("format")
        salt, nonce, secret = (base64.b64decode(header[name]) for name in ("salt", "nonce", "secret"))
        password_key = _password_key(password, salt, int(header["n"]), int(header["r"]), int(header["p"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path.name} is not a project key of Anonymizer: choose the right file.") from error
    try:
        plain = AESGCM(password_key).decrypt(nonce, secret, _authenticated(header))
    except (InvalidTag, ValueError) as error:  # ValueError: a nonce of another length
        raise InputError(f"The password is wrong, or {path.name} was changed: nothing was opened.") from error
    return ProjectKey(plain[:SECRET_BYTES], str(header["project_id"]), is_stored=True)


def is_key(path: Path) -> bool:
    """Whether the file is a project key, without opening it."""
    try:
        return read_plain_json(path, "ascii", LARGEST_KEY_BYTES)["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError):
        return False


def destroy_key(path: Path) -> None:
    """Overwrite and delete a key: from then on nobody can recompute a pseudonym of the project."""
    size = path.stat().st_size
    with path.open("r+b", buffering=0) as file:
        for _ in range(2):
            file.seek(0)
            file.write(secrets.token_bytes(size))
            os.fsync(file.fileno())
        file.truncate(0)
    path.unlink()
