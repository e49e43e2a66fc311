"""One Volume out of a pile of DICOM files: choose a stack, read it, check its values, bring it onto an even grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.lps import content_uid, ijk_to_ras_from_lps
from ThoraxAILib.image.volume import SeriesIdentity, Volume
from ThoraxAILib.io.dicom_series import Stack, find_stacks
from ThoraxAILib.io.hounsfield import AIR_HU, to_hounsfield, to_scalar
from ThoraxAILib.io.series import in_order_of_preference, reason_of_choice
from ThoraxAILib.io.slices.dicom_headers import HeaderScan, files_below, scan_headers
from ThoraxAILib.io.slices.dicom_pixels import read_stack
from ThoraxAILib.io.slices.slice_grid import resample_to_grid
from ThoraxAILib.jobs.progress import Progress

MAX_LISTED = 4
STUDY = "study:"  # before a study UID in place of a series UID: the rule chooses within that study
MULTI_VALUE = "\\"


def stacks_below(
    path: Path, modalities: Sequence[str], progress: Progress | None = None
) -> tuple[list[Stack], HeaderScan]:
    """Stacks of a folder with its subfolders, or of the series that a single DICOM file belongs to."""
    if path.is_dir():
        scan = scan_headers(files_below(path), progress)
        return find_stacks(scan, modalities), scan
    own = scan_headers([path])
    if not own.headers:
        raise InputError(
            f"'{path.name}' is no DICOM image ({own.found()} found): give an image file or a folder with a CT series."
        )
    scan = scan_headers([file for file in sorted(path.parent.iterdir()) if file.is_file()], progress)
    stacks = [stack for stack in find_stacks(scan, modalities) if path in stack.summary.files]
    same = HeaderScan(tuple(h for h in scan.headers if h.series_uid == own.headers[0].series_uid))
    return stacks or find_stacks(same, modalities), same


def read_dicom(path: Path, series_uid: str | None, modalities: Sequence[str], progress: Progress) -> Volume:
    """Return the chosen series below ``path`` as a Volume (CT in HU); what was chosen and repaired is in its notes.

    Raises InputError when no series is usable, ``series_uid`` is unknown, or its pixels cannot be used.
    """
    stacks, scan = stacks_below(path, modalities, progress.part(0.0, 0.2))
    stack, choice_notes = choose_stack(stacks, scan, series_uid, path.name, modalities)
    array = read_stack([*stack.headers], stack.summary.modality == "CT", progress.part(0.2, 0.9))
    progress(0.9, "Checking values")
    array, notes = _checked(array, stack, path.name)
    grid = stack.usable_grid
    if grid.needs_resampling:
        array = resample_to_grid(array, grid, AIR_HU if stack.summary.modality == "CT" else float(array.min()))
    matrix = ijk_to_ras_from_lps(grid.ijk_to_lps)
    identity = _identity(stack, array, matrix)
    return Volume(array, matrix, stack.summary.modality, identity, choice_notes + stack.notes + notes)


def choose_stack(
    stacks: Sequence[Stack], scan: HeaderScan, series_uid: str | None, name: str, modalities: Sequence[str]
) -> tuple[Stack, tuple[str, ...]]:
    """Return stack asked for or preferred by the rule, and the notes that state the choice; InputError when none is.

    ``series_uid`` may name a study, as ``study:UID``: then the rule chooses among its series.
    """
    wanted = " or ".join(modalities)
    if series_uid is not None and series_uid.startswith(STUDY):
        stacks = [s for s in stacks if s.summary.study_uid == series_uid[len(STUDY) :]]
        series_uid = None
    asked = [s for s in stacks if series_uid in (None, s.summary.series_uid, s.summary.choice)]
    if not stacks:
        raise InputError(
            f"No {wanted} series was found in '{name}' ({scan.found()} found): give a folder with the "
            "DICOM files of one scan."
        )
    if not asked:
        raise InputError(
            f"The series '{series_uid}' is not in '{name}', which holds {_listed(stacks)}: choose one of these."
        )
    preferred = in_order_of_preference([stack.summary for stack in asked])
    if not preferred:
        faults = [f"{stack.summary.label} {stack.summary.reason}" for stack in asked]
        more = f" and {len(faults) - MAX_LISTED} more" if len(faults) > MAX_LISTED else ""
        raise InputError(
            f"No usable {wanted} series was found in '{name}', because {'; '.join(faults[:MAX_LISTED])}"
            f"{more}: choose another folder or export the series again."
        )
    chosen = next(stack for stack in asked if stack.summary is preferred[0])
    return chosen, _choice_notes(chosen, stacks, scan, series_uid)


def _choice_notes(chosen: Stack, stacks: Sequence[Stack], scan: HeaderScan, series_uid: str | None) -> tuple[str, ...]:
    rivals = [stack for stack in stacks if stack.summary.usable and stack is not chosen]
    left_out = [stack for stack in stacks if not stack.summary.usable]
    notes: tuple[str, ...] = ()
    if rivals:
        best = in_order_of_preference([stack.summary for stack in rivals])[0]
        why = "it was asked for" if series_uid is not None else reason_of_choice(chosen.summary, best)
        others = _listed(rivals, with_uid=True)
        notes += (
            f"Of {len(rivals) + 1} usable series, {chosen.summary.label} was read because {why}; not read: {others}.",
        )
    if left_out:
        listed = "; ".join(f"{s.summary.label} {s.summary.reason}" for s in left_out[:MAX_LISTED])
        more = f"; and {len(left_out) - MAX_LISTED} more" if len(left_out) > MAX_LISTED else ""
        notes += (f"Left out: {listed}{more}.",)
    if scan.unreadable_files:
        which = "1 damaged DICOM file" if scan.unreadable_files == 1 else f"{scan.unreadable_files} damaged DICOM files"
        notes += (f"Left out: {which}.",)
    return notes


def _listed(stacks: Sequence[Stack], with_uid: bool = False) -> str:
    entries = [stack.summary.label + (f" {stack.summary.choice}" if with_uid else "") for stack in stacks]
    more = f" and {len(entries) - MAX_LISTED} more" if len(entries) > MAX_LISTED else ""
    return ", ".join(entries[:MAX_LISTED]) + more


def _checked(array: np.ndarray, stack: Stack, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Values of the modality's kind: HU for CT, with notes where the header left room for doubt."""
    if stack.summary.modality != "CT":
        return to_scalar(array, name), ()
    inverted = stack.headers[0].photometric == "MONOCHROME1"
    array, notes = to_hounsfield(array, name, inverted_possible=inverted)
    if inverted:
        notes += ("The series is MONOCHROME1, which concerns its display only: the HU were kept.",)
    if any(header.slope is None or header.intercept is None for header in stack.headers):
        notes += ("The series states no rescale; its values were taken as HU because they reach from air to tissue.",)
    return array, notes


def _identity(stack: Stack, array: np.ndarray, ijk_to_ras: np.ndarray) -> SeriesIdentity:
    header, summary = stack.headers[0], stack.summary
    return SeriesIdentity(
        series_uid=summary.series_uid or content_uid(array, ijk_to_ras),
        study_uid=summary.study_uid,
        frame_of_reference_uid=header.frame_of_reference_uid,
        study_date=header.study_date,
        kernel=summary.kernel.split(MULTI_VALUE)[0],
        slice_thickness_mm=summary.slice_thickness_mm,
        contrast=header.contrast.split(MULTI_VALUE)[0],
        manufacturer=header.manufacturer,
    )
