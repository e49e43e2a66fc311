"""What the fixed set is given besides real data: made once, by the first checkout, and kept for every other one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

CINE_FRAMES = 6
PHANTOM_SEEDS = {"phantom-1": 1, "phantom-2": 2}
MOVED_DEGREES, MOVED_MM = 3.0, (4.0, -3.0, 6.0)
KEY_PASSWORD = "password12"
# A key of synthetic and public files only, so that two runs give the same pseudonyms; it protects nothing.
PROJECT_KEY = {
    "format": "thoraxai.project-key/1",
    "project_id": "ESB5LTAL",
    "kdf": "scrypt",
    "n": 131072,
    "r": 8,
    "p": 1,
    "salt": "21WSgIFcuqGkL/W2so1yjw==",
    "nonce": "leooKh01uy7jJyX1",
    "secret": "s1X54Jn06uzjWU+hUD5evk/u3g4ghye/A2SbzC0UQG4ZmbD/hvrd9Wm3SpROcLhs",
}
GUIDELINE_INPUTS = {
    "lung-rads-2022": [
        {"exam": "baseline", "type": "solid", "mean_diameter_mm": 5.95},
        {"exam": "baseline", "type": "solid", "volume_mm3": 267.4},
        {
            "exam": "follow_up",
            "is_new": True,
            "type": "part-solid",
            "mean_diameter_mm": 8.2,
            "solid_mean_diameter_mm": 4.1,
        },
        {
            "exam": "follow_up",
            "type": "solid",
            "mean_diameter_mm": 7.6,
            "prior_mean_diameter_mm": 6.0,
            "months_since_prior": 12,
        },
        {
            "exam": "baseline",
            "nodules": [{"type": "ground-glass", "mean_diameter_mm": 31}, {"type": "solid", "mean_diameter_mm": 9}],
        },
        {"exam": "baseline", "type": "solid", "mean_diameter_mm": -1},
    ],
    "fleischner-2017": [
        {"type": "solid", "mean_diameter_mm": 5.5, "age": 60, "risk": "high"},
        {"type": "part-solid", "mean_diameter_mm": 9, "solid_mean_diameter_mm": 6, "age": 60, "risk": "low"},
        {"type": "ground-glass", "mean_diameter_mm": 7, "age": 60, "multiple": True},
        {"type": "solid", "mean_diameter_mm": 8, "age": 30, "risk": "low"},
    ],
    "bts-2015": [
        {"type": "solid", "max_diameter_mm": 7.9, "age": 60},
        {"type": "solid", "volume_mm3": 301, "age": 60},
        {
            "type": "solid",
            "volume_mm3": 150,
            "prior_volume_mm3": 100,
            "days_since_prior": 90,
            "age": 60,
            "stage": "ct_3m",
        },
        {"type": "ground-glass", "max_diameter_mm": 6, "age": 60},
    ],
    "brock": [
        {"age": 62, "sex": "M", "diameter_mm": 10, "type": "solid", "nodule_count": 1},
        {
            "age": 65,
            "sex": "F",
            "diameter_mm": 12,
            "type": "part-solid",
            "upper_lobe": True,
            "nodule_count": 1,
            "spiculation": True,
            "emphysema": True,
            "family_history_lung_cancer": True,
            "model": "2a_full_without_spiculation",
        },
    ],
    "mayo": [{"age": 65, "smoker_ever": True, "diameter_mm": 15, "upper_lobe": True, "spiculation": False}],
}

Thoraxai = Callable[[Sequence[str]], object]


def stored_input(name: str, inputs: Path, thoraxai: Thoraxai) -> Path:
    """The stored input ``name``, made with the commands of ``thoraxai`` when it is not there yet; all or nothing."""
    path = inputs / name
    if not path.exists():
        partial = inputs / f".partial-{os.getpid()}-{name}"
        inputs.mkdir(parents=True, exist_ok=True)
        try:
            _make(name, partial, inputs, thoraxai)
            partial.rename(path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            partial.unlink(missing_ok=True)
    return path


def _make(name: str, partial: Path, inputs: Path, thoraxai: Thoraxai) -> None:
    if name in PHANTOM_SEEDS:
        thoraxai(("lung", "phantom", "--seed", str(PHANTOM_SEEDS[name]), "--output", str(partial)))
    elif name == "phantom-1-moved":
        _move(stored_input("phantom-1", inputs, thoraxai) / "ct.nrrd", partial / "ct.nrrd")
    elif name == "cine-phantom":
        thoraxai(("cardiac", "phantom", "--frames", str(CINE_FRAMES), "--output", str(partial)))
        _join_frames(partial)
    elif name == "key.json":
        partial.write_text(json.dumps(PROJECT_KEY, indent=1), encoding="utf-8")
    else:
        stated = GUIDELINE_INPUTS[name.removeprefix("guideline-").removesuffix(".json")]
        partial.write_text(json.dumps(stated, indent=1), encoding="utf-8")


def _move(source: Path, target: Path) -> None:
    """A second scan of the same body: turned about its long axis and shifted, air where nothing was scanned."""
    import numpy as np
    import SimpleITK as sitk

    image = sitk.ReadImage(str(source))
    middle = image.TransformContinuousIndexToPhysicalPoint([size / 2 for size in image.GetSize()])
    motion = sitk.Euler3DTransform(middle, 0.0, 0.0, float(np.radians(MOVED_DEGREES)), MOVED_MM)
    target.parent.mkdir()
    sitk.WriteImage(sitk.Resample(image, image, motion, sitk.sitkLinear, -1000), str(target), useCompression=True)


def _join_frames(folder: Path) -> None:
    """Write cine.nii.gz, all frames of a cardiac phantom in one 4-D file."""
    import SimpleITK as sitk

    frames = [sitk.ReadImage(str(folder / f"frame{number:02d}.nii.gz")) for number in range(1, CINE_FRAMES + 1)]
    sitk.WriteImage(sitk.JoinSeries(frames), str(folder / "cine.nii.gz"))
