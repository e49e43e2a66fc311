"""The Anonymizer's manifest of its output: which files may be sent, and the hash of each."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ThoraxAILib.errors import InputError
from ThoraxAILib.store.instance import is_uid, looks_like_dicom
from ThoraxAILib.untrusted.bounded_bytes import TooLarge, read_bounded

REPORT_FOLDER = "report"
MANIFEST = f"{REPORT_FOLDER}/manifest.jsonl"
MAX_BYTES = 1 << 30
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ManifestItem:
    """One file that may be sent; ``path`` is relative to the output folder."""

    path: str
    sha256: str
    sop_uid: str
    study_uid: str
    series_uid: str


def read_manifest(folder: Path) -> list[ManifestItem]:
    """Return what the Anonymizer wrote into ``folder``; raises InputError without a manifest or when it is damaged."""
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(
            f"'{folder.name}' has no manifest of the Anonymizer: de-identify the images with thoraxai anonymize, and "
            "give its output folder."
        )
    try:
        lines = read_bounded(path, MAX_BYTES).decode("utf-8").splitlines()
        return [_item(json.loads(line)) for line in lines]
    except (OSError, TooLarge, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError("The manifest of the Anonymizer is damaged: start thoraxai anonymize again.") from error


def files_outside(folder: Path, items: list[ManifestItem]) -> list[Path]:
    """Return DICOM files below the folder that no line of the manifest names."""
    named = {item.path for item in items}
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if relative.as_posix() not in named and relative.parts[0] != REPORT_FOLDER and _is_dicom(path):
            found.append(relative)
    return found


def _item(line: dict) -> ManifestItem:
    item = ManifestItem(line["path"], line["sha256"], line["sop_instance"], line["study"], line["series"])
    place = PurePosixPath(item.path)
    if place.is_absolute() or ".." in place.parts or "\\" in item.path or not place.parts:
        raise ValueError("a path of the manifest leads out of its folder")
    if not SHA256.fullmatch(item.sha256) or not all(map(is_uid, (item.sop_uid, item.study_uid, item.series_uid))):
        raise ValueError("a line of the manifest has no hash or no UID")
    return item


def _is_dicom(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return looks_like_dicom(file.read(132))
