"""The demo compares what was found with what was planted, and the sample CT is made with its truth."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from LungNoduleAILib.cli.findings import demo_run
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.test_phantom.small_chest import make_small_chest
from ThoraxAILib.cli.main import main

SMALL = PlantedNodule((50.0, 0.0, 0.0), (3.0, 3.0, 3.0))
LARGE = PlantedNodule((-50.0, 0.0, 0.0), (10.0, 10.0, 10.0), type="part-solid")


def found_at(*center_ras_mm: float, confidence: float = 0.9) -> Finding:
    return Finding("N1", center_ras_mm, 6.0, 6.0, 6.0, 113.0, "solid", 20.0, 100.0, "RUL", "right", confidence)


def test_a_finding_inside_a_planted_nodule_matches_and_one_outside_is_extra():
    inside, outside = found_at(-43.0, 0.0, 0.0), found_at(54.0, 0.0, 0.0)
    comparison = demo_run.compare((SMALL, LARGE), (inside, outside))
    assert comparison.planted == ((SMALL, None), (LARGE, inside))
    assert comparison.extra == (outside,)


def test_the_most_confident_of_two_findings_in_one_nodule_counts():
    weak, strong = found_at(50.0, 1.0, 0.0, confidence=0.6), found_at(50.0, 0.0, 2.0, confidence=0.7)
    comparison = demo_run.compare((SMALL,), (weak, strong))
    assert comparison.planted[0][1] is strong
    assert comparison.extra == (weak,)


def test_nothing_planted_makes_every_finding_extra():
    assert demo_run.compare((), (found_at(0.0, 0.0, 0.0),)).extra


def test_the_table_tells_matched_missed_and_extra_with_sizes_and_positions():
    findings = (found_at(-43.0, 0.0, 0.0), replace(found_at(54.0, 5.0, -7.0), id="N2"))
    text = "\n".join(demo_run.describe_comparison(demo_run.compare((SMALL, LARGE), findings)))
    assert text.startswith("1 of 2 planted nodules found, 1 extra")
    for words in ("missed", "matched", "extra", "part-solid, isolated", "20.0 mm", "R 54.0  A 5.0  S -7.0"):
        assert words in text


@pytest.fixture
def coarse_sample(monkeypatch):
    """The sample on a grid that is quick to make and analyze."""
    monkeypatch.setattr("LungNoduleAILib.cases.sample.SAMPLE_SPACING_MM", (2.0, 2.0, 2.5))


@pytest.mark.usefixtures("coarse_sample")
def test_the_phantom_command_writes_the_same_patient_for_the_same_seed(tmp_path, capsys):
    assert main(["lung", "phantom", "--output", str(tmp_path / "sample"), "--seed", "3"]) == 0
    truth = json.loads((tmp_path / "sample" / "truth.json").read_text())
    planted = [tuple(nodule["center_ras_mm"]) for nodule in truth["nodules"]]
    again = make_small_chest(seed=3, spacing_mm=(2.0, 2.0, 2.5)).nodules
    assert planted == [pytest.approx(nodule.center_ras_mm, abs=0.01) for nodule in again]
    assert f"{len(planted)} known nodules" in capsys.readouterr().out


@pytest.mark.usefixtures("coarse_sample")
@pytest.mark.parametrize("more", [[], ["--pair"], ["--count", "2"]])
def test_the_phantom_command_writes_over_no_earlier_one_unasked(tmp_path, capsys, more):
    folder = tmp_path / "sample" / {"--pair": "prior", "--count": "case-000002"}.get(more[0] if more else "", "")
    folder.mkdir(parents=True)
    (folder / "ct.nrrd").write_text("a person's own")
    assert main(["lung", "phantom", "--output", str(tmp_path / "sample"), *more]) == 2
    complaint = capsys.readouterr().err
    assert complaint == (
        f"'{folder}' holds ct.nrrd already: choose another --output, or add --replace to write over it.\n"
    )
    assert (folder / "ct.nrrd").read_text() == "a person's own"


@pytest.mark.usefixtures("coarse_sample")
def test_the_phantom_command_replaces_an_earlier_one_when_asked(tmp_path):
    arguments = ["lung", "phantom", "--output", str(tmp_path / "sample")]
    assert main(arguments) == main([*arguments, "--replace", "--seed", "2"]) == 0
    assert main(arguments) == 2


def test_a_seed_below_zero_is_a_bad_input(tmp_path, capsys):
    assert main(["lung", "phantom", "--output", str(tmp_path / "sample"), "--seed", "-1"]) == 2
    assert "seed" in capsys.readouterr().err
    assert not (tmp_path / "sample").exists()


@pytest.mark.usefixtures("coarse_sample")
def test_the_demo_shows_findings_beside_the_truth_and_where_to_look(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo_run.host, "is_available", lambda: False)
    assert main(["lung", "demo", "--output", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "planted nodules found" in said
    assert "matched" in said
    assert str(tmp_path / "report.html") in said
    assert (tmp_path / "sample" / "truth.json").is_file()


@pytest.mark.slow
def test_the_demo_takes_a_ct_of_ones_own(small_chest, tmp_path, monkeypatch, capsys):
    from LungNoduleAILib.synthesis.truth import CT_FILE, write_phantom

    write_phantom(small_chest, tmp_path / "own")
    monkeypatch.setattr(demo_run.host, "is_available", lambda: False)
    assert main(["lung", "demo", "--ct", str(tmp_path / "own" / CT_FILE), "--output", str(tmp_path / "out")]) == 0
    assert "planted" not in capsys.readouterr().out
    assert not (tmp_path / "out" / "sample").exists()
