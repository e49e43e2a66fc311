"""Odd inputs from public bug reports: is each read as the volume it is, or refused with one sentence?

``python Testing/benchmarks/field_cases.py GENERATORS [--made DIR] [--beside DIR]``: GENERATORS is a folder with
cases_dicom.py, cases_dicom2.py and cases_image.py, which write small odd files of the sample chest, and with scripts on
cine MRI; two of them name real data by a path that leads there from the folder BESIDE (this repository).
Where a volume is right, voxels drawn at random are compared with the sample by their place in RAS mm; ``--made`` keeps
what the generators wrote for the next run. Prints a table; the exit status tells whether every row is right.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import find_cases, read_volume

REPOSITORY = Path(__file__).resolve().parents[2]
POINTS = 4000
WRITERS = ("cases_dicom", "cases_dicom2", "cases_image")
SENTENCE = "one sentence"
NEAR_MS = 60.0  # images of one frame lie no further apart, ms after the R wave
FAULTS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, OSError, RuntimeError)  # looked for


@dataclass(frozen=True)
class Right:
    """What is right: at least ``share`` of the sample's voxels within ``hu`` of theirs, and words among the notes.

    ``refusal`` True means one sentence, None either of both. ``own_affine`` places the voxels by the matrix of the
    file, as nibabel reads it, instead of the sample's.
    """

    share: float = 1.0
    hu: float = 0.0
    note: str = ""
    refusal: bool | None = False
    own_affine: bool = False


REFUSED = Right(refusal=True)
VOLUME = Right()
# Every case that is not VOLUME. Shares below 1 say what a case leaves out: missing slices, one of two passes.
RIGHT = {
    "foR_per_slice": Right(note="FrameOfReferenceUID"),
    "series_uid_per_slice": Right(note="SeriesInstanceUID"),
    "study_uid_per_slice": Right(note="StudyInstanceUID"),
    "gap1": Right(0.97, note="missing"),
    "gap3": Right(0.95, note="missing"),
    "two_pixel_spacings": Right(note="PixelSpacing"),
    "kernel_missing_some": Right(note="ConvolutionKernel"),
    "dup_one_slice_diff": Right(0.99, note="sent again"),
    "two_acquisitions_overlap": Right(0.53, note="AcquisitionNumber"),
    "two_phases": Right(0.99, 40.0, note="AcquisitionNumber"),
    "no_rescale_unsigned": REFUSED,
    "no_rescale_dcm_but_hu": Right(refusal=None),
    "padding_2000": Right(0.77),
    "slope_varies": Right(hu=1.0),
    "gantry": Right(0.0, note="tilt"),
    "localizer_mixed": Right(note="eft out"),
    "localizer_untagged": Right(note="eft out"),
    "dose_sc_in_series": Right(note="eft out"),
    "single_nan_ipp": Right(0.97, refusal=None),
    "no_ipp_only_sliceloc": REFUSED,
    "enhanced_nopos": REFUSED,
    "classic_mf": REFUSED,
    "gantry_true": Right(0.55, 60.0, note="tilt"),
    "float32_frac.nii.gz": Right(hu=0.5),
    "uint8_scl.nii": Right(0.95, 6.0),
    "uint16_noscl.nii": REFUSED,
    "4d_ten.nii.gz": REFUSED,
    "qs_disagree_q1s1.nii.gz": Right(refusal=None),
    "q0s0.nii.gz": Right(0.0, note="orientation"),
    "slight_shear_s_only.nii.gz": Right(0.85, 60.0, note="right angles", own_affine=True),
    "shear_s_only.nii.gz": Right(0.85, 60.0, note="right angles", own_affine=True),
    "nan_corner.nii.gz": Right(0.99, refusal=None),
    "pair.img": Right(refusal=None),
    "nospace.nrrd": Right(0.0, note="orientation"),
    "nospacing.nrrd": Right(0.0, note="voxel size"),
}
BESIDE = (".raw", ".zraw", ".hdr")  # data of another file


def main() -> int:
    """Write the cases, read each, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("generators", type=Path)
    parser.add_argument("--made", type=Path, help="folder for what is written, kept")
    parser.add_argument("--beside", type=Path, default=REPOSITORY, help="folder in which scripts on real data run")
    parser.add_argument("--only", default="", help="only cases with this in their name")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = (arguments.made or Path(folder)).resolve()
        sample = write_cases(arguments.generators.resolve(), made)
        base = sitk.Shrink(sitk.ReadImage(str(sample)), [2] * 3)
        rows = []
        for writer in WRITERS:
            for path in sorted((made / writer).iterdir()):
                if not path.name.endswith(BESIDE) and arguments.only in path.name:
                    rows.append((path.name, *judged(path, base, RIGHT.get(path.name, VOLUME))))
        if arguments.only in "cine":
            rows += cine_rows(arguments.generators.resolve())
            rows += real_cine_rows(arguments.generators.resolve(), arguments.beside)
    for name, is_right, told in rows:
        print(f"{'right' if is_right else 'WRONG':<6}{name:<28}{told}")
    print(f"{sum(is_right for _name, is_right, _told in rows)} of {len(rows)} right")
    return 0 if all(is_right for _name, is_right, _told in rows) else 1


def write_cases(generators: Path, made: Path) -> Path:
    """Run the generators whose folder is not there; returns the file of the sample chest."""
    sample = made / "sample" / "ct.nrrd"
    if not sample.exists():
        run(["-m", "ThoraxAILib", "lung", "phantom", "--output", str(sample.parent)], REPOSITORY)
    for writer in WRITERS:
        if not (made / writer).exists():
            run([str(generators / f"{writer}.py"), str(made / writer)], made, PH=str(sample))
    return sample


def run(words: list[str], cwd: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run a script with this Python."""
    environment = {**os.environ, **variables}
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=True)


def judged(path: Path, base: sitk.Image, right: Right) -> tuple[bool, str]:
    """Whether what is made of a case is right, and what that is."""
    notes: list[str] = []
    try:
        cases = find_cases([path], on_note=notes.append)
        volume = read_volume(cases[0].path, cases[0].selection)
    except InputError as error:
        sentence = str(error)
        return right.refusal is not False and "\n" not in sentence, f"{SENTENCE}: {sentence}"
    except FAULTS as error:
        return False, f"{type(error).__name__}: {error}"
    told = " ".join(notes + list(volume.notes) + [cases[0].reason])
    share = share_alike(volume, base, right.hu, path if right.own_affine else None)
    is_right = right.refusal is not True and share >= right.share and right.note.lower() in told.lower()
    return is_right, f"{len(cases)} case, {100 * share:.1f} % of the voxels alike. {told}".strip()


def share_alike(volume: Volume, base: sitk.Image, hu: float, placed_by: Path | None) -> float:
    """Share of voxels of the sample, drawn at random, whose HU lie at their place in the volume."""
    array = sitk.GetArrayViewFromImage(base)
    rng = np.random.default_rng(0)
    places = np.stack([rng.integers(1, n - 1, POINTS) for n in array.shape], axis=1)
    found = np.rint(volume.kji_from_ras(places_ras_mm(places[:, ::-1], base, placed_by))).astype(int)
    inside = ((found >= 0) & (found < volume.array.shape)).all(axis=1)
    values = volume.array[tuple(np.clip(found, 0, np.array(volume.array.shape) - 1).T)].astype(float)
    return float((inside & (np.abs(values - array[tuple(places.T)]) <= hu)).mean())


def places_ras_mm(places_ijk: np.ndarray, base: sitk.Image, placed_by: Path | None) -> np.ndarray:
    """Where voxels (n, 3) of the sample lie, by its own geometry or by the matrix of a NIfTI file."""
    if placed_by is None:
        lps = np.array([base.TransformIndexToPhysicalPoint([int(v) for v in place]) for place in places_ijk])
        return lps * (-1, -1, 1)
    import nibabel

    affine = nibabel.load(placed_by).affine
    return places_ijk @ affine[:3, :3].T + affine[:3, 3]


def cine_rows(generators: Path) -> list[tuple[str, bool, str]]:
    """Run the generators of cine MRI within this process, and judge what the reader makes of them."""
    sys.path.insert(0, str(generators))
    checks: tuple[tuple[str, Callable[[Path], tuple[bool, str]]], ...] = (
        ("cine: short slice", short_slice),
        ("cine: later phase-contrast", later_phase_contrast),
        ("cine: later LGE", later_lge),
    )
    rows = []
    for name, check in checks:
        with tempfile.TemporaryDirectory() as folder:
            try:
                rows.append((name, *check(Path(folder))))
            except InputError as error:
                rows.append((name, False, f"{SENTENCE}: {error}"))
            except FAULTS as error:
                rows.append((name, False, f"{type(error).__name__}: {error}"))
    return rows


def write_cine(folder: Path | str, phases: tuple[int, ...], kinds: tuple[str, ...] = ("M",)) -> str:
    """Write a small cine MRI with so many phases at each place, by the generators' own writer."""
    return importlib.import_module("crash_short_slice").cine(folder, phases, kinds=kinds)


def short_slice(folder: Path) -> tuple[bool, str]:
    """One slice with half the phases of the others: read with a note, or one sentence."""
    from CardiacBiomechLib.cine.read_cine import read_cine

    write_cine(folder, (25, 25, 12, 25))
    try:
        found = read_cine(folder)
    except InputError as error:
        return "\n" not in str(error), f"{SENTENCE}: {error}"
    return bool(found.notes), f"{len(found.frames)} frames. {' '.join(found.notes)}"


def later_phase_contrast(folder: Path) -> tuple[bool, str]:
    """A phase image of every magnitude image: the magnitude (below 500) is the cine."""
    from CardiacBiomechLib.cine.read_cine import read_cine

    found = read_cine(Path(write_cine(folder, (10, 10, 10), kinds=("M", "P"))))
    mean = float(found.frames[0].array.mean())
    return mean < 500, f"mean {mean:.0f}. {' '.join(found.notes)}"


def later_lge(folder: Path) -> tuple[bool, str]:
    """A later series of one image at every place: the cine stays."""
    from pydicom import dcmread

    from CardiacBiomechLib.cine.read_cine import read_cine

    write_cine(folder, (10, 10, 10))
    with tempfile.TemporaryDirectory() as late:
        for number, file in enumerate(sorted(Path(write_cine(late, (1, 1, 1))).iterdir())):
            image = dcmread(file)
            image.SeriesInstanceUID, image.SeriesNumber, image.SeriesDescription = "1.2.9", 99, "LGE"
            image.save_as(folder / f"late{number}.dcm")
    found = read_cine(folder)
    return len(found.frames) == 10, f"{len(found.frames)} frames. {' '.join(found.notes)}"


def real_cine_rows(generators: Path, beside: Path) -> list[tuple[str, bool, str]]:
    """Run the scripts on real cine MRI as they are, and judge what they print."""
    checks = {"label_not_on_heart": label_answers, "phases_by_index_not_time": phase_answers}
    rows: list[tuple[str, bool, str]] = []
    for script, answers in checks.items():
        try:
            printed = run_script(generators / f"{script}.py", beside)
        except subprocess.CalledProcessError as error:
            rows.append((f"cine: {script}", False, error.stderr.strip().splitlines()[-1]))
            continue
        rows += [(f"cine: {name}", *answer) for name, answer in answers(printed).items()]
    return rows


def run_script(script: Path, beside: Path) -> str:
    """Return what a script prints that calls ``thoraxai`` by name: it finds the code that runs here."""
    with tempfile.TemporaryDirectory() as folder:
        command = Path(folder) / "thoraxai"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ThoraxAILib "$@"\n', encoding="utf-8")
        command.chmod(0o755)
        return run([str(script)], beside, PATH=os.pathsep.join([folder, os.environ["PATH"]])).stdout


def label_answers(printed: str) -> dict[str, tuple[bool, str]]:
    """Judge labels that lie mirrored, belong to end-systole or are numbered in another order (readers: EF 62 %)."""
    parts = {part.split(":")[0].strip(): part for part in printed.split("== ")[1:]}
    names = ("mirrored label", "ES labelled, carried to ED", "MYO=1 LV=2 RV=3")
    mirrored, systole, order = (parts[name] for name in names)
    forced = parts["MYO=1 LV=2 RV=3 with the offered --labels acdc"]
    return {
        "label mirrored": ("exit 2" in mirrored and "mirrored along its rows" in mirrored, last_line(mirrored)),
        "ES carried to ED": (within(systole, 30, 80), last_line(systole)),
        "another order": (within(order, 30, 80), last_line(order)),
        "another order, acdc": ("exit 2" in forced and "lv=2,myo=1,rv=3" in forced, last_line(forced)),
    }


def within(printed: str, low: float, high: float) -> bool:
    """Whether a left ejection fraction from labels was printed, and lies between ``low`` and ``high`` percent."""
    found = re.search(r"LV: EF (-?[\d.]+) %", printed)
    return "exit 0" in printed and found is not None and low <= float(found[1]) <= high


def phase_answers(printed: str) -> dict[str, tuple[bool, str]]:
    """Judge slices of 20, 2 and 2 phases: no frame may mix times that lie apart, and the time told is theirs."""
    used = ast.literal_eval(re.search(r"by frame: (\[\[.*?\]\])", printed)[1])
    told = ast.literal_eval(re.search(r"reported times (\(.*?\))", printed)[1])
    apart = max(max(frame) - min(frame) for frame in used)
    off = max(abs(time - one) for time, frame in zip(told, used, strict=True) for one in frame)
    return {"phases by time": (max(apart, off) <= NEAR_MS, f"trigger times {used} told as {told} ms")}


def last_line(printed: str) -> str:
    """Return the last line with words."""
    return [line.strip() for line in printed.splitlines() if line.strip()][-1]


if __name__ == "__main__":
    sys.exit(main())
