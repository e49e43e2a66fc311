"""The real pair of lungs of elastix' tests: two breath levels of one person, landmarks set by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("torch")

from LungNoduleAILib.followup.difference.difference_map import difference_map
from LungNoduleAILib.followup.registration.register import LungRegistration, register_lungs
from LungNoduleAILib.followup.registration.same_person import plausibly_same_person
from LungNoduleAILib.model.registration_options import LungRegistrationOptions
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import read_volume

LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


class RealDate:
    """Scan, lung labels (the right lung: 1) and landmarks in RAS mm."""

    def __init__(self, folder: Path, name: str, landmarks: str) -> None:
        self.volume: Volume = read_volume(folder / f"3DCT_lung_{name}.mha")
        mask = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / f"3DCT_lung_{name}_mask.mha")))
        self.labels = (mask > 0).astype(np.uint8)
        self.points = np.loadtxt(folder / f"3DCT_lung_{landmarks}.txt", skiprows=2) * LPS_TO_RAS

    def holds(self) -> np.ndarray:
        index = np.rint(self.volume.kji_from_ras(self.points)).astype(int)
        inside = ((index >= 0) & (index < self.labels.shape)).all(1)
        inside[inside] = self.labels[tuple(index[inside].T)] > 0
        return inside


@pytest.fixture(scope="module")
def pair(shared_data: Callable[[str], Path]) -> tuple[RealDate, RealDate]:
    folder = shared_data("ct/lung-pair-elastix")
    return RealDate(folder, "baseline", "baseline_landmarks"), RealDate(folder, "followup", "groundtruth_point")


@pytest.fixture(scope="module")
def registration(pair: tuple[RealDate, RealDate]) -> LungRegistration:
    prior, current = pair
    return register_lungs(
        prior.volume, current.volume, prior.labels, current.labels, LungRegistrationOptions(threads=1)
    )


@pytest.mark.slow
def test_landmarks_inside_the_lungs_meet_within_2_mm(registration: LungRegistration, pair: tuple[RealDate, RealDate]):
    prior, current = pair
    use = prior.holds() & current.holds()
    assert use.sum() == 51
    there = np.linalg.norm(registration.map_points_to_prior(current.points[use]) - prior.points[use], axis=1)
    back = np.linalg.norm(registration.map_points_to_current(prior.points[use]) - current.points[use], axis=1)
    assert there.mean() < 2.0
    assert back.mean() < 2.0


def test_the_lungs_cover_each_other_without_folds(registration: LungRegistration):
    quality = registration.quality
    assert quality.lung_dice > 0.97
    assert quality.folded_cells_percent < 0.1
    assert quality.inverse_consistency_mean_mm < 2.0


def test_one_person_at_two_breath_levels_is_plausible_and_shows_no_new_nodule(
    registration: LungRegistration, pair: tuple[RealDate, RealDate]
):
    prior, current = pair
    assert plausibly_same_person(registration)[0]
    found = difference_map(registration, prior.volume, current.volume, prior.labels, current.labels)
    assert [blob for blob in found.blobs if blob.kind == "appeared"] == []
