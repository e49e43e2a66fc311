"""One secret per project: everything a de-identified data set shares with its source is derived from it by HMAC.

PS3.15 E.1.1 warns that plain hashes fall to a dictionary of all likely values; a keyed hash does not. The same
key gives the same pseudonyms on any machine; without it nobody can recompute them.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from functools import lru_cache

SECRET_BYTES = 32


@dataclass(frozen=True)
class ProjectKey:
    """The secret of a project, and its public name; ``is_stored`` says whether anyone could use it again."""

    secret: bytes = field(repr=False)
    project_id: str
    is_stored: bool = False

    @classmethod
    def new(cls) -> ProjectKey:
        """Make a fresh random key."""
        return cls(secrets.token_bytes(SECRET_BYTES), base64.b32encode(secrets.token_bytes(5)).decode("ascii"))

    def digest(self, purpose: str, value: str) -> bytes:
        """32 bytes that depend on key, purpose and value only (HMAC-SHA256)."""
        message = purpose.encode("ascii") + b"\0" + value.encode("utf-8", "surrogateescape")
        return hmac.digest(self.secret, message, "sha256")

    def short_name(self, purpose: str, value: str, letters: int = 8) -> str:
        """Derive a short readable name (A-Z, 2-7) for the value."""
        return _short_name(self, purpose, value)[:letters]


@lru_cache(maxsize=1024)
def _short_name(key: ProjectKey, purpose: str, value: str) -> str:
    """Name a value at full length; the instances of a study ask for the same few names."""
    return base64.b32encode(key.digest(purpose, value)).decode("ascii")
