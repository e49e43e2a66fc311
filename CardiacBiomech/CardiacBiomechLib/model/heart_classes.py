"""The classes a segmentation network tells apart, and their values in the label images it proposes."""

from __future__ import annotations

BACKGROUND, RV, MYOCARDIUM, LV, NEIGHBOR = 0, 1, 2, 3, 4  # 0 to 3 as in ACDC; 4: blood of atria and great vessels
CLASSES = 5
