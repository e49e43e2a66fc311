"""Stages measure what ran, in order, also when it failed."""

from __future__ import annotations

import numpy as np
import pytest

from ThoraxAILib.jobs.stages import Stages


def test_stages_are_recorded_in_the_order_they_ended():
    stages = Stages()
    with stages.stage("read"):
        pass
    with stages.stage("detect"):
        pass
    assert [entry["name"] for entry in stages.entries] == ["read", "detect"]
    assert stages.seconds == pytest.approx(sum(entry["seconds"] for entry in stages.entries))


def test_memory_held_during_a_stage_shows_in_its_peak():
    stages = Stages()
    with stages.stage("small"):
        pass
    with stages.stage("large"):
        block = np.ones(25_000_000)  # 200 MB
        assert block[-1] == 1
    small, large = (entry["peak_mb"] for entry in stages.entries)
    assert large - small > 150
    assert stages.peak_mb == large


def test_a_stage_that_fails_is_recorded_and_its_error_passes():
    stages = Stages()
    with pytest.raises(ValueError, match="broken"), stages.stage("detect"):
        raise ValueError("broken")
    assert stages.entries[0]["name"] == "detect"
