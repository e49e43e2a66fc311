"""Two CTs from their files to a folder with their registration: read, find the lungs, register, compare, write."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from LungNoduleAILib.analysis.engines import choose_anatomy
from LungNoduleAILib.anatomy.protocol import AnatomySegmenter
from LungNoduleAILib.cases.requests import REGISTER, RegisterRequest
from LungNoduleAILib.cases.two_dates.registration_files import save_registration
from LungNoduleAILib.followup.difference.difference_map import DifferenceMap, difference_map
from LungNoduleAILib.followup.registration.register import CONVENTION, LungRegistration, register_lungs
from LungNoduleAILib.followup.registration.same_person import plausibly_same_person
from LungNoduleAILib.model.files import REGISTRATION_FILE, REGISTRATION_FILES, VIEW_FILES
from LungNoduleAILib.report.follow_up_pictures import contact_sheets
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import read_volume
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.run_record import RunInput, RunRecord, finish, now, write_run_record
from ThoraxAILib.jobs.stages import Stages
from ThoraxAILib.report import encoded

SCHEMA = "thoraxai.lung-registration/1"


def register_case(request: RegisterRequest, progress: Progress) -> list[str]:
    """Register into a folder and say how it went; raises ThoraxAIError with one sentence and then leaves nothing."""
    stages, started = Stages(), now()
    engines = choose_anatomy(request.anatomy, request.device)
    segmenter = engines.anatomy.made
    with stages.stage("read"):
        prior = read_volume(request.prior, None, progress.part(0.0, 0.05))
        current = read_volume(request.current, None, progress.part(0.05, 0.1))
    _check_different(prior, current)
    inputs = tuple(RunInput.of_volume(volume, name, 1) for name, volume in (("prior", prior), ("current", current)))
    record = RunRecord(
        " ".join(REGISTER),
        request.how(),
        inputs,
        engines.models(),
        engines.device,
        engines.device_reason,
        started,
        warnings=_notes_on_reading(prior, current),
    )
    with OutputFolder(request.output, REGISTRATION_FILES) as folder:
        with stages.stage("lungs"):
            prior_labels, current_labels = (
                _labels(segmenter, volume, progress.part(0.1 + 0.15 * n, 0.25 + 0.15 * n))
                for n, volume in enumerate((prior, current))
            )
        record = replace(record, models=engines.models())
        with stages.stage("registration"):
            found = register_lungs(
                prior, current, prior_labels, current_labels, request.options, progress.part(0.4, 0.75)
            )
        with stages.stage("difference"):
            difference = difference_map(
                found, prior, current, prior_labels, current_labels, progress=progress.part(0.75, 0.9)
            )
        with stages.stage("files"):
            entry = _write(folder, current, found, difference, request.how(), progress.part(0.9, 1.0))
        write_run_record(
            folder,
            finish(
                record,
                stages,
                folder,
                {"changes": len(difference.blobs), "same_person": entry["same_person"]["plausible"]},
            ),
        )
    progress(1.0, "Done")
    notes = [f"note: {text}" for text in record.warnings]
    return [*notes, *_told(found, difference, entry)]


def _check_different(prior: Volume, current: Volume) -> None:
    same = prior.array.shape == current.array.shape and np.allclose(prior.ijk_to_ras, current.ijk_to_ras)
    if same and np.array_equal(prior.array, current.array):
        raise InputError("The two scans are the same images: name two dates.")


def _labels(segmenter: AnatomySegmenter, volume: Volume, progress: Progress) -> np.ndarray:
    """Anatomy labels on the grid of the volume."""
    order = volume.axis_order_to_lps()
    turned = order.apply(volume)
    turned = turned.with_array(np.ascontiguousarray(turned.array))
    return np.ascontiguousarray(order.undo_array(segmenter.segment(turned, progress).labels))


def _write(
    folder: Path, current: Volume, found: LungRegistration, difference: DifferenceMap, options: dict, progress: Progress
) -> dict:
    progress(0.0, "Writing the registration")
    save_registration(folder, found, difference)
    progress(0.6, "Drawing the views")
    for name, (_, picture) in zip(VIEW_FILES, contact_sheets(current, found, difference), strict=False):
        (folder / name).write_bytes(encoded(picture))
    plausible, reason = plausibly_same_person(found)
    entry = {
        "schema": SCHEMA,
        "convention": CONVENTION,
        "options": options,
        "sides": list(found.sides),
        "affine_ras": np.round(found.affine, 6).tolist(),
        "quality": found.quality.to_dict(),
        "same_person": {"plausible": plausible, "reason": reason},
        "notes": list(found.notes),
        "difference": difference.to_dict(),
        "seconds": found.seconds,
        "notice": "Research use only, not a medical device.",
    }
    (folder / REGISTRATION_FILE).write_text(json.dumps(entry, indent=2) + "\n", encoding="utf-8")
    return entry


def _notes_on_reading(prior: Volume, current: Volume) -> tuple[str, ...]:
    """Return what was chosen and repaired while both scans were read."""
    named = (("Prior", prior), ("Current", current))
    return tuple(f"{name}: {note}" for name, volume in named for note in volume.notes)


def _told(found: LungRegistration, difference: DifferenceMap, entry: dict) -> list[str]:
    """Return what a person reads in the terminal."""
    quality = found.quality
    lines = [f"warning: {note}" for note in found.notes]
    if not entry["same_person"]["plausible"]:
        lines.append(f"warning: {entry['same_person']['reason']}")
    lines.append(
        f"Similarity {quality.similarity:.2f} (affine {quality.similarity_affine:.2f}), lung Dice "
        f"{quality.lung_dice:.3f}, folding {quality.folded_cells_percent:.3g} %, mean uncertainty "
        f"{quality.uncertainty_mean_mm:.1f} mm."
    )
    for blob in difference.blobs:
        where = ", ".join(f"{x:.0f}" for x in blob.center_ras_mm)
        lines.append(f"  {blob.kind}: {blob.diameter_mm:.1f} mm, {blob.mean_difference_hu:+.0f} HU at RAS ({where}) mm")
    if not difference.blobs:
        lines.append("  No significant change inside the lungs.")
    return lines
