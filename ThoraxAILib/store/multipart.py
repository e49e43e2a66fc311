"""Multipart messages (RFC 2046, as PS3.18 8.6.1.2 uses them): written for an upload, read part by part with bounds."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Sequence

MAX_HEADER_BYTES = 16 << 10
MAX_PREAMBLE_BYTES = 64 << 10
DICOM = "application/dicom"
BOUNDARY = re.compile(r"""boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))""", re.IGNORECASE)
LINE, END_OF_HEADER = b"\r\n", b"\r\n\r\n"


def write_multipart(parts: Sequence[bytes]) -> tuple[bytes, str]:
    """Return the body of a message of DICOM files, and its content type; no part holds its boundary by accident."""
    boundary = secrets.token_hex(24)
    head = f"--{boundary}\r\nContent-Type: {DICOM}\r\n\r\n".encode("ascii")
    pieces: list[bytes] = []
    for part in parts:
        pieces += [head, part, LINE]
    pieces.append(f"--{boundary}--\r\n".encode("ascii"))
    return b"".join(pieces), f'multipart/related; type="{DICOM}"; boundary={boundary}'


def boundary_of(content_type: str) -> bytes:
    """Return the boundary that a content type names; ValueError without one."""
    found = BOUNDARY.search(content_type)
    if found is None:
        raise ValueError("the answer is not multipart")
    return (found[1] or found[2]).encode("latin-1", "replace")


def read_multipart(chunks: Iterable[bytes], boundary: bytes, largest_bytes: int) -> Iterator[bytes]:
    """Return the content of each part, one part in memory at a time.

    ValueError for a message that breaks off, or for a part that is larger than ``largest_bytes``.
    """
    mark = b"\r\n--" + boundary
    buffer = _Buffer(chunks)
    buffer.take_until(mark, MAX_PREAMBLE_BYTES)
    while not buffer.is_last():
        buffer.take_until(END_OF_HEADER, MAX_HEADER_BYTES)
        yield buffer.take_until(mark, largest_bytes)


class _Buffer:
    """Bytes that were read and not yet used; begins with a line break, so that the first boundary is like the rest."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._bytes = bytearray(LINE)

    def take_until(self, mark: bytes, largest_bytes: int) -> bytes:
        """Return what stands before ``mark``, and go behind it."""
        searched = 0
        while (place := self._bytes.find(mark, searched)) < 0:
            searched = max(0, len(self._bytes) - len(mark) + 1)
            if len(self._bytes) > largest_bytes + len(mark):
                raise ValueError("a part of the answer is too large")
            self._more()
        if place > largest_bytes:
            raise ValueError("a part of the answer is too large")
        taken = bytes(memoryview(self._bytes)[:place])
        del self._bytes[: place + len(mark)]
        return taken

    def is_last(self) -> bool:
        """Whether the boundary just taken ends the message."""
        while len(self._bytes) < 2:
            self._more()
        return self._bytes[:2] == b"--"

    def _more(self) -> None:
        chunk = next(self._chunks, b"")
        if not chunk:
            raise ValueError("the answer breaks off")
        self._bytes += chunk
