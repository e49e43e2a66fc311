"""Where the voxels of an image lie: in the file itself or in plain files beside it, or it is refused.

NRRD, MetaImage and NIfTI headers may name their data files, and the libraries behind ITK follow any name: a header
of unknown origin would carry any file of this computer into a picture, a scene or a report. Formats: teem.sourceforge.
net/nrrd/format.html (section 5, data file), MetaIO (ElementDataFile), nifti1.h (magic, pairs of .hdr and .img).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from ThoraxAILib.errors import InputError

HEADER_BYTES = 4 << 20  # a header with one data file per slice of a long scan takes less than 1 MiB
LINE_BYTES = 1 << 16
NRRD_MAGIC = b"NRRD"
NRRD_FIELD = re.compile(rb"\s*data ?file\s*:(?!=)(.*)", re.IGNORECASE | re.DOTALL)
META_ENDINGS, META_KEY = (".mha", ".mhd"), b"ElementDataFile"
NIFTI_ENDINGS = (".nii.gz", ".hdr.gz", ".img.gz", ".nii", ".hdr", ".img")
LIST, LOCAL, STANDARD_INPUT = b"LIST", b"LOCAL", "-"
NUMBER = re.compile(rb"%0?\d{0,2}[diu]")
PATTERN = re.compile(rb"(.*?)(?:\s+-?\d+){2,4}", re.DOTALL)  # a name, then first, last, step, dimension of a file
NOT_PLAIN = re.compile(r'[/\\"\x00-\x1f]|^[A-Za-z]:')


def require_data_beside(header: Path) -> None:
    """Raise InputError unless every data file that an image file names is a plain file name in its own folder.

    Files that name none pass. Unreadable files pass too: the reader has its own sentence for them.
    """
    try:
        names = list(_named_files(header))
    except OSError:
        return
    for name in names:
        _require_beside(header, os.fsdecode(name))


def _named_files(header: Path) -> Iterator[bytes]:
    """Every file that ITK may open for the voxels of ``header``, as written there."""
    with header.open("rb") as file:
        is_nrrd = file.read(len(NRRD_MAGIC)) == NRRD_MAGIC
    name = header.name.lower()
    if is_nrrd:
        yield from _nrrd_files(_lines(header, ends_when_empty=True))
    if name.endswith(META_ENDINGS):
        yield from _meta_files(header)
    ending = next((ending for ending in NIFTI_ENDINGS if name.endswith(ending)), "")
    if ending:
        yield from _nifti_partners(header, header.name[: len(header.name) - len(ending)])


def _lines(path: Path, ends_when_empty: bool) -> Iterator[bytes]:
    """Yield the lines of a header; a lone carriage return ends one too, as some libraries read it."""
    with path.open("rb") as file:
        taken = 0
        while line := file.readline(LINE_BYTES):
            taken += len(line)
            if taken > HEADER_BYTES:
                raise InputError(f"'{path.name}' has a header of more than {HEADER_BYTES >> 20} MiB: save it again.")
            if ends_when_empty and not line.strip(b"\r\n"):
                return
            yield from (part.strip() for part in line.split(b"\r") if part.strip())


def _nrrd_files(lines: Iterator[bytes]) -> Iterator[bytes]:
    for line in lines:
        found = NRRD_FIELD.fullmatch(line)
        if found is None:
            continue
        value = found[1].strip()
        if value.startswith(LIST):
            yield from lines
        elif b"%" in value and PATTERN.fullmatch(value):
            yield _one_of_pattern(value)
        else:
            yield value


def _meta_files(path: Path) -> Iterator[bytes]:
    """Yield what ElementDataFile says; every line before it must be a key with a value, so that none hides it."""
    lines = _lines(path, ends_when_empty=False)
    for line in lines:
        key, separator, value = _split(line)
        if not separator:
            raise InputError(
                f"'{path.name}' cannot be read as MetaImage (damaged, incomplete or another format): save it again."
            )
        if key.strip() != META_KEY:
            continue
        value = value.strip()
        if value.startswith(LIST):
            yield from lines
        elif value.upper() != LOCAL:
            yield _one_of_pattern(value) if b"%" in value else value
        return


def _split(line: bytes) -> tuple[bytes, bytes, bytes]:
    """Key, separator and value of a line; MetaIO takes '=' and ':'."""
    place = min((index for index in (line.find(b"="), line.find(b":")) if index >= 0), default=len(line))
    return line[:place], line[place : place + 1], line[place + 1 :]


def _one_of_pattern(value: bytes) -> bytes:
    """Return a name of a pattern with its numbers behind it; one that is no plain pattern of one number stays a
    pattern.
    """
    found = PATTERN.fullmatch(value)
    name = found[1] if found else value
    return NUMBER.sub(b"1", name, count=1)


def _nifti_partners(header: Path, stem: str) -> Iterator[bytes]:
    """Header and voxels of a pair have one name; only a link can lead elsewhere."""
    for ending in (*NIFTI_ENDINGS, *(ending.upper() for ending in NIFTI_ENDINGS)):
        if stem + ending != header.name and (header.parent / (stem + ending)).is_symlink():
            yield os.fsencode(stem + ending)


def _require_beside(header: Path, name: str) -> None:
    """Check that a name is plain and that, links followed, it is a file in the same folder."""
    plain = name not in ("", ".", "..", STANDARD_INPUT) and not NOT_PLAIN.search(name)
    if not plain or not _is_file_in(header.parent, name):
        raise InputError(
            f"'{header.name}' names a data file that does not lie beside it: put header and data files "
            "into one folder, without links, and name them without a folder."
        )


def _is_file_in(folder: Path, name: str) -> bool:
    """Whether a name is a file in the folder when links are followed, or nothing is there."""
    target = folder / name
    try:
        return os.path.dirname(os.path.realpath(target)) == os.path.realpath(folder) and (
            target.is_file() or not os.path.lexists(target)
        )
    except OSError:
        return False
