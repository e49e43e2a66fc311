"""One real CT in two kernels, as if it were two dates: its mass is the same mass and did not grow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch")

from LungNoduleAILib.analysis.follow_up import follow_up
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.io import find_series, read_volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages


@pytest.mark.slow
def test_the_mass_of_one_day_in_two_kernels_is_matched_and_never_told_to_grow(shared_data: Callable[[str], Path]):
    folder = shared_data("ct/Lung_Dx-A0002")
    series = {s.kernel: s for s in find_series(folder) if s.usable}
    volumes = [read_volume(folder, series[kernel].choice) for kernel in ("B40f", "B70f")]
    analysis = AnalysisOptions(detector="classical", anatomy="classical")
    interval = follow_up(volumes, FollowUpOptions(analysis), Progress(), Stages()).follow_up.intervals[0]
    masses = [pair for pair in interval.pairs if "Mass_01" in (pair.prior_id, pair.current_id)]
    assert [pair.status for pair in masses] == ["matched"]
    assert all(pair.growth.growth != "growing" for pair in interval.pairs if pair.growth is not None)
    assert any("kernels differ" in text for text in interval.warnings)
    assert any("same day" in text for text in interval.warnings)
