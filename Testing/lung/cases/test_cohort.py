"""Many cases: how each ended and why, whom it shows, the findings of all, and what is done is not done again."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures import synthetic_chest
from fixtures.asked import WorkersInThisProcess, record_in, write_chest
from LungNoduleAILib.cases.cohort.persons import read_persons
from LungNoduleAILib.model.findings import QualityNote
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.file_stamp import stamp_of

NO_LUNGS = QualityNote("not_a_chest", "No lungs were found (12 mL of lung-like air).", "error")
LEAK = QualityNote("leak", "Check the mask.", "error")
OPTIONS = ["--scene", "none", "--detector", "classical", "--anatomy", "classical"]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """A folder of four CTs, a to d."""
    folder = tmp_path / "cts"
    folder.mkdir()
    for number, name in enumerate("abcd"):
        write_chest(folder / f"{name}.nrrd", number)
    return folder


@pytest.fixture
def analyzed(monkeypatch: pytest.MonkeyPatch) -> dict[int, tuple[QualityNote, ...]]:
    """Analyses are made up and run in this process; the dict tells the verdicts of the n-th."""
    verdicts: dict[int, tuple[QualityNote, ...]] = {}
    count = iter(range(1000))

    def analyze(volume: Any, *_rest: Any) -> Any:
        number, result = next(count), synthetic_chest.result_on(volume)
        findings = result.findings
        if number in verdicts:
            lungs = replace(findings.lungs, quality=verdicts[number])
            findings = replace(findings, lungs=lungs, findings=())
        return replace(result, findings=findings)

    monkeypatch.setattr("LungNoduleAILib.analysis.analyze.analyze", analyze)
    monkeypatch.setattr("ThoraxAILib.jobs.serving.child_batch.WarmWorkers", WorkersInThisProcess)
    return verdicts


def run(cohort: Path, *more: str) -> int:
    return main(["lung", "analyze", str(cohort), "--output", str(cohort.parent / "out"), *OPTIONS, *more])


def test_a_scan_without_lungs_is_no_scan_without_findings(cohort, analyzed, capsys):
    analyzed.update({1: (NO_LUNGS,), 2: (LEAK, NO_LUNGS)})
    assert run(cohort) == 3
    rows = table(cohort.parent / "out" / "index.csv")
    assert [row["status"] for row in rows] == ["done", "no lungs", "leak", "done"]
    assert rows[1]["message"] == NO_LUNGS.text
    assert rows[2]["message"] == f"{LEAK.text} {NO_LUNGS.text}"
    assert capsys.readouterr().out.endswith("4 cases: 2 done, 1 leak, 1 no lungs. index.csv says why.\n")


def test_a_case_says_in_which_order_it_may_be_read_and_what_could_not_be_judged_does_not_wait_last(cohort, analyzed):
    analyzed.update({1: (NO_LUNGS,)})
    run(cohort)
    rows = table(cohort.parent / "out" / "index.csv")
    assert rows[1]["priority"] == "MEDIUM"
    for row in rows:
        record = json.loads((cohort.parent / "out" / row["case"] / "run.json").read_text())
        told = record["results"]["priority"]
        assert (told["level"], told["rule_version"]) == (row["priority"], "thoraxai.triage/1")
        assert told["reason"]


def test_a_verdict_stays_when_its_case_is_taken_over(cohort, analyzed):
    analyzed[1] = (NO_LUNGS,)
    run(cohort)
    assert run(cohort, "--resume") == 3
    rows = table(cohort.parent / "out" / "index.csv")
    assert [row["status"] for row in rows] == ["resumed", "no lungs", "resumed", "resumed"]


def test_the_tables_tell_where_each_case_and_finding_comes_from(cohort, analyzed):
    assert run(cohort) == 0
    rows = table(cohort.parent / "out" / "index.csv")
    assert [Path(row["path"]) for row in rows] == [cohort / f"{name}.nrrd" for name in "abcd"]
    findings = table(cohort.parent / "out" / "findings.csv")
    assert [row["case"] for row in findings] == [name for name in "abcd" for _ in range(3)]
    assert all(row["series"] == rows["abcd".index(row["case"])]["series"] for row in findings)
    own = table(cohort.parent / "out" / "b" / "findings.csv")
    assert [{name: row[name] for name in own[0]} for row in findings if row["case"] == "b"] == own


def test_finished_cases_are_taken_over_without_a_process_and_without_reading_them(cohort, analyzed, monkeypatch):
    run(cohort)

    def nothing(*_arguments: Any) -> None:
        raise AssertionError("a case that is done was looked at again")

    monkeypatch.setattr(WorkersInThisProcess, "job", nothing)
    monkeypatch.setattr("LungNoduleAILib.cases.analyze_case.read_volume", nothing)
    assert run(cohort, "--resume") == 0
    assert {row["status"] for row in table(cohort.parent / "out" / "index.csv")} == {"resumed"}


@pytest.mark.parametrize("change", ["file", "options", "result", "new"])
def test_what_has_changed_is_done_again(cohort, analyzed, change):
    run(cohort)
    more = ["--threshold", "0.9"] if change == "options" else []
    if change == "file":
        write_chest(cohort / "b.nrrd", 77)
    if change == "result":
        (cohort.parent / "out" / "b" / "findings.json").unlink()
    if change == "new":
        write_chest(cohort / "bb.nrrd", 78)
    assert run(cohort, "--resume", *more) == 0
    again = [row["case"] for row in table(cohort.parent / "out" / "index.csv") if row["status"] == "done"]
    assert again == {"file": ["b"], "options": [*"abcd"], "result": ["b"], "new": ["bb"]}[change]


def test_shards_are_disjoint_and_a_last_run_joins_them(cohort, analyzed):
    write_chest(cohort / "e.nrrd", 9)
    for shard in ("1/2", "2/2"):
        assert run(cohort, "--shard", shard) == 0
    out = cohort.parent / "out"
    first, second = (table(out / f"index-{part}-of-2.csv") for part in (1, 2))
    assert [row["case"] for row in first] == ["a", "c", "e"]
    assert [row["case"] for row in second] == ["b", "d"]
    assert len(table(out / "findings-2-of-2.csv")) == 6
    assert run(cohort, "--resume") == 0
    assert [row["status"] for row in table(out / "index.csv")] == ["resumed"] * 5


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"])
def test_a_shard_that_cannot_be_is_told(cohort, analyzed, shard, capsys):
    assert run(cohort, f"--shard={shard}") == 2
    assert "write I/N" in capsys.readouterr().err


def test_every_case_gets_its_own_person(cohort, analyzed, tmp_path):
    persons = tmp_path / "persons.csv"
    persons.write_text("case,exam,age,sex,smoker\na,baseline,61,F,yes\nc,,48.5,,no\n")
    assert run(cohort, "--persons", str(persons), "--exam", "incidental") == 0
    options = [record_in(cohort.parent / "out" / name)["options"] for name in "abc"]
    stated = [{name: o.get(name) for name in ("exam", "age", "sex", "smoker_ever")} for o in options]
    assert stated == [
        {"exam": "baseline", "age": 61, "sex": "F", "smoker_ever": True},
        {"exam": "incidental", "age": None, "sex": None, "smoker_ever": None},
        {"exam": "incidental", "age": 48.5, "sex": None, "smoker_ever": False},
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name,age\na,3\n", "has no column 'case'"),
        ("case,height\na,3\n", "unknown column 'height'"),
        ("case,age\na,old\n", "write a number"),
        ("case,age\na,-4\n", "Row 2 of"),
        ("case,age\na,40\na,41\n", "second one for 'a'"),
        ("case,age\n,40\n", "names no case"),
        ("case,age\na,40,F\n", "more cells"),
        ("case,emphysema\na,perhaps\n", "write yes or no"),
        ("case,age\nnobody,40\n", "is none of the 4 cases"),
    ],
)
def test_a_table_of_persons_that_cannot_be_is_told(cohort, analyzed, tmp_path, text, sentence, capsys):
    (tmp_path / "persons.csv").write_text(text)
    assert run(cohort, "--persons", str(tmp_path / "persons.csv")) == 2
    assert sentence in capsys.readouterr().err
    assert not (cohort.parent / "out").exists()


def test_a_table_that_is_no_text_is_told(tmp_path):
    (tmp_path / "persons.csv").write_bytes(b"\xff\xfe\x00case")
    with pytest.raises(InputError, match="save it as CSV"):
        read_persons(tmp_path / "persons.csv")


def test_a_case_with_a_scene_records_what_lies_in_its_folder_and_is_resumed(cohort, analyzed):
    from ThoraxAILib.scene import host

    if not host.is_available():
        pytest.skip("slicer-core is not installed")
    assert run(cohort, "--scene", "auto") == 0
    folder = cohort.parent / "out" / "a"
    assert set(record_in(folder)["files"]) == {path.name for path in folder.iterdir()} - {"run.json"}
    assert "scene.mrb" in record_in(folder)["files"]
    assert run(cohort, "--scene", "auto", "--resume") == 0
    assert [row["status"] for row in table(cohort.parent / "out" / "index.csv")] == ["resumed"] * 4


def test_a_stamp_changes_with_name_size_time_and_series(tmp_path):
    folder = tmp_path / "case"
    (folder / "deep").mkdir(parents=True)
    file = folder / "deep" / "1.dcm"
    file.write_bytes(b"one")
    stamps = [stamp_of(folder), stamp_of(folder, "1.2.3")]
    file.write_bytes(b"four")
    stamps.append(stamp_of(folder))
    os.utime(file, (1, 1))
    stamps.append(stamp_of(folder))
    file.rename(folder / "deep" / "2.dcm")
    stamps.append(stamp_of(folder))
    assert len(set(stamps)) == 5
    assert stamp_of(tmp_path / "nothing") == ""
