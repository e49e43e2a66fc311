"""``thoraxai lung segment CT --at R,A,S``: the voxels of one nodule as a label map on the grid of the CT."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.networks.device import DEVICES, select_device


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``segment``."""
    parser = commands.add_parser("segment", help="the voxels of one nodule from a point inside it")
    add = parser.add_argument
    add("input", type=Path, metavar="CT", help="DICOM folder, NRRD, NIfTI or MetaImage file")
    add("--at", required=True, metavar="R,A,S", help="a point in the nodule, RAS mm (write --at=-40,12,90)")
    add("--diameter", type=float, metavar="MM", help="rough size of the nodule (default: found out)")
    add("--output", type=Path, required=True, metavar="FILE.nrrd", help="label map to write, 1 in the nodule")
    add("--device", default="auto", metavar="|".join(DEVICES), help="where the network runs")
    parser.set_defaults(run=_segment)


def _segment(arguments: argparse.Namespace) -> int:
    from LungNoduleAILib.delineation.learned import segment_nodule
    from ThoraxAILib.io import read_volume
    from ThoraxAILib.io.transform_files import check_writable, write_labels

    point = parse_point(arguments.at)
    check_writable(arguments.output, "labels")
    device, _reason = select_device(arguments.device)
    volume = read_volume(arguments.input)
    found = segment_nodule(volume, point, arguments.diameter, device=device)
    labels = np.zeros(volume.array.shape, np.uint8)
    box = tuple(slice(o, o + n) for o, n in zip(found.mask.offset_kji, found.mask.array.shape, strict=True))
    labels[box] = found.mask.array
    write_labels(volume.with_array(labels), arguments.output)
    edge = "as the network sees it" if found.threshold_hu is None else f"at {found.threshold_hu:.0f} HU"
    print(f"{labels.sum() * volume.voxel_mm3:.0f} mm3, as a ball of {found.diameter_mm:.1f} mm; its border: {edge}.")
    return 0


def parse_point(text: str) -> tuple[float, float, float]:
    """Three numbers separated by commas; raises InputError otherwise."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 3 or not np.isfinite(numbers).all():
        raise InputError(f"The point must be three numbers R,A,S in mm, '{text}' was given: write e.g. --at=-40,12,90.")
    return numbers
