"""Doubling times from two measured CTs of a sphere that doubled its volume: the truth is closed-form."""

from __future__ import annotations

import numpy as np
import pytest

from LungNoduleAILib.analysis.engines import choose_engines
from LungNoduleAILib.followup.growth.assessment import assess_growth
from LungNoduleAILib.measurement.lung_depth import LungDepth
from LungNoduleAILib.measurement.measure import measure
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.synthesis import make_ellipsoid

DELINEATOR = choose_engines(AnalysisOptions()).delineator.made

DAYS = 100
SLICES_MM = (1.0, 1.5, 2.5)


def measured(diameter_mm: float, slice_mm: float, noise_hu: float, seed: int) -> Finding:
    """The sphere of one date, found a little beside its center and with a wrong size, as by a detector."""
    phantom = make_ellipsoid(
        diameter_mm, spacing_mm=(0.7, 0.7, slice_mm), noise_hu=noise_hu, seed=seed, block_mm=2 * diameter_mm + 26
    )
    random = np.random.default_rng(seed)
    volume = phantom.volume.in_lps_order()
    anatomy = Anatomy(np.full(volume.array.shape, 3, np.uint8))
    center = np.array(phantom.nodule.center_ras_mm) + random.normal(0, 0.4, 3)
    candidate = Candidate(tuple(center.tolist()), float(diameter_mm * random.uniform(0.85, 1.15)), 0.9)
    return measure(volume, anatomy, LungDepth(volume, anatomy), candidate, "test", DELINEATOR)


def doubling_days(diameter_mm: float, prior_mm: float, current_mm: float, seed: int = 0) -> float:
    prior = measured(diameter_mm, prior_mm, 20.0, 10 * int(diameter_mm) + seed)
    current = measured(diameter_mm * 2 ** (1 / 3), current_mm, 20.0, 1000 + 10 * int(diameter_mm) + seed)
    growth = assess_growth(prior, current, DAYS)
    assert growth.growth == "growing"
    return growth.vdt_days


@pytest.mark.parametrize("diameter_mm", [8.0, 12.0, 18.0])
@pytest.mark.parametrize(("prior_mm", "current_mm"), [(mm, mm) for mm in SLICES_MM] + [(1.0, 2.5), (2.5, 1.0)])
def test_a_doubled_volume_gives_the_days_between_as_doubling_time_within_10_percent(
    diameter_mm: float, prior_mm: float, current_mm: float
):
    assert doubling_days(diameter_mm, prior_mm, current_mm) == pytest.approx(DAYS, rel=0.10)


@pytest.mark.parametrize("slice_mm", [1.0, 2.5])
def test_at_6_mm_where_noise_weighs_most_the_doubling_time_is_right_on_average_and_never_far_off(slice_mm: float):
    days = [doubling_days(6.0, slice_mm, slice_mm, seed) for seed in range(4)]
    assert np.median(days) == pytest.approx(DAYS, rel=0.10)
    assert days == pytest.approx([DAYS] * 4, rel=0.20)


@pytest.mark.parametrize("slice_mm", [1.0, 1.5, 2.5])
def test_a_sphere_that_kept_its_size_is_stable_at_another_date_with_other_noise(slice_mm: float):
    prior, current = (measured(9.0, slice_mm, noise, seed) for noise, seed in ((15.0, 1), (35.0, 2)))
    assert assess_growth(prior, current, DAYS).growth == "stable"
