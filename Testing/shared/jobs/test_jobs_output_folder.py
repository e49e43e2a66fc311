"""Results appear all at once or not at all, and what a killed run left is removed by the next one."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ThoraxAILib.errors import Cancelled, OutputError
from ThoraxAILib.jobs.outputs import output_folder
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder

OWNED = ("scene.mrb", "findings.json", "run.json")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def write(target: Path, contents: dict[str, str], fail: BaseException | None = None) -> None:
    with OutputFolder(target, OWNED) as folder:
        for name, content in contents.items():
            (folder / name).write_text(content)
        if fail is not None:
            raise fail


def test_files_appear_only_at_the_end(tmp_path):
    target = tmp_path / "deep" / "result"
    with OutputFolder(target, OWNED) as folder:
        (folder / "findings.json").write_text("{}")
        assert not target.exists()
        assert folder.name.startswith(".")
    assert names(tmp_path) == ["deep", "findings.json", "result"]


@pytest.mark.parametrize("reason", [Cancelled("stop"), KeyboardInterrupt(), RuntimeError("broken"), SystemExit(3)])
def test_a_run_that_ends_early_leaves_nothing_and_keeps_its_reason(tmp_path, reason):
    with pytest.raises(type(reason)):
        write(tmp_path / "deep" / "result", {"findings.json": "half"}, fail=reason)
    assert names(tmp_path) == []


def test_a_failed_run_keeps_the_previous_result(tmp_path):
    (tmp_path / "findings.json").write_text("old")
    with pytest.raises(RuntimeError):
        write(tmp_path, {"findings.json": "new"}, fail=RuntimeError())
    assert names(tmp_path) == ["findings.json"]
    assert (tmp_path / "findings.json").read_text() == "old"


def test_a_new_result_replaces_the_old_one_and_leaves_other_files_alone(tmp_path):
    for name in ("scene.mrb", "findings.json", "run.json", "my notes.txt"):
        (tmp_path / name).write_text("old")
    write(tmp_path, {"findings.json": "new", "run.json": "new"})
    assert names(tmp_path) == ["findings.json", "my notes.txt", "run.json"]  # no scene of another run
    assert (tmp_path / "findings.json").read_text() == "new"
    assert (tmp_path / "my notes.txt").read_text() == "old"


def test_an_interrupted_replacement_leaves_no_run_record(tmp_path, monkeypatch):
    for name in OWNED:
        (tmp_path / name).write_text("old")
    real_replace = Path.replace

    def fail_on_findings(self, target):
        if self.name == "findings.json":
            raise OSError(errno.EIO, "Input/output error")
        return real_replace(self, target)

    monkeypatch.setattr(Path, "replace", fail_on_findings)
    with pytest.raises(OutputError, match="Input/output error"):
        write(tmp_path, dict.fromkeys(OWNED, "new"))
    assert "run.json" not in names(tmp_path)


def test_a_full_disk_is_told_in_one_sentence(tmp_path):
    with pytest.raises(OutputError, match=r"^The disk .* full"):
        write(tmp_path / "result", {}, fail=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert names(tmp_path) == []


def test_a_writer_that_fails_without_a_reason_on_a_full_disk_is_told_as_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(output_folder, "_free_bytes", lambda _folder: 0)
    with pytest.raises(OutputError, match="full"):
        write(tmp_path / "result", {}, fail=RuntimeError("could not write"))


def test_files_a_full_disk_cut_short_are_not_moved_into_place(tmp_path, monkeypatch):
    monkeypatch.setattr(output_folder, "_free_bytes", lambda _folder: 0)
    with pytest.raises(OutputError, match="full"):
        write(tmp_path / "result", {"scene.mrb": "cut sho"})
    assert names(tmp_path) == []


def test_a_target_that_is_a_file_or_below_one_is_refused(tmp_path):
    (tmp_path / "file").write_text("content")
    for target in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match=r"\.$"):
            write(target, {})
    assert (tmp_path / "file").read_text() == "content"


def test_what_a_killed_run_left_is_removed_and_what_a_living_one_writes_stays(tmp_path):
    write = (
        "import os, sys\n"
        "from ThoraxAILib.jobs.outputs.output_folder import OutputFolder\n"
        "OutputFolder(sys.argv[1], ('run.json',)).__enter__()\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", write, str(tmp_path / "a")], check=False)
    assert len(names(tmp_path)) == 1
    with OutputFolder(tmp_path / "b", OWNED) as living, OutputFolder(tmp_path / "c", OWNED) as other:
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([living.name, other.name])
