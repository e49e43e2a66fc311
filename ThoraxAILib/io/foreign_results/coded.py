"""Coded words as other programs write them, and checks that all readers share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.parse_errors import parse_errors

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MAX_TEXT = 500


@dataclass(frozen=True)
class Coded:
    """A coded word: its meaning, and value and scheme, by which it is compared."""

    meaning: str
    value: str = ""
    scheme: str = ""

    def __str__(self) -> str:
        return self.meaning or f"{self.value} {self.scheme}".strip()


def coded(item: Dataset, keyword: str) -> Coded | None:
    """Return the first code of a sequence of an item, None without one."""
    sequence = item.get(keyword)
    if not sequence:
        return None
    code = sequence[0]
    value = code.get("CodeValue") or code.get("LongCodeValue") or code.get("URNCodeValue") or ""
    return Coded(text_of(code.get("CodeMeaning")), str(value), text_of(code.get("CodingSchemeDesignator")))


def text_of(value: Any) -> str:
    """Return a value as bounded text."""
    return str(value if value is not None else "").strip()[:MAX_TEXT]


def read_header(path: Path, sop_classes: tuple[str, ...], kind: str, with_pixels: bool = False) -> Dataset:
    """Read a DICOM object of one of these classes; raises InputError when it is another or cannot be read."""
    from pydicom import dcmread

    if not path.exists():
        raise InputError(f"There is no file '{path.name}': give {kind}.")
    if path.is_dir():
        raise InputError(f"'{path.name}' is a folder: give the files in it ({kind}).")
    try:
        ds = dcmread(path, stop_before_pixels=not with_pixels)
        sop_class = str(ds.get("SOPClassUID", ""))
    except parse_errors() as error:
        raise InputError(f"'{path.name}' cannot be read as DICOM ({type(error).__name__}): give {kind}.") from error
    if sop_class not in sop_classes:
        raise InputError(f"'{path.name}' is another kind of DICOM object: give {kind}.")
    return ds
