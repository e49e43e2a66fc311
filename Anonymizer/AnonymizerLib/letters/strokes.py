"""Drawn strokes: thin shapes of one single value in several separate parts, as letters of a graphics overlay are.

Anatomy has no such thing: its brightness varies from pixel to pixel. This knows nothing of letters and is therefore
evidence that is independent of the network and of OCR. Writing that was smoothed or went through lossy compression is
not recognized as drawn.
"""

from __future__ import annotations

import numpy as np

from AnonymizerLib.profile.regions import Box

FEWEST_PIXELS = 20
FEWEST_PARTS = 3
THICKEST = 3.5  # pixels from the middle of a stroke to its rim
FLAT_SHARE = 0.4  # of the pixels that stand out and have the one value; the others are smoothed rims
ONE_VALUE = 2.0  # levels of an 8-bit frame that count as one value; deeper frames hold overlays exactly
GROUND_WIDTH = 25  # pixels over which the ground is estimated
LEAST_CONTRAST = 0.03  # of the range of the frame
PEAK_PERCENT, PEAK_SHARE = 99.0, 0.7  # what stands out reaches this share of what stands out most


def are_drawn(frame: np.ndarray, box: Box) -> bool:
    """Whether strokes of one value stand out in a box of a frame, (rows, columns) or (rows, columns, 3)."""
    clipped = box.clipped(*frame.shape[:2])
    if clipped is None:
        return False
    area = frame[clipped.top : clipped.top + clipped.height, clipped.left : clipped.left + clipped.width]
    planes = [area] if frame.ndim == 2 else [area[..., channel] for channel in range(3)]
    span = float(frame.max()) - float(frame.min())
    one_value = ONE_VALUE if frame.dtype.itemsize == 1 else 0.0
    return any(_has_flat_strokes(plane.astype(np.float64), span, one_value) for plane in planes)


def _has_flat_strokes(plane: np.ndarray, span: float, one_value: float) -> bool:
    from scipy import ndimage

    above = plane - ndimage.median_filter(plane, GROUND_WIDTH, mode="nearest")
    for side in (above, -above):
        least = max(LEAST_CONTRAST * span, PEAK_SHARE * float(np.percentile(side, PEAK_PERCENT)))
        if _is_writing(plane, side > least, one_value):
            return True
    return False


def _is_writing(plane: np.ndarray, stands_out: np.ndarray, one_value: float) -> bool:
    from scipy import ndimage

    if np.count_nonzero(stands_out) < FEWEST_PIXELS:
        return False
    values, counts = np.unique(plane[stands_out], return_counts=True)
    flat = stands_out & (np.abs(plane - values[counts.argmax()]) <= one_value)
    if np.count_nonzero(flat) < max(FLAT_SHARE * np.count_nonzero(stands_out), FEWEST_PIXELS):
        return False
    thickness = ndimage.distance_transform_edt(np.pad(flat, 1))
    labels, _ = ndimage.label(flat, np.ones((3, 3), bool))
    sizes = np.bincount(labels.ravel())[1:]
    return bool(thickness.max() <= THICKEST and np.count_nonzero(sizes > 2) >= FEWEST_PARTS)
