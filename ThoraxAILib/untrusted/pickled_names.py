"""What a PyTorch checkpoint would call when it is read, found without reading it: pickle can run any code."""

from __future__ import annotations

import pickletools
import zipfile
from pathlib import Path

MAX_PICKLE_BYTES = 64 << 20
PICKLE_ENDING = "data.pkl"
NAMED_ELSEWHERE = ("STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4")
# what tensors, plain numbers and NumPy's own numbers need
HARMLESS = frozenset(
    {
        "collections OrderedDict",
        "_codecs encode",
        "torch device",
        "torch Size",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        *(f"torch {kind}Storage" for kind in "Float Half BFloat16 Double Long Int Short Char Byte Bool".split()),
        *(f"torch {kind}" for kind in "float32 float16 bfloat16 float64 int64 int32 int16 int8 uint8 bool".split()),
        *(f"numpy.{core}.multiarray {call}" for core in ("core", "_core") for call in ("scalar", "_reconstruct")),
        *(f"numpy {kind}" for kind in ("dtype", "ndarray")),
        *(f"numpy.dtypes {kind}DType" for kind in ("Float64", "Float32", "Int64", "Int32", "Bool")),
    }
)


def unexpected_names(checkpoint: Path) -> tuple[str, ...]:
    """Return what a checkpoint would call beyond tensors and numbers, such as "os system"; empty for a harmless one.

    Raises ValueError when the file is none that ``torch.save`` writes today, or hides what it calls.
    """
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            found = [entry for entry in archive.infolist() if entry.filename.endswith(PICKLE_ENDING)]
            if len(found) != 1 or found[0].file_size > MAX_PICKLE_BYTES:
                raise ValueError("not one list of tensors")
            content = archive.read(found[0])
        names = [_name(code.name, told) for code, told, _place in pickletools.genops(content)]
    except (OSError, zipfile.BadZipFile, IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"no checkpoint ({type(error).__name__})") from error
    return tuple(sorted({name for name in names if name} - HARMLESS))


def _name(code: str, told: object) -> str:
    if code in NAMED_ELSEWHERE:
        raise ValueError("a checkpoint that hides what it calls")
    return str(told) if code == "GLOBAL" else ""
