"""The 104 structures of TotalSegmentator's first data set, by name and as kinds of tissue of this suite.

Source: Project-MONAI/model-zoo, models/wholeBody_ct_segmentation/configs/metadata.json, ``channel_def``.
"""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.model.anatomy import AORTA, BODY, BONE, HEART, SPINE

_VERTEBRAE = [
    f"vertebrae_{level}"
    for level in ("L5 L4 L3 L2 L1 T12 T11 T10 T9 T8 T7 T6 T5 T4 T3 T2 T1 C7 C6 C5 C4 C3 C2 C1").split()
]
_RIBS = [f"rib_{side}_{number}" for side in ("left", "right") for number in range(1, 13)]
NAMES = (
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
LOBES = {
    "LUL": NAMES.index("lung_upper_lobe_left"),
    "LLL": NAMES.index("lung_lower_lobe_left"),
    "RUL": NAMES.index("lung_upper_lobe_right"),
    "RML": NAMES.index("lung_middle_lobe_right"),
    "RLL": NAMES.index("lung_lower_lobe_right"),
}
TRACHEA = NAMES.index("trachea")
BONES = ("rib_", "humerus", "scapula", "clavicula", "femur", "hip_")


def structures_of(of_104: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return ``Anatomy.structures`` from the network's labels, where ``labels`` (Anatomy.labels) say nothing."""
    kinds = np.array([_kind(name) for name in NAMES], np.uint8)
    return np.where(labels > 0, labels, kinds[of_104])


def _kind(name: str) -> int:
    if name == "background" or name.startswith("lung_") or name == "trachea":
        return 0
    if name.startswith("heart_"):
        return HEART
    if name == "aorta":
        return AORTA
    if name.startswith("vertebrae_") or name == "sacrum":
        return SPINE
    return BONE if name.startswith(BONES) else BODY
