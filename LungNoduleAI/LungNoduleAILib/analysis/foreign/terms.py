"""The coded words of other programs that a finding is made of: SNOMED CT, and SNOMED-RT in older files (PS3.16)."""

from __future__ import annotations

from ThoraxAILib.io.foreign_results.coded import Coded

MASS = {("4147007", "SCT"), ("M-03000", "SRT")}
NODULE = {
    ("27925004", "SCT"),  # nodule
    ("M-03010", "SRT"),
    ("52988006", "SCT"),  # lesion
    ("M-01100", "SRT"),
    ("108369006", "SCT"),  # neoplasm
    ("M-8000/0", "SRT"),
} | MASS
QUANTITIES = {
    ("118565006", "SCT"): "volume_mm3",
    ("G-D705", "SRT"): "volume_mm3",
    ("81827009", "SCT"): "mean_diameter_mm",
    ("M-02550", "SRT"): "mean_diameter_mm",
    ("103339001", "SCT"): "long_axis_mm",
    ("G-A185", "SRT"): "long_axis_mm",
    ("103340004", "SCT"): "short_axis_mm",
    ("G-A186", "SRT"): "short_axis_mm",
}
UNITS = {"mm": 1.0, "cm": 10.0, "mm3": 1.0, "cm3": 1000.0, "mL": 1000.0, "ml": 1000.0}


def is_nodule(word: Coded | None) -> bool:
    """Whether a coded word names a nodule, mass or lesion."""
    return word is not None and (word.value, word.scheme) in NODULE


def is_mass(word: Coded | None) -> bool:
    """Whether a coded word names a mass."""
    return word is not None and (word.value, word.scheme) in MASS
