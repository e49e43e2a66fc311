"""The files of an analyzed study, cardiac.json and run.json as the last ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from CardiacBiomechLib.analysis.study import StudyResult
from CardiacBiomechLib.cine.label_sequence import write_label_sequence
from CardiacBiomechLib.dicom_results.write import DICOM_FILES
from CardiacBiomechLib.model.study import Study
from ThoraxAILib.io.transform_files import write_field
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter
from ThoraxAILib.jobs.run_record import RUN_FILE

RESULT, SEGMENTS, VOLUMES, LABELS = "cardiac.json", "segments.csv", "volumes.csv", "labels.seq.nrrd"
REPORT, CONTOURS, BULLS_EYES, SCENE = "report.html", "contours.png", "bulls_eyes.png", "scene.mrb"
DRIVERS = "diagnosis_regions.png"  # where in the wall the diagnosis comes from, when regional features took part
MAX_FRAMES = 200


def field_name(number: int) -> str:
    """File of the field from end-diastole to frame ``number`` (from 1)."""
    return f"frame{number:02d}_field.nii.gz"


def owned_names() -> list[str]:
    """Every file a run may write, the record last."""
    fields = [field_name(number) for number in range(1, MAX_FRAMES + 1)]
    pictures = [CONTOURS, BULLS_EYES, DRIVERS]
    return [*fields, SEGMENTS, VOLUMES, LABELS, *pictures, *DICOM_FILES, REPORT, SCENE, RESULT, RUN_FILE]


def write_data(result: StudyResult, folder: Path) -> None:
    """Write tables, labels and fields."""
    study = result.study
    write_label_sequence(result.labels, folder / LABELS)
    write_segments(study, folder / SEGMENTS)
    write_volumes(result, folder / VOLUMES)
    if result.motion is not None:
        for frame, found in sorted(result.motion.fields.items()):
            write_field(result.motion.region.extend(found), folder / field_name(frame + 1))


def write_result(study: Study, folder: Path) -> None:
    """Write cardiac.json."""
    text = json.dumps(study.to_dict(), indent=2, allow_nan=False)
    (folder / RESULT).write_text(text + "\n", encoding="utf-8")


def write_segments(study: Study, path: Path) -> None:
    """Write one row per segment."""
    _write(path, *segment_table([row.to_dict() for row in study.segments]))


def segment_table(segments: Sequence[dict]) -> tuple[list[str], list[list[object]]]:
    """Return head and rows of a table of segments; strains are Green-Lagrange as their column says."""
    strains = ("peak_", "end_systolic_")
    head = [f"{name}_green_lagrange" if name.startswith(strains) else name for name in segments[0]]
    return head, [["" if value is None else value for value in row.values()] for row in segments]


def write_volumes(result: StudyResult, path: Path) -> None:
    """Write one row per frame: volumes in mL and global strains."""
    study = result.study
    head = ["frame", "time_ms", "LV_ml", "RV_ml", "wall_ml"]
    head += [f"global_{name}_green_lagrange" for name in ("radial", "circumferential", "longitudinal")]
    wall_ml, rv = result.volumes.wall_ml, study.rv
    rows = []
    for index in range(study.frames):
        strain: Sequence[object] = ("", "", "")
        if result.wall:
            strain = [f"{value:.4f}" for value in result.wall[index].global_strain]
        rows.append(
            [
                index + 1,
                "" if study.times_ms is None else f"{study.times_ms[index]:.1f}",
                f"{study.lv.curve_ml[index]:.2f}",
                "" if rv is None else f"{rv.curve_ml[index]:.2f}",
                f"{wall_ml[index]:.2f}",
                *strain,
            ]
        )
    _write(path, head, rows)


def _write(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = SafeWriter(file)
        writer.writerow(head)
        writer.writerows(rows)
