"""HU of tissues in unenhanced chest CT at 120 kV."""

from __future__ import annotations

FAT_HU, MUSCLE_HU, LIVER_HU, SPLEEN_HU, MARROW_HU, CORTEX_HU, CARTILAGE_HU = -100, 50, 58, 48, 170, 750, 110


AIR_HU = -1000.0
