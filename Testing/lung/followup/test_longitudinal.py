"""Synthetic pairs: one person on two dates, own noise each, and a truth that can be relied on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from LungNoduleAILib.synthesis.body.make import make_body
from LungNoduleAILib.synthesis.model.body import Body
from LungNoduleAILib.synthesis.nodules.share import nodule_share
from LungNoduleAILib.synthesis.two_dates import plan as longitudinal
from LungNoduleAILib.synthesis.two_dates.motion import MotionRange, draw_motion
from LungNoduleAILib.synthesis.two_dates.plan import (
    LongitudinalPlan,
    lung_bounds_ras_mm,
    make_longitudinal_case,
    plan_case,
)
from ThoraxAILib.image.grid import Grid

COARSE_MM = (3.0, 3.0, 3.0)
STILL = MotionRange(0.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def body() -> Body:
    """A coarse person."""
    return make_body(3, "training", COARSE_MM)


@pytest.fixture(scope="module")
def plan(body) -> LongitudinalPlan:
    """A case with nodules of every fate."""
    plans = (plan_case(seed, body=body) for seed in range(20))
    return next(plan for plan in plans if {link.status for link in plan.links} == {"matched", "new", "resolved"})


def test_motion_and_its_inverse_return_to_the_same_place(body):
    low, high = lung_bounds_ras_mm(body)
    motion = draw_motion(np.random.default_rng(1), low, high, MotionRange())
    points = np.random.default_rng(2).uniform(low, high, (200, 3))
    assert np.abs(motion.to_prior(motion.to_current(points)) - points).max() < 0.01
    moved_mm = np.linalg.norm(motion.to_prior(points) - points, axis=1)
    assert 3 < moved_mm.mean() < 45


def test_the_true_field_leads_from_every_current_nodule_to_its_prior_place(body):
    case = make_longitudinal_case(4, body=body, spacing_mm=(4.0, 4.0, 5.0))
    matched = [link for link in case.links if link.status == "matched"]
    assert matched
    for link in matched:
        current = np.array(link.current.center_ras_mm)
        gap_mm = np.linalg.norm(current + case.field.at(current) - link.prior.center_ras_mm)
        assert gap_mm < 0.3
    assert {n.id for n in case.prior_nodules} == {link.id for link in case.links if link.status != "new"}
    assert {n.id for n in case.current_nodules} == {link.id for link in case.links if link.status != "resolved"}
    assert case.prior.identity.study_date < case.current.identity.study_date
    assert case.prior.array.shape == case.prior_labels.shape


def test_every_fate_and_growth_occurs(body):
    links = [link for seed in range(12) for link in plan_case(seed, body=body).links]
    ratios = np.array([link.volume_ratio for link in links if link.status == "matched"])
    assert {link.status for link in links} == {"matched", "new", "resolved"}
    assert ratios.min() >= 0.49
    assert ratios.max() <= 8.05
    assert 0.2 < np.isclose(ratios, 1.0).mean() < 0.6
    assert (ratios > 2).sum() > 5


def test_twelve_nodules_can_crowd_one_lobe(body, monkeypatch):
    monkeypatch.setattr(longitudinal, "CROWDED", 1.0)
    links = plan_case(2, body=body).links
    assert len(links) == 12
    assert len({(link.prior or link.current).lobe for link in links}) == 1


def test_the_same_seed_gives_the_same_case(body):
    one, other = (make_longitudinal_case(5, body=body, spacing_mm=(6.0, 6.0, 6.0)) for _ in range(2))
    assert np.array_equal(one.current.array, other.current.array)
    assert one.links == other.links


def test_the_two_dates_share_no_noise(plan):
    center = np.mean(lung_bounds_ras_mm(plan.body), axis=0)
    grid = Grid.around(center, (1.5, 1.5, 1.5), (40, 40, 40))
    view = replace(plan.prior, nodules=())
    quiet = replace(view, scanner=replace(view.scanner, noise_hu=0.0))
    noise = [
        view.patch(grid, np.random.default_rng(seed)) - quiet.patch(grid, np.random.default_rng(seed))
        for seed in (1, 2)
    ]
    assert min(part.std() for part in noise) > 2
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.05


def test_nodules_have_their_true_volume_and_ratio_where_they_are_shown(plan):
    link = max((one for one in plan.links if one.status == "matched"), key=lambda one: one.prior.diameter_mm)
    volumes = []
    for nodule in (link.prior, link.current):
        grid = Grid.around(np.array(nodule.center_ras_mm), (0.8, 0.8, 0.8), (90, 90, 90))
        _, share = nodule_share(grid, nodule)
        volumes.append(float(share.sum()) * 0.8**3)
    assert volumes[0] == pytest.approx(link.prior.volume_mm3, rel=0.03)
    assert volumes[1] / volumes[0] == pytest.approx(link.volume_ratio, rel=0.03)


def test_a_new_nodule_is_not_in_the_prior_scan_and_a_resolved_one_not_in_the_current(plan):
    for link in plan.links:
        if link.status == "matched":
            continue
        shown, other = (plan.current, plan.prior) if link.status == "new" else (plan.prior, plan.current)
        nodule = link.current if link.status == "new" else link.prior
        there = np.array(nodule.center_ras_mm)
        away = plan.motion.to_prior(there) if link.status == "new" else plan.motion.to_current(there)
        with_it, without = (
            view.clean_patch(Grid.around(place, (1.0, 1.0, 1.0), (3, 3, 3))).mean()
            for view, place in ((shown, there), (other, away))
        )
        assert nodule.id in {n.id for n in shown.nodules}
        assert nodule.id not in {n.id for n in other.nodules}
        assert with_it >= without - 1.0


def test_a_still_person_looks_the_same_on_both_dates_but_for_scanner_and_nodules(body):
    plan = plan_case(6, body=body, most=STILL)
    grid = Grid.around(np.mean(lung_bounds_ras_mm(body), axis=0), (3.0, 3.0, 3.0), (40, 40, 40))
    prior, current = (
        replace(view, nodules=(), contrast_hu=0.0).clean_patch(grid) for view in (plan.prior, plan.current)
    )
    assert np.abs(prior - current).max() < 1.0
