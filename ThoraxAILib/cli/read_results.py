"""``thoraxai read-results FILE... [--ct CT]``: what a SEG, SR or RTSTRUCT of any program holds, and what was kept."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ThoraxAILib.errors import InputError

if TYPE_CHECKING:
    from ThoraxAILib.image.volume import Volume
    from ThoraxAILib.io.foreign_results.contours import ForeignContours
    from ThoraxAILib.io.foreign_results.segments import ForeignSegment

SCHEMA = "thoraxai.foreign-results/1"
DESCRIPTION = """Read segmentations (SEG), measurement reports (SR) and contours (RTSTRUCT) of any program. What is not
understood is kept and named. With --ct each segment is placed on the CT, and what lies outside of it is said."""


def add_commands(modules: argparse._SubParsersAction) -> None:
    """Mount ``read-results``."""
    read = modules.add_parser("read-results", help="what DICOM results of any program hold", description=DESCRIPTION)
    read.add_argument("files", type=Path, nargs="+", metavar="FILE", help="SEG, SR or RTSTRUCT")
    read.add_argument("--ct", type=Path, metavar="CT", help="the CT they belong to")
    read.add_argument("--output", type=Path, metavar="DIR", help="with --ct: a label map (NRRD) for each segment")
    read.add_argument("--json", action="store_true", help="as JSON")
    read.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.io import read_volume

    if arguments.output is not None and arguments.ct is None:
        raise InputError("Label maps need the grid of their CT: add --ct.")
    volume = None if arguments.ct is None else read_volume(arguments.ct)
    told = [_one(path, volume, arguments.output) for path in arguments.files]
    if arguments.json:
        print(json.dumps({"schema": SCHEMA, "files": told}, indent=2))
        return 0
    for item in told:
        print(f"{item['file']}: {item['kind']}")
        for line in item["lines"]:
            print(f"    {line}")
    return 0


def _one(path: Path, volume: Volume | None, output: Path | None) -> dict[str, Any]:
    from ThoraxAILib.io.foreign_results import contours, report, segments
    from ThoraxAILib.io.foreign_results.coded import read_header

    classes = (*report.CLASSES, *contours.CLASSES, *segments.CLASSES)
    sop_class = str(read_header(path, classes, "SEG, SR or RTSTRUCT").SOPClassUID)
    if sop_class in report.CLASSES:
        return _report(path)
    if sop_class in contours.CLASSES:
        return _contours(path, volume, output)
    return _segments(path, volume, output)


def _report(path: Path) -> dict[str, Any]:
    from ThoraxAILib.io.foreign_results.report import read_report

    found = read_report(path)
    lines = []
    for group in found.groups:
        site = ", ".join(str(place) + (f" ({side})" if side else "") for place, side in group.sites)
        lines.append(f"{group.tracking_id or 'group'}: {group.finding or 'no finding named'} {site}".rstrip())
        for one in group.measurements:
            lines.append(f"    {one.name}{f' ({one.derivation})' if one.derivation else ''}: {one.value} {one.unit}")
        lines += [f"    {name}: {value}" for name, value in group.evaluations]
        of_numbers = [text for one in group.measurements for text in one.kept]
        lines += [f"    kept: {text}" for text in (*group.regions, *of_numbers, *group.kept)]
    lines.append(f"{len(found.kept)} items outside of measurement groups are kept")
    return {"file": path.name, "kind": "measurement report", "lines": lines, "content": asdict(found)}


def _segments(path: Path, volume: Volume | None, output: Path | None) -> dict[str, Any]:
    from ThoraxAILib.io.foreign_results.segments import place_on, read_segments

    def described(one: ForeignSegment) -> tuple[str, dict[str, Any]]:
        text = f"{one.number} {one.label} ({one.type or 'no type'}): {one.volume_mm3 / 1000:.2f} mL"
        return text, {"number": one.number, "label": one.label, "volume_mm3": one.volume_mm3}

    return _regions("segmentation", "voxels", read_segments(path), described, place_on, path, volume, output)


def _contours(path: Path, volume: Volume | None, output: Path | None) -> dict[str, Any]:
    from ThoraxAILib.io.foreign_results.contours import fill_on, read_contours

    def described(one: ForeignContours) -> tuple[str, dict[str, Any]]:
        text = f"{one.number} {one.name} ({one.type or 'no type'}): {len(one.contours_ras_mm)} closed contours"
        if one.kept:
            text += f"; {len(one.kept)} others are kept"
        told = {"number": one.number, "name": one.name, "contours": len(one.contours_ras_mm), "kept": list(one.kept)}
        return text, told

    return _regions("contours", "contours", read_contours(path), described, fill_on, path, volume, output)


def _regions(
    kind: str,
    unit: str,
    found: Sequence[Any],
    described: Callable[[Any], tuple[str, dict[str, Any]]],
    placed_on: Callable[[Any, Volume], Any],
    path: Path,
    volume: Volume | None,
    output: Path | None,
) -> dict[str, Any]:
    """Return what regions of a file hold; with a CT, how many of their voxels or contours (``unit``) lie within it."""
    lines, content = [], []
    for one in found:
        text, told = described(one)
        if volume is not None:
            placed = placed_on(one, volume)
            told |= {f"{unit}_inside": placed.inside, f"{unit}_outside": placed.outside}
            if placed.outside:
                text += f"; {placed.outside} of {placed.inside + placed.outside} {unit} lie outside of the CT"
            _write(placed.mask, volume, output, path, one.number)
        lines.append(text)
        content.append(told)
    return {"file": path.name, "kind": kind, "lines": lines, "content": content}


def _write(mask: Any, volume: Volume, output: Path | None, path: Path, number: int) -> None:
    if output is None:
        return
    import numpy as np
    import SimpleITK as sitk

    from ThoraxAILib.image.itk_geometry import placed_image

    output.mkdir(parents=True, exist_ok=True)
    image = placed_image(sitk.GetImageFromArray(mask.astype(np.uint8)), volume)
    sitk.WriteImage(image, str(output / f"{path.stem}_{number}.nrrd"), useCompression=True)
