"""The difference map finds what was planted at the second date, and nothing where only motion and noise differ."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from fixtures.lung_pair_builder import Date, Motion, Scanner, patient, scanned

pytest.importorskip("torch")

from LungNoduleAILib.followup.difference.difference_map import DifferenceMap, difference_map
from LungNoduleAILib.followup.registration.register import LungRegistration, register_lungs
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.registration_options import LungRegistrationOptions
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule

SEED = 3
MOTION = Motion((6.0, -3.0, 10.0), 8.0, 2.0)
PRIOR_SCANNER, CURRENT_SCANNER = Scanner((2.0, 2.0, 2.0), 1.0, 40.0), Scanner((2.0, 2.0, 2.5), 2.0, 15.0)
OPTIONS = LungRegistrationOptions(grid_mm=4.0, both_directions=False, threads=1)
NEW, GROWN, STABLE, GONE = range(4)


def right_lung(date: Date) -> Date:
    """The date with its left lung left out: half the work."""
    return Date(date.volume, np.where(date.labels <= 3, date.labels, 0).astype(np.uint8))


def ball(center: np.ndarray, diameter_mm: float) -> PlantedNodule:
    return PlantedNodule(tuple(float(x) for x in center), (diameter_mm / 2,) * 3)


def empty_places(chest: Date, count: int) -> np.ndarray:
    """Places deep in the right lung, far from vessels and from each other."""
    lung = (chest.labels >= 1) & (chest.labels <= 3) & (chest.volume.array < -650)
    depth = distance_transform_edt(lung, sampling=chest.volume.spacing_kji_mm)
    places: list[np.ndarray] = []
    for index in np.argwhere(depth > 5)[np.argsort(-depth[depth > 5])]:
        point = chest.volume.ras_from_kji(index)
        if all(np.linalg.norm(point - other) > 40 for other in places):
            places.append(point)
        if len(places) == count:
            break
    return np.array(places)


@pytest.fixture(scope="module")
def places() -> np.ndarray:
    return empty_places(patient(SEED, spacing_mm=2.0), 4)


def registered(prior: Date, current: Date) -> LungRegistration:
    return register_lungs(prior.volume, current.volume, prior.labels, current.labels, OPTIONS)


@pytest.fixture(scope="module")
def changed(places: np.ndarray) -> tuple[Date, Date, LungRegistration, DifferenceMap]:
    """Two dates and what changed between them; of the findings one is new, one is stable and one is gone."""
    before = [ball(places[GROWN], 6), ball(places[STABLE], 8), ball(places[GONE], 8)]
    after = [ball(places[NEW], 6), ball(places[GROWN], 10), ball(places[STABLE], 8)]
    prior = right_lung(scanned(patient(SEED, before, 2.0), Motion(), PRIOR_SCANNER, 1))
    current = right_lung(scanned(patient(SEED, after, 2.0), MOTION, CURRENT_SCANNER, 2))
    found = registered(prior, current)
    now = [
        finding("Nodule_01", MOTION.to_current(places[NEW]), 6.0),
        finding("Nodule_02", MOTION.to_current(places[STABLE]), 8.0),
    ]
    gone = [finding("Nodule_07", places[GONE], 8.0)]
    told = difference_map(found, prior.volume, current.volume, prior.labels, current.labels, now, gone)
    return prior, current, found, told


def at(found: DifferenceMap, place: np.ndarray) -> list[str]:
    """Kinds of the blobs within 5 mm of where a place of the prior lies in the current scan."""
    center = MOTION.to_current(place)
    return [blob.kind for blob in found.blobs if np.linalg.norm(np.array(blob.center_ras_mm) - center) < 5]


def test_a_new_6_mm_nodule_appears(changed, places: np.ndarray):
    assert at(changed[3], places[NEW]) == ["appeared"]


def test_growth_and_disappearance_are_named(changed, places: np.ndarray):
    assert at(changed[3], places[GROWN]) == ["grew"]
    assert at(changed[3], places[GONE]) == ["vanished"]


def test_a_stable_nodule_is_not_listed_and_nothing_else_is(changed, places: np.ndarray):
    assert at(changed[3], places[STABLE]) == []
    assert len(changed[3].blobs) == 3


def test_the_size_and_contrast_of_a_change_are_near_the_truth(changed, places: np.ndarray):
    center = MOTION.to_current(places[NEW])
    blob = min(changed[3].blobs, key=lambda b: np.linalg.norm(np.array(b.center_ras_mm) - center))
    assert 4.0 < blob.diameter_mm < 8.0
    assert 200 < blob.mean_difference_hu < 900
    assert blob.uncertainty_mm < 5
    back = np.linalg.norm(np.array(blob.prior_center_ras_mm) - places[NEW])
    assert back < 5


@pytest.mark.slow
def test_another_kernel_noise_and_breath_level_alone_show_nothing(places: np.ndarray):
    nodules = [ball(places[STABLE], 8), ball(places[GONE], 8)]
    chest = patient(SEED, nodules, 2.0)
    prior = right_lung(scanned(chest, Motion(), PRIOR_SCANNER, 3))
    current = right_lung(scanned(chest, MOTION, CURRENT_SCANNER, 4))
    found = difference_map(registered(prior, current), prior.volume, current.volume, prior.labels, current.labels)
    assert found.blobs == ()
    values = found.volume.array[found.volume.array != 0]
    assert abs(float(np.median(values))) < 10  # the density of the other breath level is taken out
    assert float(np.percentile(np.abs(values), 90)) < 60


def test_a_change_carries_the_name_of_the_finding_it_lies_on(changed):
    names = {blob.kind: blob.finding_id for blob in changed[3].blobs}
    assert names == {"appeared": "Nodule_01", "vanished": "Nodule_07", "grew": None}


def finding(name: str, center: np.ndarray, diameter_mm: float) -> Finding:
    return Finding(
        name,
        tuple(float(x) for x in center),
        diameter_mm,
        diameter_mm,
        diameter_mm,
        100.0,
        "solid",
        0.0,
        100.0,
        None,
        None,
        0.9,
    )


@pytest.mark.slow
def test_nothing_is_said_where_the_registration_is_too_uncertain(changed, places: np.ndarray):
    from dataclasses import replace

    prior, current, found, before = changed
    unsure = np.where(found.uncertainty_mm.array > 0, np.float32(9.0), np.float32(0.0))
    blind = replace(found, uncertainty_mm=found.uncertainty_mm.with_array(unsure))
    told = difference_map(blind, prior.volume, current.volume, prior.labels, current.labels)
    assert told.blobs == ()
    assert len(before.blobs) > 0


def test_the_map_is_zero_outside_the_lungs_and_its_json_is_plain(changed):
    import json

    _, current, _, found = changed
    drawn = np.argwhere(found.volume.array != 0)
    index = np.rint(current.volume.kji_from_ras(found.volume.ras_from_kji(drawn))).astype(int)
    labels = current.labels[tuple(index.clip(0, np.array(current.labels.shape) - 1).T)]
    assert (labels > 0).mean() > 0.99
    entry = json.loads(json.dumps(found.to_dict()))
    assert {
        "center_ras_mm",
        "diameter_mm",
        "volume_mm3",
        "mean_difference_hu",
        "kind",
        "uncertainty_mm",
        "finding_id",
    } <= set(entry["blobs"][0])
