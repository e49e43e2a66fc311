"""DICOM and ITK give LPS mm, the suite uses RAS mm: the one place where they meet; and a name for nameless images."""

from __future__ import annotations

import hashlib

import numpy as np

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # and RAS to LPS: it is its own inverse


def ijk_to_ras_from_lps(ijk_to_lps: np.ndarray) -> np.ndarray:
    """Return the 4x4 matrix from IJK to RAS mm for one from IJK to LPS mm, and the other way round."""
    return LPS_TO_RAS @ ijk_to_lps + 0.0  # + 0.0 turns -0 into 0


def flip_lps_ras(vectors_mm: np.ndarray) -> np.ndarray:
    """Points or vectors (..., 3) in RAS mm for ones in LPS mm, and the other way round."""
    return vectors_mm * LPS_TO_RAS.diagonal()[:3]


def affine_in_other_frame(matrix: np.ndarray) -> np.ndarray:
    """Return a 4x4 matrix that maps RAS to RAS as one that maps LPS to LPS, and the other way round."""
    return LPS_TO_RAS @ matrix @ LPS_TO_RAS


def content_uid(array: np.ndarray, ijk_to_ras: np.ndarray) -> str:
    """``sha256:`` and 16 hex digits of voxels and geometry: the same for the same image in any file format."""
    digest = hashlib.sha256(np.ascontiguousarray(array).data)
    digest.update(np.round(ijk_to_ras, 4).tobytes())
    return f"sha256:{digest.hexdigest()[:16]}"
