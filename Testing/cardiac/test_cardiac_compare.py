"""Two dates of one person: differences beside what readers differ by, and what was done differently."""

from __future__ import annotations

import copy
import json

import pytest

import thoraxai
from CardiacBiomechLib.analysis.compare import BEYOND, OPEN, UNKNOWN, WITHIN, compare_studies
from CardiacBiomechLib.model.study import Chamber, Study
from CardiacBiomechLib.report.comparison_page import write_comparison_page
from fixtures.formats import check_format
from ThoraxAILib.cli.main import main


@pytest.fixture
def study() -> dict:
    """The content of a cardiac.json without strain."""
    lv, rv = Chamber(150.0, 60.0, (150.0, 60.0)), Chamber(140.0, 60.0, (140.0, 60.0))
    methods = {"labels": "segmented", "base": "labels", "septum": "usual lie"}
    return Study(2, 1, 2, lv, 120.0, rv, {}, {}, {}, (), None, (), None, "", (), methods).to_dict()


def change(found, name: str):
    return next(row for row in found.changes if row.name == name)


@pytest.mark.parametrize(("ef", "verdict"), [(52.0, WITHIN), (45.0, OPEN), (30.0, BEYOND)])
def test_a_change_of_ejection_fraction_is_judged_by_the_spread_of_readers(study, ef, verdict):
    later = copy.deepcopy(study)
    later["lv"]["ef_percent"] = ef
    found = change(compare_studies(study, later), "lv_ef_percent")
    assert found.difference == pytest.approx(ef - 60.0)
    assert found.bounds == pytest.approx((1.96 * 2**0.5 * 4.6, 1.96 * 2**0.5 * 7.5))
    assert found.verdict == verdict


def test_a_measure_without_a_published_spread_says_so(study):
    assert change(compare_studies(study, study), "rv_edv_ml").verdict == UNKNOWN


def test_what_only_one_date_has_is_left_out(study):
    later = {**study, "rv": None}
    assert {row.name for row in compare_studies(study, later).changes} == {
        "lv_edv_ml", "lv_esv_ml", "lv_ef_percent", "lv_mass_g",
    }  # fmt: skip


def test_another_way_of_labeling_and_grave_verdicts_are_cautions(study):
    later = copy.deepcopy(study)
    later["methods"]["labels"] = "carried"
    later["quality"] = [{"code": "few-slices", "severity": "warning", "text": "Few slices.", "touches": []}]
    cautions = compare_studies(study, later).cautions
    assert "segmented; carried" in cautions[0]
    assert cautions[1] == "Date 2: Few slices."


def wall(strain: float) -> list[dict]:
    """Segments of one strain."""
    return [{"segment": number, "name": "x", "peak_circumferential": strain} for number in range(1, 17)]


def test_the_page_shows_every_measure_the_spread_the_cautions_and_the_wall(study, tmp_path):
    later = {**copy.deepcopy(study), "segments": wall(-0.10)}
    later["lv"]["ef_percent"] = 30.0
    later["methods"]["labels"] = "<carried>"
    earlier = {**study, "segments": wall(-0.18)}
    write_comparison_page(tmp_path / "page.html", earlier, later, compare_studies(earlier, later).to_dict())
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert ">-30<" in text
    assert ">12.8 to 20.8<" in text  # 1.96 sqrt(2) times 4.6 and 7.5
    assert "more than readers differ" in text
    assert "segmented; &lt;carried&gt;" in text
    assert text.count("<figure>") == 3


def test_the_command_writes_its_files_and_refuses_a_folder_without_a_result(study, tmp_path, capsys):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cardiac.json").write_text(json.dumps(study))
    command = ["cardiac", "compare", str(tmp_path / "a"), str(tmp_path / "b"), "--output", str(tmp_path / "out")]
    assert main(command) == 0
    assert "lv_ef_percent: 60.0 to 60.0" in capsys.readouterr().out
    check_format(tmp_path / "out" / "comparison.json", "cardiac-comparison")
    assert (tmp_path / "out" / "comparison.csv").read_text().startswith("measure,unit,before")
    page = (tmp_path / "out" / "comparison.html").read_text(encoding="utf-8")
    assert all(words in page for words in ("LV EF, %", "LV EDV, mL", "<b>Earlier</b> a: ", "<b>Later</b> b: "))
    assert thoraxai.compare_cine(tmp_path / "a", tmp_path / "b", tmp_path / "out")["changes"][2]["difference"] == 0.0
    assert main([*command[:3], command[2], *command[4:]]) == 2
    assert "'a' was given as both dates" in capsys.readouterr().err
    (tmp_path / "b" / "cardiac.json").unlink()
    assert main(command) == 2
    assert "analyze an exam first" in capsys.readouterr().err
