"""Which of many words stand in many bytes, in time that grows with the bytes and not with bytes times words.

A structured report may refer to 60,000 instances, each with a UID that must not be found in the output. A few words are
looked for one by one; many are looked up by their first bytes, all positions at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

FEW, LITTLE_WORK = 48, 4_000_000  # words; words times bytes: looking one by one is then faster
LONGEST_START = 8  # bytes that fit into one 64-bit number
PIECE = 1 << 22


def found_in(data: bytes, tokens: frozenset[bytes]) -> set[bytes]:
    """Find the tokens that stand anywhere in the data; empty tokens are not looked for."""
    if _is_quick(data, tokens):
        return {token for token in tokens if token and token in data}
    return _index(tokens).found_in(data)


def holds_any_of(data: bytes, tokens: frozenset[bytes]) -> bool:
    """Whether at least one of the tokens stands in the data."""
    if _is_quick(data, tokens):
        return any(token and token in data for token in tokens)
    return next(_index(tokens).hits(data), None) is not None


def _is_quick(data: bytes, tokens: frozenset[bytes]) -> bool:
    return len(tokens) <= FEW or len(tokens) * len(data) <= LITTLE_WORK


@lru_cache(maxsize=16)
def _index(tokens: frozenset[bytes]) -> _Index:
    return _Index(tokens)


class _Index:
    """Tokens by the number that their first bytes make; tokens of three bytes and more share starts of eight."""

    def __init__(self, tokens: frozenset[bytes]) -> None:
        self.tokens = tokens
        self.longest = max(map(len, tokens), default=0)
        lengths: dict[int, dict[bytes, set[int]]] = defaultdict(lambda: defaultdict(set))
        for token in tokens:
            if token:
                start = token[:LONGEST_START]
                lengths[len(start)][start].add(len(token))
        self.lengths = {size: dict(starts) for size, starts in lengths.items()}
        self.numbers = {
            size: np.array(sorted(int.from_bytes(start, "little") for start in starts), np.uint64)
            for size, starts in self.lengths.items()
        }

    def found_in(self, data: bytes) -> set[bytes]:
        """Every token that stands in the data."""
        return set(self.hits(data))

    def hits(self, data: bytes) -> Iterator[bytes]:
        """Tokens in the data, each time one stands there."""
        for first in range(0, len(data), PIECE):
            piece = data[first : first + PIECE + self.longest]
            for size, numbers in self.numbers.items():
                for position in _positions(piece, size, numbers):
                    yield from self._at(piece, int(position), size)

    def _at(self, piece: bytes, position: int, size: int) -> Iterator[bytes]:
        for length in self.lengths[size][piece[position : position + size]]:
            token = piece[position : position + length]
            if token in self.tokens:
                yield token


def _positions(piece: bytes, size: int, numbers: np.ndarray) -> np.ndarray:
    """Where ``size`` bytes make one of the sorted numbers."""
    count = len(piece) - size + 1
    if count <= 0:
        return np.empty(0, int)
    values = np.frombuffer(piece, np.uint8)
    windows = np.zeros(count, np.uint64)
    for offset in range(size):
        windows |= values[offset : offset + count].astype(np.uint64) << np.uint64(8 * offset)
    nearest = np.minimum(np.searchsorted(numbers, windows), len(numbers) - 1)
    return np.flatnonzero(numbers[nearest] == windows)
