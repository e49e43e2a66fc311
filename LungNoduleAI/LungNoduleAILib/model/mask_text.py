"""Outlines as text: a mask in JSON, small enough to stand in the history of a review.

The voxels are packed eight to a byte, compressed and written in base64; a ball of 20 mm takes about a thousand letters.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any

import numpy as np

from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.tuples import three

MAX_VOXELS = 2**28  # a box of 645 voxels along each axis: more than any nodule needs


def mask_to_dict(mask: Mask) -> dict[str, Any]:
    """Return ``mask`` as JSON: where it starts (k, j, i), its shape, and its voxels in base64."""
    bits = np.packbits(np.asarray(mask.array) > 0)
    return {
        "offset_kji": [int(start) for start in mask.offset_kji],
        "shape_kji": [int(size) for size in mask.array.shape],
        "voxels": base64.b64encode(zlib.compress(bits.tobytes(), 9)).decode("ascii"),
    }


def mask_from_dict(entry: dict[str, Any]) -> Mask:
    """Inverse of mask_to_dict; raises ValueError for a text that is no mask or too large."""
    try:
        offset, shape = three(int(v) for v in entry["offset_kji"]), three(int(v) for v in entry["shape_kji"])
        count = int(np.prod(shape, dtype=object))
        if min(shape) < 1 or min(offset) < 0 or count > MAX_VOXELS:
            raise ValueError("the outline in the review has an impossible size")
        wanted = -(-count // 8)
        bits = zlib.decompressobj().decompress(base64.b64decode(entry["voxels"], validate=True), wanted)
    except (KeyError, TypeError, zlib.error, binascii.Error) as error:
        raise ValueError(f"the outline in the review cannot be read ({type(error).__name__})") from error
    if len(bits) != wanted:
        raise ValueError("the outline in the review is not complete")
    flat = np.unpackbits(np.frombuffer(bits, np.uint8), count=count)
    return Mask(offset, flat.reshape(shape).astype(bool))
