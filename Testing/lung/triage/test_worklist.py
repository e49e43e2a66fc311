"""Waiting times of a worklist with flagged cases, against published numbers and an event simulation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from LungNoduleAILib.model.findings import Finding, Findings, Lungs
from LungNoduleAILib.triage.priority import HIGH, LOW, MEDIUM, level_of, priority_of
from LungNoduleAILib.triage.queue import Worklist, waits
from LungNoduleAILib.triage.simulation import simulate
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError

# traffic, readers, prevalence, sensitivity, false-positive fraction; waits without AI, flagged, not flagged (FDA QuCAD)
PUBLISHED = [
    (0.8, 1, 0.1, 0.9, 0.1, 40.0, 1.682, 48.411),
    (0.8, 2, 0.1, 0.9, 0.1, 17.778, 0.212, 21.634),
    (0.8, 3, 0.1, 0.9, 0.1, 10.787, 0.040, 13.146),
    (0.5, 1, 0.1, 0.9, 0.1, 10.0, 0.989, 11.978),
    (0.9, 1, 0.05, 0.95, 0.2, 90.0, 2.719, 117.186),
]


@pytest.fixture
def some_findings() -> Findings:
    """One solid nodule of 7 mm in a chest without verdicts."""
    nodule = Finding("Nodule_01", (0.0, 0.0, 0.0), 7.0, 7.5, 6.5, 180.0, "solid", 20.0, 185.0, "RUL", "right", 0.9)
    return Findings("1.2.3", Lungs(2000.0, 2300.0, ()), (nodule,), ())


@pytest.mark.parametrize("row", PUBLISHED)
def test_the_formula_equals_the_published_program(row: tuple) -> None:
    found = waits(Worklist(row[0], row[1], 10.0, *row[2:5]))
    told = (found.without_ai, found.flagged, found.not_flagged)
    assert told == pytest.approx(row[5:], abs=0.001)


def test_the_simulation_agrees_with_the_formula() -> None:
    worklist = Worklist(0.6, 2)
    exact, found = waits(worklist), simulate(worklist, 150_000, seed=1)
    assert found.without_ai == pytest.approx(exact.without_ai, rel=0.04)
    assert found.not_flagged == pytest.approx(exact.not_flagged, rel=0.04)
    assert found.healthy == pytest.approx(exact.healthy, rel=0.04)


@pytest.mark.slow
def test_a_million_cases_agree_with_the_formula_within_one_percent() -> None:
    worklist = Worklist(0.8)
    exact, found = waits(worklist), simulate(worklist, 1_000_000, seed=0)
    for name in ("without_ai", "flagged", "not_flagged", "diseased", "healthy"):
        assert getattr(found, name) == pytest.approx(getattr(exact, name), rel=0.01)


def test_flags_only_move_the_waiting_from_some_cases_to_others() -> None:
    worklist = Worklist(0.85, 3, 7.0, 0.2, 0.8, 0.15)
    found, share = waits(worklist), worklist.flagged_share
    assert share * found.flagged + (1 - share) * found.not_flagged == pytest.approx(found.without_ai)
    assert found.flagged < found.without_ai < found.not_flagged


def test_a_list_that_only_grows_is_refused() -> None:
    with pytest.raises(InputError, match="only grows"):
        Worklist(1.0)


def test_the_command_tells_what_missed_cases_lose(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    target = tmp_path / "waits.json"
    assert main(["lung", "triage-simulate", "--cases", "2000", "--output", str(target)]) == 0
    assert "waits 8.4 minutes longer than without AI" in capsys.readouterr().out
    told = json.loads(target.read_text())["minutes"]["formula"]
    assert told["flagged"] == pytest.approx(1.682, abs=0.001)
    assert told["not_flagged_change"] == pytest.approx(8.411, abs=0.001)
    assert told["diseased_change"] == pytest.approx(-33.645, abs=0.001)


def test_the_largest_solid_nodule_sets_the_priority_and_growth_raises_it(some_findings: Findings) -> None:
    small = replace(some_findings.findings[0], type="solid", mean_diameter_mm=7.0, confidence=0.9)
    alone = replace(some_findings, findings=(small,))
    large = replace(small, id="Nodule_02", mean_diameter_mm=20.0)
    assert priority_of(alone).level == MEDIUM
    assert priority_of(alone, grown={small.id}).value > priority_of(alone).value
    both = priority_of(replace(some_findings, findings=(small, large)))
    assert both.level == HIGH
    assert both.reason.startswith("Nodule_02: solid, 20.0 mm")


def test_a_rejected_finding_asks_for_nothing(some_findings: Findings) -> None:
    large = replace(some_findings.findings[0], type="solid", mean_diameter_mm=20.0).with_status("rejected", "vessel")
    assert priority_of(replace(some_findings, findings=(large,))).level == LOW


def test_levels_are_those_of_a_dicom_worklist() -> None:
    assert [level_of(value) for value in (0.0, 0.3, 0.6, 1.0)] == [LOW, MEDIUM, HIGH, HIGH]
