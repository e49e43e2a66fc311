"""A second analysis keeps what the reader said of the first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fixtures.synthetic_chest import GEOMETRIES, chest_volume, nodule, result_on
from LungNoduleAILib.analysis.carry_over import carried_over
from LungNoduleAILib.analysis.review import reviewing
from LungNoduleAILib.analysis.review.review_record import By, undo
from ThoraxAILib.image.mask import Mask

BY = By("reader A", "2026-01-02T03:04:05+00:00")
LATER = By("reader A", "2026-02-02T03:04:05+00:00")


@pytest.fixture
def volume():
    return chest_volume(GEOMETRIES["axial"])


@pytest.fixture
def old(volume):
    findings = result_on(volume).findings
    findings = reviewing.decide(findings, "Nodule_01", "rejected", "vessel", BY)
    findings = reviewing.state(findings, "Nodule_02", "type", "part-solid", BY)
    return reviewing.added(findings, nodule(volume, 9, (3, 20, 22)), BY)[0]


def test_the_same_finding_keeps_name_decision_and_statement_beside_the_new_measurement(volume, old):
    fresh = result_on(volume).findings
    rows = (replace(fresh.findings[1], id="Nodule_01", volume_mm3=99.0), replace(fresh.findings[0], id="Nodule_02"))
    found = {f.id: f for f in carried_over(old, replace(fresh, findings=rows), LATER).findings}
    assert (found["Nodule_01"].status, found["Nodule_01"].reason) == ("rejected", "vessel")
    assert (found["Nodule_02"].type, found["Nodule_02"].ai_values) == ("part-solid", {"type": "ground-glass"})
    assert found["Nodule_02"].volume_mm3 == 99.0
    assert found["Nodule_03"].source == "reader"
    assert "Mass_01" not in found  # unreviewed, and the software does not see it any more


def test_what_was_decided_and_is_not_found_again_stays_with_a_note(volume, old):
    kept = carried_over(old, replace(result_on(volume).findings, findings=()), LATER)
    assert [f.id for f in kept.findings] == ["Nodule_01", "Nodule_02", "Nodule_03"]
    assert "analysis of 2026-02-02 did not find it again" in kept.findings[0].notes[-1]


def test_a_drawn_outline_stays_with_its_numbers(volume, old):
    drawn = replace(nodule(volume, 1, (15, 8, 5), volume_mm3=700.0), mask=Mask((14, 7, 4), np.ones((6, 6, 6), bool)))
    old = reviewing.remeasured(old, "Nodule_01", drawn, "outline edited", BY)
    fresh = result_on(volume).findings
    fresh = replace(fresh, findings=(replace(fresh.findings[0], volume_mm3=310.0), *fresh.findings[1:]))
    first = carried_over(old, fresh, LATER).findings[0]
    assert first.volume_mm3 == 700.0
    assert first.ai_values["volume_mm3"] == 310.0
    assert first.mask.array.shape == (6, 6, 6)


def test_without_a_word_of_the_reader_the_new_analysis_is_as_it_is(volume):
    fresh = result_on(volume).findings
    assert carried_over(result_on(volume).findings, fresh, LATER) is fresh


def test_a_second_analysis_can_be_undone(volume, old):
    after = carried_over(old, replace(result_on(volume).findings, findings=()), LATER)
    back = undo(after, LATER)
    assert {f.id: f.to_dict() for f in back.findings} == {f.id: f.to_dict() for f in old.findings}
