"""A file is written whole: what fails while it is written leaves the older one and nothing beside it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from ThoraxAILib.errors import OutputError
from ThoraxAILib.jobs.outputs.whole_file import whole_file


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A file that is there already."""
    path = tmp_path / "table.csv"
    path.write_text("older")
    return path


def write_half(path: Path, error: BaseException) -> None:
    """Write the file, and fail in its middle."""
    with whole_file(path) as partial:
        partial.write_text("half")
        raise error


def test_a_written_file_takes_the_place_of_the_older_one(older: Path) -> None:
    with whole_file(older) as partial:
        partial.write_text("newer")
        assert older.read_text() == "older"
    assert older.read_text() == "newer"
    assert list(older.parent.iterdir()) == [older]


def test_a_full_disk_is_one_sentence_and_keeps_the_older_file(older: Path) -> None:
    with pytest.raises(OutputError, match="disk of the output folder is full"):
        write_half(older, OSError(errno.ENOSPC, "No space left on device"))
    assert older.read_text() == "older"
    assert list(older.parent.iterdir()) == [older]


def test_a_stop_while_it_is_written_leaves_nothing(older: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_half(older, KeyboardInterrupt())
    assert older.read_text() == "older"
    assert list(older.parent.iterdir()) == [older]


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_half(tmp_path / "none" / "a.csv", AssertionError("not reached"))
