"""A saved scene (.mrb) in, a scrubbed one out; the written bundle is opened as a zip and searched before it counts."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

import slicer

from AnonymizerLib.check.search import tokens_in
from AnonymizerLib.scene.identifiers import SceneIdentifiers, collect
from AnonymizerLib.scene.scrub import SceneReport, scrub_scene
from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.scene.files.opening import safe_description
from ThoraxAILib.scene.files.saving import write_scene

SCENE_ENDING, HEADER_BYTES = ".mrb", 65536
TEXT_FILES = (".mrml", ".json", ".csv", ".tsv", ".txt", ".xml", ".html", ".schema")


def scrub_bundle(source: Path, target: Path) -> SceneReport:
    """Scrub a .mrb into a new one; replaces the open scene. InputError or OutputError, and then nothing is left."""
    if not source.is_file() or source.suffix.lower() != SCENE_ENDING:
        raise InputError(f"'{source.name}' is not a saved scene: give a .mrb file.")
    _check_target(target)
    with safe_description(source.resolve()) as description:
        slicer.mrmlScene.Clear(0)
        try:
            slicer.util.loadScene(str(description))
        except RuntimeError as error:
            raise InputError(f"'{source.name}' cannot be opened as a scene: save it again in Slicer.") from error
    identifiers = collect(slicer.mrmlScene)
    report = scrub_scene()
    if report.left:
        raise OutputError(report.sentence)
    write_scene(target)
    report.left = leaks_in_bundle(target, identifiers)
    if report.left:
        target.unlink()
        raise OutputError(f"{report.sentence} Nothing was written.")
    return report


def _check_target(target: Path) -> None:
    """Raise InputError unless the target is a new .mrb file in a folder that exists, before a scene is opened."""
    if target.suffix.lower() != SCENE_ENDING:
        raise InputError(f"'{target.name}' does not end in {SCENE_ENDING}: name the new scene OUT{SCENE_ENDING}.")
    if target.exists() or target.is_symlink():
        raise InputError(f"'{target.name}' exists already: choose a new name.")
    if not target.parent.is_dir():
        raise InputError(f"The folder '{target.parent.name}' for the new scene does not exist: make it first.")


def leaks_in_bundle(bundle: Path | BinaryIO, identifiers: SceneIdentifiers) -> list[str]:
    """Kinds of files in a bundle whose name or content holds an identifier; sequences are bundles in the bundle."""
    left = []
    with zipfile.ZipFile(bundle) as archive:
        for entry in archive.infolist():
            content = archive.read(entry)
            if entry.filename.lower().endswith(SCENE_ENDING):
                left += leaks_in_bundle(io.BytesIO(content), identifiers)
            data = _searchable(entry.filename, content)
            name = unquote(entry.filename).lower().encode("utf-8")
            if tokens_in(name, identifiers.tokens) or tokens_in(data.lower(), identifiers.tokens):
                left.append(Path(entry.filename).suffix or "a file")
    return left


def _searchable(name: str, data: bytes) -> bytes:
    """Text files whole; of image files the header, of packed ones what they hold."""
    if name.lower().endswith(".gz"):
        try:
            data = gzip.decompress(data)
        except (OSError, zlib.error, EOFError):
            return data
    return data if name.lower().endswith(TEXT_FILES) else data[:HEADER_BYTES]
