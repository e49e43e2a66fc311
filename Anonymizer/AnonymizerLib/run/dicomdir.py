"""A new DICOMDIR from the result: a copy of the outputs as a medium, with an index made from nothing but them.

A DICOMDIR of the input is an index full of names. It is never edited: it is left out, and on request a new one is made.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ThoraxAILib.errors import InputError, OutputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# Directory records need these (PS3.3 F.5); where the result has none, the record gets a value that says nothing.
NEEDED = {
    "PatientID": "REMOVED",
    "StudyDate": "19000101",
    "StudyTime": "000000",
    "StudyID": "1",
    "Modality": "OT",
    "SeriesNumber": 1,
    "InstanceNumber": 1,
    "ContentDate": "19000101",
    "ContentTime": "000000",
    "ContentLabel": "REMOVED",
    "PresentationCreationDate": "19000101",
    "PresentationCreationTime": "000000",
    "CompletionFlag": "PARTIAL",
    "VerificationFlag": "UNVERIFIED",
    "StructureSetLabel": "REMOVED",
    "RTPlanLabel": "REMOVED",
    "DoseSummationType": "PLAN",
}


def check_medium(target: Path, source: Path, output: Path) -> None:
    """Raise InputError when the medium exists already or would lie in the input or the output."""
    if target.exists():
        raise InputError(f"The folder '{target.name}' for the DICOMDIR exists already: choose a new name.")
    place = target.resolve()
    if any(folder.resolve() in (place, *place.parents) for folder in (source, output)):
        raise InputError("The folder for the DICOMDIR must lie outside of input and output.")


def write_medium(outputs: list[Path], target: Path) -> int:
    """Copy the outputs into a new folder with file names of the standard, and write their DICOMDIR; how many there are.

    The copies have the bytes of the outputs. Raises OutputError, and then nothing is left.
    """
    from pydicom.fileset import FileSet

    try:
        with tempfile.TemporaryDirectory(dir=target.resolve().parent, prefix=".unfinished-") as folder:
            medium = Path(folder) / "medium"
            index = FileSet()
            original_of = {}
            for path in outputs:
                header = _header(path)
                original_of[str(header.SOPInstanceUID)] = path
                index.add(header)
            index.write(medium)
            for instance in index:
                shutil.copyfile(original_of[str(instance.SOPInstanceUID)], instance.path)
            medium.replace(target)
    except (OSError, ValueError, AttributeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "an output lacks what a directory record needs"
        raise OutputError(
            f"The DICOMDIR could not be written ({reason}): the outputs themselves are complete."
        ) from error
    return len(outputs)


def _header(path: Path) -> Dataset:
    """Read the attributes of an output that directory records are made of."""
    from pydicom import dcmread

    header = dcmread(path, stop_before_pixels=True)
    for keyword, value in NEEDED.items():
        if not header.get(keyword):
            setattr(header, keyword, value)
    return header
