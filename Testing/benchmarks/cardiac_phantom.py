"""All registration methods on the analytic ventricle in one run: end-point error, strain, volume change, folding.

Usage: python Testing/benchmarks/cardiac_phantom.py [--cases NAME...] [--methods NAME...] [--seeds N] [--threads N]
elastix (itk-elastix) and ANTs (antspyx) take part when they are installed. Strain is Green-Lagrange.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from tempfile import TemporaryDirectory

import numpy as np
import SimpleITK as sitk

from CardiacBiomechLib.model.heart_labels import ACDC, HeartTissue
from CardiacBiomechLib.motion.instance_engine import InstanceEngine
from CardiacBiomechLib.motion.presets import PRESETS, MotionPreset
from CardiacBiomechLib.synthesis.cine import Frame, Scanner, acquire
from CardiacBiomechLib.synthesis.scoring import score
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.inputs import normalized
from ThoraxAILib.registration.itk_images import field_from_image, itk_image
from ThoraxAILib.registration.options import InstanceOptions

TOP_MM = 30.0
TUBE = Ventricle(base_mm=None, right=None)  # the reference setting: both ends outside the field of view
CASES = {
    "textured-iso": Scanner((72, 88, 88), (1.5, 1.5, 1.5), (0, 0, 0), 0.06, 50.0, samples_per_slice=1),
    "untextured-iso": Scanner((72, 88, 88), (1.5, 1.5, 1.5), (0, 0, 0), 0.0, 50.0, samples_per_slice=1),
    "textured-7.5mm": Scanner((15, 88, 88), (7.5, 1.5, 1.5), (0, 0, 0), 0.06, 50.0, samples_per_slice=5),
    "untextured-7.5mm": Scanner((15, 88, 88), (7.5, 1.5, 1.5), (0, 0, 0), 0.0, 50.0, samples_per_slice=5),
}


@dataclass(frozen=True)
class Pair:
    """End-diastole (fixed) and end-systole (moving)."""

    frames: tuple[Frame, Frame]


Method = Callable[[Pair], Field]


def instance(preset: MotionPreset) -> Method:
    """Our instance optimization with the tissue of the fixed frame."""

    def run(pair: Pair) -> Field:
        fixed, moving = pair.frames
        tissue = HeartTissue(fixed.labels.array, ACDC)
        return InstanceEngine(preset).register(fixed.image, moving.image, tissue, Progress()).field

    return run


def itk_pair(pair: Pair) -> tuple[sitk.Image, sitk.Image]:
    """Both frames normalized, as SimpleITK images."""
    return tuple(itk_image(frame.image.with_array(normalized(frame.image.array))) for frame in pair.frames)


def demons(kind: type, smoothing_mm: float) -> Method:
    """A SimpleITK Demons variant at full resolution; the smoothing was tuned by hand in Demons' favor."""

    def run(pair: Pair) -> Field:
        fixed, moving = itk_pair(pair)
        method = kind()
        method.SetNumberOfIterations(200)
        method.SetSmoothDisplacementField(True)
        method.SetStandardDeviations([max(smoothing_mm / size, 0.4) for size in fixed.GetSpacing()])
        return to_field(method.Execute(fixed, moving), pair)

    return run


def elastix(pair: Pair) -> Field:
    """elastix: B-spline, final grid 15 mm, mutual information (the published baseline)."""
    import itk

    fixed, moving = (itk.image_from_array(normalized(frame.image.array)) for frame in pair.frames)
    grid = Grid.of(pair.frames[0].image)
    for image in (fixed, moving):
        image.SetSpacing([float(step) for step in grid.spacing_kji_mm[::-1]])
    parameters = itk.ParameterObject.New()
    settings = parameters.GetDefaultParameterMap("bspline", 3, 15.0)
    settings["ErodeMask"], settings["MaximumNumberOfIterations"] = ["false"], ["500"]
    if grid.spacing_kji_mm[0] > 3:
        settings["ImagePyramidSchedule"] = ["4", "4", "1", "2", "2", "1", "1", "1", "1"]
    parameters.AddParameterMap(settings)
    _, result = itk.elastix_registration_method(fixed, moving, parameter_object=parameters, log_to_console=False)
    with TemporaryDirectory() as folder:  # transformix always writes a copy to disk
        field = itk.transformix_deformation_field(moving, result, output_directory=folder)
        xyz = itk.array_from_image(field)  # mm along i, j, k of an image with the identity direction
    return Field.from_axes(np.moveaxis(xyz[..., ::-1], -1, 0), grid)


def ants(pair: Pair) -> Field:
    """ANTs SyN with cross-correlation of radius 3 at the two coarser levels and mean squares at the finest."""
    import ants as antspy

    grid = Grid.of(pair.frames[0].image)
    fixed, moving = (
        antspy.from_numpy(
            normalized(frame.image.array).T.astype(np.float32),
            spacing=[float(step) for step in grid.spacing_kji_mm[::-1]],
        )
        for frame in pair.frames
    )
    found = antspy.registration(
        fixed,
        moving,
        type_of_transform="SyNOnly",
        syn_metric="mattes",
        reg_iterations=(60, 40, 20),
        initial_transform="Identity",
        random_seed=1,
    )
    warp = next(name for name in found["fwdtransforms"] if name.endswith(".nii.gz"))
    image = sitk.ReadImage(warp)
    xyz = sitk.GetArrayFromImage(image).reshape(*grid.shape_kji, 3)
    return Field.from_axes(np.moveaxis(xyz[..., ::-1], -1, 0), grid)


def to_field(displacement: sitk.Image, pair: Pair) -> Field:
    """A displacement image as Field on the grid of the frames."""
    grid = Grid.of(pair.frames[0].image)
    return Field(field_from_image(displacement).displacement_ras_mm, grid)


def methods() -> dict[str, Method]:
    """Every method by name."""
    strain = PRESETS["strain"]
    diffusion = InstanceOptions(levels=strain.instance.levels, regularizer="diffusion")
    return {
        "identity": lambda pair: Field.zero(Grid.of(pair.frames[0].image)),
        "strain": instance(strain),
        "diffusion": instance(MotionPreset(strain.bulk, diffusion)),
        "balanced": instance(PRESETS["balanced"]),
        "labels": instance(PRESETS["labels"]),
        "Demons": demons(sitk.DemonsRegistrationFilter, 2.5),
        "FastSymDemons": demons(sitk.FastSymmetricForcesDemonsRegistrationFilter, 2.5),
        "DiffeoDemons": demons(sitk.DiffeomorphicDemonsRegistrationFilter, 2.5),
        "DiffeoDemons+": demons(sitk.DiffeomorphicDemonsRegistrationFilter, 4.5),
        "elastix": elastix,
        "ANTs-SyN": ants,
    }


def compare(case: str, names: list[str], seeds: int) -> None:
    """Print one row per method, means over seeds of noise and texture."""
    print(
        f"{case}\n{'method':14s} EPE  p95 | mae Ecc   Err   Ell | wall J  sd | folded cells % | MYO | global Ecc Err "
        "| CPU s"
    )
    for name in names:
        rows, seconds, truth = [], 0.0, None
        for seed in range(seeds):
            pair = Pair(tuple(acquire(TUBE, CASES[case], np.array([0.0, 1.0]), seed)))
            started = time.process_time()
            try:
                field = methods()[name](pair)
            except ImportError:
                print(f"{name:14s} not installed")
                break
            seconds += time.process_time() - started
            truth = score(field, TUBE, pair.frames, TOP_MM)
            rows.append(list(vars(truth).values()))
        else:
            mean = truth.__class__(*np.mean(rows, 0))
            print(
                f"{name:14s} {mean.epe_mean_mm:.2f} {mean.epe_p95_mm:.2f} | {mean.ecc_error:.4f} "
                f"{mean.err_error:.3f} {mean.ell_error:.4f} | {mean.wall_j_mean:.3f} {mean.wall_j_sd:.3f} | "
                f"{mean.folded_percent:.3f} {mean.folded_cells_percent:.3f} | {mean.wall_dice:.3f} | "
                f"{mean.global_ecc:.3f} {mean.global_err:.3f} | {seconds / seeds:.1f}",
                flush=True,
            )
    if truth is not None:
        print(f"true global Ecc {truth.true_global_ecc:.3f} Err {truth.true_global_err:.3f} (same finite differences)")


def main() -> int:
    """Parse and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--methods", nargs="+", default=list(methods()), choices=list(methods()))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(arguments.threads)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(arguments.threads)
    for case in arguments.cases:
        compare(case, arguments.methods, arguments.seeds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
