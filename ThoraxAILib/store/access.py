"""Who asks: user and password, certificates. A password comes from the environment, a private file or a prompt."""

from __future__ import annotations

import getpass
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.bounded_bytes import TooLarge, read_bounded

USER_VARIABLE, PASSWORD_VARIABLE = "THORAXAI_STORE_USER", "THORAXAI_STORE_PASSWORD"
MAX_PASSWORD_BYTES = 4096
READABLE_BY_OTHERS = 0o077


@dataclass(frozen=True)
class Access:
    """Who asks, and whom to trust.

    ``authority`` is a file with the certificates to trust instead of the system's; ``certificate`` and ``key`` are
    shown to servers that ask who is calling; ``calling`` is the own application entity title (DIMSE).
    """

    user: str = ""
    password: str = field(default="", repr=False)
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    calling: str = "THORAXAI"

    def __post_init__(self) -> None:
        for name, path in (("--ca", self.authority), ("--certificate", self.certificate), ("--key", self.key)):
            if path is not None and not path.is_file():
                raise InputError(f"{name} names no file: '{path}' was not found.")


def find_password(user: str, file: Path | None = None) -> str:
    """Return the password of a user: from ``file``, else the environment, else asked for at a terminal.

    Raises InputError when the file can be read by others, or when there is nobody to ask.
    """
    if not user:
        return ""
    if file is not None:
        return _in_file(file)
    if PASSWORD_VARIABLE in os.environ:
        return os.environ[PASSWORD_VARIABLE]
    if not sys.stdin.isatty():
        raise InputError(
            f"The store's password for this user is missing: set {PASSWORD_VARIABLE}, or name a file with "
            "--password-file."
        )
    return getpass.getpass("Password of the store: ")


def _in_file(file: Path) -> str:
    try:
        if os.name == "posix" and file.stat().st_mode & READABLE_BY_OTHERS:
            raise InputError(f"Others can read the password file '{file.name}': run chmod 600 on it.")
        lines = read_bounded(file, MAX_PASSWORD_BYTES).decode("utf-8").splitlines()
    except (OSError, TooLarge, UnicodeDecodeError) as error:
        raise InputError(f"The password file '{file.name}' cannot be read: give a text file with one line.") from error
    if not lines or not lines[0]:
        raise InputError(f"The password file '{file.name}' is empty: write the password into its first line.")
    return lines[0]
