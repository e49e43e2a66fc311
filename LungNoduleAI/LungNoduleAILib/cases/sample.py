"""The sample: a synthetic chest as files, made at once."""

from __future__ import annotations

from pathlib import Path

from LungNoduleAILib.synthesis.model.synthetic_ct import SyntheticCT
from LungNoduleAILib.synthesis.test_phantom.small_chest import make_small_chest
from LungNoduleAILib.synthesis.truth import PHANTOM_FILES, write_phantom
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.output_folder import OutputFolder
from ThoraxAILib.jobs.progress import Progress

SAMPLE_FOLDER = "sample"


SAMPLE_SPACING_MM = (0.9, 0.9, 1.5)


SAMPLE_SEED = 1


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
