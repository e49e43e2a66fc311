"""Growth between two measurements of one nodule: exact doubling times, the band, both rules, refusals."""

import math
from dataclasses import replace

import pytest

from LungNoduleAILib.followup.growth.assessment import (
    ScanContext,
    assess_growth,
    days_between,
    scan_differences,
    variability_band_percent,
    volume_doubling_days,
)
from LungNoduleAILib.model.findings import Finding


def nodule(
    diameter_mm: float, volume_mm3: float | None = None, hu: float = 20.0, solid: float | None = None
) -> Finding:
    volume = math.pi / 6 * diameter_mm**3 if volume_mm3 is None else volume_mm3
    return Finding(
        "Nodule_01",
        (0.0, 0.0, 0.0),
        diameter_mm,
        diameter_mm,
        diameter_mm,
        volume,
        "solid",
        hu,
        volume * (hu + 1000) / 1000,
        "RUL",
        "right",
        0.9,
        solid_volume_mm3=solid,
    )


def grown(percent: float, diameter_mm: float = 10.0, days: int | None = 90, **scans) -> object:
    first = nodule(diameter_mm)
    return assess_growth(first, nodule(diameter_mm, first.volume_mm3 * (1 + percent / 100)), days, **scans)


@pytest.mark.parametrize(
    ("before", "after", "days", "expected"),
    [(100.0, 125.0, 365, 1133.8), (250.0, 400.0, 90, 132.7), (100.0, 200.0, 77, 77.0), (100.0, 800.0, 90, 30.0)],
)
def test_doubling_time_is_the_exact_formula(before, after, days, expected):
    assert volume_doubling_days(before, after, days) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(("before", "after", "days"), [(100.0, 100.0, 90), (100.0, 60.0, 90), (100.0, 150.0, 0)])
def test_without_growth_or_time_there_is_no_doubling_time_and_never_a_negative_one(before, after, days):
    assert volume_doubling_days(before, after, days) is None


@pytest.mark.parametrize(
    ("percent", "diameter_mm", "verdict"),
    [
        (100, 10.0, "growing"),
        (25.1, 10.0, "growing"),
        (24.9, 10.0, "indeterminate"),
        (10.0, 10.0, "indeterminate"),
        (8.0, 10.0, "stable"),
        (-8.0, 10.0, "stable"),
        (-15.0, 10.0, "indeterminate"),
        (-25.0, 10.0, "shrinking"),
        (25.1, 6.0, "indeterminate"),
        (25.7, 6.0, "growing"),
        (12.0, 6.0, "stable"),
    ],
)
def test_small_changes_are_indeterminate_and_the_band_follows_the_size(percent, diameter_mm, verdict):
    assert grown(percent, diameter_mm).growth == verdict


def test_unlike_scans_need_a_larger_change():
    unlike = {"prior_scan": ScanContext("20200101", "B30f", 1.0), "current_scan": ScanContext("20200401", "B70f", 1.0)}
    assert grown(30.0, 6.0).growth == "growing"
    assert grown(30.0, 6.0, **unlike).growth == "indeterminate"
    assert variability_band_percent(6.0, False) > variability_band_percent(6.0, True)


def test_two_scans_of_one_day_never_show_growth():
    assert grown(200.0, days=0).growth == "indeterminate"
    assert grown(3.0, days=0).growth == "stable"
    assert grown(200.0, days=0).vdt_days is None


def test_both_rules_are_told_side_by_side():
    wider = assess_growth(nodule(10.0), nodule(11.6, nodule(10.0).volume_mm3 * 1.1), 300)
    assert (wider.grows_by_volume, wider.grows_by_diameter, wider.growth) == (False, True, "indeterminate")
    exactly = assess_growth(nodule(3.9), nodule(5.4), 300)
    assert exactly.grows_by_volume
    assert not exactly.grows_by_diameter, "3.9 to 5.4 is exactly 1.5 mm, which is not more than 1.5 mm"


def test_a_missing_date_leaves_the_change_but_no_doubling_time():
    growth = grown(100.0, days=None)
    assert growth.growth == "growing"
    assert growth.vdt_days is None
    assert "date" in growth.vdt_reason


@pytest.mark.parametrize("percent", [0.05, 2.0, 12.0, 24.0, -30.0])
def test_a_change_that_is_no_growth_has_no_doubling_time_however_long_but_words(percent):
    growth = grown(percent)
    assert (growth.vdt_days, growth.doubling_words) == (None, "no growth measured")
    assert growth.vdt_reason == "No growth was measured: no doubling time."


def test_a_doubling_time_is_told_in_days_and_an_absurd_one_of_an_older_file_is_not():
    assert grown(100.0, days=91).doubling_words == "91 days"
    assert replace(grown(2.0, days=91), vdt_days=190_000.0, vdt_reason="").doubling_words == "no growth measured"
    assert grown(100.0, days=None).doubling_words == ""


def test_reversed_dates_and_empty_measurements_are_refused():
    with pytest.raises(ValueError, match="later"):
        grown(100.0, days=-3)
    with pytest.raises(ValueError, match="positive"):
        assess_growth(nodule(5.0, 0.0), nodule(5.0), 90)


@pytest.mark.parametrize(
    ("prior", "current", "days"),
    [
        ("20200101", "20210101", 366),
        ("20210101", "20200101", -366),
        ("", "20200101", None),
        ("20201399", "20200101", None),
        ("20200301", "20200301", 0),
    ],
)
def test_days_between_two_dates(prior, current, days):
    assert days_between(prior, current) == days


def test_density_mass_and_solid_part_are_compared():
    growth = assess_growth(nodule(10, 500.0, -600.0, solid=50.0), nodule(10, 500.0, -400.0, solid=100.0), 90)
    assert growth.density_change_hu == 200
    assert growth.mass_change_percent == pytest.approx(50)
    assert growth.solid_volume_change_percent == pytest.approx(100)


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (ScanContext(kernel="B70f", slice_mm=1.0), "kernels"),
        (ScanContext(kernel="B30f", slice_mm=5.0), "slices"),
        (ScanContext(kernel="B30f", slice_mm=1.0, contrast="yes"), "contrast"),
    ],
)
def test_scans_made_differently_are_told(other, word):
    told = scan_differences(ScanContext(kernel="B30f", slice_mm=1.0), other)
    assert len(told) == 1
    assert word in told[0]


@pytest.mark.parametrize(("slice_mm", "count"), [(1.0, 0), (5.0, 1)])
def test_scans_made_alike_differ_in_nothing_but_thick_slices_are_told(slice_mm, count):
    scan = ScanContext(kernel="B30f", slice_mm=slice_mm)
    assert ["thick" in sentence for sentence in scan_differences(scan, scan)] == [True] * count
