"""One synthetic person with disease that takes lung away, and the truth of it; same seed, same person."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from LungNoduleAILib.model.anatomy import AIRWAY, LEFT_LUNG_LABELS, LOBE_OF_LABEL, RIGHT_LUNG_LABELS
from LungNoduleAILib.synthesis.disease.regions import LungParts
from LungNoduleAILib.synthesis.model.body import Body
from LungNoduleAILib.synthesis.model.structures import LUNG_VESSEL
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.nodules.planting import NodulePlanter
from LungNoduleAILib.synthesis.nodules.share import nodule_share
from LungNoduleAILib.synthesis.scanner.acquisition import acquire
from LungNoduleAILib.synthesis.scanner.settings import draw_scanner
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume

MASS, EFFUSION, CONSOLIDATION, COLLAPSE, PNEUMOTHORAX = KINDS = (
    "mass",
    "effusion",
    "consolidation",
    "collapse",
    "pneumothorax",
)
MASS_MM = (40.0, 150.0)
FLUID_ML, AIR_ML = (80.0, 1300.0), (80.0, 1300.0)
LARGEST_SHARE = 0.7  # of a lung that fluid or air takes
CONSOLIDATED_MM = (28.0, 70.0)
COLLAPSED_SHARE = (0.2, 0.45)  # of a lobe's volume that is left of it
INVASION_MM = 6.0  # how far a mass may grow into what lies around the lung


@dataclass(frozen=True, eq=False)
class Disease:
    """One disease: its kind, side, place RAS mm, volume in mL and where it lies (bool, on the body's or CT's grid)."""

    kind: str
    side: str
    center_ras_mm: tuple[float, float, float]
    volume_ml: float
    mask: np.ndarray
    lobe: str | None = None
    diameter_mm: float | None = None


@dataclass(frozen=True, eq=False)
class PaintedBody:
    """A body with disease before it is scanned: HU float32, lung labels, diseases, all on the grid of the body.

    ``pressed`` (bool) is lung without air beside fluid, which is part of no disease in the list.
    """

    hu: np.ndarray
    labels: np.ndarray
    diseases: tuple[Disease, ...]
    pressed: np.ndarray


@dataclass(frozen=True, eq=False)
class DiseasedChest:
    """A CT (HU, LPS order) with its lung labels after the disease, and what was painted; see PaintedBody."""

    volume: Volume
    labels: np.ndarray
    diseases: tuple[Disease, ...]
    seed: int
    pressed: np.ndarray


def with_disease(body: Body, kinds: tuple[str, ...], diameter_mm: tuple[float, float] = MASS_MM) -> DiseasedChest:
    """Return a CT of a body with one disease of every kind given, all in one lung; no kind makes a healthy chest.

    ``diameter_mm`` is the log-uniform range of a mass. Raises InputError for an unknown kind.
    """
    _check(kinds)
    rng = np.random.default_rng([body.seed, 51, *(1 + KINDS.index(kind) for kind in kinds)])
    painted = paint_disease(body, kinds, rng, diameter_mm)
    scanner = draw_scanner(rng, body.setting)
    image = np.rint(acquire(painted.hu, body.grid.spacing_kji_mm, scanner, rng)).astype(np.int16)
    return DiseasedChest(body.grid.volume(image, "CT"), painted.labels, painted.diseases, body.seed, painted.pressed)


def paint_disease(
    body: Body, kinds: tuple[str, ...], rng: np.random.Generator, diameter_mm: tuple[float, float] = MASS_MM
) -> PaintedBody:
    """Return a body with one disease of every kind given, all in one lung; raises InputError for an unknown kind."""
    _check(kinds)
    hu, labels = body.clean_hu.astype(np.float32), body.labels.copy()
    diseases: list[Disease] = []
    pressed = np.zeros(hu.shape, bool)
    if kinds:
        painter = _Painter(body, hu, labels, rng, diameter_mm)
        painter.paint(kinds, diseases)
        pressed = painter.pressed
    return PaintedBody(hu, labels, tuple(diseases), pressed)


def _check(kinds: tuple[str, ...]) -> None:
    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f"The disease '{kind}' is not known: use one of {', '.join(KINDS)}.")


class _Painter:
    """Paints diseases of one lung into HU and labels, what needs room first."""

    def __init__(
        self, body: Body, hu: np.ndarray, labels: np.ndarray, rng: np.random.Generator, diameter_mm: tuple[float, float]
    ) -> None:
        self._body, self._hu, self._labels, self._rng = body, hu, labels, rng
        self._diameter_mm = diameter_mm
        self._parts = LungParts(body, rng)
        self._voxel_ml = float(np.prod(body.grid.spacing_kji_mm)) / 1000.0
        self._blood = float(np.median(body.clean_hu[body.structures == LUNG_VESSEL]))
        self.pressed = np.zeros(hu.shape, bool)

    def paint(self, kinds: tuple[str, ...], into: list[Disease]) -> None:
        """Paint every kind; a mass decides the side, the rest follows it."""
        mass = self._mass() if MASS in kinds else None
        side = self._larger_side() if mass is None else str(mass.side)
        for kind in (COLLAPSE, CONSOLIDATION, EFFUSION, PNEUMOTHORAX):
            if kind in kinds:
                into.append(getattr(self, f"_{kind}")(side, None if mass is None else mass.lobe))
        if mass is not None:
            into.insert(0, self._painted_mass(mass))

    def _larger_side(self) -> str:
        """Return a random side with enough lung."""
        ml = {side: self._parts.side(side).sum() * self._parts.voxel_ml for side in ("right", "left")}
        fit = [side for side, volume in ml.items() if volume > 0.5 * max(ml.values())]
        return str(self._rng.choice(fit))

    def _mass(self) -> PlantedNodule:
        placement = str(self._rng.choice(["isolated", "juxtapleural", "juxtapleural"]))
        drawn = NodulePlanter(self._body).draw(
            self._rng, diameter_mm=self._diameter_mm, type="solid", placement=placement
        )
        return replace(drawn, hu=float(self._rng.uniform(20, 60)) + (20.0 if self._blood > 90 else 0.0))

    def _painted_mass(self, mass: PlantedNodule) -> Disease:
        import edt

        box, share = nodule_share(self._body.grid, mass)
        spacing = tuple(float(s) for s in self._body.grid.spacing_kji_mm)
        lung = (self._body.labels[box] > 0) & (self._body.labels[box] < AIRWAY)
        reach = float(self._rng.uniform(0, INVASION_MM))
        share = share * np.clip(1 + reach - edt.edt(~lung, anisotropy=spacing), 0, 1)
        self._hu[box] += share * (np.float32(mass.hu) - self._hu[box])
        mask = np.zeros(self._hu.shape, bool)
        mask[box] = (share > 0.5) & lung
        self._labels[box][mask[box]] = self._body.labels[box][mask[box]]
        return self._disease(MASS, str(mass.side), mask, mass.lobe, mass.diameter_mm)

    def _effusion(self, side: str, _lobe: str | None) -> Disease:
        region = self._parts.dependent(side, self._volume_ml(side, FLUID_ML))
        if self._rng.random() < 0.6:  # the lung beside it is airless
            rim = self._parts.beside(region, side, float(self._rng.uniform(4, 18)))
            self.pressed |= self._fill(rim, float(self._rng.uniform(30, 55)), keep_airways=True)
        mask = self._fill(region, float(self._rng.uniform(2, 22)))
        self._labels[mask] = 0
        return self._disease(EFFUSION, side, mask)

    def _pneumothorax(self, side: str, _lobe: str | None) -> Disease:
        region = self._parts.raised(side, self._volume_ml(side, AIR_ML))
        pleura = ndimage.binary_dilation(region) & ~region & self._parts.side(side)
        self._hu += self._parts.soft(pleura, 0.5) * np.float32(self._rng.uniform(80, 250))
        mask = self._fill(region, -1000.0)
        self._labels[mask] = 0
        return self._disease(PNEUMOTHORAX, side, mask)

    def _consolidation(self, side: str, lobe: str | None) -> Disease:
        label = self._other_lobe(side, lobe)
        whole = self._rng.random() < 0.4
        radius = 999.0 if whole else float(self._rng.uniform(*CONSOLIDATED_MM))
        mask = self._fill(self._parts.around(label, radius), float(self._rng.uniform(15, 50)), keep_airways=True)
        return self._disease(CONSOLIDATION, side, mask, LOBE_OF_LABEL[label])

    def _collapse(self, side: str, lobe: str | None) -> Disease:
        label = self._other_lobe(side, lobe)
        region = self._parts.near_hilum(label, float(self._rng.uniform(*COLLAPSED_SHARE)))
        tissue = float(self._rng.uniform(35, 60)) + 0.6 * max(self._blood - 60.0, 0.0)
        mask = self._fill(region, tissue)
        return self._disease(COLLAPSE, side, mask, LOBE_OF_LABEL[label])

    def _other_lobe(self, side: str, lobe: str | None) -> int:
        """Return a lobe of a side, another one than that of the mass where there is one."""
        labels = RIGHT_LUNG_LABELS if side == "right" else LEFT_LUNG_LABELS
        there = [n for n in labels if (self._parts.labels == n).sum() * self._parts.voxel_ml > 100.0]
        other = [n for n in there if LOBE_OF_LABEL[n] != lobe]
        return int(self._rng.choice(other or there))

    def _volume_ml(self, side: str, bounds: tuple[float, float]) -> float:
        most = LARGEST_SHARE * float(self._parts.side(side).sum()) * self._parts.voxel_ml
        low, high = np.log(bounds[0]), np.log(max(min(bounds[1], most), bounds[0] + 1.0))
        return float(np.exp(self._rng.uniform(low, high)))

    def _fill(self, region: np.ndarray, hu: float, keep_airways: bool = False) -> np.ndarray:
        """Fill a coarse region with tissue of some HU; returns where it lies on the body's grid."""
        share = self._parts.soft(region)
        share[self._body.labels == 0] = 0
        share[self._body.labels == AIRWAY] = 0
        if keep_airways:
            share[self._body.structures == AIRWAY] = 0
        self._hu += share * (np.float32(hu) - self._hu)
        return share > 0.5

    def _disease(
        self, kind: str, side: str, mask: np.ndarray, lobe: str | None = None, diameter_mm: float | None = None
    ) -> Disease:
        places = np.argwhere(mask)
        middle = places.mean(axis=0) if len(places) else np.zeros(3)
        nearest = places[np.argmin(((places - middle) ** 2).sum(axis=1))] if len(places) else middle
        center = three(round(float(x), 1) for x in self._body.grid.ras_from_kji(nearest.astype(float)))
        volume = round(float(mask.sum()) * self._voxel_ml, 1)
        return Disease(kind, side, center, volume, mask, lobe, diameter_mm)
