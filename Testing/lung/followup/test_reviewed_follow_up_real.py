"""The whole comparison of the sample pair with reviews of both dates: nothing is replaced."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from LungNoduleAILib.analysis.analyze import analyze
from LungNoduleAILib.analysis.review import reviewing
from LungNoduleAILib.analysis.review.review_record import By
from LungNoduleAILib.analysis.turned_masks import in_lps
from LungNoduleAILib.cases.requests import FollowUpRequest
from LungNoduleAILib.cases.two_dates.follow_up_case import follow_up_case
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.model.reviewed import ReviewedScan, reviewed_to_dict
from LungNoduleAILib.synthesis.truth import CT_FILE, write_phantom
from LungNoduleAILib.synthesis.two_dates.sample_pair import make_sample_pair
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.io import read_volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages

BY = By("reader A", "2026-01-02T03:04:05+00:00")
CLASSICAL = AnalysisOptions(detector="classical", anatomy="classical", delineator="classical")


def ball(volume, center_ras_mm, radius_mm: float) -> Mask:
    """A ball of the grid of ``volume`` (LPS order): an outline that no software draws."""
    center = volume.kji_from_ras(np.array(center_ras_mm))
    half = radius_mm / volume.spacing_kji_mm
    low, high = np.floor(center - half).astype(int), np.ceil(center + half).astype(int) + 1
    grid = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij"), -1)
    inside = (((grid - center) * volume.spacing_kji_mm) ** 2).sum(-1) <= radius_mm**2
    return Mask((int(low[0]), int(low[1]), int(low[2])), inside)


def near(findings, place_ras_mm, reach_mm: float = 6.0):
    return next((one for one in findings if math.dist(one.center_ras_mm, place_ras_mm) <= reach_mm), None)


@pytest.mark.slow
def test_added_and_rejected_nodules_of_both_dates_are_compared_as_the_reader_left_them(tmp_path):
    pair = make_sample_pair(1, (1.5, 1.5, 2.0))
    inputs = [tmp_path / name for name in ("prior", "current")]
    for folder, scan in zip(inputs, (pair.prior, pair.current), strict=True):
        write_phantom(scan, folder)
    inputs = [folder / CT_FILE for folder in inputs]
    stable = next(link for link in pair.links if link.volume_ratio == 1.0)
    grown = next(link for link in pair.links if (link.volume_ratio or 0) > 2)
    prior = in_lps(analyze(read_volume(inputs[0]), CLASSICAL, Progress(), Stages()))

    place, drawn = stable.prior.center_ras_mm, ball(prior.volume, stable.prior.center_ras_mm, 5.0)
    like = prior.findings.findings[0]
    volume_mm3 = float(drawn.array.sum() * prior.volume.voxel_mm3)
    new = replace(like, center_ras_mm=place, volume_mm3=volume_mm3, mean_diameter_mm=10.0, mask=drawn, type="solid")
    rest = tuple(one for one in prior.findings.findings if math.dist(one.center_ras_mm, place) > 8)
    review, mine = reviewing.added(replace(prior.findings, findings=rest), new, BY)
    vessel = near(review.findings, grown.prior.center_ras_mm)
    assert vessel is not None
    review = reviewing.decide(review, vessel.id, "rejected", "vessel", BY)
    handed = tmp_path / "review.json"
    handed.write_text(json.dumps(reviewed_to_dict(review, prior.volume)), encoding="utf-8")

    options = FollowUpOptions(CLASSICAL, reidentifier="none")
    output = tmp_path / "out"
    request = FollowUpRequest(tuple(inputs), output, options, False, (ReviewedScan(1, handed),))
    told = follow_up_case(request, Progress())

    kept = next(one for one in told.scans[0].findings if one.id == mine.id)
    assert (kept.source, kept.volume_mm3) == ("reader", volume_mm3)
    arrays = np.load(output / "arrays_1.npz")
    order = pair.prior.volume.axis_order_to_lps()
    np.testing.assert_array_equal(order.apply_array(arrays[f"mask_{mine.id}"]) > 0, drawn.array)
    of_mine = next(one for one in told.intervals[-1].pairs if one.prior_id == mine.id)
    assert of_mine.status == "matched"
    now = near(told.scans[1].findings, stable.current.center_ras_mm)
    assert of_mine.current_id == now.id
    of_vessel = next(one for one in told.intervals[-1].pairs if one.prior_id == vessel.id)
    assert f"{vessel.id} was rejected on the prior CT: vessel." in of_vessel.notes
    record = json.loads((output / "run.json").read_text(encoding="utf-8"))
    assert record["options"]["reviewed_scans"] == [1]
    history = json.loads((output / "findings_1.json").read_text(encoding="utf-8"))["review"]["history"]
    assert history[-1]["action"] == "analyzed again"
