"""Multipart messages: what is written is read again however it arrives, and a message without end has an end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ThoraxAILib.store.multipart import boundary_of, read_multipart, write_multipart


def cut(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@given(st.lists(st.binary(max_size=60) | st.just(b"\r\n--"), max_size=4), st.integers(1, 70))
def test_parts_come_back_however_the_message_is_cut(parts: list[bytes], size: int) -> None:
    body, content_type = write_multipart(parts)
    assert list(read_multipart(cut(body, size), boundary_of(content_type), 100)) == parts


@given(st.integers(1, 400))
def test_a_message_that_breaks_off_is_no_answer(kept: int) -> None:
    body, content_type = write_multipart([b"a" * 100, b"b" * 100])
    kept = min(kept, len(body) - 5)
    with pytest.raises(ValueError, match="breaks off"):
        list(read_multipart(cut(body[:kept], 7), boundary_of(content_type), 100))


def test_a_part_without_end_is_given_up_at_the_bound() -> None:
    read = []

    def endless() -> Iterator[bytes]:
        yield b"--b\r\n\r\n"
        while True:
            read.append(1000)
            yield b"x" * 1000

    with pytest.raises(ValueError, match="too large"):
        list(read_multipart(endless(), b"b", 10_000))
    assert sum(read) < 20_000


def test_a_header_without_end_is_given_up_too() -> None:
    def endless() -> Iterator[bytes]:
        yield b"--b\r\n"
        while True:
            yield b"x" * 1000

    with pytest.raises(ValueError, match="too large"):
        list(read_multipart(endless(), b"b", 1 << 40))


def test_an_answer_that_is_not_multipart_has_no_boundary() -> None:
    with pytest.raises(ValueError, match="not multipart"):
        boundary_of("text/html")
    assert boundary_of('multipart/related; boundary="a b"; type=x') == b"a b"
