"""Pattern maps as files: the label map, the shares as JSON, and a picture to look at."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from LungNoduleAILib.model.files import PATTERN_MAP_FILE, PATTERN_PICTURE_FILE, PATTERN_TABLE_FILE
from LungNoduleAILib.parenchyma.pattern_map import CLASSES, GROUND_GLASS, NORMAL, RETICULAR, SOLID, PatternMap
from ThoraxAILib.image.volume import Volume

SCHEMA = "thoraxai.patterns/1"
NOTICE = "Research use only, not a medical device. The network saw synthetic lungs only."
COLORS = {NORMAL: (70, 120, 90), GROUND_GLASS: (80, 200, 255), RETICULAR: (255, 150, 40), SOLID: (220, 60, 90)}
PICTURES, PICTURE_MM = 3, 0.9


def write_patterns(folder: Path, volume: Volume, found: PatternMap, methods: dict[str, str]) -> None:
    """Write patterns.nrrd, patterns.json and patterns.png of a map on the grid of ``volume`` into a folder."""
    from ThoraxAILib.io.transform_files import write_labels

    write_labels(volume.with_array(found.labels), folder / PATTERN_MAP_FILE)
    table = {
        "schema": SCHEMA,
        "values": {name: number for number, name in enumerate(CLASSES, start=1)},
        "shares": found.shares,
        "methods": methods,
        "notice": NOTICE,
    }
    (folder / PATTERN_TABLE_FILE).write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    (folder / PATTERN_PICTURE_FILE).write_bytes(pattern_sheet(volume, found.labels))


def pattern_sheet(volume: Volume, labels: np.ndarray) -> bytes:
    """Return a PNG of axial and coronal slices, each beside the same slice with its patterns in color."""
    from ThoraxAILib.report import Overlay, contact_sheet, encoded, render, with_title

    where = np.argwhere(labels > 0)
    low, high = where.min(axis=0), where.max(axis=0)
    overlay = Overlay(labels, COLORS, fill=0.35, outline=0.0)
    pictures = []
    for plane in ("axial", "coronal"):
        for share in np.linspace(0.25, 0.75, PICTURES):
            point = volume.ras_from_kji(low + share * (high - low))
            plain = render(volume, plane, point, pixel_mm=PICTURE_MM)
            colored = render(volume, plane, point, pixel_mm=PICTURE_MM, overlay=overlay)
            pictures += [plain, with_title(colored, "ground glass: blue, reticular: orange, solid: red", "R")]
    return encoded(contact_sheet(pictures, 2 * PICTURES))


def describe_patterns(found: PatternMap) -> list[str]:
    """Return what a person reads in the terminal: one line per lobe."""
    lines = [f"{'':<8}{'mL':>8}" + "".join(f"{name:>14}" for name in CLASSES) + f"{'below -950 HU':>16}"]
    for name, row in found.shares.items():
        percent = [row[f"{pattern.replace(' ', '_')}_percent"] for pattern in CLASSES]
        lines.append(
            f"{name:<8}{row['volume_ml']:>8.0f}"
            + "".join(f"{value:>12.1f} %" for value in percent)
            + f"{row['laa950_percent']:>14.1f} %"
        )
    return lines
