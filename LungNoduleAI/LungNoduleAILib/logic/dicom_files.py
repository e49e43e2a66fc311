"""DICOM results of what stands in the scene: which images they refer to, and SEG and SR beside the other files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import slicer

from ThoraxAILib.errors import InputError, OutputError

if TYPE_CHECKING:
    from LungNoduleAILib.model.pairs import FollowUp
    from LungNoduleAILib.model.result import AnalysisResult
    from ThoraxAILib.io.dicom_objects.source_images import SourceImages


def images_of(volume_node) -> list[Path]:
    """Return the DICOM files of a volume node as far as Slicer's database knows them; empty for other volumes."""
    database = getattr(slicer, "dicomDatabase", None)
    uids = (volume_node.GetAttribute("DICOM.instanceUIDs") or "").split() if volume_node is not None else []
    if database is None or not uids:
        return []
    paths = [Path(text) for uid in uids if (text := database.fileForInstance(uid))]
    return [path for path in paths if path.is_file()]


def sources_for(volume_node, result: AnalysisResult, folder: str) -> SourceImages:
    """Return the images that DICOM results of ``result`` refer to: those in ``folder``, else of Slicer's database.

    Raises InputError where they are not found, MissingDependencyError without highdicom.
    """
    from ThoraxAILib.io.dicom_objects.source_images import check_can_be_written, source_images

    check_can_be_written()
    images: Path | Sequence[Path] = Path(folder).expanduser() if folder.strip() else images_of(volume_node)
    if not folder.strip() and not images:
        raise InputError("The DICOM images of this CT are not known: choose their folder under Advanced.")
    if isinstance(images, Path) and not images.exists():
        raise InputError("The folder of the DICOM images does not exist: choose it again under Advanced.")
    return source_images(images, result.volume)


def write_dicom(directory: Path, result: AnalysisResult, sources: SourceImages, reader: str) -> tuple[Path, ...]:
    """Write segmentations (SEG) and the measurement report (SR) to an existing folder; raises OutputError.

    With a ``reader`` a verified report stands beside that of the software.
    """
    from LungNoduleAILib.dicom_results.write import write_dicom_results
    from LungNoduleAILib.report.key_pictures import key_pictures

    try:
        return tuple(write_dicom_results(directory, result, sources, reader, pictures=key_pictures(result)))
    except OSError as error:
        raise OutputError(f"The DICOM results cannot be saved ({error.strerror}): choose a writable folder.") from error


def write_follow_up_dicom(
    directory: Path,
    follow_up: FollowUp,
    results: Sequence[AnalysisResult],
    sources: Sequence[SourceImages],
) -> tuple[Path, ...]:
    """Write segmentations of both dates and the report of growth to an existing folder; raises OutputError.

    ``results`` and ``sources`` are those of the prior and the current CT.
    """
    from LungNoduleAILib.dicom_results.follow_up import write_follow_up_results

    try:
        return tuple(write_follow_up_results(directory, follow_up, results, sources))
    except OSError as error:
        raise OutputError(f"The DICOM results cannot be saved ({error.strerror}): choose a writable folder.") from error
