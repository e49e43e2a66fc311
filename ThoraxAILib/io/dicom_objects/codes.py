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
    "reading priority": ("99-50", "99THORAXAI", "Priority for reading"),
    "HIGH": ("99-51", "99THORAXAI", "High"),
    "MEDIUM": ("99-52", "99THORAXAI", "Medium"),
    "LOW": ("99-53", "99THORAXAI", "Low"),
    "solid part": ("99-12", "99THORAXAI", "Solid part of a nodule"),
    "growth": ("99-30", "99THORAXAI", "Growth of the nodule"),
    "growing": ("99-31", "99THORAXAI", "Growing"),
    "stable": ("99-32", "99THORAXAI", "Stable"),
    "shrinking": ("99-33", "99THORAXAI", "Shrinking"),
    "indeterminate": ("99-34", "99THORAXAI", "Indeterminate"),
    "match": ("99-35", "99THORAXAI", "The nodule at the other date"),
    "matched": ("99-36", "99THORAXAI", "Found at both dates"),
    "new": ("99-37", "99THORAXAI", "New"),
    "resolved": ("99-38", "99THORAXAI", "Resolved"),
    "uncertain": ("99-39", "99THORAXAI", "Uncertain which"),
    "volume change": ("99-40", "99THORAXAI", "Change of the volume since the prior date"),
    "diameter change": ("99-41", "99THORAXAI", "Change of the mean diameter since the prior date"),
    "doubling time": ("99-42", "99THORAXAI", "Volume doubling time"),
    "interval": ("99-43", "99THORAXAI", "Days since the prior date"),
    "maximum": ("56851009", "SCT", "Maximum"),
    "minimum": ("255605001", "SCT", "Minimum"),
    "mr procedure": ("25056-3", "LN", "MRI unspecified body region"),  # CID 100 has no MRI of the heart
    "left ventricle": ("87878005", "SCT", "Left ventricle"),
    "left ventricular wall": ("49848007", "SCT", "Left Ventricle Myocardium"),
    "right ventricle": ("53085002", "SCT", "Right ventricle"),
    # CID 3468, 3469, 3833, 3835, 12203, 12204
    "lv end-diastolic volume": ("8821-1", "LN", "Left Ventricular ED Volume"),
    "lv end-systolic volume": ("8823-7", "LN", "Left Ventricular ES Volume"),
    "rv end-diastolic volume": ("8822-9", "LN", "Right Ventricular ED Volume"),
    "rv end-systolic volume": ("8824-5", "LN", "Right Ventricular ES Volume"),
    "lv ejection fraction": ("8811-2", "LN", "Left ventricular ejection fraction by MR"),
    "rv ejection fraction": ("8818-7", "LN", "Right ventricular ejection fraction by MR"),
    "stroke volume": ("90096001", "SCT", "Stroke Volume"),
    "rv stroke volume": ("429483009", "SCT", "RV Stroke Volume"),
    "lv mass": ("18087-7", "LN", "Left Ventricle Mass"),
    # CID 12304 and 12311; Lagrangian strain is (length - length at end-diastole) / length at end-diastole
    "circumferential strain": ("130677", "DCM", "Circumferential Lagrangian Strain"),
    "radial strain": ("130675", "DCM", "Radial Lagrangian Strain"),
    "longitudinal strain": ("130670", "DCM", "Longitudinal Lagrangian Strain"),
    "thickness at end-diastole": ("99-20", "99THORAXAI", "Wall thickness at end-diastole"),
    "thickness at end-systole": ("99-21", "99THORAXAI", "Wall thickness at end-systole"),
    "thickening": ("99-22", "99THORAXAI", "Thickening of the wall"),
    # CID 3717: AHA segments 1 to 16
    "aha 1": ("264850008", "SCT", "left ventricle basal anterior segment"),
    "aha 2": ("396482007", "SCT", "left ventricle basal anteroseptal segment"),
    "aha 3": ("396646008", "SCT", "left ventricle basal inferoseptal segment"),
    "aha 4": ("264846001", "SCT", "left ventricle basal inferior segment"),
    "aha 5": ("396652009", "SCT", "left ventricle basal inferolateral segment"),
    "aha 6": ("396654005", "SCT", "left ventricle basal anterolateral segment"),
    "aha 7": ("264848000", "SCT", "left ventricle mid anterior segment"),
    "aha 8": ("396647004", "SCT", "left ventricle mid anteroseptal segment"),
    "aha 9": ("396649001", "SCT", "left ventricle mid inferoseptal segment"),
    "aha 10": ("264847005", "SCT", "left ventricle mid inferior segment"),
    "aha 11": ("396655006", "SCT", "left ventricle mid inferolateral segment"),
    "aha 12": ("396656007", "SCT", "left ventricle mid anterolateral segment"),
    "aha 13": ("264844003", "SCT", "left ventricle apical anterior segment"),
    "aha 14": ("264845002", "SCT", "left ventricle apical septal segment"),
    "aha 15": ("264849008", "SCT", "left ventricle apical inferior segment"),
    "aha 16": ("264853005", "SCT", "left ventricle apical lateral segment"),
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
