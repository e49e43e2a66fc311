"""From findings to advice: measured sizes go in, nothing about person or exam is taken for granted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from LungNoduleAILib.cases.requests import AnalyzeRequest
from LungNoduleAILib.cli.findings.person import check_one_person
from LungNoduleAILib.guidelines.from_findings import (
    ALL_NODULES,
    NoduleBefore,
    advice_table,
    before_of_follow_up,
    nodule_inputs,
)
from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.guidelines.terms.reading import read_inputs
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.pairs import FollowUp, Interval, Pair, ScanEntry
from LungNoduleAILib.report.guidelines import guidelines_content
from ThoraxAILib.cli.main import build_parser
from ThoraxAILib.errors import InputError

BASELINE, FOLLOW_UP = PersonAndExam(exam="baseline"), PersonAndExam(exam="follow_up")
INCIDENTAL = PersonAndExam(exam="incidental", age=60, risk="low")


def finding(name: str, mm: float, kind: str = "solid", **others: object) -> Finding:
    sizes = (mm, mm + 1, mm - 1, mm**3 / 2)
    return Finding(name, (10.0, 20.0, 30.0), *sizes, kind, 0.0, 0.0, "RUL", "right", 0.9, **others)


def results(table, rule: str) -> dict[str, str]:
    return {row.nodule: row.result for row in table.rows if row.rule == rule}


def test_without_a_stated_exam_no_category_is_given():
    table = advice_table([finding("N1", 9)], PersonAndExam(age=60, sex="F"))
    assert {row.rule for row in table.rows} == {"brock"}
    assert any("kind of exam" in sentence for sentence in table.missing)


def test_a_screening_exam_gets_lung_rads_per_nodule_and_for_all():
    table = advice_table([finding("N1", 5), finding("N2", 9)], BASELINE)
    assert results(table, "lung-rads-2022") == {"N1": "category 2", "N2": "category 4A", ALL_NODULES: "category 4A"}
    assert not results(table, "fleischner-2017")


def test_an_exam_without_nodules_is_category_1():
    assert results(advice_table([], BASELINE), "lung-rads-2022") == {ALL_NODULES: "category 1"}


def test_an_incidental_exam_gets_fleischner_for_several_nodules_and_bts():
    table = advice_table([finding("N1", 5), finding("N2", 7)], INCIDENTAL)
    assert results(table, "fleischner-2017")["N2"] == "ct 3 6m then consider ct 18 24m"
    assert (
        results(advice_table([finding("N2", 7)], INCIDENTAL), "fleischner-2017")["N2"]
        == "ct 6 12m then consider ct 18 24m"
    )
    assert results(table, "bts-2015")["N1"] == "discharge"


def test_what_fleischner_lacks_is_told_once():
    table = advice_table([finding("N1", 5), finding("N2", 7)], PersonAndExam(exam="incidental"))
    assert sum("'risk'" in sentence for sentence in table.missing) == 1
    assert not results(table, "fleischner-2017")
    assert results(table, "bts-2015")


def test_rejected_findings_get_no_advice():
    rejected = finding("N2", 20).with_status("rejected", "vessel")
    assert results(advice_table([finding("N1", 5), rejected], BASELINE), "lung-rads-2022") == {"N1": "category 2"}


def test_the_solid_part_counts_only_in_part_solid_nodules_and_never_exceeds_the_whole():
    part = finding("N1", 9, "part-solid", solid_mean_diameter_mm=9.2, solid_volume_mm3=400.0)
    assert nodule_inputs(part)["solid_mean_diameter_mm"] == 9
    assert nodule_inputs(part)["solid_volume_mm3"] == pytest.approx(9**3 / 2)
    glass = finding("N1", 9, "ground-glass", solid_mean_diameter_mm=2.0)
    assert "solid_mean_diameter_mm" not in nodule_inputs(glass)
    read_inputs(nodule_inputs(part))


def test_a_calcified_finding_is_not_called_benign():
    assert results(advice_table([finding("N1", 9, "calcified")], BASELINE), "lung-rads-2022")["N1"] == "category 4A"


def test_what_is_known_from_before_decides_new_growing_and_stable():
    nodules = [finding("N1", 7), finding("N2", 7), finding("N3", 7)]
    before = {
        "N1": NoduleBefore(is_new=True),
        "N2": NoduleBefore(mean_diameter_mm=5.0, days=300),
        "N3": NoduleBefore(mean_diameter_mm=7.0, days=183, category="3"),
    }
    found = results(advice_table(nodules, FOLLOW_UP, before), "lung-rads-2022")
    assert [found[name].removesuffix("; growth").removesuffix("; no growth") for name in ("N1", "N2", "N3")] == [
        "category 4A",
        "category 4A",
        "category 2",
    ]


def test_a_follow_up_tells_what_was_before():
    prior, current, new = finding("A", 6), finding("B", 8), replace(finding("C", 5), center_ras_mm=(50.0, 0.0, 0.0))
    pairs = (
        Pair("A", "B", prior.center_ras_mm, current.center_ras_mm, "matched", 0.9),
        Pair(None, "C", None, new.center_ras_mm, "new", 0.1),
    )
    scans = tuple(ScanEntry("", "", "", 1.0, "", found) for found in ((prior,), (current, new)))
    before = before_of_follow_up(FollowUp(scans, (Interval(0, 1, 91, pairs),)), [current, new])
    assert before["B"] == NoduleBefore.of(prior, 91)
    assert before["B"].mean_diameter_mm == 6
    assert before["C"].is_new
    elsewhere = replace(current, center_ras_mm=(0.0, 0.0, 0.0))
    assert before_of_follow_up(FollowUp(scans, (Interval(0, 1, 91, pairs),)), [elsewhere]) == {}


def test_brock_counts_the_nodules_and_does_without_spiculation():
    person = PersonAndExam(age=60, sex="F", smoker_ever=False)
    one, two = (advice_table([finding(f"N{n}", 8) for n in range(count)], person) for count in (1, 2))
    assert "Model 2a" in one.rows[0].reasons[0]
    assert "2 nodules" in two.rows[0].reasons[0]
    assert {row.rule for row in one.rows} == {"brock", "mayo"}


def test_an_impossible_statement_is_refused():
    for wrong in ({"exam": "first"}, {"age": -1}, {"sex": "female"}):
        with pytest.raises(InputError):
            PersonAndExam(**wrong)


def test_the_report_says_what_was_stated_what_is_advised_and_why():
    content = guidelines_content([finding("N1", 9)], PersonAndExam(exam="baseline", smoker_ever=True))
    told = " ".join([*content.stated, *sum(content.advice.rows, ()), *content.missing, content.reader])
    for words in (
        "Stated: exam baseline, smoker ever yes.",
        "category 4A: low-dose CT in 3 months",
        "8 to below 15 mm",
        "the reader decides",
        "Brock needs to know",
    ):
        assert words in told


def test_the_report_has_no_such_section_when_nothing_is_stated():
    assert guidelines_content([finding("N1", 9)], PersonAndExam()) is None


def test_the_command_line_states_a_person_and_passes_it_on():
    words = ["--exam", "incidental", "--age", "61", "--sex", "F", "--risk", "high", "--smoker", "no"]
    arguments = build_parser().parse_args(["lung", "analyze", "ct", "--output", "out", *words])
    person = AnalyzeRequest.from_arguments(arguments).person
    assert person == PersonAndExam("incidental", 61, "F", "high", smoker_ever=False)
    assert type(person.age) is int
    assert person.to_argv() == words
    assert PersonAndExam().to_argv() == []


def test_one_person_cannot_be_stated_for_several_cases(refused):
    check_one_person(BASELINE, 2)
    check_one_person(PersonAndExam("baseline", 61), 1)
    with refused("--age describes one person, 2 cases"):
        check_one_person(PersonAndExam("baseline", 61), 2)
    with refused("--sex and --emphysema describe one person"):
        check_one_person(PersonAndExam(sex="F", emphysema=True), 2)


def test_an_impossible_age_on_the_command_line_is_one_sentence(refused):
    arguments = build_parser().parse_args(["lung", "analyze", "ct", "--output", "out", "--age", "-4"])
    with refused("'age'"):
        AnalyzeRequest.from_arguments(arguments)
