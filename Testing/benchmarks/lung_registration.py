"""Registration of a real pair of lungs beside SimpleITK B-splines, elastix and ANTs SyN; each runs once.

Usage: python Testing/benchmarks/lung_registration.py real FOLDER [--methods ours simpleitk elastix ants] [--log FILE]
FOLDER is elastix' lung example (3DCT_lung_baseline.mha and so on). Errors are distances in mm at the landmarks of the
follow-up that lie inside both masks, carried to the baseline. All get the same images: the lungs in a window, one
constant outside. CPU seconds are of the whole process and its threads, reading and scoring not counted.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import read_volume
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.itk_images import itk_image
from ThoraxAILib.registration.quality import assess

LOW_HU, HIGH_HU = -1000, -200
FLIP = np.array([-1.0, -1.0, 1.0])
METHODS = ("ours", "ours fine", "simpleitk", "elastix", "ants")
Mapping = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Scan:
    """One date: image, lung mask, landmarks in RAS mm."""

    volume: Volume
    mask: np.ndarray
    landmarks: np.ndarray

    def holds(self) -> np.ndarray:
        """Which landmarks lie in the mask."""
        index = np.rint(self.volume.kji_from_ras(self.landmarks)).astype(int)
        inside = ((index >= 0) & (index < self.mask.shape)).all(1)
        inside[inside] = self.mask[tuple(index[inside].T)]
        return inside

    def painted(self) -> Volume:
        """The lungs in a window, its upper end outside."""
        values = np.where(self.mask, np.clip(self.volume.array, LOW_HU, HIGH_HU), HIGH_HU)
        return self.volume.with_array(values.astype(np.float32))


def read_scans(folder: Path) -> tuple[Scan, Scan]:
    """Baseline and follow-up; landmark files of kind ``point`` hold LPS mm."""
    scans = []
    for name, points in (("baseline", "baseline_landmarks"), ("followup", "groundtruth_point")):
        mask = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / f"3DCT_lung_{name}_mask.mha"))) > 0
        table = folder / f"3DCT_lung_{points}.txt"
        if table.read_text().split()[0] != "point":
            raise SystemExit(f"{table.name} holds voxel numbers, positions in mm are expected.")
        scans.append(Scan(read_volume(folder / f"3DCT_lung_{name}.mha"), mask, np.loadtxt(table, skiprows=2) * FLIP))
    return scans[0], scans[1]


def ours(prior: Scan, current: Scan, fine: bool = False) -> Mapping:
    """ThoraxAI: lung affine and instance optimization, one direction."""
    from LungNoduleAILib.followup.registration.register import register_lungs
    from LungNoduleAILib.model.registration_options import LungRegistrationOptions

    options = LungRegistrationOptions(both_directions=False, fine=fine)
    found = register_lungs(
        prior.volume, current.volume, prior.mask.astype(np.uint8), current.mask.astype(np.uint8), options
    )
    return found.map_points_to_prior


def simpleitk(prior: Scan, current: Scan) -> Mapping:
    """Affine, then B-splines of 10 mm in three levels with mutual information near the lungs, as in its examples."""
    fixed, moving = itk_image(current.painted()), itk_image(prior.painted())
    mask = itk_image(current.volume.with_array(current.mask.astype(np.uint8)))
    start = sitk.CenteredTransformInitializer(
        fixed, moving, sitk.AffineTransform(3), sitk.CenteredTransformInitializerFilter.MOMENTS
    )
    affine = _sitk_method(mask)
    affine.SetOptimizerAsRegularStepGradientDescent(3.0, 0.01, 150)
    affine.SetOptimizerScalesFromPhysicalShift()
    affine.SetInitialTransform(start, inPlace=True)
    affine.Execute(fixed, moving)
    extent = [n * s for n, s in zip(fixed.GetSize(), fixed.GetSpacing(), strict=True)]
    spline = sitk.BSplineTransformInitializer(fixed, [max(1, round(e / 40)) for e in extent], 3)
    method = _sitk_method(mask, share=0.02)  # at 0.2 and 100 steps it had not ended after 15 CPU-minutes
    method.SetOptimizerAsGradientDescentLineSearch(5.0, 30, convergenceMinimumValue=1e-4, convergenceWindowSize=5)
    method.SetMovingInitialTransform(start)
    method.SetInitialTransformAsBSpline(spline, inPlace=True, scaleFactors=[1, 2, 4])
    method.Execute(fixed, moving)
    whole = sitk.CompositeTransform([start, spline])
    return lambda points: np.array([whole.TransformPoint(p) for p in (points * FLIP).tolist()]) * FLIP


def _sitk_method(mask: sitk.Image, share: float = 0.2) -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(share, seed=1)
    method.SetMetricFixedMask(sitk.Cast(sitk.BinaryDilate(mask, [4, 4, 2]), sitk.sitkUInt8))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([4, 2, 1])
    return method


def elastix(prior: Scan, current: Scan) -> Mapping:
    """elastix: its default affine and B-spline maps with 10 mm grid, 4 resolutions of 500 iterations."""
    import itk

    images = []
    for scan in (current, prior):
        image = itk.image_from_array(scan.painted().array)
        sitk_image = itk_image(scan.painted())
        image.SetSpacing(sitk_image.GetSpacing())
        image.SetOrigin(sitk_image.GetOrigin())
        images.append(image)
    parameters = itk.ParameterObject.New()
    parameters.AddParameterMap(parameters.GetDefaultParameterMap("affine", 4))
    spline = parameters.GetDefaultParameterMap("bspline", 4, 10.0)
    spline["MaximumNumberOfIterations"] = ["500"]
    parameters.AddParameterMap(spline)
    _, transform = itk.elastix_registration_method(*images, parameter_object=parameters, log_to_console=False)

    def mapped(points: np.ndarray) -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "points.txt"
            rows = "\n".join(" ".join(f"{x:.6f}" for x in p) for p in points * FLIP)
            table.write_text(f"point\n{len(points)}\n{rows}\n")
            filtered = itk.transformix_filter(
                images[1], transform, fixed_point_set_file_name=str(table), output_directory=folder
            )
            del filtered
            lines = (Path(folder) / "outputpoints.txt").read_text().splitlines()
        return (
            np.array([[float(x) for x in line.split("OutputPoint = [")[1].split("]")[0].split()] for line in lines])
            * FLIP
        )

    return mapped


def ants(prior: Scan, current: Scan) -> Mapping:
    """ANTs: affine, then SyN with local correlation of radius 2 over three levels."""
    import ants as ants_library
    import pandas

    with tempfile.TemporaryDirectory() as folder:
        images = []
        for name, scan in (("current", current), ("prior", prior)):
            path = str(Path(folder) / f"{name}.nii.gz")
            sitk.WriteImage(itk_image(scan.painted()), path)
            images.append(ants_library.image_read(path))
    found = ants_library.registration(
        *images, type_of_transform="SyN", syn_metric="CC", syn_sampling=2, reg_iterations=(60, 40, 10), random_seed=1
    )

    def mapped(points: np.ndarray) -> np.ndarray:
        table = pandas.DataFrame(points * FLIP, columns=["x", "y", "z"])
        moved = ants_library.apply_transforms_to_points(3, table, found["fwdtransforms"])
        return moved[["x", "y", "z"]].to_numpy() * FLIP

    return mapped


NEEDS = {"elastix": "itk", "ants": "ants"}
RUN = {
    "ours": ours,
    "ours fine": lambda prior, current: ours(prior, current, True),
    "simpleitk": simpleitk,
    "elastix": elastix,
    "ants": ants,
}


def score(mapping: Mapping, prior: Scan, current: Scan) -> dict[str, float]:
    """Errors at the landmarks, Dice of the carried mask, folding and SD of log J on 3 mm cubes in the lung."""
    use = prior.holds() & current.holds()
    error = np.linalg.norm(mapping(current.landmarks[use]) - prior.landmarks[use], axis=1)
    index = np.argwhere(current.mask)
    corners = current.volume.ras_from_kji(np.array([index.min(0), index.max(0)]))
    low, high = corners.min(0) - 3, corners.max(0) + 3
    shape = np.ceil((high - low)[::-1] / 3.0).astype(int)
    matrix = np.diag([-3.0, -3.0, 3.0, 1.0])
    matrix[:3, 3] = [high[0], high[1], low[2]]
    grid = Grid(tuple(int(n) for n in shape), matrix)
    centers = grid.centers_ras_mm()
    targets = mapping(centers.reshape(-1, 3)).reshape(centers.shape)
    lung = _at(current, centers)
    carried = _at(prior, targets)
    quality = assess(Field((targets - centers).astype(np.float32), grid), lung)
    return {
        "landmarks": int(use.sum()),
        "mean_mm": float(error.mean()),
        "sd_mm": float(error.std()),
        "median_mm": float(np.median(error)),
        "max_mm": float(error.max()),
        "dice": 2 * float((lung & carried).sum()) / float(lung.sum() + carried.sum()),
        "folded_percent": quality.folded_percent,
        "folded_cells_percent": quality.folded_cells_percent,
        "sd_log_j": quality.sd_log_j,
    }


def _at(scan: Scan, points: np.ndarray) -> np.ndarray:
    index = np.rint(scan.volume.kji_from_ras(points)).astype(int)
    inside = ((index >= 0) & (index < scan.mask.shape)).all(-1)
    result = np.zeros(inside.shape, bool)
    result[inside] = scan.mask[tuple(index[inside].T)]
    return result


def real(folder: Path, methods: list[str], log: Path | None) -> None:
    """One line per method; results are added to ``log`` as JSON lines."""
    prior, current = read_scans(folder)
    for name in methods:
        if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
            print(f"{name}: skipped, its package is not installed.")
            continue
        before = _cpu_seconds()
        mapping = RUN[name](prior, current)
        seconds = _cpu_seconds() - before
        row = {"method": name, "cpu_s": round(seconds, 1)} | {
            k: round(v, 4) for k, v in score(mapping, prior, current).items()
        }
        print(" ".join(f"{key} {value}" for key, value in row.items()), flush=True)
        if log is not None:
            with log.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(row) + "\n")


def _cpu_seconds() -> float:
    """Seconds of this process and of the children that have ended."""
    return time.process_time()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    pair = commands.add_parser("real")
    pair.add_argument("folder", type=Path)
    pair.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    pair.add_argument("--log", type=Path)
    arguments = parser.parse_args()
    real(arguments.folder, arguments.methods, arguments.log)


if __name__ == "__main__":
    main()
