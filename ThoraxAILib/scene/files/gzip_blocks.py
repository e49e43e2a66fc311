"""One gzip stream whose blocks are compressed side by side, as pigz does it: zlib lets other threads run meanwhile."""

from __future__ import annotations

import struct
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"  # RFC 1952: deflate, no name, no time, fastest, any system
LAST_BLOCK = b"\x03\x00"  # RFC 1951: an empty final block of fixed codes
FASTEST = 1
MEMORY_LEVEL = 9


def gzip_blocks(blocks: Iterable[bytes], workers: int, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> Iterator[bytes]:
    """Yield a gzip file (RFC 1952) of all blocks joined, in pieces; about two blocks per worker are held.

    Blocks of some MB lose nothing to speak of against one stream. ``zlib.Z_HUFFMAN_ONLY`` suits noise, in which no
    string comes twice: nearly as small, and twice as fast.
    """
    crc = size = 0
    waiting: deque[Future[bytes]] = deque()
    yield HEADER
    with ThreadPoolExecutor(workers) as pool:
        for block in blocks:
            waiting.append(pool.submit(_deflated, block, strategy))
            crc, size = zlib.crc32(block, crc), size + len(block)
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    yield LAST_BLOCK + struct.pack("<II", crc, size % 2**32)


def _deflated(block: bytes, strategy: int) -> bytes:
    """Return a block as deflate data that ends on a byte and needs nothing before it."""
    stream = zlib.compressobj(FASTEST, zlib.DEFLATED, -zlib.MAX_WBITS, MEMORY_LEVEL, strategy)
    return stream.compress(block) + stream.flush(zlib.Z_FULL_FLUSH)
