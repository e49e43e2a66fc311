"""Names of the label values a synthetic body carries, so that networks and measurements mean the same thing."""

from __future__ import annotations

from LungNoduleAILib.model.anatomy import AIRWAY, LLL, LUL, RLL, RML, RUL

OUTSIDE = 0
LUNG_VESSEL, HEART, AORTA, SPINE, OTHER_BONE, OTHER_BODY = 7, 8, 9, 10, 11, 12
STRUCTURES = {
    "outside": OUTSIDE,
    "RUL": RUL,
    "RML": RML,
    "RLL": RLL,
    "LUL": LUL,
    "LLL": LLL,
    "airway": AIRWAY,
    "lung vessels": LUNG_VESSEL,
    "heart": HEART,
    "aorta": AORTA,
    "spine": SPINE,
    "other bone": OTHER_BONE,
    "other body": OTHER_BODY,
}
NOT_LUNG, NORMAL, GROUND_GLASS, RETICULAR = 0, 1, 2, 3
PATTERNS = {"not lung": NOT_LUNG, "normal": NORMAL, "ground glass": GROUND_GLASS, "reticular": RETICULAR}
