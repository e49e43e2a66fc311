"""What parsers of broken DICOM files raise, in one list."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache


@lru_cache(maxsize=16)
def parse_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """List what parsers of broken files raise, and ``others``: the file cannot be trusted to have been understood."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    return (
        *others,
        ArithmeticError,
        AssertionError,
        AttributeError,
        BufferError,
        EOFError,
        LookupError,
        MemoryError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        struct.error,
        zlib.error,
        BytesLengthException,
        InvalidDicomError,
    )
