"""``thoraxai lung segment CT --at R,A,S``: the voxels of one nodule as a label map on the grid of the CT."""

from __future__ import annotations

import argparse

import numpy as np

from LungNoduleAILib.cases.requests import SegmentRequest
from ThoraxAILib.networks.device import select_device


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``segment``."""
    parser = commands.add_parser("segment", help="the voxels of one nodule from a point inside it")
    SegmentRequest.add_arguments(parser)
    parser.set_defaults(run=_segment)


def _segment(arguments: argparse.Namespace) -> int:
    from LungNoduleAILib.delineation.learned import segment_nodule
    from ThoraxAILib.io import read_volume
    from ThoraxAILib.io.transform_files import check_writable, write_labels

    request = SegmentRequest.from_arguments(arguments)
    check_writable(request.output, "labels")
    device, _reason = select_device(request.device)
    volume = read_volume(request.input)
    found = segment_nodule(volume, request.at, request.diameter, device=device)
    labels = np.zeros(volume.array.shape, np.uint8)
    box = tuple(slice(o, o + n) for o, n in zip(found.mask.offset_kji, found.mask.array.shape, strict=True))
    labels[box] = found.mask.array
    write_labels(volume.with_array(labels), request.output)
    print(f"{labels.sum() * volume.voxel_mm3:.0f} mm3, as a ball of {found.diameter_mm:.1f} mm.")
    for note in (*volume.notes, *found.notes):
        print(note)
    return 0
