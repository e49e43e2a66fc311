"""Benchmark: large matrices, many slices and encodings of a CT: read as they were written, and with how much memory?

``python Testing/benchmarks/reader_formats.py [--size 1024] [--slices 60] [--thin 1200]`` writes synthetic chests as
DICOM folders, reads each in a process of its own and prints seconds, peak memory and whether every voxel came back.
JPEG lossless is written by SimpleITK's GDCM; HTJ2K by imagecodecs, which is no part of this project: without it the
row is left out and said.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from phantom_dicom import write_dicom_folder

from LungNoduleAILib.synthesis.test_phantom.small_chest import FIELD_OF_VIEW_MM, make_small_chest

HTJ2K_LOSSLESS = "1.2.840.10008.1.2.4.201"
READ = """
import json, sys
from pathlib import Path
import numpy as np
from ThoraxAILib.io import read_volume
from ThoraxAILib.jobs.stages import Stages
stages = Stages()
with stages.stage("libraries"):
    pass
with stages.stage("read"):
    volume = read_volume(Path(sys.argv[1]))
found = {"same": bool(np.array_equal(volume.array, np.load(sys.argv[2], mmap_mode="r"))), "notes": list(volume.notes)}
found |= stages.entries[1] | {"libraries_mb": stages.entries[0]["peak_mb"], "volume_mb": volume.array.nbytes / 1e6}
print(json.dumps(found))
"""


def main() -> int:
    """Write, read and print; the status tells whether every volume came back."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--slices", type=int, default=60)
    parser.add_argument("--thin", type=int, default=1200, help="slices of the 512 x 512 volume; 0 leaves it out")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain"
        truth = made(plain, arguments.size, arguments.slices)
        named = f"{arguments.size} x {arguments.size} x {arguments.slices}"
        rows.append((f"{named}, uncompressed", read(plain, truth)))
        for name, encode in (("JPEG lossless", jpeg_lossless), ("HTJ2K", htj2k)):
            target = Path(folder) / name
            if encoded(plain, target, encode):
                rows.append((f"{named}, {name}", read(target, truth)))
        if arguments.thin:
            thin = Path(folder) / "thin"
            truth = made(thin, 512, arguments.thin)
            rows.append((f"512 x 512 x {arguments.thin}, uncompressed", read(thin, truth)))
    print(f"{'CT':<36}{'same voxels':>12}{'processor s':>12}{'peak MB':>9}{'volume MB':>10}")
    for name, found in rows:
        sizes = f"{found['processor_seconds']:>12.1f}{found['peak_mb']:>9.0f}{found['volume_mb']:>10.0f}"
        print(f"{name:<36}{found['same']!s:>12}{sizes}  {' '.join(found['notes'])}")
    print(f"Of the memory {rows[0][1]['libraries_mb']:.0f} MB are libraries.")
    return 0 if all(found["same"] for _name, found in rows) else 1


def made(folder: Path, size: int, slices: int) -> Path:
    """Write a synthetic chest as DICOM; returns the file with its voxels."""
    spacing = (FIELD_OF_VIEW_MM[0] / size, FIELD_OF_VIEW_MM[1] / size, FIELD_OF_VIEW_MM[2] / slices)
    volume = make_small_chest(seed=1, spacing_mm=spacing, shape_ijk=(size, size, slices)).volume
    write_dicom_folder(volume, folder)
    truth = folder.with_suffix(".npy")
    np.save(truth, np.maximum(volume.array, -1024))  # as write_dicom_folder stores it
    return truth


def read(folder: Path, truth: Path) -> dict:
    """Read a folder in a process of its own."""
    command = [sys.executable, "-c", READ, str(folder), str(truth)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def encoded(plain: Path, target: Path, encode: Callable[[Path, Path], None]) -> bool:
    """Write the slices of ``plain`` in another encoding; False, and said, where that cannot be done here."""
    target.mkdir()
    try:
        for file in sorted(plain.iterdir()):
            encode(file, target / file.name)
    except ImportError as error:
        print(f"{target.name} is left out: {error}")
        return False
    return True


def jpeg_lossless(source: Path, target: Path) -> None:
    """Write a slice again as JPEG lossless, process 14 selection value 1 (1.2.840.10008.1.2.4.70)."""
    from pydicom import dcmread
    from pydicom.uid import JPEGLosslessSV1

    original = dcmread(source)
    writer = sitk.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.UseCompressionOn()
    writer.SetCompressor("JPEG")
    writer.SetFileName(str(target))
    writer.Execute(sitk.GetImageFromArray(original.pixel_array))
    made = dcmread(target)
    if made.file_meta.TransferSyntaxUID != JPEGLosslessSV1:
        raise ImportError(f"GDCM wrote {made.file_meta.TransferSyntaxUID.name}")
    original.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    original.PixelData = made.PixelData
    original["PixelData"].VR = "OB"
    original["PixelData"].is_undefined_length = True
    original.save_as(target)


def htj2k(source: Path, target: Path) -> None:
    """Write a slice again as lossless High-Throughput JPEG 2000."""
    import imagecodecs
    from pydicom import dcmread
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    image = dcmread(source)
    stream = imagecodecs.htj2k_encode(image.pixel_array, reversible=True)
    image.file_meta.TransferSyntaxUID = UID(HTJ2K_LOSSLESS)
    image.PixelData = encapsulate([stream])
    image["PixelData"].VR = "OB"
    image["PixelData"].is_undefined_length = True
    image.save_as(target)


if __name__ == "__main__":
    sys.exit(main())
