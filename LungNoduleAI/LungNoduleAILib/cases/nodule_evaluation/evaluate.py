"""Grade a folder of nodules and write the scores: nodules.json, nodules.csv and nodules.png."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from LungNoduleAILib.cases.nodule_evaluation.outlines import NoduleGrader, NoduleScores
from LungNoduleAILib.cases.nodule_evaluation.scores import (
    WAYS,
    band_scores,
    outline_scores,
    suspicion_scores,
    type_scores,
)
from LungNoduleAILib.cases.nodule_evaluation.sheet import draw_sheet
from LungNoduleAILib.datasets.nodule_stacks import NoduleStack, Padding, fingerprint, open_stacks, part_of
from LungNoduleAILib.delineation.learned import SHIPPED
from LungNoduleAILib.evaluation.requests import NODULE_FILES, NodulesRequest
from LungNoduleAILib.measurement import judgement
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.weights_file import sha256
from ThoraxAILib.report import encoded

SCHEMA = "thoraxai.nodule-scores/1"
EVERYONE = "all"


def evaluate_nodules(request: NodulesRequest, device: str, progress: Progress) -> dict:
    """Grade the nodules a request asks for, write its files, and return the content of nodules.json.

    Raises InputError for a folder of another kind or without a nodule of the part.
    """
    stacks = chosen_stacks(request)
    padding: Padding = "edge" if request.padding == "edge" else "removed"
    grader = NoduleGrader(device, request.seed, padding)
    rows = []
    for number, stack in enumerate(stacks):
        progress(number / len(stacks), f"Nodule {number + 1} of {len(stacks)}")
        rows.append(grader.grade(stack))
    content = {
        "schema": SCHEMA,
        "part": request.part,
        "padding": request.padding,
        "seed": request.seed,
        "nodules": len(rows),
        "people": len({row.person for row in rows}),
        "data_sha256": fingerprint(stacks),
        "outline_weights_sha256": sha256(SHIPPED),
        "appearance_weights": judgement.fingerprint(),
        "outlines": outline_scores(rows, request.seed, request.resamples),
        "types": type_scores(rows, request.seed, request.resamples),
        "size_bands": band_scores(rows, request.seed, request.resamples),
        "suspicion": suspicion_scores(rows, request.seed, request.resamples),
    }
    _write(request.output, content, rows, request.seed)
    return content


def chosen_stacks(request: NodulesRequest) -> tuple[NoduleStack, ...]:
    """Return the nodules of the part that a request names."""
    stacks = open_stacks(request.folder)
    chosen = stacks if request.part == EVERYONE else tuple(s for s in stacks if part_of(s.person) == request.part)
    if not chosen:
        raise InputError(
            f"'{request.folder.name}' holds no nodule of the part '{request.part}': name another --part, or all."
        )
    return chosen


def _write(output: Path, content: dict, rows: Sequence[NoduleScores], seed: int) -> None:
    with OutputFolder(output, NODULE_FILES) as folder:
        json_file, csv_file, picture = (folder / name for name in NODULE_FILES)
        json_file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        with csv_file.open("w", newline="", encoding="utf-8") as file:
            writer = SafeWriter(file)
            names = [way.replace(" ", "_").replace(",", "").replace("'", "") for way in WAYS]
            writer.writerow(["id", "diameter_mm", "slice_mm", "attachment", *(f"dice_{name}" for name in names),
                             *(f"volume_error_{name}" for name in names), "type", "mean_diameter_mm",
                             "consensus_diameter_mm", "suspicion"])  # fmt: skip
            writer.writerows(_cells(row) for row in rows)
        picture.write_bytes(encoded(draw_sheet(rows, seed)))


def _cells(row: NoduleScores) -> list[str]:
    numbers = [*(row.dice[way] for way in WAYS), *(row.volume_error[way] for way in WAYS)]
    told = [row.type, row.mean_diameter_mm, row.consensus_diameter_mm, row.suspicion]
    return [
        row.name,
        f"{row.diameter_mm:.2f}",
        f"{row.slice_mm:.3g}",
        row.attachment,
        *(f"{value:.4f}" for value in numbers),
        *("" if value is None else str(value) for value in told),
    ]
