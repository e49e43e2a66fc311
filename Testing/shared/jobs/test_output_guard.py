"""No command writes over its input, whatever option names the file and by whatever path or link."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

from fixtures.anonymizer_studies import ct, save
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.output_guard import refuse_over_inputs


@pytest.fixture
def study(tmp_path, monkeypatch):
    for number in (1, 2):
        save(ct(number), tmp_path / "in" / f"{number}.dcm")
    (tmp_path / "frame.nii.gz").write_bytes(b"frame")
    (tmp_path / "label.nii.gz").write_bytes(b"label")
    monkeypatch.chdir(tmp_path)
    return tmp_path


FILE = "in/1.dcm"


@pytest.mark.parametrize(
    "arguments",
    [
        ["anonymize", "in", "out", "--events", FILE],
        ["anonymize", "in", "out", "--events", "./in/../in/1.dcm"],
        ["anonymize", "check", "out", "--against", "in", "--events", FILE],
        ["lung", "analyze", "in", "--output", "out", "--events", FILE],
        ["lung", "analyze", "frame.nii.gz", "--output", "out", "--events", "frame.nii.gz"],
        ["lung", "follow-up", "frame.nii.gz", "in", "--output", "out", "--events", FILE],
        ["lung", "register", "frame.nii.gz", "in", "--output", "out", "--events", FILE],
        ["lung", "patterns", "in", "--output", "out", "--events", FILE],
        ["lung", "segment", "frame.nii.gz", "--at", "1,2,3", "--output", "frame.nii.gz"],
        ["lung", "phantom", "--output", "out", "--events", "frame.nii.gz"],
        ["cardiac", "propagate", "frame.nii.gz", "label.nii.gz", "in", "--output", "label.nii.gz"],
        ["cardiac", "propagate", "frame.nii.gz", "label.nii.gz", "in", "--output", "new.nii.gz", "--report", FILE],
        ["cardiac", "register", "frame.nii.gz", "label.nii.gz", "--field", "frame.nii.gz"],
        ["cardiac", "register", "frame.nii.gz", "label.nii.gz", "--report", "frame.nii.gz"],
    ],
)
def test_an_option_that_names_an_input_is_refused_in_one_sentence(study, capsys, arguments):
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    status = main(arguments)
    said = capsys.readouterr().err
    assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file() and path in before} == before
    if arguments[1] == "phantom":  # it reads nothing: only a file that is no events file could be in the way
        assert status == 2
        assert "is no events file" in said
        return
    assert status == 2
    assert "inputs are never changed" in said
    assert said.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_links_do_not_hide_that_it_is_the_input(study):
    (study / "alias").symlink_to(study / "in" / "1.dcm")
    os.link(study / "frame.nii.gz", study / "twin.nii.gz")
    for target, source in (("alias", "in"), ("twin.nii.gz", "frame.nii.gz")):
        with pytest.raises(InputError, match="--events"):
            refuse_over_inputs(argparse.Namespace(events=str(study / target), inputs=[study / source]))


def test_a_new_file_and_an_older_result_may_be_written(study):
    (study / "report.json").write_text("{}", encoding="utf-8")
    refuse_over_inputs(
        argparse.Namespace(
            output=study / "new.nii.gz",
            report=study / "report.json",
            events="-",
            moving=study / "frame.nii.gz",
            other=study / "in",
            field=None,
        )
    )


def test_events_of_an_earlier_run_may_be_written_over(study):
    for output in ("one", "two"):
        assert main(["anonymize", "in", output, "--events", "events.jsonl"]) == 0
    assert '"result"' in Path("events.jsonl").read_text(encoding="utf-8")


def test_nothing_new_is_written_into_the_input_folder(study, capsys, monkeypatch):
    monkeypatch.setenv("THORAXAI_KEY_PASSWORD", "correct horse")
    before = sorted((study / "in").iterdir())
    assert main(["anonymize", "in", "out", "--events", "in/new.jsonl"]) == 2
    assert main(["anonymize", "check", "out", "--against", "in", "--events", "in/new.jsonl"]) == 2
    assert main(["anonymize", "in", "out", "--key", "in/new.key"]) == 2
    assert main(["anonymize", "in", "out", "--private", "in/private"]) == 2
    assert sorted((study / "in").iterdir()) == before
    assert capsys.readouterr().err.count("\n") == 4
