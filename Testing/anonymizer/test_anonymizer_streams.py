"""What rides along with pixels and is none goes: comments, EXIF, user data, profile text, surplus bytes."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.uid import (
    MPEG2MPML,
    MPEG4HP41,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from AnonymizerLib.check.identifiers import tokens_of
from AnonymizerLib.check.search import find_in_pixels, may_leak
from AnonymizerLib.deidentify.instance import InstanceCleaner
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.objects.dicom_file import encode, read_dicom
from AnonymizerLib.objects.element import Original
from AnonymizerLib.pixels.clean import PixelPolicy
from AnonymizerLib.pixels.surplus import cut_surplus
from AnonymizerLib.profile.presets import profile_named
from AnonymizerLib.streams import color_profile, jpeg, jpeg2000, run_length
from AnonymizerLib.streams.mpeg import mpeg2_without_metadata, mpeg4_without_metadata
from AnonymizerLib.streams.strip import strip_metadata
from fixtures.anonymizer_studies import KEY, ct, file_bytes
from ThoraxAILib.errors import InputError

SECRET = b"SMITH JOHN 48213"
PHOTOGRAPHS = "1.2.840.10008.5.1.4.1.1.7.4"


def pattern(size: int = 24) -> Image.Image:
    return Image.fromarray(np.random.default_rng(2).integers(0, 255, (size, size, 3), np.uint8))


def jpeg_with_metadata(progressive: bool = False) -> bytes:
    """A JPEG as a camera writes it: EXIF with artist, date and place, XMP, a color profile and a comment."""
    exif = Image.Exif()
    exif[0x013B], exif[0x0132] = SECRET.decode(), "2019:07:13 10:11:12"
    place = exif.get_ifd(0x8825)
    place[1], place[2] = "N", (52.0, 31.0, 12.5)
    stream = BytesIO()
    pattern().save(
        stream,
        "JPEG",
        exif=exif.tobytes(),
        comment=SECRET,
        xmp=b"<x>" + SECRET + b"</x>",
        icc_profile=b"\0" * 40 + SECRET,
        progressive=progressive,
        dpi=(72, 72),
    )
    return stream.getvalue()


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(data)))


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_keeps_its_pixels_and_loses_every_text(progressive):
    before = jpeg_with_metadata(progressive)
    after = jpeg.without_metadata(before + SECRET)
    assert (decoded(after) == decoded(before)).all()
    assert all(text in before and text not in after for text in (SECRET, b"2019:07:13", b"Exif"))
    assert jpeg.without_metadata(after) == after


def test_an_adobe_jpeg_keeps_what_says_how_its_color_is_coded():
    stream = BytesIO()
    pattern().convert("CMYK").save(stream, "JPEG", comment=SECRET)
    after = jpeg.without_metadata(stream.getvalue())
    assert b"Adobe" in after
    assert SECRET not in after
    assert (decoded(after) == decoded(stream.getvalue())).all()


@pytest.mark.parametrize(
    "break_it",
    [
        lambda data: data[2:],
        lambda data: data[:4] + b"\xff\xff" + data[6:],
        lambda data: data.replace(b"\xff\xdb\x00\x43", b"\xff\xdb\x00\x44", 1),
        lambda data: data[:2] + b"\xff\xf0\x00\x04ab" + data[2:],
        lambda data: data[:2] + b"ab" + data[2:],
    ],
)
def test_a_jpeg_that_is_not_understood_is_refused(break_it):
    with pytest.raises(InputError):
        jpeg.without_metadata(break_it(jpeg_with_metadata()))


def jpeg_2000(no_jp2: bool = True) -> bytes:
    stream = BytesIO()
    pattern().save(stream, "JPEG2000", comment=SECRET, no_jp2=no_jp2, tile_size=(16, 16))
    return stream.getvalue()


@pytest.mark.parametrize("no_jp2", [True, False])
def test_a_jpeg_2000_keeps_its_pixels_and_loses_comments_and_boxes(no_jp2):
    before = jpeg_2000(no_jp2)
    if not no_jp2:
        before += struct.pack(">I4s", 8 + len(SECRET), b"xml ") + SECRET
    assert SECRET in before
    after = jpeg2000.without_metadata(before)
    assert SECRET not in after
    assert after.startswith(b"\xff\x4f\xff\x51")
    assert (decoded(after) == decoded(before)).all()
    assert jpeg2000.without_metadata(after) == after


def test_a_comment_inside_a_tile_part_of_jpeg_2000_goes_and_its_length_follows():
    before = jpeg2000.without_metadata(jpeg_2000())
    start = before.index(b"\xff\x90")
    (length,) = struct.unpack_from(">I", before, start + 6)
    comment = b"\xff\x64" + struct.pack(">HH", 4 + len(SECRET), 1) + SECRET
    longer = struct.pack(">I", length + len(comment))
    with_comment = before[: start + 6] + longer + before[start + 10 : start + 12] + comment + before[start + 12 :]
    assert (decoded(with_comment) == decoded(before)).all()
    assert jpeg2000.without_metadata(with_comment) == before


@pytest.mark.parametrize(
    "data", [b"", b"\xff\x4f", jpeg_2000()[:60], jpeg_2000().replace(b"\xff\x64", b"\xff\x77", 1), jpeg_2000()[4:]]
)
def test_a_jpeg_2000_that_is_not_understood_is_refused(data):
    with pytest.raises(InputError):
        jpeg2000.without_metadata(data)


def test_bytes_between_and_behind_the_segments_of_a_run_length_frame_go():
    segment = b"\x03abcd" + b"\xfda"  # four letters, then four times a
    clean = struct.pack("<16I", 2, 64, 72, *[0] * 13) + segment + b"\0" + segment + b"\0"
    dirty = struct.pack("<16I", 2, 64, 90, *[0] * 13) + segment + SECRET + b"\0\0\0" + segment + SECRET
    assert run_length.without_metadata(dirty, 8, 2) == clean
    for pixels, segments in ((9, 2), (7, 2), (8, 1)):
        with pytest.raises(InputError):
            run_length.without_metadata(clean, pixels, segments)


def unit(kind: int, body: bytes) -> bytes:
    return b"\0\0\1" + bytes((kind,)) + body


def test_user_data_of_mpeg_2_goes_and_the_pictures_stay():
    pictures = unit(0xB3, b"head"), unit(0xB5, b"more"), unit(0x00, b"pic"), unit(0x01, b"slice"), unit(0xB7, b"")
    dirty = pictures[0] + unit(0xB2, SECRET) + pictures[1] + unit(0xB2, SECRET) + b"".join(pictures[2:]) + SECRET
    assert mpeg2_without_metadata(dirty) == b"".join(pictures)
    for container in (unit(0xBA, b"pack"), b"\x47" * 188, unit(0xB3, b"") + unit(0xC0, b"sound")):
        with pytest.raises(InputError):
            mpeg2_without_metadata(container)


@pytest.mark.parametrize(
    ("is_h265", "information", "picture"), [(False, b"\x06\x05", b"\x65"), (True, b"\x4e\x01", b"\x26\x01")]
)
def test_supplemental_information_of_h264_and_h265_goes(is_h265, information, picture):
    pictures = b"\0\0\0\1" + picture + b"slice"
    dirty = pictures + b"\0\0\1" + information + SECRET
    assert mpeg4_without_metadata(dirty, is_h265) == pictures
    with pytest.raises(InputError):
        mpeg4_without_metadata(b"\x47" + dirty, is_h265)


def box(kind: bytes, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def movie(handler: bytes = b"vide") -> tuple[bytes, bytes]:
    """A small MP4 file that holds the secret wherever one may, and its one picture."""
    picture = b"\x65picture!"
    information = b"\x06\x05" + SECRET
    sample = b"".join(struct.pack(">I", len(part)) + part for part in (information, picture))
    media = box(b"mdat", SECRET, sample, SECRET)
    head = box(b"ftyp", b"isom", bytes(4))
    configuration = box(b"avcC", b"\x01\x64\x00\x28\xff\xe1\0\2\x67a\1\0\2\x68b", bytes(4))
    entry = box(b"avc1", bytes(42), (b"\x10" + SECRET).ljust(32), bytes(4), configuration, box(b"note", SECRET))
    table = box(
        b"stbl",
        box(b"stsd", struct.pack(">II", 0, 1), entry),
        box(b"stsz", struct.pack(">IIII", 0, 0, 1, len(sample))),
        box(b"stsc", struct.pack(">IIIII", 0, 1, 1, 1, 1)),
        box(b"stco", struct.pack(">III", 0, 1, len(head) + 8 + len(SECRET))),
    )
    track = box(
        b"trak",
        box(b"tkhd", struct.pack(">II", 0, 3600), bytes(76)),
        box(b"mdia", box(b"hdlr", bytes(8), handler, SECRET), box(b"minf", table)),
    )
    return head + media + box(b"moov", track, box(b"udta", SECRET), box(b"meta", SECRET)) + box(
        b"free", SECRET
    ), picture


def test_an_mp4_file_keeps_its_length_and_pictures_and_loses_text_and_dates():
    before, picture = movie()
    after = mpeg4_without_metadata(before, False)
    assert len(after) == len(before)
    assert picture in after
    assert before.count(SECRET) == 9
    assert SECRET not in after
    assert struct.pack(">II", 0, 3600) in before
    assert struct.pack(">II", 0, 3600) not in after
    assert mpeg4_without_metadata(after, False) == after
    with pytest.raises(InputError, match="sound or subtitles"):
        mpeg4_without_metadata(movie(b"soun")[0], False)


def profile_with_text() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_a_color_profile_keeps_its_color_and_loses_its_text():
    before = profile_with_text()
    assert b"mluc" in before
    after = color_profile.without_text(before + SECRET)
    assert "sRGB".encode("utf-16-be") in before
    assert "sRGB".encode("utf-16-be") not in after
    assert SECRET not in after
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    colors = [
        np.asarray(
            ImageCms.profileToProfile(pattern(), ImageCms.ImageCmsProfile(BytesIO(data)), target, outputMode="LAB")
        )
        for data in (before, after)
    ]
    assert (colors[0] == colors[1]).all()
    assert color_profile.without_text(after) == after
    assert color_profile.without_text(bytes(128) + b"mluc" + SECRET) is None


def photograph(frames: list[bytes], syntax: str, extended: bool = False) -> Dataset:
    ds = ct()
    ds.SOPClassUID, ds.Modality, ds.Rows, ds.Columns = PHOTOGRAPHS, "XC", 24, 24
    ds.SamplesPerPixel, ds.PlanarConfiguration, ds.PhotometricInterpretation = 3, 0, "YBR_FULL_422"
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation, ds.NumberOfFrames = 7, 0, len(frames)
    ds.file_meta.TransferSyntaxUID = syntax
    if extended:
        ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = encapsulate_extended(frames)
    else:
        ds.PixelData = encapsulate(frames)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    ds.ICCProfile = profile_with_text()
    return ds


def written(ds: Dataset, name: str = "strict") -> bytes:
    cleaner = InstanceCleaner(profile_named(name), Identities(KEY), PixelPolicy(accept_doubtful=True))
    head, pixels = cleaner.clean(file_bytes(ds)).encoded()
    return head + bytes(pixels)


@pytest.mark.parametrize("name", ["basic", "strict", "research"])
@pytest.mark.parametrize("extended", [False, True])
def test_frames_of_a_photograph_leave_every_profile_without_metadata(name, extended):
    if extended and name == "strict":
        pytest.skip("one profile is enough for the other kind of table")
    ds = photograph([jpeg_with_metadata(), jpeg_with_metadata(True)], JPEGBaseline8Bit, extended)
    data = written(ds, name)
    assert all(text not in data for text in (SECRET, b"2019:07:13", "sRGB".encode("utf-16-be")))
    after = dcmread(BytesIO(data))
    assert (after.pixel_array == ds.pixel_array).all()


def test_fragments_that_do_not_make_the_stated_frames_are_refused():
    ds = photograph([jpeg_with_metadata()], JPEGBaseline8Bit)
    ds.NumberOfFrames = 2
    with pytest.raises(InputError, match="frames"):
        strip_metadata(read_dicom(file_bytes(ds)))


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.110", "1.2.3.4"])
def test_a_compression_that_nobody_here_can_take_apart_is_refused(syntax):
    file = read_dicom(file_bytes(photograph([jpeg_with_metadata()], JPEGBaseline8Bit)))
    file.transfer_syntax = syntax
    with pytest.raises(InputError, match="cannot be searched"):
        strip_metadata(file)


@pytest.mark.parametrize(
    ("syntax", "stream"),
    [(MPEG2MPML, unit(0xB3, b"head") + unit(0xB2, SECRET) + unit(0x00, b"picture")), (MPEG4HP41, movie()[0])],
)
def test_a_film_in_two_fragments_leaves_without_text(syntax, stream):
    ds = photograph([stream], syntax)
    ds.NumberOfFrames = 25
    half = len(stream) // 4 * 2
    stream += b"\0" * (len(stream) % 2)
    ds.PixelData = b"".join(
        b"\xfe\xff\x00\xe0" + struct.pack("<I", len(part)) + part for part in (b"", stream[:half], stream[half:])
    )
    assert SECRET not in written(ds)


def test_run_length_frames_lose_what_stands_behind_them():
    ds = ct()
    ds.compress(RLELossless, generate_instance_uid=False)
    before = ds.pixel_array.copy()
    frame = next(generate_frames(ds.PixelData, number_of_frames=1))
    ds.PixelData = encapsulate([frame + SECRET])
    ds["PixelData"].is_undefined_length = True
    data = written(ds)
    assert SECRET not in data
    assert (dcmread(BytesIO(data)).pixel_array == before).all()


def test_a_jpeg_2000_series_keeps_pixels_through_the_whole_way():
    pytest.importorskip("openjpeg", reason="pylibjpeg-openjpeg encodes the test image")
    ds = ct()
    ds.Rows = ds.Columns = 64
    ds.PixelData = np.random.default_rng(3).integers(0, 4000, (64, 64)).astype(np.uint16).tobytes()
    before = ds.pixel_array.copy()
    ds.compress(JPEG2000Lossless, generate_instance_uid=False)
    assert (dcmread(BytesIO(written(ds))).pixel_array == before).all()


def subsampled() -> Dataset:
    ds = ct()
    ds.Rows = ds.Columns = 8
    ds.SamplesPerPixel, ds.PlanarConfiguration, ds.PhotometricInterpretation = 3, 0, "YBR_FULL_422"
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelData = 7, bytes(range(128))
    ds["PixelData"].VR = "OB"
    return ds


def floating(keyword: str, size: int) -> Dataset:
    ds = ct()
    del ds.PixelData
    ds.Rows = ds.Columns = 8
    ds.BitsAllocated = 8 * size
    setattr(ds, keyword, bytes(64 * size))
    return ds


@pytest.mark.parametrize(
    ("ds", "keyword"),
    [
        (subsampled(), "PixelData"),
        (floating("FloatPixelData", 4), "FloatPixelData"),
        (floating("DoubleFloatPixelData", 8), "DoubleFloatPixelData"),
        (ct(), "PixelData"),
    ],
)
@pytest.mark.parametrize("syntax", [None, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_bytes_behind_the_last_pixel_go_in_every_layout(ds, keyword, syntax):
    ds = dcmread(BytesIO(file_bytes(ds)))
    exact = bytes(ds[keyword].value)
    setattr(ds, keyword, exact + SECRET)
    if syntax is not None:
        ds.file_meta.TransferSyntaxUID = syntax
    file = read_dicom(file_bytes(ds))
    assert cut_surplus(file)
    assert not cut_surplus(file)
    head, pixels = encode(file, "1.2.3", "1.2.3")
    again = dcmread(BytesIO(head + bytes(pixels)))
    assert bytes(again[keyword].value) == exact


def test_a_padding_byte_with_a_letter_becomes_zero():
    ds = subsampled()
    ds.PhotometricInterpretation, ds.SamplesPerPixel, ds.Rows, ds.Columns = "MONOCHROME2", 1, 3, 3
    del ds.PlanarConfiguration
    ds.PixelData = b"123456789X"
    file = read_dicom(file_bytes(ds))
    assert cut_surplus(file)
    assert bytes(file.pixels[-10:]) == b"123456789\0"


def test_pixels_of_unknown_length_and_false_subsampling_are_refused():
    ds = ct()
    del ds.Rows
    with pytest.raises(InputError, match="how many"):
        cut_surplus(read_dicom(file_bytes(ds)))
    full = subsampled()
    full.PixelData = bytes(192)
    with pytest.raises(InputError, match="full color"):
        cut_surplus(read_dicom(file_bytes(full)))


def test_tables_of_compressed_frames_beside_native_pixels_go():
    ds = ct()
    ds.ExtendedOffsetTable = SECRET
    file = read_dicom(file_bytes(ds))
    assert cut_surplus(file)
    assert SECRET not in bytes(file.pixels)


def test_names_in_utf_16_and_dates_in_compressed_pixels_are_found():
    tokens = tokens_of([Original(0x00100010, "PN", b"Quartz^Zebedee"), Original(0x00100030, "DA", b"19440611")], [])
    for encoding in ("utf-16-be", "utf-16-le"):
        assert may_leak(b"xx" + "Quartz".encode(encoding) + b"xx", tokens)
    assert not may_leak(b"Q\0uar\0tz", tokens)
    assert find_in_pixels(b"\xff\xfe born 11.06.1944", tokens)
    assert find_in_pixels(b"quartz", tokens)
    assert not find_in_pixels(b"nothing", tokens)
