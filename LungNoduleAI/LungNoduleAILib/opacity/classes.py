"""What the opacity network calls every voxel of a chest, and how it sees it; plain data, read without PyTorch."""

from __future__ import annotations

from pathlib import Path

SCHEMA = "thoraxai.lung-opacities/1"
MAKER = "thoraxai lung train opacities"
WEIGHTS = Path(__file__).with_name("lung_opacities.pt")
CLASSES = ("elsewhere", "lung", "mass", "airless lung", "fluid", "air")
ELSEWHERE, LUNG, MASS, AIRLESS, FLUID, AIR = range(len(CLASSES))
DISEASED = (MASS, AIRLESS, FLUID, AIR)
# how much a voxel of each class counted in training: what is sought lies in few voxels
CLASS_WEIGHTS = (0.5, 0.5, 2.0, 2.0, 2.0, 2.0)
