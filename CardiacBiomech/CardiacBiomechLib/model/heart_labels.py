"""Which label value is which part of the heart: ACDC and UK Biobank number them differently, and order is kept.

Other numberings are named as a mapping, ``lv=500,myo=205,rv=600``; values it does not name are background.
"""

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
LABEL_CHOICE = "auto|acdc|ukbb|lv=N,myo=N,rv=N"
MAPPED = ("lv", "myo", "rv")
ENCLOSED = 0.5  # share of a label's in-plane border that another one must touch to enclose it


def heart_labels(labels: Volume, order: str = "auto") -> HeartLabels:
    """Return parts of a label image; ``auto`` takes as cavity and wall the two labels of which one encloses the other.

    ``order`` may name an order or a mapping (lv=500,myo=205,rv=600). Raises InputError for values other than 0 to 3
    without a mapping, for a missing part, an unknown order, and an order that the enclosed label contradicts.
    """
    mapping = label_mapping(order)
    found = _found_values(labels, any_value=mapping is not None)
    if mapping is not None:
        return _checked(mapping, found)
    enclosing = _enclosed(labels.array, found)
    if order != "auto":
        parts = _checked(ORDERS[order], found)
        if enclosing is not None and enclosing != (parts.lv, parts.myocardium):
            raise InputError(
                f"The order {order} takes label {parts.lv} as the cavity of the left ventricle and label "
                f"{parts.myocardium} as its wall, but label {enclosing[0]} is the one that is enclosed, by label "
                f"{enclosing[1]}: {_remedy(found, *enclosing)}."
            )
        return parts
    if enclosing is None:
        if 2 not in found or len(found) < 2:
            return _checked(ACDC, found)
        raise InputError(
            "No label is enclosed by label 2, so the left ventricle cannot be told from the right: name "
            "the order with --labels acdc or ukbb, or the values with --labels lv=...,myo=...,rv=..."
        )
    lv, myocardium = enclosing
    return _checked(HeartLabels(next((v for v in found if v not in enclosing), None), myocardium, lv), found)


def label_mapping(order: str) -> HeartLabels | None:
    """Return the parts that ``lv=500,myo=205,rv=600`` names, None for the name of an order; raises InputError."""
    if order in LABEL_ORDERS:
        return None
    if "=" not in order:
        raise InputError(
            f"The label order '{order}' is not known: use auto, {' or '.join(ORDERS)}, or a mapping as "
            "lv=500,myo=205,rv=600."
        )
    values: dict[str, int] = {}
    for entry in order.split(","):
        name, _, value = (text.strip().lower() for text in entry.partition("="))
        if name not in MAPPED or not value.isdigit() or int(value) == 0 or name in values:
            raise InputError(
                f"The label mapping '{entry.strip()}' cannot be used: give whole numbers above 0 as in "
                "lv=500,myo=205,rv=600 (rv may be left out)."
            )
        values[name] = int(value)
    if "lv" not in values or "myo" not in values or len(set(values.values())) < len(values):
        raise InputError(f"The label mapping {order} must name lv and myo with different values.")
    return HeartLabels(values.get("rv"), values["myo"], values["lv"])


def keep_parts(labels: Volume, parts: HeartLabels) -> Volume:
    """Return labels with everything that is no part of the heart as background (atria, vessels of other label maps)."""
    kept = np.isin(labels.array, list(parts.parts().values()))
    if kept[labels.array != 0].all():
        return labels
    return labels.with_array(np.where(kept, labels.array, 0).astype(labels.array.dtype))


def _found_values(labels: Volume, any_value: bool = False) -> tuple[int, ...]:
    values = np.unique(labels.array)
    if not np.isfinite(values).all() or not np.array_equal(values, np.round(values)):
        raise InputError("The label image holds values that are not whole numbers: give a label image, not an image.")
    if not any_value and (values.min() < 0 or values.max() > 3):
        wrong = next(int(value) for value in values if value < 0 or value > 3)
        raise InputError(
            f"The label image holds the value {wrong}, known are 0 to 3 (background, two cavities and "
            "the wall): say which value is which part with --labels lv=...,myo=...,rv=..."
        )
    return tuple(int(value) for value in values if value > 0)


def _enclosed(labels: np.ndarray, found: tuple[int, ...]) -> tuple[int, int] | None:
    """Return the label that another one encloses best in plane and that other one; None when none encloses another."""
    shares = {(c, w): _share_touching(labels, c, w) for c in found for w in found if c != w}
    best = max(shares, key=lambda pair: shares[pair], default=None)
    return best if best is not None and shares[best] >= ENCLOSED else None


def _remedy(found: tuple[int, ...], lv: int, myocardium: int) -> str:
    for name, parts in ORDERS.items():
        if (parts.lv, parts.myocardium) == (lv, myocardium):
            return f"use --labels auto or {name}"
    rv = next((value for value in found if value not in (lv, myocardium)), None)
    return f"use --labels lv={lv},myo={myocardium}" + ("" if rv is None else f",rv={rv}")


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
