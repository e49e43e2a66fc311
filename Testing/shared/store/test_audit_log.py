"""The log of uploads: any byte that was changed, and any line that was taken away, is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError
from ThoraxAILib.store.upload.audit_log import EXPORT, AuditLog, verify_log


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Four events."""
    written = AuditLog(tmp_path / "private" / "audit.jsonl")
    for number in range(4):
        written.add(EXPORT, files=number)
    return written.path


def test_a_log_goes_on_where_it_ended(log: Path) -> None:
    AuditLog(log).add(EXPORT, files=9)
    assert len(log.read_text().splitlines()) == 5
    assert verify_log(log)
    assert log.stat().st_mode & 0o077 == 0


def test_every_single_byte_that_is_changed_is_found(log: Path) -> None:
    data = log.read_bytes()
    for place in range(len(data)):
        log.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(InputError, match="changed or cut"):
            verify_log(log)


@pytest.mark.parametrize("kept", [0, 1, 2, 3])
def test_lines_that_were_cut_off_are_found(log: Path, kept: int) -> None:
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:kept]))
    with pytest.raises(InputError, match="changed or cut"):
        verify_log(log)


def test_a_log_that_was_removed_is_found(log: Path) -> None:
    log.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        AuditLog(log)


def test_a_line_that_a_killed_process_left_unfinished_is_no_change(log: Path) -> None:
    with log.open("ab") as file:
        file.write(b'{"event": "Data Ex')
    AuditLog(log).add(EXPORT, files=5)
    assert verify_log(log)
    assert len(log.read_text().splitlines()) == 5


def test_the_command_says_whether_a_log_is_sound(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-log", str(log)]) == 0
    log.write_bytes(log.read_bytes().replace(b'"files": 2', b'"files": 3'))
    assert main(["check-log", str(log)]) == 2
    assert "line" in capsys.readouterr().err
