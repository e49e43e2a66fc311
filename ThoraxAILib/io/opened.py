"""What a person names, opened for reading: an archive is unpacked while it is read, a DICOMDIR is its folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ThoraxAILib.archives.unpack import unpacked
from ThoraxAILib.errors import InputError
from ThoraxAILib.io.slices.dicom_headers import files_below, is_directory_file, looks_like_dicom

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
OTHER_ARCHIVES = (
    ".7z",
    ".rar",
    ".tar.bz2",
    ".tbz2",
    ".tar.xz",
    ".txz",
    ".tar.zst",
    ".bz2",
    ".xz",
    ".zst",
    ".gz",
    ".lz4",
)


def is_archive(path: Path) -> bool:
    """Whether a file is an archive that can be read, by its ending."""
    return path.name.lower().endswith(ARCHIVES) and path.is_file()


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """Yield the file or folder to read for ``path``; raises InputError for an archive that cannot be opened.

    An archive, also one that is alone in a folder, is unpacked, bounded in size and number, into a private folder that
    is gone afterwards.
    """
    if path.is_dir():
        files = files_below(path)
        if len(files) == 1 and is_archive(files[0]):
            path = files[0]
    if path.is_file() and not is_archive(path) and looks_like_dicom(path) and is_directory_file(path):
        yield path.parent
    elif is_archive(path):
        with unpacked(path) as folder:
            try:
                yield folder
            except InputError as error:
                raise InputError(str(error).replace(f"'{folder.name}'", f"'{path.name}'")) from None
    else:
        yield path


def not_an_image(path: Path, accepted: str) -> InputError:
    """Return the error for a file that is no image, with what to do about it."""
    if path.name.lower().endswith(OTHER_ARCHIVES):
        return InputError(f"'{path.name}' is an archive this program does not open: unpack it and give the folder.")
    return InputError(f"'{path.name}' is not an image this program reads: give {accepted}, or a .zip or .tar.gz of it.")
