"""Is a CT reconstruction kernel soft or sharp? By the vendors' naming; unknown names rank between the two."""

from __future__ import annotations

import re

SOFT, UNKNOWN, SHARP = 0, 1, 2

# Siemens B40f, Br36, I70f, Hr60: the number is the sharpness. Canon/Toshiba FC01-FC29 body, from FC30 bone and lung.
_SIEMENS = re.compile(r"^(?:B|I|H|D|U|T|Q|BR|BF|BV|BL|HR|HC|SA|SB|QR)(\d\d)[A-Z]*$")
_CANON = re.compile(r"^FC(\d\d)")
_SIEMENS_SHARP_FROM, _CANON_SHARP_FROM = 50, 30
# GE and United Imaging name their kernels; Philips uses letters.
_SHARP_WORDS = ("LUNG", "BONE", "EDGE", "SHARP", "ULTRA")
_SOFT_WORDS = ("SOFT", "STANDARD", "STND", "CHST", "DETAIL", "BODY", "SMOOTH")
_PHILIPS_SOFT, _PHILIPS_SHARP = ("A", "B", "C", "SA", "SB", "SC"), ("D", "E", "F", "L", "YA", "YB", "YC", "YD", "YE")


def kernel_rank(kernel: str) -> int:
    """SOFT, UNKNOWN or SHARP for a ConvolutionKernel (its first value when it has several)."""
    name = kernel.split("\\")[0].strip().upper()
    for pattern, sharp_from in ((_SIEMENS, _SIEMENS_SHARP_FROM), (_CANON, _CANON_SHARP_FROM)):
        match = pattern.match(name)
        if match:
            return SHARP if int(match.group(1)) >= sharp_from else SOFT
    if any(word in name for word in _SHARP_WORDS) or name in _PHILIPS_SHARP:
        return SHARP
    if any(word in name for word in _SOFT_WORDS) or name in _PHILIPS_SOFT:
        return SOFT
    return UNKNOWN
