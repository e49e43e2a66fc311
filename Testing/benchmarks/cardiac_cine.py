"""Direct against multi-frame propagation of labels from end-diastole to end-systole, on phantoms and a real cine.

Usage: python Testing/benchmarks/cardiac_cine.py phantom [--hearts N] [--frames N]
       python Testing/benchmarks/cardiac_cine.py bivme CINE_ZIP REFERENCE_FOLDER
Scores are Dice against the true (phantom) or contoured (bivme) end-systolic labels. The round trip back to
end-diastole is a consistency score, not an accuracy, and is printed under that name.
"""

from __future__ import annotations

import argparse
import zipfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from CardiacBiomechLib.cine.read_cine import read_cine
from CardiacBiomechLib.motion.cine_motion import CineMotion, carry_labels, estimate_motion
from CardiacBiomechLib.motion.fusion import METHODS, fuse
from CardiacBiomechLib.motion.instance_engine import InstanceEngine
from CardiacBiomechLib.motion.presets import DEFAULT_PRESET, PRESETS
from CardiacBiomechLib.motion.volumes import dice, volume_ml
from CardiacBiomechLib.synthesis.anatomy import Brightness
from CardiacBiomechLib.synthesis.cine import Scanner, acquire, phase_curve
from CardiacBiomechLib.synthesis.groups import GROUPS, draw
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.field import compose, invert, warp_labels

PARTS = (3, 2, 1)


def overlap(labels: np.ndarray, truth: np.ndarray) -> list[float]:
    """Dice of LV, MYO, RV."""
    return [dice(labels, truth, value) for value in PARTS]


def evaluate(frames: list[Volume], labels: Volume, truth: Volume, target: int, slices: slice) -> dict[str, list[float]]:
    """By path and fusion: Dice of LV, MYO, RV and EF from labels (%), for one cine whose frame 0 is labeled."""
    engine = InstanceEngine(PRESETS[DEFAULT_PRESET])
    motion = estimate_motion(frames, labels, 0, engine, targets=(target,))
    candidates = carry_labels(motion, frames, labels, target)
    reference, before = (motion.region.cut(volume) for volume in (truth, labels))
    image = motion.region.cut(frames[target]).array
    found = {candidate.name: candidate.labels for candidate in candidates}
    found.update({f"fused {method}": fuse(candidates, image, method) for method in METHODS})
    rows = {
        name: [*overlap(carried[slices], reference.array[slices]), ejected(before.array, carried, slices)]
        for name, carried in found.items()
    }
    rows["true labels"] = [1.0, 1.0, 1.0, ejected(before.array, reference.array, slices)]
    rows["round trip (consistency)"] = [*round_trip(motion, labels, target), float("nan")]
    print(f"    drift after one cycle {motion.drift_mean_mm:.2f} mm")
    return rows


def ejected(before: np.ndarray, after: np.ndarray, slices: slice) -> float:
    """Ejection fraction in percent of the left ventricle over the slices scored."""
    full, left = ((labels[slices] == PARTS[0]).sum() for labels in (before, after))
    return 100.0 * float(full - left) / float(full)


def round_trip(motion: CineMotion, labels: Volume, target: int) -> list[float]:
    """Labels taken to the target along one path and back along another, against where they came from."""
    loop = compose(motion.fields["direct"][target], invert(motion.fields["forward"][target]))
    marked = motion.region.cut(labels)
    return overlap(warp_labels(marked, loop).array, marked.array)


def phantom(hearts: int, count: int) -> list[dict[str, list[float]]]:
    """Hearts of the five groups in turn, one cine each."""
    results = []
    phases = phase_curve(count)
    target = int(np.argmax(phases))
    for seed in range(hearts):
        group = list(GROUPS)[seed % len(GROUPS)]
        scanner = Scanner(
            (12, 88, 88),
            (8.0, 2.0, 2.0),
            organs=0.8,
            signal_to_noise=25.0,
            slice_shift_mm=1.5,
            samples_per_slice=3,
            brightness=replace(Brightness(), papillary_mm=3.5),
        )
        cine = acquire(draw(group, np.random.default_rng(seed)), scanner, phases, seed)
        rows = evaluate([frame.image for frame in cine], cine[0].labels, cine[target].labels, target, slice(None))
        print(group, " ".join(f"{name} {np.mean(values[:3]):.3f}" for name, values in rows.items()), flush=True)
        results.append(rows)
    return results


def bivme(archive: Path, reference: Path) -> list[dict[str, list[float]]]:
    """The real short-axis cine of one volunteer; contours at end-diastole and at frame 9."""
    frames = read_zipped(archive)
    grid = Grid.of(frames[0])
    labels, truth = (rasterize(reference / f"GPFile_{number:03d}.txt", grid) for number in (0, 9))
    both = np.nonzero((labels.array == 2).any((1, 2)) & (truth.array == 2).any((1, 2)))[0]
    print(
        f"{len(frames)} frames of {grid.shape_kji}, spacing {grid.spacing_kji_mm.round(2)} mm, contoured in both "
        f"frames: slices {both.tolist()}"
    )
    print(
        f"LV of the contours: {volume_ml(labels, 3):.0f} mL and {volume_ml(truth, 3):.0f} mL over all their slices; "
        "the fitted model of the same exam: 170 mL, 71 mL, EF 56 to 59 %"
    )
    return [evaluate(frames, labels, truth, 9, slice(int(both.min()), int(both.max()) + 1))]


def read_zipped(archive: Path) -> list[Volume]:
    """Frames of a zipped short-axis DICOM cine, by the reader of ``thoraxai cardiac track``."""
    with TemporaryDirectory() as folder:
        with zipfile.ZipFile(archive) as content:
            content.extractall(folder)
        return list(read_cine(Path(folder)).frames)


def rasterize(path: Path, grid: Grid) -> Volume:
    """Labels from the short-axis contour points of a guide-point file (LPS mm), slice by slice."""
    from PIL import Image, ImageDraw

    points: dict[tuple[int, str], list] = defaultdict(list)
    for line in path.read_text().splitlines()[1:]:
        x, y, z, kind, *_ = line.split("\t")
        index = grid.kji_from_ras(np.array([-float(x), -float(y), float(z)]))
        if kind.startswith("SAX"):
            points[(round(float(index[0])), kind.removeprefix("SAX_"))].append(index[1:])
    labels = np.zeros(grid.shape_kji, np.uint8)
    for k in range(grid.shape_kji[0]):
        septum, free = points[(k, "RV_SEPTUM")], points[(k, "RV_FREEWALL")]
        outlines = (
            (around(septum + free), 1),
            (around(points[(k, "LV_EPICARDIAL")] + septum), 2),
            (around(points[(k, "LV_ENDOCARDIAL")]), 3),
        )
        for outline, value in outlines:
            if len(outline) > 2:
                canvas = Image.new("L", (grid.shape_kji[2], grid.shape_kji[1]))
                ImageDraw.Draw(canvas).polygon([(float(i), float(j)) for j, i in outline], fill=1)
                labels[k][np.array(canvas) > 0] = value
    return grid.volume(labels)


def around(points: list) -> list:
    """Points of a round outline in the order of their angle."""
    if len(points) < 3:
        return []
    polygon = np.array(points)
    return list(polygon[np.argsort(np.arctan2(*(polygon - polygon.mean(0)).T))])


def report(results: list[dict[str, list[float]]]) -> None:
    """Means over cines and the gain over the direct path with its sign and 95 % interval."""
    direct = np.array([np.mean(rows["direct"][:3]) for rows in results])
    print(f"{'path':28s} LV    MYO   RV    mean  EF %   gain over direct (n = {len(results)})")
    for name in results[0]:
        mean = np.mean([rows[name] for rows in results], 0)
        gains = np.array([np.mean(rows[name][:3]) for rows in results]) - direct
        interval = (
            f" +/- {1.96 * gains.std(ddof=1) / np.sqrt(len(gains)):.4f}, better in {int((gains > 0).sum())}"
            if len(results) > 1
            else ""
        )
        gain = "" if name in ("true labels", "round trip (consistency)") else f"{gains.mean():+.4f}{interval}"
        print(f"{name:28s} {mean[0]:.3f} {mean[1]:.3f} {mean[2]:.3f} {mean[:3].mean():.3f} {mean[3]:5.1f}  {gain}")


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    one = kinds.add_parser("phantom")
    one.add_argument("--hearts", type=int, default=5)
    one.add_argument("--frames", type=int, default=8)
    other = kinds.add_parser("bivme")
    other.add_argument("archive", type=Path)
    other.add_argument("reference", type=Path)
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    if arguments.kind == "phantom":
        report(phantom(arguments.hearts, arguments.frames))
    else:
        report(bivme(arguments.archive, arguments.reference))


if __name__ == "__main__":
    main()
