"""The structures of TotalSegmentator's data sets, by name, and what kind of tissue of this suite each is.

Source of the 104: Project-MONAI/model-zoo, models/wholeBody_ct_segmentation/configs/metadata.json, ``channel_def``.
What TotalSegmentator itself finds is named by its own class map when it runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LungNoduleAILib.model.anatomy import AIRWAY, AORTA, BODY, BONE, HEART, LLL, LUL, LUNG_VESSEL, RLL, RML, RUL, SPINE

_VERTEBRAE = [
    f"vertebrae_{level}"
    for level in ("L5 L4 L3 L2 L1 T12 T11 T10 T9 T8 T7 T6 T5 T4 T3 T2 T1 C7 C6 C5 C4 C3 C2 C1").split()
]
_RIBS = [f"rib_{side}_{number}" for side in ("left", "right") for number in range(1, 13)]
NAMES_104 = (
    "background",
    *"spleen kidney_right kidney_left gallbladder liver stomach aorta inferior_vena_cava portal_vein_and_splenic_vein "
    "pancreas adrenal_gland_right adrenal_gland_left lung_upper_lobe_left lung_lower_lobe_left lung_upper_lobe_right "
    "lung_middle_lobe_right lung_lower_lobe_right".split(),
    *_VERTEBRAE,
    *"esophagus trachea heart_myocardium heart_atrium_left heart_ventricle_left heart_atrium_right "
    "heart_ventricle_right pulmonary_artery brain iliac_artery_left iliac_artery_right iliac_vena_left "
    "iliac_vena_right small_bowel duodenum colon".split(),
    *_RIBS,
    *"humerus_left humerus_right scapula_left scapula_right clavicula_left clavicula_right femur_left femur_right "
    "hip_left hip_right sacrum face gluteus_maximus_left gluteus_maximus_right gluteus_medius_left "
    "gluteus_medius_right gluteus_minimus_left gluteus_minimus_right autochthon_left autochthon_right iliopsoas_left "
    "iliopsoas_right urinary_bladder".split(),
)
LABEL_OF_NAME = {
    "lung_upper_lobe_left": LUL,
    "lung_lower_lobe_left": LLL,
    "lung_upper_lobe_right": RUL,
    "lung_middle_lobe_right": RML,
    "lung_lower_lobe_right": RLL,
    "trachea": AIRWAY,
}
KIND_OF_NAME = {
    "aorta": AORTA,
    "heart": HEART,
    "sacrum": SPINE,
    "lung_arteries": LUNG_VESSEL,
    "lung_veins": LUNG_VESSEL,
}
BONES = ("rib_", "humerus", "scapula", "clavicula", "femur", "hip_", "sternum", "costal_cartilages", "skull")


def labels_of(found: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return ``Anatomy.labels`` from a segmenter's own values, ``names[n]`` being the structure of value n."""
    values = np.array([LABEL_OF_NAME.get(name, 0) for name in names], np.uint8)
    return values[found]


def structures_of(found: np.ndarray, names: Sequence[str], labels: np.ndarray) -> np.ndarray:
    """Return ``Anatomy.structures`` from a segmenter's own values, where ``labels`` (Anatomy.labels) say nothing."""
    kinds = np.array([_kind(name) for name in names], np.uint8)
    return np.where(labels > 0, labels, kinds[found])


def _kind(name: str) -> int:
    if name in KIND_OF_NAME:
        return KIND_OF_NAME[name]
    if name == "background" or name.startswith("lung_") or name == "trachea":
        return 0
    if name.startswith("heart_"):
        return HEART
    if name.startswith("vertebrae_"):
        return SPINE
    return BONE if name.startswith(BONES) else BODY
