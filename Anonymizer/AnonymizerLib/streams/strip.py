"""Takes what is no picture out of the compressed pixel data of a file; the coded pixels stay byte by byte."""

from __future__ import annotations

from collections.abc import Callable

from AnonymizerLib.objects.dicom_file import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, DicomFile
from AnonymizerLib.objects.element import raw_text
from AnonymizerLib.streams import jpeg, jpeg2000, run_length
from AnonymizerLib.streams.fragments import Encapsulated
from AnonymizerLib.streams.mpeg import mpeg2_without_metadata, mpeg4_without_metadata
from ThoraxAILib.errors import InputError

NATIVE = (IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN)
SYNTAX = "1.2.840.10008.1.2."
JPEG = frozenset(SYNTAX + f"4.{number}" for number in (*range(50, 67), 70, 80, 81))
JPEG_2000 = frozenset(SYNTAX + f"4.{number}" for number in (90, 91, 92, 93, 201, 202, 203))
MPEG_2 = frozenset(SYNTAX + number for number in ("4.100", "4.100.1", "4.101", "4.101.1"))
H264 = frozenset(SYNTAX + f"4.{number}{end}" for number in range(102, 107) for end in ("", ".1"))
H265 = frozenset(SYNTAX + number for number in ("4.107", "4.108"))
RLE = SYNTAX + "5"
FRAMES, ROWS, COLUMNS, SAMPLES, BITS = 0x00280008, 0x00280010, 0x00280011, 0x00280002, 0x00280100


def strip_metadata(file: DicomFile) -> bool:
    """Strip the compressed pixels of a file, in memory; whether anything went. InputError: not understood."""
    if file.transfer_syntax in NATIVE or not len(file.pixels):
        return False
    encapsulated = Encapsulated.of(file.pixels)
    is_video = file.transfer_syntax in MPEG_2 | H264 | H265
    count = 1 if is_video else _frame_count(file)
    if is_video:
        encapsulated = Encapsulated(encapsulated.fragments)  # a film is one stream: offsets of frames have no meaning
    places = encapsulated.frames(count)
    clean = _cleaner(file)
    frames: list[bytes | None] = []
    for place in places:
        before = encapsulated.joined(place)
        after = clean(before)
        frames.append(None if after + b"\0" * (len(after) % 2) == before else after)
    new = encapsulated.with_frames(frames, places).encoded()
    if new == file.pixels:
        return False
    file.pixels = memoryview(new)
    return True


def _cleaner(file: DicomFile) -> Callable[[bytes], bytes]:
    """Choose the walker of a transfer syntax."""
    syntax = file.transfer_syntax
    if syntax in JPEG:
        return jpeg.without_metadata
    if syntax in JPEG_2000:
        return jpeg2000.without_metadata
    if syntax == RLE:
        ds = file.dataset
        rows, columns, samples, bits = (int(ds[tag].value) for tag in (ROWS, COLUMNS, SAMPLES, BITS))
        return lambda data: run_length.without_metadata(data, rows * columns, samples * -(-bits // 8))
    if syntax in MPEG_2:
        return mpeg2_without_metadata
    if syntax in H264 | H265:
        return lambda data: mpeg4_without_metadata(data, syntax in H265)
    raise InputError("The pixels are compressed in a way that cannot be searched for hidden text: look at it.")


def _frame_count(file: DicomFile) -> int:
    text = raw_text(file.dataset, FRAMES, ["ascii"]) or "1"
    if not text.isdigit() or not 0 < int(text) <= 1_000_000:
        raise InputError("The number of frames is not a number that can be right.")
    return int(text)
