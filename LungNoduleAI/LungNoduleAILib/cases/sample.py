"""The sample: a synthetic chest as files, made at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from LungNoduleAILib.synthesis.model.synthetic_ct import SyntheticCT
from LungNoduleAILib.synthesis.test_phantom.small_chest import make_small_chest
from LungNoduleAILib.synthesis.truth import PHANTOM_FILES, write_phantom
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.jobs.progress import Progress

PAIR_FOLDERS = ("prior", "current")
PAIR_TRUTH, PAIR_TABLE = "pair_truth.json", "pair_truth.csv"
SAMPLE_FOLDER = "sample"


if TYPE_CHECKING:
    from LungNoduleAILib.synthesis.two_dates.sample_pair import SamplePair

SAMPLE_SPACING_MM = (0.9, 0.9, 1.5)


SAMPLE_SEED = 1


def write_sample_pair(directory: Path, seed: int, progress: Progress) -> SamplePair:
    """Make both dates of a seed and write the folders prior and current, and pair_truth.json and .csv."""
    from LungNoduleAILib.synthesis.two_dates.sample_pair import DAYS, make_sample_pair

    progress(0.0, "Making two synthetic chests")
    pair = make_sample_pair(seed, SAMPLE_SPACING_MM)
    progress(0.7, "Writing the synthetic chests")
    for name, scan in zip(PAIR_FOLDERS, (pair.prior, pair.current), strict=True):
        with OutputFolder(directory / name, PHANTOM_FILES) as folder:
            write_phantom(scan, folder)
    told = pair.truth()
    with OutputFolder(directory, (PAIR_TABLE, PAIR_TRUTH)) as folder:
        with (folder / PAIR_TABLE).open("w", newline="", encoding="utf-8") as file:
            writer = SafeWriter(file)
            writer.writerow(list(told[0]))
            writer.writerows(["" if value is None else str(value) for value in entry.values()] for entry in told)
        (folder / PAIR_TRUTH).write_text(json.dumps({"days": DAYS, "nodules": told}, indent=2) + "\n", encoding="utf-8")
    return pair


def write_sample(directory: Path, seed: int, progress: Progress) -> SyntheticCT:
    """Make the synthetic chest of ``seed`` and write ct.nrrd, labels.nrrd, truth.json and truth.csv at once."""
    if seed < 0:
        raise InputError(f"The seed must be 0 or more, {seed} was given.")
    with OutputFolder(directory, PHANTOM_FILES) as folder:
        progress(0.0, "Making a synthetic chest")
        phantom = make_small_chest(seed=seed, spacing_mm=SAMPLE_SPACING_MM)
        progress(0.7, "Writing the synthetic chest")
        write_phantom(phantom, folder)
    return phantom
