"""Writes a phantom cine with its truth: images, labels, exact fields, and the parameters and strain as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from CardiacBiomechLib.mechanics.strain import DEFINITION, WallStrain, strain_along_axes, wall_strain
from CardiacBiomechLib.synthesis.anatomy import LV, RV
from CardiacBiomechLib.synthesis.cine import Scanner, acquire, phase_curve, true_field
from CardiacBiomechLib.synthesis.groups import GROUPS, draw
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from ThoraxAILib.io.transform_files import write_field, write_image, write_labels
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.options import Options, option
from ThoraxAILib.registration.field import CONVENTION

EXTENT_MM = (128.0, 180.0, 180.0)
IN_PLANE_MM = 1.4


@dataclass(frozen=True)
class PhantomRequest(Options):
    """What to write; see ``thoraxai cardiac phantom --help``."""

    group: str = option("NOR", "disease group", label="phantom group", choices=tuple(GROUPS))
    frames: int = option(2, "2: ED and ES; more: the whole cycle", at_least=2, label="number of frames")
    slice_mm: float = option(8.0, "slice distance", label="slice distance", unit="mm", at_least=1.0, at_most=20.0)
    texture: float = option(0.0, "speckle that moves with the tissue", at_least=0)
    noise_snr: float = option(
        25.0, "signal-to-noise ratio", flag="--noise", label="signal-to-noise ratio", metavar="SNR", more_than=0
    )
    shift_mm: float = option(0.0, "largest shift of a slice between breath-holds", unit="mm", at_least=0)
    organs: float = option(0.0, "contrast of organs around the heart, 0 to 1", at_least=0, at_most=1)
    seed: int = option(1, "which heart of the group", at_least=0)


def write_phantom_cine(request: PhantomRequest, folder: Path, progress: Progress | None = None) -> WallStrain:
    """Write frameNN.nii.gz, frameNN_gt.nii.gz, frameNN_field.nii.gz (ED fixed) and truth.json; returns ES strain."""
    progress = progress or Progress()
    ventricle = draw(request.group, np.random.default_rng(request.seed))
    scanner = _scanner(request)
    phases = np.array([0.0, 1.0]) if request.frames == 2 else phase_curve(request.frames)
    names = [
        f"frame{number + 1:02d}{ending}.nii.gz" for number in range(len(phases)) for ending in ("", "_gt", "_field")
    ]
    with OutputFolder(folder, [*names, "truth.json"]) as partial:
        for number, frame in enumerate(acquire(ventricle, scanner, phases, request.seed)):
            progress(number / len(phases), "Writing the phantom")
            stem = f"frame{number + 1:02d}"
            write_image(frame.image, partial / f"{stem}.nii.gz")
            write_labels(frame.labels, partial / f"{stem}_gt.nii.gz")
            write_field(true_field(ventricle, scanner.grid(), frame.phase), partial / f"{stem}_field.nii.gz")
        truth = _truth(request, ventricle, phases)
        (partial / "truth.json").write_text(json.dumps(truth, indent=2), encoding="utf-8")
    return WallStrain(**truth["end_systolic_wall_strain"])


def exact_wall_strain(ventricle: Ventricle, points: int = 20000, seed: int = 0) -> WallStrain:
    """Mean end-systolic strain over the continuous wall, from exact F at random points of the wall."""
    random = np.random.default_rng(seed)
    reach = ventricle.epi_mm * np.array([1.0, 1.0, ventricle.elongation])
    candidates = random.uniform(-reach, reach, (8 * points, 3))
    wall = candidates[ventricle.in_wall(candidates)][:points]
    return wall_strain(strain_along_axes(ventricle.deformation_gradient(wall), ventricle.local_axes(wall)))


def _scanner(request: PhantomRequest) -> Scanner:
    rows, columns = (round(size / IN_PLANE_MM) for size in EXTENT_MM[1:])
    return Scanner(
        (round(EXTENT_MM[0] / request.slice_mm), rows, columns),
        (request.slice_mm, IN_PLANE_MM, IN_PLANE_MM),
        texture=request.texture,
        signal_to_noise=request.noise_snr,
        slice_shift_mm=request.shift_mm,
        organs=request.organs,
    )


def _truth(request: PhantomRequest, ventricle: Ventricle, phases: np.ndarray) -> dict:
    return {
        "request": request.to_dict(),
        "ventricle": asdict(ventricle),
        "phases": [float(p) for p in phases],
        "strain_definition": DEFINITION,
        "end_systolic_wall_strain": asdict(exact_wall_strain(ventricle)),
        "labels": {"RV": RV, "MYO": 2, "LV": LV},
        "field_convention": CONVENTION,
    }
