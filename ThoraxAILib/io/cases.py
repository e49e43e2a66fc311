"""What a person names on the command line to the list of cases to work on: one volume each, with a unique name.

Names come from the files and folders the person gave, never from what DICOM says about the patient.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os.path import commonpath
from pathlib import Path

from ThoraxAILib.errors import InputError
from ThoraxAILib.io.data_set_folders import masks_note, split_masks, without_data_files
from ThoraxAILib.io.dicom_series import find_stacks
from ThoraxAILib.io.dicom_volume import STUDY, choose_stack, stacks_below
from ThoraxAILib.io.image_file import image_ending, is_segmentation
from ThoraxAILib.io.opened import ARCHIVES, is_archive, not_an_image, opened
from ThoraxAILib.io.slices.dicom_headers import files_below, looks_like_dicom, scan_headers

_NOT_FOR_NAMES = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class Case:
    """One volume to read with ``read_volume(path, selection)``; ``name`` is unique in its list and fit for a file.

    ``series_uid`` is the series that will be read, ``reason`` why it is this one where there was a choice;
    ``chosen_by_rule`` is False when a person asked for it.
    """

    name: str
    path: Path
    series_uid: str | None = None
    study_uid: str = ""
    chosen_by_rule: bool = False
    reason: str = ""

    @property
    def selection(self) -> str | None:
        """What to pass to read_volume so that it reads this volume and says why: the series, or its study."""
        return f"{STUDY}{self.study_uid}" if self.chosen_by_rule else self.series_uid


def find_cases(
    inputs: Sequence[Path], modalities: tuple[str, ...] = ("CT",), on_note: Callable[[str], None] | None = None
) -> list[Case]:
    """One case per image file and per DICOM study (one series chosen in each) at ``inputs`` and below.

    Archives are looked into; masks beside scans are left out, which ``on_note`` hears.
    Raises InputError with one sentence for an input that is missing or holds nothing usable.
    """
    if not inputs:
        raise InputError("No input was given: name at least one image file or folder.")
    cases: list[Case] = []
    for given in inputs:
        path = Path(given)
        if not path.exists():
            raise InputError(f"'{path}' does not exist: check the path.")
        if path.is_dir():
            cases += _folder_cases(path, modalities, on_note or _unheard)
        elif is_archive(path):
            cases += _archive_cases(path, modalities)
        else:
            cases += _file_case(path, modalities)
    return _unique(cases)


def _unheard(_note: str) -> None:
    """Nobody asked for notes."""


def _archive_cases(path: Path, modalities: tuple[str, ...]) -> list[Case]:
    """Cases within an archive, each read from it again."""
    ending = next(e for e in sorted(ARCHIVES, key=len, reverse=True) if path.name.lower().endswith(e))
    stem = _clean(path.name[: -len(ending)])
    with opened(path) as inside:
        found = _folder_cases(inside, modalities, _unheard)
    if len(found) == 1:
        return [replace(found[0], name=stem, path=path)]
    if not all(case.chosen_by_rule for case in found):
        raise InputError(f"'{path.name}' holds {len(found)} images: unpack it and give the folder.")
    return [replace(case, name=f"{stem}_{case.name}", path=path) for case in found]


def _file_case(path: Path, modalities: tuple[str, ...]) -> list[Case]:
    if is_segmentation(path):
        raise InputError(f"'{path.name}' is a segmentation: give the CT image it belongs to.")
    if image_ending(path):
        return [Case(_stem(path), path)]
    if not looks_like_dicom(path):
        raise not_an_image(path, "DICOM, NRRD, NIfTI or MetaImage")
    with opened(path) as inside:
        if inside.is_dir():  # of a DICOMDIR
            return _folder_cases(inside, modalities, _unheard)
    stacks, scan = stacks_below(path, modalities)
    stack, notes = choose_stack(stacks, scan, None, path.name, modalities)
    chosen = stack.summary
    return [Case(_stem(path), path, chosen.choice or None, chosen.study_uid, True, " ".join(notes))]


def _folder_cases(folder: Path, modalities: tuple[str, ...], on_note: Callable[[str], None]) -> list[Case]:
    files = without_data_files(files_below(folder))
    images = [file for file in files if image_ending(file) and not is_segmentation(file)]
    images, masks = split_masks(folder, images) if len(images) > 1 else (images, [])
    if masks:
        on_note(f"'{folder.name}': {masks_note(masks)}")
    scan = scan_headers([file for file in files if not image_ending(file)])
    stacks = find_stacks(scan, modalities)
    cases = [Case(_name_of_image(folder, image), image) for image in images]
    studies = sorted({stack.summary.study_uid for stack in stacks if stack.summary.usable})
    for study in studies:
        own = [stack for stack in stacks if stack.summary.study_uid == study]
        stack, notes = choose_stack(own, scan, None, folder.name, modalities)
        chosen = stack.summary
        # read from the folder of the whole study, so that the same choice is made, and told, again
        path = _common_folder([file for other in own for file in other.summary.files])
        place = _common_folder(chosen.files)
        name = _clean(folder.resolve().name) if len(studies) == 1 and not images else _name_below(folder, place)
        cases.append(Case(name, path, chosen.choice or None, study, True, " ".join(notes)))
    if not cases:
        archives = [file for file in files if is_archive(file)]
        cases = [case for archive in archives for case in _archive_cases(archive, modalities)]
    if not cases:
        choose_stack(stacks, scan, None, folder.name, modalities)  # raises, with what was found instead
    return cases


def _common_folder(files: Sequence[Path]) -> Path:
    return Path(commonpath([str(file.parent) for file in files]))


def _stem(path: Path) -> str:
    ending = image_ending(path) or path.suffix
    return _clean(path.name[: len(path.name) - len(ending)])


def _name_below(folder: Path, place: Path) -> str:
    """Return a name from the folders between what was given and where the case lies."""
    parts = place.relative_to(folder).parts
    return _clean("_".join(parts)) if parts else _clean(folder.resolve().name)


def _name_of_image(folder: Path, image: Path) -> str:
    """Return the folders and the stem of an image file, without a folder whose name the next part repeats."""
    parts = [*image.parent.relative_to(folder).parts, _stem(image)]
    kept = [part for part, following in zip(parts, [*parts[1:], ""], strict=True) if not following.startswith(part)]
    return _clean("_".join(kept))


def _clean(name: str) -> str:
    return _NOT_FOR_NAMES.sub("_", name).strip("._") or "case"


def _unique(cases: Sequence[Case]) -> list[Case]:
    """Return the cases without repeated ones, with numbers added to names that occur twice (also when only case
    differs).
    """
    taken: set[str] = set()
    unique: list[Case] = []
    seen: set[tuple[Path, str | None]] = set()
    for case in cases:
        key = (case.path.resolve(), case.series_uid)
        if key in seen:
            continue
        seen.add(key)
        name, number = case.name, 1
        while name.lower() in taken:
            number += 1
            name = f"{case.name}_{number}"
        taken.add(name.lower())
        unique.append(replace(case, name=name))
    return unique
