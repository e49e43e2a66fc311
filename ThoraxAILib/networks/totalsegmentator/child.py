"""The child process: calls TotalSegmentator and hands over what it found. Run by the Python that has TotalSegmentator.

``python child.py REQUEST.json``; this file imports nothing of this suite. It writes labels.nii.gz, names.json and, for
a task whose probabilities are wanted, probability.npy with its grid in probability.json.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

LABELS, NAMES = "labels.nii.gz", "names.json"
PROBABILITY, PROBABILITY_GRID = "probability.npy", "probability.json"
LPS_TO_RAS = (-1.0, -1.0, 1.0)


def main(request_file: str) -> int:
    """Run one task."""
    from totalsegmentator.map_to_binary import class_map
    from totalsegmentator.python_api import totalsegmentator

    request = json.loads(Path(request_file).read_text(encoding="utf-8"))
    folder = Path(request_file).parent
    kept = folder / "kept.npz"
    totalsegmentator(
        folder / request["image"],
        folder / LABELS,
        ml=True,
        task=request["task"],
        fast=request["fast"],
        roi_subset=request["roi_subset"] or None,
        device=request["device"],
        quiet=True,
        nr_thr_saving=1,
        save_probabilities=kept if request["probability_of"] else None,
    )
    names = {str(value): name for value, name in class_map[request["task"]].items()}
    (folder / NAMES).write_text(json.dumps(names), encoding="utf-8")
    if request["probability_of"] and kept.is_file():
        value = next(int(value) for value, name in names.items() if name == request["probability_of"])
        _hand_over(folder, kept, value)
    return 0


def _hand_over(folder: Path, kept: Path, value: int) -> None:
    """Write the probability of one class (k, j, i) and the matrix of its grid to RAS mm."""
    import numpy as np

    with np.load(kept) as arrays:
        np.save(folder / PROBABILITY, arrays["probabilities"][value].astype(np.float16))
    with kept.with_suffix(".pkl").open("rb") as file:
        properties = pickle.load(file)  # TotalSegmentator wrote it a moment ago
    matrix = [[float(x) for x in row] for row in _matrix(properties)]
    (folder / PROBABILITY_GRID).write_text(json.dumps(matrix), encoding="utf-8")


def _matrix(properties: dict[str, Any]) -> Any:
    """Return the 4x4 matrix of nnU-Net's grid, from what its reader kept of the image."""
    import numpy as np

    if "nibabel_stuff" in properties:
        told = properties["nibabel_stuff"]
        return np.asarray(told.get("reoriented_affine", told["original_affine"]))
    told = properties["sitk_stuff"]
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(told["direction"], (3, 3)) * np.asarray(told["spacing"])
    matrix[:3, 3] = told["origin"]
    return np.diag([*LPS_TO_RAS, 1.0]) @ matrix


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
