"""One gzip stream whose blocks are compressed side by side, as pigz does it: other threads run meanwhile.

With isal (ISA-L, https://github.com/pycompression/python-isal) a CT takes half the processor time of zlib and is a
little smaller, labels take a tenth; without it zlib does it. Any program reads either.
"""

from __future__ import annotations

import importlib.util
import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"  # RFC 1952: deflate, no name, no time, fastest, any system
LAST_BLOCK = b"\x03\x00"  # RFC 1951: an empty final block of fixed codes
ZLIB_LEVEL = 1
MEMORY_LEVEL = 9
ISAL_LEVEL, ISAL_LEVEL_OF_NOISE = 1, 3  # measured: the higher one is the faster one where hardly a string comes twice


class Compressor(Protocol):
    """A stream of deflate data, as zlib and isal have it."""

    def compress(self, data: bytes | memoryview, /) -> bytes:
        """Return what is ready of the compressed data so far."""
        ...

    def flush(self, mode: int = ..., /) -> bytes:
        """Return the rest up to here."""
        ...


def gzip_blocks(
    blocks: Iterable[bytes | memoryview], workers: int, is_noise: bool = False, with_isal: bool | None = None
) -> Iterator[bytes]:
    """Yield a gzip file (RFC 1952) of all blocks joined, in pieces; about two blocks per worker are held.

    Blocks of some MB lose nothing to speak of against one stream. ``is_noise``: hardly any string comes twice.
    ``with_isal`` None takes isal where it is installed.
    """
    crc = size = 0
    waiting: deque[Future[bytes]] = deque()
    make = (_isal if (has_isal() if with_isal is None else with_isal) else _zlib)(is_noise)
    yield HEADER
    with ThreadPoolExecutor(workers) as pool:
        for block in blocks:
            waiting.append(pool.submit(_deflated, block, make))
            crc, size = zlib.crc32(block, crc), size + len(block)
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    yield LAST_BLOCK + struct.pack("<II", crc, size % 2**32)


def has_isal() -> bool:
    """Whether isal is installed."""
    return importlib.util.find_spec("isal") is not None


def _isal(is_noise: bool) -> Callable[[], Compressor]:
    from isal import isal_zlib

    level = ISAL_LEVEL_OF_NOISE if is_noise else ISAL_LEVEL
    return lambda: isal_zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, MEMORY_LEVEL)


def _zlib(is_noise: bool) -> Callable[[], Compressor]:
    """For noise Huffman coding alone: nearly as small, and twice as fast."""
    strategy = zlib.Z_HUFFMAN_ONLY if is_noise else zlib.Z_DEFAULT_STRATEGY
    return lambda: zlib.compressobj(ZLIB_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, MEMORY_LEVEL, strategy)


def _deflated(block: bytes | memoryview, make: Callable[[], Compressor]) -> bytes:
    """Return a block as deflate data that ends on a byte and needs nothing before it."""
    stream = make()
    return stream.compress(block) + stream.flush(zlib.Z_FULL_FLUSH)
