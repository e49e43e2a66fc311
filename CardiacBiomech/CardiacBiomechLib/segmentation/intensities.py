"""Intensities as the segmentation network is shown them."""

from __future__ import annotations

import numpy as np


def normalized(image: np.ndarray) -> np.ndarray:
    """Return an image (..., j, i) with its 1st and 99th percentile as 0 and 1, clipped, float32."""
    low, high = np.percentile(image[..., ::2, ::2], (1.0, 99.0))
    return np.clip((image - low) / max(float(high - low), 1e-6), 0.0, 1.0).astype(np.float32)
