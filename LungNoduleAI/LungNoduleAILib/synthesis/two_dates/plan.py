"""The same synthetic person on two dates with the truth of every nodule: persisting (grown or not), new, resolved.

Both dates show one noise-free body; each has its own scanner, noise and contrast, and the current one another position,
breath level and elastic deformation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from LungNoduleAILib.synthesis.body.make import make_body
from LungNoduleAILib.synthesis.model.body import Body
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.nodules.planting import NodulePlanter
from LungNoduleAILib.synthesis.scanner.settings import Scanner, draw_scanner
from LungNoduleAILib.synthesis.two_dates.motion import Motion, MotionRange, draw_motion, no_motion
from LungNoduleAILib.synthesis.two_dates.rendering import DateView, on_date
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.field import Field

FIELD_STEP_MM = 4.0
DIAMETERS_MM = (4.0, 26.0)
MAX_MM = 36.0
VOLUME_RATIOS = (0.5, 8.0)
CROWDED, CROWD = 0.15, 12
_TRIES = 60


@dataclass(frozen=True)
class NoduleLink:
    """One true nodule: as it lies in the prior and in the current scan, None where it is not."""

    id: str
    prior: PlantedNodule | None
    current: PlantedNodule | None

    @property
    def status(self) -> str:
        """``matched``, ``new`` or ``resolved``."""
        return "new" if self.prior is None else "resolved" if self.current is None else "matched"

    @property
    def volume_ratio(self) -> float | None:
        """Current by prior volume of a nodule that is in both."""
        if self.prior is None or self.current is None:
            return None
        return self.current.volume_mm3 / self.prior.volume_mm3


@dataclass(frozen=True, eq=False)
class LongitudinalPlan:
    """A case before it is rendered; ``motion`` leads from current to prior coordinates (the body's)."""

    seed: int
    body: Body
    links: tuple[NoduleLink, ...]
    motion: Motion
    prior: DateView
    current: DateView


@dataclass(frozen=True, eq=False)
class LongitudinalCase:
    """Two CTs (int16 HU) with labels as in Anatomy and the true links; ``field`` is the true registration.

    ``field`` lies on a 4 mm grid over the current scan, pull-back: the prior is sampled at x + u(x).
    """

    prior: Volume
    current: Volume
    prior_labels: np.ndarray
    current_labels: np.ndarray
    links: tuple[NoduleLink, ...]
    motion: Motion
    field: Field

    @property
    def prior_nodules(self) -> tuple[PlantedNodule, ...]:
        """The nodules of the prior scan, in its RAS mm."""
        return tuple(link.prior for link in self.links if link.prior is not None)

    @property
    def current_nodules(self) -> tuple[PlantedNodule, ...]:
        """The nodules of the current scan, in its RAS mm."""
        return tuple(link.current for link in self.links if link.current is not None)


def make_longitudinal_case(
    seed: int,
    setting: str = "training",
    *,
    spacing_mm: tuple[float, float, float] = (0.9, 0.9, 1.25),
    body: Body | None = None,
    most: MotionRange | None = None,
) -> LongitudinalCase:
    """Two whole scans of ``spacing_mm`` (i, j, slice distance); same arguments, same case.

    Raises InputError for an unknown setting or a spacing that is not positive.
    """
    plan = plan_case(seed, setting, body=body, most=most, slice_mm=spacing_mm[2])
    scans = []
    for number, view in enumerate((plan.prior, plan.current)):
        grid = _covering(plan, view, spacing_mm)
        scans.append((*view.volume(grid, np.random.default_rng([seed, 61, number])), grid))
    field_grid = _coarse(scans[1][2])
    return LongitudinalCase(
        scans[0][0], scans[1][0], scans[0][1], scans[1][1], plan.links, plan.motion, plan.motion.field(field_grid)
    )


def plan_case(
    seed: int,
    setting: str = "training",
    *,
    body: Body | None = None,
    most: MotionRange | None = None,
    slice_mm: float | None = None,
    spacing_mm: tuple[float, float, float] = (1.25, 1.25, 1.25),
) -> LongitudinalPlan:
    """Who, which nodules, which motion and which scanners; nothing is rendered yet.

    ``body`` takes the place of the seed's own person; ``slice_mm`` fixes the slices of both scanners.
    """
    body = body if body is not None else make_body(seed, setting, spacing_mm)
    if not body.is_chest:
        raise InputError("A longitudinal case needs a chest: choose another seed.")
    rng = np.random.default_rng([seed, 60])
    low, high = lung_bounds_ras_mm(body)
    motion = draw_motion(rng, low, high, most or MotionRange())
    links = _drawn_links(NodulePlanter(body), motion, rng)
    views = []
    start = date(2024, 1, 15)
    for number, place in enumerate((no_motion(*body.grid.bounds_ras_mm()), motion)):
        scanner = _with_slices(draw_scanner(rng, setting), slice_mm)
        contrast = float(rng.uniform(80, 220)) if rng.random() < 0.3 else 0.0
        shown = tuple(n for n in ((link.prior, link.current)[number] for link in links) if n is not None)
        views.append(DateView(body, place, shown, scanner, round(contrast), start.strftime("%Y%m%d")))
        start += timedelta(days=int(rng.integers(60, 720)))
    return LongitudinalPlan(seed, body, links, motion, *views)


def lung_bounds_ras_mm(body: Body) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest R, A, S of the lungs of a body."""
    step = 4
    index = np.argwhere((body.labels[::step, ::step, ::step] > 0) & (body.labels[::step, ::step, ::step] < 6)) * step
    points = body.grid.ras_from_kji(index)
    return points.min(axis=0), points.max(axis=0)


def _drawn_links(planter: NodulePlanter, motion: Motion, rng: np.random.Generator) -> tuple[NoduleLink, ...]:
    """Three to fifteen nodules, now and then twelve in one lobe; 15 % new, 15 % resolved, the others persist."""
    crowded = rng.random() < CROWDED
    count = CROWD if crowded else int(rng.integers(3, 16))
    links: list[NoduleLink] = []
    lobe: str | None = None
    taken: list[tuple[PlantedNodule, float]] = []
    for _ in range(_TRIES * count):
        if len(links) == count:
            break
        nodule = planter.draw(rng, diameter_mm=DIAMETERS_MM if not crowded else (4.0, 12.0))
        fate, ratio = rng.choice(("matched", "new", "resolved"), p=(0.7, 0.15, 0.15)), _drawn_ratio(rng)
        later = _scaled(nodule, min(ratio, (MAX_MM / nodule.diameter_mm) ** 3))
        room = max(nodule.diameter_mm, later.diameter_mm)
        lobe = lobe or nodule.lobe
        if (crowded and nodule.lobe != lobe) or not all(_apart(nodule, room, *other) for other in taken):
            continue
        name = f"N{len(links) + 1}"
        taken.append((nodule, room))
        current = (
            None
            if fate == "resolved"
            else on_date([replace(later if fate == "matched" else nodule, id=name)], motion)[0]
        )
        links.append(NoduleLink(name, None if fate == "new" else replace(nodule, id=name), current))
    return tuple(links)


def _drawn_ratio(rng: np.random.Generator) -> float:
    """Volume ratio: a third unchanged, a half grown (up to 8-fold), the rest shrunk (down to a half)."""
    kind = rng.random()
    if kind < 0.35:
        return 1.0
    low, high = (1.0, VOLUME_RATIOS[1]) if kind < 0.85 else (VOLUME_RATIOS[0], 1.0)
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _scaled(nodule: PlantedNodule, volume_ratio: float) -> PlantedNodule:
    """Return the nodule at another size, its core with it."""
    factor = volume_ratio ** (1 / 3)
    core = nodule.core_semi_axes_mm
    return replace(
        nodule,
        semi_axes_mm=tuple(factor * x for x in nodule.semi_axes_mm),
        core_semi_axes_mm=None if core is None else tuple(factor * x for x in core),
    )


def _apart(nodule: PlantedNodule, room_mm: float, other: PlantedNodule, other_room_mm: float) -> bool:
    gap = np.linalg.norm(np.subtract(nodule.center_ras_mm, other.center_ras_mm))
    return bool(gap > 0.6 * (room_mm + other_room_mm) + 4)


def _with_slices(scanner: Scanner, slice_mm: float | None) -> Scanner:
    """Return the scanner with another slice thickness and distance, if one is asked for."""
    return scanner if slice_mm is None else replace(scanner, slice_mm=slice_mm, increment_mm=slice_mm)


def _covering(plan: LongitudinalPlan, view: DateView, spacing_mm: tuple[float, float, float]) -> Grid:
    """Return an axial grid of the body's size about where it lies on a date, off by a part of a voxel."""
    low, high = plan.body.grid.bounds_ras_mm()
    center = view.motion.to_current((low + high) / 2)
    off = np.random.default_rng([plan.seed, 62]).uniform(-0.5, 0.5, 3) * spacing_mm
    shape = three(int(np.ceil(size / step)) for size, step in zip(high - low, spacing_mm, strict=True))
    return Grid.around(center + off, spacing_mm, shape)


def _coarse(grid: Grid) -> Grid:
    """Return the 4 mm grid over the same box."""
    factor = FIELD_STEP_MM / grid.spacing_kji_mm
    shape = three(int(np.ceil(n / f)) + 1 for n, f in zip(grid.shape_kji, factor, strict=True))
    matrix = grid.ijk_to_ras.copy()
    matrix[:3, :3] *= factor[::-1]
    return Grid(shape, matrix)
