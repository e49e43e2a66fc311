"""What the entries of an archive may be called and how much they may hold, checked before anything is written.

Sentences tell the number of an entry, never its name, which may be that of a patient.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from ThoraxAILib.errors import InputError

MIB = 1 << 20
GIB = 1 << 30
WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?", re.IGNORECASE)
DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class UnpackLimits:
    """How much an archive may hold: a scene with several CTs, sequences and models stays far below each bound.

    The ratio of unpacked to packed bytes counts only beyond ``ratio_from_bytes``: label maps of small scenes are
    mostly zeros, and deflate packs zeros 1032 to 1 (RFC 1951).
    """

    entries: int = 20_000
    total_bytes: int = 16 * GIB
    entry_bytes: int = 8 * GIB
    ratio: float = 200.0
    ratio_from_bytes: int = 256 * MIB
    name_length: int = 255
    path_length: int = 1024
    depth: int = 16


DEFAULT_LIMITS = UnpackLimits()


@dataclass
class EntryRules:
    """Judges the entries of one archive in their order; ``archive`` is its file name, ``packed_bytes`` its size."""

    archive: str
    packed_bytes: int
    limits: UnpackLimits = DEFAULT_LIMITS
    count: int = 0
    declared_bytes: int = 0
    written_bytes: int = 0
    _files: set[str] = field(default_factory=set)
    _folders: dict[str, str] = field(default_factory=dict)

    def accept(self, name: str, is_folder: bool, size: int) -> tuple[str, ...]:
        """Return the parts of the path of the next entry; InputError when it must not be unpacked."""
        self.count += 1
        if self.count > self.limits.entries:
            raise InputError(
                f"'{self.archive}' holds more than {self.limits.entries} entries: save it again with less in it."
            )
        parts = self._parts(name)
        self._require_unique(parts, is_folder)
        self.declared_bytes += max(0, size)
        if size < 0 or size > self.limits.entry_bytes or self.declared_bytes > self.limits.total_bytes:
            raise self._too_large()
        self._require_ratio(self.declared_bytes)
        return parts

    def wrote(self, entry_bytes: int, more: int) -> None:
        """Count ``more`` bytes that were unpacked, ``entry_bytes`` so far in this entry; InputError when too many."""
        self.written_bytes += more
        if entry_bytes > self.limits.entry_bytes or self.written_bytes > self.limits.total_bytes:
            raise self._too_large()
        self._require_ratio(self.written_bytes)

    def refuse(self, why: str) -> InputError:
        """Return the error of the entry at hand."""
        return InputError(f"Entry {self.count} of '{self.archive}' {why}: nothing was unpacked, ask for a clean file.")

    def _parts(self, name: str) -> tuple[str, ...]:
        limits = self.limits
        if name.startswith(("/", "\\")) or DRIVE.match(name):
            raise self.refuse("has an absolute path")
        if "\\" in name or ":" in name or any(unicodedata.category(sign) in ("Cc", "Cs") for sign in name):
            raise self.refuse("has a name with characters that no file name may have")
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        if ".." in parts:
            raise self.refuse("has a path that leaves the archive's own folder")
        if (
            len(name) > limits.path_length
            or len(parts) > limits.depth
            or any(len(part.encode("utf-8")) > limits.name_length for part in parts)
        ):
            raise self.refuse("has a path that is too long or too deep")
        if any(part.endswith((".", " ")) or WINDOWS_DEVICES.fullmatch(part) for part in parts):
            raise self.refuse("has a name that not every computer can store")
        return parts

    def _require_unique(self, parts: tuple[str, ...], is_folder: bool) -> None:
        """No entry over another one, also where capitals, composed letters or a file as a folder make it the same."""
        keys = [_key("/".join(parts[:end])) for end in range(1, len(parts) + 1)]
        folders = keys if is_folder else keys[:-1]
        for number, key in enumerate(folders, start=1):
            exact = "/".join(parts[:number])
            if key in self._files or self._folders.setdefault(key, exact) != exact:
                raise self.refuse("has the same path as another entry")
        if is_folder:
            return
        if not parts:
            raise self.refuse("has no name")
        if keys[-1] in self._files or keys[-1] in self._folders:
            raise self.refuse("has the same path as another entry")
        self._files.add(keys[-1])

    def _require_ratio(self, unpacked: int) -> None:
        if unpacked > self.limits.ratio_from_bytes and unpacked > self.limits.ratio * max(1, self.packed_bytes):
            raise InputError(
                f"'{self.archive}' unpacks to more than {self.limits.ratio:g} times its size, as no saved "
                "data do: nothing was unpacked, ask for a clean file."
            )

    def _too_large(self) -> InputError:
        return InputError(
            f"'{self.archive}' unpacks to more than {self.limits.total_bytes / GIB:g} GiB (or one entry "
            f"to more than {self.limits.entry_bytes / GIB:g} GiB): save it again with less in it."
        )


def _key(path: str) -> str:
    """One text for all spellings that a file system may take for the same name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
