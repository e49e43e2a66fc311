"""An explanation as files: the map of importance, a picture of it, and its numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LungNoduleAILib.cases.requests import ExplainRequest
from LungNoduleAILib.evaluation.findings_marks import read_findings
from LungNoduleAILib.explanation.explain import Explanation, explain_nodule
from LungNoduleAILib.model.files import (
    EXPLANATION_FILE,
    EXPLANATION_FILES,
    EXPLANATION_PICTURE_FILE,
    FINDINGS_FILE,
    IMPORTANCE_DICOM,
    IMPORTANCE_FILE,
)
from ThoraxAILib import __version__
from ThoraxAILib.errors import InputError, MissingDependencyError
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.jobs.progress import Progress

if TYPE_CHECKING:
    from ThoraxAILib.image.volume import Volume

SERIES_NUMBER = 9007
PLANES = ("axial", "coronal", "sagittal")
ENLARGED = 6
STRONGEST = 0.6  # how much of the color the most important voxel shows
COLOR = np.array([235.0, 60.0, 50.0])
NO_PLACE = np.eye(4)[:3]  # positions in this picture are of no use


def explain_case(
    request: ExplainRequest, progress: Progress, on_note: Callable[[str], None] | None = None
) -> Explanation:
    """Explain the nodule that is asked for and write EXPLANATION_FILES to the folder; raises InputError.

    ``on_note`` hears what was chosen and repaired while the CT was read.
    """
    from LungNoduleAILib.delineation.combined import LearnedDelineator
    from ThoraxAILib.io import read_volume

    place, diameter_mm = asked_nodule(request)
    volume = read_volume(request.input, None, progress.part(0.0, 0.1))
    if on_note is not None:
        for note in volume.notes:
            on_note(note)
    with OutputFolder(request.output, EXPLANATION_FILES) as folder:
        found = explain_nodule(volume, place, diameter_mm, LearnedDelineator(), progress.part(0.1, 0.95), request.seed)
        write_explanation(folder, found, place, diameter_mm)
        note = _write_map(folder, request, volume, found)
    if note and on_note is not None:
        on_note(note)
    progress(1.0, "Done")
    return found


def asked_nodule(request: ExplainRequest) -> tuple[tuple[float, float, float], float]:
    """Return place (RAS mm) and size of the nodule that is asked for; raises InputError when neither way names one."""
    if request.findings is not None:
        file = request.findings / FINDINGS_FILE if request.findings.is_dir() else request.findings
        names = {finding.id: finding for finding in read_findings(file).findings}
        if request.finding not in names:
            known = ", ".join(names) or "none"
            raise InputError(
                f"There is no finding '{request.finding}' in that file (it holds {known}): choose one with --finding."
            )
        finding = names[request.finding]
        return finding.center_ras_mm, finding.mean_diameter_mm
    if request.at is None or request.diameter is None:
        raise InputError("Which nodule is not told: give --at and --diameter, or --findings and --finding.")
    return request.at, request.diameter


def write_explanation(folder: Path, found: Explanation, place: tuple[float, float, float], diameter_mm: float) -> None:
    """Write the map (log odds, NRRD with its place), a picture of it in three planes, and the numbers."""
    import SimpleITK as sitk

    from ThoraxAILib.image.volume import Volume
    from ThoraxAILib.registration.itk_images import itk_image
    from ThoraxAILib.report import encoded

    importance = Volume(found.importance, found.patch.grid.ijk_to_ras)
    sitk.WriteImage(itk_image(importance), str(folder / IMPORTANCE_FILE), True)
    (folder / EXPLANATION_PICTURE_FILE).write_bytes(encoded(picture(found)))
    numbers = {"center_ras_mm": [round(x, 1) for x in place], "diameter_mm": diameter_mm, **found.to_dict()}
    (folder / EXPLANATION_FILE).write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")


def _write_map(folder: Path, request: ExplainRequest, volume: Volume, found: Explanation) -> str:
    """Write the map as a DICOM Parametric Map beside a DICOM series; "" when it was, else why it was not."""
    from ThoraxAILib.image.volume import Volume
    from ThoraxAILib.io.dicom_objects.source_images import check_can_be_referred_to, source_images
    from ThoraxAILib.io.dicom_objects.uids import NewInstance, uid_of

    try:
        check_can_be_referred_to(volume)
        sources = source_images(request.input, volume)
    except (InputError, MissingDependencyError) as error:
        return f"No DICOM Parametric Map was written: {error}"
    from ThoraxAILib.io.dicom_objects.parametric_map import saliency_map

    series = volume.identity.series_uid
    parts = (series, IMPORTANCE_DICOM, __version__)
    importance = Volume(found.importance, found.patch.grid.ijk_to_ras)
    state = hashlib.sha256(found.importance.tobytes()).hexdigest()
    new = NewInstance(SERIES_NUMBER, uid_of("series", *parts), uid_of("instance", *parts, state))
    made = saliency_map(importance, sources, "Occlusion sensitivity, research use only", new)
    made.save_as(folder / IMPORTANCE_DICOM, enforce_file_format=True)
    return ""


def picture(found: Explanation) -> np.ndarray:
    """RGB pixels: three planes through the nodule, red where covering it takes the nodule from the detector."""
    from ThoraxAILib.report import LUNG_WINDOW, Picture, contact_sheet, with_title

    middle = found.importance.shape[0] // 2
    strongest = max(float(found.importance.max()), 1e-6)
    views = []
    for axis, name in enumerate(PLANES):
        gray = np.take(LUNG_WINDOW.gray(found.patch.hu), middle, axis).astype(float)
        share = STRONGEST * np.clip(np.take(found.importance, middle, axis) / strongest, 0, 1)[..., None]
        pixels = gray[..., None] * (1 - share) + COLOR * share
        if axis > 0:
            pixels = pixels[::-1]  # the head is above
        large = np.repeat(np.repeat(pixels, ENLARGED, axis=0), ENLARGED, axis=1).astype(np.uint8)
        views.append(with_title(Picture(large, NO_PLACE, found.patch.spacing_mm / ENLARGED), name))
    return contact_sheet(views, len(views))


def describe(found: Explanation) -> list[str]:
    """Return what the command prints: how faithful the map is, and what moved the suspicion."""
    curves = found.faithfulness
    lines = [
        f"The detector is {found.confidence:.2f} sure of a nodule at this place.",
        f"Deleting what matters most leaves {curves.deletion_area:.2f} on average (random order "
        f"{curves.random_deletion:.2f}), inserting it first gives {curves.insertion_area:.2f} (random order "
        f"{curves.random_insertion:.2f}).",
        f"Correlation with the map of a network of shuffled weights: {found.shuffled_correlation:+.2f}.",
    ]
    if not found.is_faithful:
        lines.append("This map does not pass these tests: do not take it as the reason.")
    if found.moved is not None and found.mean_rating is not None:
        shown = "; ".join(f"{m.feature} {m.points:+.2f}" for m in found.moved[:5])
        lines.append(f"Suspicion: {found.mean_rating:.2f} for the mean nodule of its training, moved most by {shown}.")
    return lines
