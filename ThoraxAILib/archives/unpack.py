"""Unpack zip (.zip, .mrb) and tar (.tar, .tar.gz, .tgz) into a fresh private folder: plain files and folders only.

No entry is a link or device or leaves the folder; sizes are bounded as declared and as written; after a refusal
nothing is left.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ThoraxAILib.archives.entries import DEFAULT_LIMITS, MIB, EntryRules, UnpackLimits
from ThoraxAILib.errors import InputError, OutputError

CHUNK_BYTES = MIB
MAX_READ_BYTES = 64 * MIB  # tables of contents and long names are read at once: none is as large as this
ENCRYPTED, PATCH, STRONGLY_ENCRYPTED = 0x1, 0x20, 0x40  # general purpose flags, APPNOTE.TXT 4.4.4
DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
    NotImplementedError,
    UnicodeError,
    ValueError,
    OverflowError,
)


@contextmanager
def unpacked(archive: Path, limits: UnpackLimits = DEFAULT_LIMITS) -> Iterator[Path]:
    """Yield a private folder with the content of ``archive``, gone afterwards; InputError or OutputError in one
    sentence.
    """
    with tempfile.TemporaryDirectory(prefix="unpacked-") as private:
        folder = Path(private).resolve() / "content"
        folder.mkdir(mode=0o700)
        unpack_into(archive, folder, limits)
        yield folder


def unpack_into(archive: Path, folder: Path, limits: UnpackLimits = DEFAULT_LIMITS) -> None:
    """Unpack into an empty folder that only this program uses; the caller removes it after an error."""
    try:
        packed_bytes = _require_file(archive)
        rules = EntryRules(archive.name, packed_bytes, limits)
        with _BoundedFile(archive) as file:
            kind = file.read(4)
            file.seek(0)
            if kind[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=file) as stream:
                    _unpack_tar(_BoundedStream(stream, rules), folder, rules)
            elif zipfile.is_zipfile(file):
                _unpack_zip(file, folder, rules)
            else:
                file.seek(0)  # looking for the end of a zip moved it
                _unpack_tar(file, folder, rules)
    except InputError:
        raise
    except DAMAGED as error:
        raise InputError(f"'{archive.name}' is not a whole zip or tar archive: save or download it again.") from error
    except OSError as error:
        if error.filename is not None and Path(error.filename) == archive:
            raise InputError(f"'{archive.name}' cannot be read ({error.strerror}).") from error
        raise OutputError(
            f"'{archive.name}' cannot be unpacked ({error.strerror}): check the room in the folder for temporary files."
        ) from error


def _require_file(archive: Path) -> int:
    """Size of a regular file in bytes; a FIFO or device would be read without end."""
    status = archive.stat()
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"'{archive.name}' is not a file: give a zip or tar archive.")
    return status.st_size


def _require_short(size: int) -> None:
    if not 0 <= size <= MAX_READ_BYTES:
        raise ValueError("a part of the archive claims to be larger than any is")


class _BoundedFile(io.FileIO):
    """A file of which nobody reads more than MAX_READ_BYTES at once."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            size = max(0, os.fstat(self.fileno()).st_size - self.tell())
        _require_short(size)
        return super().read(size)


class _BoundedStream:
    """The same for what comes out of gzip, where skipping takes as long as reading."""

    def __init__(self, stream: gzip.GzipFile, rules: EntryRules) -> None:
        self._stream, self._rules = stream, rules

    def read(self, size: int) -> bytes:
        _require_short(size)
        return self._stream.read(size)

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int) -> int:
        if offset > self._rules.limits.total_bytes:
            raise ValueError("the archive claims to go on behind its largest possible end")
        return self._stream.seek(offset)


def _unpack_zip(file: _BoundedFile, folder: Path, rules: EntryRules) -> None:
    """All entries are judged before the first is written."""
    with zipfile.ZipFile(file) as archive:
        accepted = []
        for entry in archive.infolist():
            parts = rules.accept(_zip_name(entry), entry.is_dir(), entry.file_size)
            _require_plain_zip_entry(entry, rules)
            accepted.append((entry, parts))
        for number, (entry, parts) in enumerate(accepted, start=1):
            rules.count = number
            if entry.is_dir():
                folder.joinpath(*parts).mkdir(mode=0o700, parents=True, exist_ok=True)
                continue
            with archive.open(entry) as source:
                _write(source, folder.joinpath(*parts), entry.file_size, rules)


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """Return the name as stored: zipfile cuts it at a NUL and turns the separators of this computer into slashes."""
    return entry.orig_filename


def _require_plain_zip_entry(entry: zipfile.ZipInfo, rules: EntryRules) -> None:
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR) or stat.S_ISDIR(mode) > entry.is_dir():
        raise rules.refuse("is a link or a device, not a file")
    if entry.flag_bits & (ENCRYPTED | PATCH | STRONGLY_ENCRYPTED):
        raise rules.refuse("is encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise rules.refuse("is packed by another method than deflate")


def _unpack_tar(file: _BoundedFile | _BoundedStream, folder: Path, rules: EntryRules) -> None:
    with tarfile.open(fileobj=file, mode="r:") as archive:  # type: ignore[call-overload]  # its stub wants write()
        for entry in archive:
            archive.members = []  # tarfile keeps every header otherwise
            parts = rules.accept(entry.name, entry.isdir(), entry.size)
            if entry.isdir():
                folder.joinpath(*parts).mkdir(mode=0o700, parents=True, exist_ok=True)
                continue
            if not entry.isreg() or entry.issparse():
                raise rules.refuse("is a link, a device or a sparse file, not a plain file")
            with archive.extractfile(entry) as source:
                _write(source, folder.joinpath(*parts), entry.size, rules)
    if rules.count == 0:
        raise tarfile.ReadError("empty")


def _write(source: IO[bytes], target: Path, declared: int, rules: EntryRules) -> None:
    """One entry to a new file; more or less than it declared is an error."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = 0
    with os.fdopen(os.open(target, _new_file_flags(), 0o600), "wb") as file:
        while chunk := source.read(CHUNK_BYTES):
            written += len(chunk)
            if written > declared:
                break
            rules.wrote(written, len(chunk))
            file.write(chunk)
    if written != declared:
        raise rules.refuse("does not have the size it declares")


def _new_file_flags() -> int:
    return os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
