"""Burned-in text: generated captures through the anonymizer; what is left in files that were called clean.

    python Testing/benchmarks/anonymizer_burned_in.py OUT.json --captures 200 --grounds FOLDER_OF_DICOM

Letters come from fonts that the network never saw, in sizes of 8 to 40 pixels, turned by quarters or by any angle,
from barely visible to full contrast, in Latin, Greek and Cyrillic; grounds are invented or real. A line of text counts
as left when more than a tenth of its letters' pixels are in the output as they were.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from dataclasses import dataclass
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, generate_uid
from scipy import ndimage

from AnonymizerLib.deidentify.instance import InstanceCleaner, Refused
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.letters.drawn_text import pieces_of, probability_of_text
from AnonymizerLib.letters.ocr import gray_of
from AnonymizerLib.objects.dicom_file import read_dicom
from AnonymizerLib.pixels.editor import PixelEditor
from AnonymizerLib.profile.presets import profile_named
from AnonymizerLib.training.captures import Capture, Letters, make_capture, procedural_ground
from AnonymizerLib.training.text_network import find_fonts
from ThoraxAILib.errors import InputError

SIZES = ((360, 480), (480, 640), (300, 300), (600, 800))
LEFT_SHARE = 0.1
NEAR_TEXT = 12  # pixels around letters that may go with them
CLASSES = (
    ("1.2.840.10008.5.1.4.1.1.7", "OT"),
    ("1.2.840.10008.5.1.4.1.1.6.1", "US"),
    ("1.2.840.10008.5.1.4.1.1.1", "CR"),
)


@dataclass(frozen=True)
class Outcome:
    """What became of one capture."""

    status: str
    reason: str
    lines: int
    lines_left: int
    lines_blanked: int
    ground_lost: float
    seconds: float
    says_no: bool


def real_grounds(folder: Path) -> list[np.ndarray]:
    """Frames below a folder in which the network sees no writing, gray values 0..255."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            editor = PixelEditor(read_dicom(path.read_bytes()))
            frame = editor.frame(editor.frame_count // 2)
        except (InputError, Exception):
            continue
        if min(frame.shape[:2]) >= 128 and not pieces_of(probability_of_text(frame)):
            found.append(gray_of(frame))
    return found


def make(number: int, seed: int, letters: Letters, grounds: list[np.ndarray]) -> Capture:
    """A capture, the same for the same seed and number; one in ten has no writing."""
    random = np.random.default_rng([seed, number])
    if grounds and number % 2:
        ground = grounds[int(random.integers(0, len(grounds)))]
    else:
        ground = procedural_ground(random, SIZES[number % len(SIZES)])
    lines = 0 if number % 10 == 9 else int(random.integers(1, 7))
    return make_capture(np.array(ground), letters, random, lines, sizes=(8, 40))


def as_dicom(capture: Capture, number: int) -> bytes:
    """A capture as an instance: of changing class, gray or color, compressed or not, one frame or three."""
    rows, columns = capture.picture.shape
    ds, meta = Dataset(), FileMetaDataset()
    ds.SOPClassUID, ds.Modality = CLASSES[number % len(CLASSES)]
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid(entropy_srcs=["capture", str(number)])
    ds.StudyInstanceUID, ds.SeriesInstanceUID = (generate_uid(entropy_srcs=[name]) for name in ("study", "series"))
    ds.file_meta, ds.PatientName, ds.PatientID = meta, "Doe^John", "4711"
    ds.Rows, ds.Columns, ds.PixelRepresentation = rows, columns, 0
    pixels = capture.picture
    ds.BitsAllocated = ds.BitsStored = 8
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    if number % 4 == 1:
        pixels = np.stack([pixels] * 3, axis=2)
        ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    elif number % 4 == 2:
        pixels = pixels.astype(np.uint16) * 16
        ds.BitsAllocated, ds.BitsStored = 16, 12
    elif number % 4 == 3:
        plain = np.full_like(pixels, int(np.median(pixels)))
        pixels, ds.NumberOfFrames = np.stack([plain, pixels, plain]), 3
    ds.HighBit = ds.BitsStored - 1
    data = pixels.tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"
    if number % 5 == 0:
        ds.compress(RLELossless, generate_instance_uid=False)
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def shown(data: bytes, number: int) -> np.ndarray:
    """The gray values of the frame that carries the writing, as they were drawn."""
    pixels = dcmread(BytesIO(data)).pixel_array
    if number % 4 == 1:
        return pixels[..., 0]
    return pixels // 16 if number % 4 == 2 else pixels[1] if number % 4 == 3 else pixels


def process(capture: Capture, number: int, cleaner: InstanceCleaner) -> Outcome:
    """Put one capture through the anonymizer and compare what comes out."""
    data = as_dicom(capture, number)
    start = time.perf_counter()
    try:
        instance = cleaner.clean(data)
    except (Refused, InputError) as refusal:
        seconds = time.perf_counter() - start
        reason = str(refusal).split("; ")[-1]
        return Outcome("quarantined", reason, len(capture.writings), 0, 0, 0.0, seconds, False)
    seconds = time.perf_counter() - start
    head, pixels = instance.encoded()
    written = head + bytes(pixels)
    after, before = shown(written, number).astype(int), shown(data, number).astype(int)
    left = [line_is_left(capture.letters == line, before, after) for line in range(1, len(capture.writings) + 1)]
    near = ndimage.binary_dilation(capture.letters > 0, iterations=NEAR_TEXT)
    lost = float(((before != after) & ~near).mean())
    says_no = dcmread(BytesIO(written)).get("BurnedInAnnotation") == "NO"
    return Outcome("clean", "", len(left), sum(left), len(left) - sum(left), lost, seconds, says_no)


def line_is_left(letters: np.ndarray, before: np.ndarray, after: np.ndarray) -> bool:
    """Whether more than a tenth of a line's letters are as they were; what is black around stays no letter."""
    around = ndimage.binary_dilation(letters, iterations=1)
    if not letters.any() or (after[around] == after[around].max()).all():
        return False
    same = letters & (before == after)
    surroundings = around & ~letters & (before == after)
    return bool(same.sum() > LEFT_SHARE * letters.sum() and surroundings.any())


def summary(outcomes: list[Outcome]) -> dict:
    """The numbers to report."""
    clean = [outcome for outcome in outcomes if outcome.status == "clean"]
    seconds = sorted(outcome.seconds for outcome in outcomes)
    return {
        "captures": len(outcomes),
        "without_writing": sum(not outcome.lines for outcome in outcomes),
        "clean": len(clean),
        "clean_with_text_left": sum(outcome.lines_left > 0 for outcome in clean),
        "lines_left_in_clean": sum(outcome.lines_left for outcome in clean),
        "lines_blanked_in_clean": sum(outcome.lines_blanked for outcome in clean),
        "clean_that_do_not_say_no": sum(not outcome.says_no for outcome in clean),
        "quarantined": len(outcomes) - len(clean),
        "quarantined_share": round(1 - len(clean) / max(len(outcomes), 1), 3),
        "quarantined_without_writing": sum(o.status != "clean" and not o.lines for o in outcomes),
        "reasons": dict(Counter(outcome.reason for outcome in outcomes if outcome.reason)),
        "largest_share_of_ground_lost": round(max((o.ground_lost for o in clean), default=0.0), 4),
        "seconds_median": round(seconds[len(seconds) // 2], 2) if seconds else None,
        "seconds_90_percent": round(seconds[int(len(seconds) * 0.9)], 2) if seconds else None,
    }


_shared: dict = {}


def _one(number: int) -> Outcome:
    """One capture in a process of its own."""
    capture = make(number, _shared["seed"], _shared["letters"], _shared["grounds"])
    return process(capture, number, _shared["cleaner"])


def run(count: int, seed: int, grounds: list[np.ndarray], fonts: Path, jobs: int = 1) -> dict:
    """Everything, printed as it goes; the summary."""
    letters = Letters(find_fonts(fonts, held_out=True))
    cleaner = InstanceCleaner(profile_named("teaching"), Identities(ProjectKey(b"b" * 32, "BENCH")))
    _shared.update(seed=seed, letters=letters, grounds=grounds, cleaner=cleaner)
    outcomes = []
    with get_context("fork").Pool(jobs) as pool:
        for number, outcome in enumerate(pool.imap(_one, range(count))):
            outcomes.append(outcome)
            print(number, outcome, flush=True)
    return {
        "seed": seed,
        "fonts": sorted({path.name for paths in letters.fonts.values() for path in paths if path.name}),
        "real_grounds": len(grounds),
        **summary(outcomes),
    }


def main() -> None:
    """Run with the options given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--captures", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--grounds", type=Path, help="a folder of DICOM images to write on")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"))
    options = parser.parse_args()
    grounds = real_grounds(options.grounds) if options.grounds else []
    result = run(options.captures, options.seed, grounds, options.fonts, options.jobs)
    options.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
