"""Burned-in text: what is doubtful waits, what is blanked is blank, and every other pixel keeps its value."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from AnonymizerLib.deidentify.instance import InstanceCleaner, Refused
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.objects.dicom_file import DicomFile, read_dicom
from AnonymizerLib.pixels.blackout import pixel_dataset
from AnonymizerLib.pixels.clean import PixelPolicy
from AnonymizerLib.pixels.editor import PixelEditor
from AnonymizerLib.pixels.regions import outside_ultrasound
from AnonymizerLib.pixels.risk import assess
from AnonymizerLib.profile.regions import Box
from AnonymizerLib.profile.rules import parse_rules
from AnonymizerLib.run.request import AnonymizeRequest
from fixtures.anonymizer_studies import KEY, ct, file_bytes, profile, put
from ThoraxAILib.errors import InputError

BOX = Box(3, 2, 6, 4)
ROWS, COLUMNS = 48, 60
SECONDARY_CAPTURE, ULTRASOUND = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.6.1"


def picture(
    photometric: str = "MONOCHROME2",
    bits: int = 8,
    frames: int = 1,
    samples: int = 1,
    planar: int = 0,
    signed: int = 0,
    sop_class: str = SECONDARY_CAPTURE,
) -> Dataset:
    """An image of random pixels in a layout."""
    ds = ct()
    ds.SOPClassUID, ds.Modality, ds.Rows, ds.Columns = sop_class, "OT", ROWS, COLUMNS
    ds.PhotometricInterpretation, ds.SamplesPerPixel, ds.PixelRepresentation = photometric, samples, signed
    ds.BitsAllocated = 8 if bits == 8 else 1 if bits == 1 else 16
    ds.BitsStored, ds.HighBit = bits, bits - 1
    if samples > 1:
        ds.PlanarConfiguration = planar
    if frames > 1 or bits == 1:
        ds.NumberOfFrames = frames
    values = np.random.default_rng(5).integers(1, 2 ** (bits - signed), (frames, ROWS, COLUMNS, samples))
    if photometric == "PALETTE COLOR":
        for color, darkest in (("Red", 7), ("Green", 7), ("Blue", 7)):
            table = np.full(256, 200, np.uint8)
            table[darkest] = 0
            put(ds, {"Red": 0x00281101, "Green": 0x00281102, "Blue": 0x00281103}[color], "US", b"\0\1\0\0\x08\0")
            put(ds, {"Red": 0x00281201, "Green": 0x00281202, "Blue": 0x00281203}[color], "OW", table.tobytes())
    if bits == 1:
        data = np.packbits((values & 1).astype(np.uint8).ravel(), bitorder="little").tobytes()
    else:
        kind = np.uint8 if bits == 8 else np.uint16
        data = (values.transpose(0, 3, 1, 2) if planar else values).astype(kind).tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OB" if bits <= 8 else "OW"
    return ds


def stored(data: bytes | Dataset) -> np.ndarray:
    """Stored values, (frames, rows, columns, samples), without color conversion."""
    from pydicom.pixels import pixel_array

    ds = data if isinstance(data, Dataset) else dcmread(BytesIO(data))
    return np.asarray(pixel_array(ds, raw=True)).reshape(int(ds.get("NumberOfFrames") or 1), ROWS, COLUMNS, -1)


def blank(file: DicomFile, boxes: list[Box]) -> None:
    editor = PixelEditor(file)
    editor.blank(boxes)
    editor.finish()


def check_blanked(before: np.ndarray, after: np.ndarray, black: tuple[int, ...]) -> None:
    """Inside the box everything is black, outside nothing changed."""
    inside = np.zeros((ROWS, COLUMNS), bool)
    inside[BOX.top : BOX.top + BOX.height, BOX.left : BOX.left + BOX.width] = True
    assert (after[:, inside] == np.array(black)).all()
    assert (after[:, ~inside] == before[:, ~inside]).all()


@pytest.mark.parametrize(
    ("layout", "black"),
    [
        ({}, (0,)),
        ({"bits": 12}, (0,)),
        ({"bits": 16, "signed": 1}, (-32768,)),
        ({"bits": 12, "signed": 1}, (-2048,)),
        ({"photometric": "MONOCHROME1", "bits": 12}, (4095,)),
        ({"frames": 3}, (0,)),
        ({"bits": 1, "frames": 3}, (0,)),
        ({"photometric": "RGB", "samples": 3}, (0, 0, 0)),
        ({"photometric": "RGB", "samples": 3, "planar": 1}, (0, 0, 0)),
        ({"photometric": "YBR_FULL", "samples": 3, "frames": 2}, (0, 128, 128)),
        ({"photometric": "PALETTE COLOR"}, (7,)),
    ],
)
def test_native_pixels_are_blanked_in_the_box_only(layout, black):
    file = read_dicom(file_bytes(picture(**layout)))
    before = stored(pixel_dataset(file)).copy()
    blank(file, [BOX])
    check_blanked(before, stored(pixel_dataset(file)), black)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, ImplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("layout", [{}, {"photometric": "RGB", "samples": 3}, {"bits": 12, "frames": 2}])
def test_every_transfer_syntax_is_blanked_in_the_box_only(syntax, layout):
    ds = picture(**layout)
    if syntax in (RLELossless, JPEG2000Lossless):
        if syntax == JPEG2000Lossless:
            pytest.importorskip("openjpeg", reason="pylibjpeg-openjpeg encodes the test image")
        ds.compress(syntax, generate_instance_uid=False)
    elif syntax == ExplicitVRBigEndian:
        if layout.get("bits") == 12:
            ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
        ds.file_meta.TransferSyntaxUID = syntax
    else:
        ds.file_meta.TransferSyntaxUID = syntax
    file = read_dicom(file_bytes(ds))
    before = stored(pixel_dataset(file)).copy()
    blank(file, [BOX])
    check_blanked(before, stored(pixel_dataset(file)), (0,) * layout.get("samples", 1))


def test_boxes_are_clipped_to_the_image():
    file = read_dicom(file_bytes(picture()))
    blank(file, [Box(-5, -5, 100, 6), Box(400, 40, 5, 5)])
    assert (stored(pixel_dataset(file))[:, :1] == 0).all()
    assert (stored(pixel_dataset(file))[:, 1:] != 0).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"BurnedInAnnotation": "YES"}, "states burned-in"),
        ({"SOPClassUID": SECONDARY_CAPTURE}, "captured"),
        ({"SOPClassUID": ULTRASOUND, "Modality": "US"}, "often have burned-in"),
        ({"ImageType": ["DERIVED", "SECONDARY", "DOSE_INFO"]}, "report or label"),
        ({"PhotometricInterpretation": "RGB"}, "color image where gray"),
        ({"ConversionType": "WSD"}, "captured"),
    ],
)
def test_doubtful_images_wait_for_a_person(changes, words):
    ds = ct()
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    with pytest.raises(Refused, match=words):
        InstanceCleaner(profile(), Identities(KEY)).clean(file_bytes(ds))
    accepted = InstanceCleaner(profile(), Identities(KEY), PixelPolicy(accept_doubtful=True))
    assert accepted.clean(file_bytes(ds)).sop_class


SLIDE, CT_CLASS = "1.2.840.10008.5.1.4.1.1.77.1.6", "1.2.840.10008.5.1.4.1.1.2"
DOSE, SEGMENTATION = "1.2.840.10008.5.1.4.1.1.481.2", "1.2.840.10008.5.1.4.1.1.66.4"
TISSUE = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SOPClassUID": ULTRASOUND, "Modality": "US"}, "often have burned-in"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1", "Modality": "CR"}, "often have burned-in"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.481.1", "Modality": "RTIMAGE"}, "often have burned-in"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.5.4", "Modality": "OPT"}, "photograph"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.14.1", "Modality": "IVOCT"}, "often have burned-in"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4.3", "Modality": "MR"}, "often have burned-in"),
        ({"SOPClassUID": "1.3.12.2.1107.5.9.1", "Modality": "US"}, "private class"),
        ({"SOPClassUID": SLIDE, "ImageType": ["ORIGINAL", "PRIMARY", "OVERVIEW", "NONE"]}, "label of a slide"),
        ({"SOPClassUID": SLIDE, "ImageType": ["ORIGINAL", "PRIMARY"]}, "tissue alone"),
        ({"Modality": "US"}, "its modality US"),
        ({"Modality": ""}, "is missing"),
        ({"ImageType": None}, "what kind of image"),
        ({"PhotometricInterpretation": "YBR_FULL_422"}, "color image where gray"),
        ({"SOPClassUID": DOSE, "PhotometricInterpretation": "RGB"}, "color image where a computed"),
        ({"SOPClassUID": SEGMENTATION, "PhotometricInterpretation": "YBR_FULL"}, "color image where a computed"),
    ],
)
@pytest.mark.parametrize("stated", ["NO", None])
def test_classes_at_risk_wait_whatever_they_say_of_themselves(changes, words, stated):
    ds = ct()
    ds.BurnedInAnnotation = stated
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    assert any(words in reason for reason in assess(ds).reasons)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"SOPClassUID": SLIDE, "Modality": "SM", "ImageType": TISSUE, "PhotometricInterpretation": "RGB"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4", "Modality": "SEG"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.481.2", "Modality": "RTDOSE"},
    ],
)
def test_slices_tissue_and_computed_objects_pass_by_their_class(changes):
    ds = ct()
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    assert not assess(ds).is_doubtful


def test_given_regions_blank_and_the_image_says_so():
    rules = parse_rules("blank:\n  - model: Model Nine\n    boxes: [[3, 2, 6, 4]]\n")
    policy = PixelPolicy(rules.regions, use_ocr=False)
    cleaner = InstanceCleaner(profile("clean-pixels"), Identities(KEY), policy)
    head, pixels = cleaner.clean(file_bytes(picture())).encoded()
    ds = dcmread(BytesIO(head + bytes(pixels)))
    assert ds.BurnedInAnnotation == "NO"
    assert "113101" in [item.CodeValue for item in ds.DeidentificationMethodCodeSequence]
    check_blanked(stored(picture()), stored(ds), (0,))


def test_without_regions_and_without_ocr_a_doubtful_image_waits_and_claims_nothing():
    cleaner = InstanceCleaner(profile("clean-pixels"), Identities(KEY), PixelPolicy(use_ocr=False))
    with pytest.raises(Refused, match="no region was given"):
        cleaner.clean(file_bytes(picture()))
    plain = cleaner.clean(file_bytes(ct()))
    assert "113101" not in str(plain.file.dataset)


def test_everything_around_the_ultrasound_area_is_blanked():
    region = Dataset()
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 2, 3
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 12, 9
    ds = picture()
    ds.SequenceOfUltrasoundRegions = [region]
    covered = np.zeros((ROWS, COLUMNS), int)
    for box in outside_ultrasound(ds):
        covered[box.top : box.top + box.height, box.left : box.left + box.width] += 1
    assert covered[3:10, 2:13].sum() == 0
    assert covered.sum() == ROWS * COLUMNS - 7 * 11


def test_an_overlay_hidden_in_the_pixel_bits_is_taken_out():
    ds = ct()
    values = np.frombuffer(ds.PixelData, np.uint16)
    ds.PixelData = (values | 0x8000).tobytes()
    put(ds, 0x60000102, "US", b"\x0f\0")
    put(ds, 0x60000100, "US", b"\x10\0")
    instance = InstanceCleaner(profile(), Identities(KEY)).clean(file_bytes(ds))
    assert (np.frombuffer(bytes(instance.file.pixels)[12:], np.uint16) == values).all()


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "0,0,0,5"])
def test_a_wrong_region_is_refused(text):
    with pytest.raises(InputError, match=r"left,top,width,height|no area"):
        AnonymizeRequest.parse(["in", "out", "--blank", text])


def test_a_modality_that_is_none_is_not_told_in_the_reason():
    for sop_class in ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.6.1"):
        ds = ct()
        put(ds, 0x00080016, "UI", sop_class.encode())
        put(ds, 0x00080060, "CS", b"QUARTZ^ZEBEDEE")
        (reason,) = assess(ds).reasons
        assert "no known one" in reason
        assert "QUARTZ" not in reason


def test_a_sop_class_that_is_no_uid_is_refused():
    data = file_bytes(ct()).replace(b"\x08\0\x16\0UI", b"\x08\0\x16\0SS")
    with pytest.raises(Refused, match="SOP Class UID"):
        InstanceCleaner(profile(), Identities(KEY)).clean(data)


def test_uncompressed_pixels_are_copied_only_to_be_changed():
    ds = ct(size=64)
    before = ds.PixelData
    editor = PixelEditor(read_dicom(file_bytes(ds)))
    assert editor.frame(0).tobytes() == before
    assert editor.source.Modality == "CT"
    editor.blank([Box(0, 0, 64, 32)])
    assert not editor.frame(0)[:32].any()
    assert editor.frame(0)[32:].tobytes() == before[len(before) // 2 :]
    assert editor.times_decoded == 1
