"""The scans of a follow-up are checked before anything is computed."""

from dataclasses import replace

import numpy as np
import pytest

from LungNoduleAILib.followup.growth.scans import check_scans, interval_days, interval_warnings
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import SeriesIdentity, Volume


def scan(date: str = "", fill: int = 0, **identity) -> Volume:
    array = np.full((4, 4, 4), fill, np.int16)
    return Volume(array, np.eye(4), identity=SeriesIdentity(study_date=date, **identity))


def test_scans_in_order_of_their_dates_are_accepted():
    check_scans([scan("20200101", 1), scan("20200401", 2), scan("", 3), scan("20210101", 4)], None)


@pytest.mark.parametrize(
    ("volumes", "days", "word"),
    [
        ([scan("20200101")], None, "at least two"),
        ([scan("20200401", 1), scan("20200101", 2)], None, "oldest to the newest"),
        ([scan("20200101"), scan("20200401")], None, "same images"),
        ([scan(fill=1), scan(fill=2), scan(fill=1)], None, "Scans 1 and 3"),
        ([scan(fill=1), scan(fill=2), scan(fill=3)], 90, "two scans only"),
    ],
)
def test_what_cannot_be_followed_is_told_in_one_sentence(volumes, days, word):
    with pytest.raises(InputError, match=word):
        check_scans(volumes, days)


def test_given_days_stand_in_for_dates():
    assert interval_days(scan(""), scan("20200101"), 90) == 90
    assert interval_days(scan("20200101"), scan("20200131"), None) == 30
    assert interval_days(scan(""), scan("20200131"), None) is None
    with pytest.raises(InputError, match="negative"):
        FollowUpOptions(days=-1)


def test_unlike_scans_and_missing_dates_are_warned_of():
    first = scan("20200101", kernel="B30f", slice_thickness_mm=1.0)
    second = replace(first, identity=replace(first.identity, kernel="B70f", study_date=""))
    told = " ".join(interval_warnings(first, second, None))
    assert "kernels" in told
    assert "date is missing" in told
    assert interval_warnings(first, first, 90) == ()
    assert "same day" in interval_warnings(first, first, 0)[0]
