"""Fingerprints of result files: what a file says, without what differs between two runs of the same code.

Tables, reports and JSON are kept as they are, so that a difference can be read; voxels, pictures and DICOM files are
kept as SHA-256. Left out are times, memory, versions of libraries and the machine.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

VOLUME_ENDINGS = (".nrrd", ".nii.gz", ".nii", ".mha")
TRANSFORM_ENDINGS = (".h5", ".tfm")
TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".html", ".svg", ".mrml", ".cfg")
VOLATILE_KEYS = frozenset(
    {
        "started",
        "finished",
        "seconds",
        "processor_seconds",
        "seconds_per_frame",
        "peak_mb",
        "peak_memory_mb",
        "software",
        "platform",
        "modified_ns",
    }
)
RUN_SCHEMA, FILE_SIZES_KEY = "thoraxai.run/", "files"  # a run record tells sizes of files that hold times
VOLATILE_TEXT = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?"), "<time>"),
    (re.compile(r"\b\d+(?:\.\d+)? s(?=[\s,.;)<]|$)"), "<seconds>"),
    (re.compile(r'((?:seconds|peak_mb|peak_memory_mb)(?:&quot;|")?\s*:\s*)\d+(?:\.\d+)?'), r"\1<measured>"),
    (re.compile(r"(Peak memory \(MB\)</th></tr></thead>\s*<tbody>).*?(?=</tbody>)", re.DOTALL), r"\1<measured>"),
    (re.compile(r'(thoraxai(?:&quot;|")?[ :]\s*(?:&quot;|")?)\d+(?:\.\w+)+', re.IGNORECASE), r"\1<version>"),
)
PIECES_OF_LONG_LINE = re.compile(r'(?<=>)(?=<)|\s+(?=\w+=")|(?<=;)(?=[A-Z])')  # of HTML and of MRML attributes
MAX_LINE = 300
MAX_LABELS = 256
MAX_PARAMETERS = 100


@dataclass(frozen=True)
class Reader:
    """Fingerprints files of one run; ``names`` are folder names to replace in texts, as (path, word)."""

    names: tuple[tuple[str, str], ...] = ()

    def folder(self, folder: Path) -> dict:
        """Fingerprint of every file below ``folder``, by relative path."""
        return {
            path.relative_to(folder).as_posix(): self.file(path) for path in sorted(folder.rglob("*")) if path.is_file()
        }

    def file(self, path: Path) -> object:
        """Fingerprint by the kind of file that the name promises; unknown kinds by their bytes."""
        return self._reader_of(path.name.lower())(path)

    def text(self, text: str) -> object:
        """A JSON document as parsed and normalised, any other text as lines, long lines as hashes."""
        for path, word in self.names:
            text = text.replace(path, word)
        try:
            return stable_json(json.loads(text))
        except ValueError:
            return [piece for line in stable_text(text).splitlines() for piece in _pieces(line)]

    def _reader_of(self, name: str) -> Callable[[Path], object]:
        if name.endswith(VOLUME_ENDINGS):
            return volume
        if name.endswith(TRANSFORM_ENDINGS):
            return transform
        if name.endswith(".jsonl"):
            return self._json_lines
        if name.endswith((".json", *TEXT_ENDINGS)):
            return lambda path: self.text(path.read_text(encoding="utf-8"))
        if name.endswith(".mrb"):
            return self._archive
        if name.endswith(".pdf"):
            return self._pdf
        return _bytes_with_npz

    def _json_lines(self, path: Path) -> list:
        return [self.text(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def _pdf(self, path: Path) -> list:
        """The words of every page, and its pictures as hashes: the file itself holds times."""
        from pypdf import PdfReader

        return [
            {
                "words": self.text(page.extract_text()),
                "pictures": [hashlib.sha256(picture.data).hexdigest() for picture in page.images],
            }
            for page in PdfReader(path).pages
        ]

    def _archive(self, path: Path) -> dict:
        with tempfile.TemporaryDirectory() as folder:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder)
            return self.folder(Path(folder))


def stable_json(value: object) -> object:
    """``value`` without volatile keys; numbers stay exactly as they are, file sizes become names."""
    if isinstance(value, dict):
        kept = {key: stable_json(entry) for key, entry in value.items() if key not in VOLATILE_KEYS}
        if str(kept.get("schema")).startswith(RUN_SCHEMA):
            kept[FILE_SIZES_KEY] = sorted(kept[FILE_SIZES_KEY])
        return kept
    if isinstance(value, list):
        return [stable_json(entry) for entry in value]
    return stable_text(value) if isinstance(value, str) else value


def stable_text(text: str) -> str:
    """``text`` with times of day and durations replaced by words."""
    for pattern, word in VOLATILE_TEXT:
        text = pattern.sub(word, text)
    return text


def volume(path: Path) -> dict:
    """Voxels as SHA-256 over shape, type and values; geometry, header entries and the voxels of every label."""
    import SimpleITK as sitk

    image = sitk.ReadImage(str(path))
    voxels = sitk.GetArrayViewFromImage(image)
    found = {
        "shape": list(voxels.shape),
        "dtype": voxels.dtype.newbyteorder("<").str,
        "sha256": array_sha256(voxels),
        "spacing": list(image.GetSpacing()),
        "origin": list(image.GetOrigin()),
        "direction": list(image.GetDirection()),
        "header": {
            key: stable_text(image.GetMetaData(key))
            for key in sorted(image.GetMetaDataKeys())
            if not key.startswith("ITK_")
        },
    }
    labels = _voxels_per_label(voxels, has_layers=image.GetNumberOfComponentsPerPixel() > 1)
    return found | ({"voxels_per_label": labels} if labels else {})


def _voxels_per_label(voxels: np.ndarray, has_layers: bool) -> dict:
    """How many voxels have each value, per layer, where the values are labels; empty for images."""
    if voxels.dtype.kind not in "iu":
        return {}
    layers = np.moveaxis(voxels, -1, 0) if has_layers else voxels[None]
    counted = [np.unique(layer, return_counts=True) for layer in layers]
    if max(len(values) for values, _ in counted) > MAX_LABELS:
        return {}
    return {
        f"layer {index}": {str(value): int(count) for value, count in zip(values, counts, strict=True)}
        for index, (values, counts) in enumerate(counted)
    }


def transform(path: Path) -> dict:
    """Kind and exact parameters of a transform; those of a field as SHA-256."""
    import SimpleITK as sitk

    read = sitk.ReadTransform(str(path))
    found = {"kind": read.GetName(), "fixed_parameters": list(read.GetFixedParameters())}
    if read.GetTransformEnum() == sitk.sitkDisplacementField:
        field = sitk.DisplacementFieldTransform(read).GetDisplacementField()
        return found | {"sha256": array_sha256(sitk.GetArrayFromImage(field))}
    return found | {"parameters": _few_or_sha256(read.GetParameters())}


def _few_or_sha256(numbers: tuple[float, ...]) -> object:
    """The numbers of an affine transform as they are; those of a field, hundreds of thousands, as a hash."""
    if len(numbers) <= MAX_PARAMETERS:
        return list(numbers)
    return {"count": len(numbers), "sha256": array_sha256(np.asarray(numbers, dtype=np.float64))}


def array_sha256(array: np.ndarray) -> str:
    """SHA-256 over shape, type and values, whatever the byte order in memory."""
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{array.shape} {little.dtype.str}".encode())
    digest.update(little.data)
    return digest.hexdigest()


def _bytes_with_npz(path: Path) -> object:
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return {name: array_sha256(arrays[name]) for name in sorted(arrays.files)}
    data = path.read_bytes()
    return {
        "bytes": len(data),
        "sha256": hashlib.sha256(gzip.decompress(data) if path.suffix == ".gz" else data).hexdigest(),
    }


def _pieces(line: str) -> list[str]:
    """A line as it is; a long one in pieces, so that a difference can be read."""
    pieces = [line] if len(line) <= MAX_LINE else PIECES_OF_LONG_LINE.split(line)
    return [_short(piece) for piece in pieces]


def _short(line: str) -> str:
    if len(line) <= MAX_LINE:
        return line
    return f"{line[:80]}... {len(line)} characters, sha256 {hashlib.sha256(line.encode()).hexdigest()}"
