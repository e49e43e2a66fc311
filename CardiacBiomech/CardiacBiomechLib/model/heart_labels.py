"""Which label value is which part of the heart: ACDC and UK Biobank number them differently, and order is kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.tissue import Moduli, TissueMap

IN_PLANE = np.array([[[0, 1, 0], [1, 1, 1], [0, 1, 0]]], dtype=bool)

# Stiffness relative to the wall's shear weight of 1: blood follows the wall, the rest is held lightly.
BLOOD_MODULI = Moduli(0.02, 0.0)
SURROUNDINGS_MODULI = Moduli(0.1, 0.1)


@dataclass(frozen=True)
class HeartLabels:
    """Values of the right ventricle's cavity, the left ventricle's wall and its cavity (``rv`` None: not labeled)."""

    rv: int | None
    myocardium: int
    lv: int

    def tissue(self, labels: np.ndarray, frame: str, bulk: float) -> TissueMap:
        """How stiff each part is, with ``bulk`` as kappa of the wall whose mu is 1."""
        moduli = {self.myocardium: Moduli(1.0, bulk), self.lv: BLOOD_MODULI}
        if self.rv is not None:
            moduli[self.rv] = BLOOD_MODULI
        return TissueMap(labels, moduli, frame, SURROUNDINGS_MODULI)

    def parts(self) -> dict[str, int]:
        """Part names and values, left ventricle first."""
        named = {"LV": self.lv, "MYO": self.myocardium}
        return named if self.rv is None else {**named, "RV": self.rv}


@dataclass(frozen=True, eq=False)
class HeartTissue:
    """The labels of a frame together with what they mean: all an engine needs to know about tissue."""

    labels: np.ndarray
    parts: HeartLabels

    def stiffness(self, frame: str, bulk: float) -> TissueMap:
        """Return stiffness map with this bulk weight of the wall; ``frame`` says which image the labels belong to."""
        return self.parts.tissue(self.labels, frame, bulk)


ACDC = HeartLabels(rv=1, myocardium=2, lv=3)
UK_BIOBANK = HeartLabels(rv=3, myocardium=2, lv=1)
ORDERS = {"acdc": ACDC, "ukbb": UK_BIOBANK}
LABEL_ORDERS = ("auto", *ORDERS)


def heart_labels(labels: Volume, order: str = "auto") -> HeartLabels:
    """Return parts of a label image; ``auto`` takes as cavity and wall the two labels of which one encloses the other.

    Raises InputError for values other than 0 to 3, for a missing part and for an unknown order.
    """
    if order not in LABEL_ORDERS:
        raise InputError(f"There is no label order named {order}: use auto, {' or '.join(ORDERS)}.")
    found = _found_values(labels)
    if order != "auto":
        return _checked(ORDERS[order], found)
    if 2 not in found or len(found) < 2:
        return _checked(ACDC, found)
    cavities = [value for value in found if value != 2]
    enclosed = {value: _share_touching(labels.array, value, 2) for value in cavities}
    lv = max(cavities, key=lambda value: enclosed[value])
    if enclosed[lv] < 0.5:
        raise InputError(
            "No label is enclosed by label 2, so the left ventricle cannot be told from the right: name "
            "the order with --labels acdc or ukbb."
        )
    return _checked(HeartLabels(next((value for value in cavities if value != lv), None), 2, lv), found)


def _found_values(labels: Volume) -> tuple[int, ...]:
    values = np.unique(labels.array)
    if not np.isfinite(values).all() or not np.array_equal(values, np.round(values)):
        raise InputError("The label image holds values that are not whole numbers: give a label image, not an image.")
    if values.min() < 0 or values.max() > 3:
        wrong = next(int(value) for value in values if value < 0 or value > 3)
        raise InputError(
            f"The label image holds the value {wrong}, known are 0 to 3 (background, two cavities and "
            "the wall): remove or renumber it."
        )
    return tuple(int(value) for value in values if value > 0)


def _checked(parts: HeartLabels, found: tuple[int, ...]) -> HeartLabels:
    for name, value in (("wall of the left ventricle", parts.myocardium), ("cavity of the left ventricle", parts.lv)):
        if value not in found:
            present = ", ".join(str(v) for v in found) or "none"
            raise InputError(
                f"The label image has no voxel with label {value}, the {name} (present: {present}): "
                "complete the segmentation."
            )
    return HeartLabels(parts.rv if parts.rv in found else None, parts.myocardium, parts.lv)


def _share_touching(labels: np.ndarray, value: int, wall: int) -> float:
    """Share of a label's in-plane outer border that is wall."""
    region = labels == value
    border = binary_dilation(region, IN_PLANE) & ~region
    return float((labels[border] == wall).mean()) if border.any() else 0.0
