"""Coded concepts of PS3.16 that results use, written once; SNOMED CT unless said otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.sr.coding import Code

# value, scheme, meaning
CONCEPTS: dict[str, tuple[str, str, str]] = {
    "anatomical structure": ("123037004", "SCT", "Anatomical Structure"),
    "altered structure": ("49755003", "SCT", "Morphologically Altered Structure"),
    "lung": ("39607008", "SCT", "Lung"),
    "upper lobe": ("45653009", "SCT", "Upper lobe of lung"),
    "middle lobe": ("72481006", "SCT", "Middle lobe of right lung"),
    "lower lobe": ("90572001", "SCT", "Lower lobe of lung"),
    "trachea and bronchus": ("110726009", "SCT", "Trachea and bronchus"),
    "heart": ("80891009", "SCT", "Heart"),
    "nodule": ("27925004", "SCT", "Nodule"),
    "mass": ("4147007", "SCT", "Mass"),
    "right": ("24028007", "SCT", "Right"),
    "left": ("7771000", "SCT", "Left"),
    "volume": ("118565006", "SCT", "Volume"),
    "diameter": ("81827009", "SCT", "Diameter"),
    "long axis": ("103339001", "SCT", "Long Axis"),
    "short axis": ("103340004", "SCT", "Short Axis"),
    "mean": ("373098007", "SCT", "Mean"),
    "attenuation": ("112031", "DCM", "Attenuation Coefficient"),
    "probability": ("2470005", "99THORAXAI", "Confidence of the detector"),
    "ct procedure": ("25045-6", "LN", "CT unspecified body region"),  # CID 100 has no CT of the chest
    "chest": ("51185008", "SCT", "Chest"),
    "no finding": ("111243", "DCM", "No findings"),
    "assessment": ("99-1", "99THORAXAI", "Decision of the reader"),
    "accepted": ("99-2", "99THORAXAI", "Accepted"),
    "rejected": ("99-3", "99THORAXAI", "Rejected"),
    "unreviewed": ("99-4", "99THORAXAI", "Not reviewed"),
    "attenuation class": ("99-5", "99THORAXAI", "Attenuation of the nodule"),
    "solid": ("99-6", "99THORAXAI", "Solid"),
    "part-solid": ("99-7", "99THORAXAI", "Part-solid"),
    "ground-glass": ("99-8", "99THORAXAI", "Ground-glass"),
    "calcified": ("99-9", "99THORAXAI", "Calcified"),
    "solid part diameter": ("99-10", "99THORAXAI", "Mean diameter of the solid part"),
    "solid part volume": ("99-11", "99THORAXAI", "Volume of the solid part"),
}


def concept(name: str) -> Code:
    """Return a coded concept by its name here."""
    from pydicom.sr.coding import Code

    return Code(*CONCEPTS[name])
