"""Training cases of the Siamese network: patches of all nodules and of look-alike places of a person on two dates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.followup.matching.lung_frame import LungFrame
from LungNoduleAILib.followup.matching.siamese import place_values
from LungNoduleAILib.followup.matching.siamese_patches import PATCH_MM, PATCH_VOXELS
from LungNoduleAILib.synthesis.model.body import Body
from LungNoduleAILib.synthesis.model.structures import LUNG_VESSEL
from LungNoduleAILib.synthesis.two_dates.plan import LongitudinalPlan, plan_case
from LungNoduleAILib.synthesis.two_dates.rendering import DateView
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.tuples import two

VESSELS, PLEURA, IMITATIONS = 5, 2, 3
CENTER_ERROR_MM, CENTER_ERROR_SHARE = 0.6, 0.04  # of the diameter: how far a detector's center is off
CROPPED, PLACES_HIDDEN, MAX_CROP = 0.2, 0.25, 0.35
_LUNG_STEP = 6


@dataclass(frozen=True, eq=False)
class DatePlaces:
    """Places of one date: true identity, center as a detector would give it, and the lungs' frame as seen there.

    ``names`` of the same place are the same on both dates; nodules come first, ``nodules`` of them.
    """

    names: tuple[str, ...]
    centers_ras_mm: np.ndarray
    diameters_mm: np.ndarray
    frame: LungFrame
    nodules: int

    def values(self) -> np.ndarray:
        """Return what the network is told of the places."""
        return place_values(self.centers_ras_mm, self.frame)


@dataclass(frozen=True, eq=False)
class SiameseCase:
    """One step's data: HU cubes and place values of both dates, and the index pairs of the same places."""

    patches: tuple[np.ndarray, np.ndarray]
    places: tuple[np.ndarray, np.ndarray]
    prior_index: tuple[int, ...]
    current_index: tuple[int, ...]


def draw_case(body: Body, seed: int, number: int) -> SiameseCase:
    """Return the case ``number`` of a training ``seed`` with this body: a function of these alone."""
    rng = np.random.default_rng([seed, 71, number])
    plan = plan_case(int(rng.integers(2**31)), body.setting, body=body)
    dates = draw_places(plan, rng, with_empty=True)
    patches, values = [], []
    for view, date in zip((plan.prior, plan.current), dates, strict=True):
        patches.append(render_patches(view, date.centers_ras_mm, rng))
        told = date.values()
        if rng.random() < PLACES_HIDDEN:
            told[:] = 0.0
        values.append(told)
    prior, current = (list(date.names) for date in dates)
    shared = [name for name in prior if name in current]
    return SiameseCase(
        two(patches),
        two(values),
        tuple(prior.index(name) for name in shared),
        tuple(current.index(name) for name in shared),
    )


def draw_places(
    plan: LongitudinalPlan, rng: np.random.Generator, with_empty: bool = False
) -> tuple[DatePlaces, DatePlaces]:
    """Nodules of both dates as detectors would center them, and places on vessels, pleura and imitations of nodules.

    ``with_empty`` adds, without a partner, the places where a new nodule was not yet and a resolved one no longer is:
    what tells a nodule from the same lung without it is the nodule.
    """
    others = _other_places(plan.body, rng)
    dates = []
    for number, view in enumerate((plan.prior, plan.current)):
        nodules = [(link.id, (link.prior, link.current)[number]) for link in plan.links]
        shown = [(name, nodule) for name, nodule in nodules if nodule is not None]
        empty = _empty_places(plan, number) if with_empty else {}
        names = [name for name, _ in shown] + [f"P{n}" for n in range(len(others))] + list(empty)
        centers = np.concatenate(
            [
                np.array([n.center_ras_mm for _, n in shown]).reshape(-1, 3),
                view.motion.to_current(others),
                np.array(list(empty.values())).reshape(-1, 3),
            ]
        )
        diameters = np.array([n.diameter_mm for _, n in shown] + [5.0] * (len(others) + len(empty)))
        off = rng.normal(0, 1, centers.shape) * (CENTER_ERROR_MM + CENTER_ERROR_SHARE * diameters)[:, None]
        dates.append(DatePlaces(tuple(names), centers + off, diameters, lung_frame(view, rng), len(shown)))
    return two(dates)


def _empty_places(plan: LongitudinalPlan, number: int) -> dict[str, np.ndarray]:
    """Where the nodules of the other date alone would lie on this date, by names that date does not have."""
    if number == 0:
        return {
            f"before {link.id}": plan.motion.to_prior(np.array(link.current.center_ras_mm))
            for link in plan.links
            if link.prior is None and link.current is not None
        }
    return {
        f"after {link.id}": plan.motion.to_current(np.array(link.prior.center_ras_mm))
        for link in plan.links
        if link.current is None and link.prior is not None
    }


def render_patches(view: DateView, centers_ras_mm: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return scanned HU cubes (n, 48, 48, 48) around places of one date."""
    size = (PATCH_VOXELS,) * 3
    return np.array(
        [view.patch(Grid.around(center, (PATCH_MM,) * 3, size), rng) for center in centers_ras_mm], dtype=np.float32
    ).reshape(-1, *size)


def lung_frame(view: DateView, rng: np.random.Generator) -> LungFrame:
    """Return the frame of the lungs of a date; now and then the scan cuts off their top or base."""
    labels = view.body.labels[::_LUNG_STEP, ::_LUNG_STEP, ::_LUNG_STEP]
    index = np.argwhere((labels > 0) & (labels < 6)) * _LUNG_STEP
    matrix = view.body.grid.ijk_to_ras
    points = view.motion.to_current(index[:, ::-1] @ matrix[:3, :3].T + matrix[:3, 3])
    if rng.random() < CROPPED:
        low, high = points[:, 2].min(), points[:, 2].max()
        cut = rng.uniform(0.05, MAX_CROP) * (high - low)
        points = points[points[:, 2] > low + cut] if rng.random() < 0.5 else points[points[:, 2] < high - cut]
    return LungFrame.around(points)


def _other_places(body: Body, rng: np.random.Generator) -> np.ndarray:
    """Places (n, 3) RAS mm of the body that are no nodules: on vessels, at the pleura, imitations."""
    step = 3
    labels = body.labels[::step, ::step, ::step]
    lung = (labels > 0) & (labels < 6)
    vessel = np.argwhere(body.structures[::step, ::step, ::step] == LUNG_VESSEL)
    edge = np.argwhere(lung[:-1, :-1] & ~(lung[1:, :-1] & lung[:-1, 1:]))
    matrix = body.grid.ijk_to_ras
    found = [
        places[rng.integers(len(places), size=count)] * step @ matrix[:3, 2::-1].T + matrix[:3, 3]
        for places, count in ((vessel, VESSELS), (edge, PLEURA))
        if len(places)
    ]
    if body.negatives:
        picked = rng.permutation(len(body.negatives))[:IMITATIONS]
        found.append(np.array([body.negatives[n].center_ras_mm for n in picked]))
    return np.concatenate(found) if found else np.zeros((0, 3))
